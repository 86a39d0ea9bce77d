package export

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

func timeOf(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

// line reads one line of JSON Lines.
type line struct {
	text string
	at   int
	bad  bool
}

// parseRecord reads a line, with its newline, and accepts only what appendRecord
// writes. It reports false for anything else.
func parseRecord(text []byte) (Record, bool) {
	l := line{text: string(text)}
	var rec Record
	l.expect(`{"id":`)
	rec.ID = l.str()
	l.expect(`,"fields":{`)
	for i := 0; !l.bad && !l.next("}"); i++ {
		if i > 0 {
			l.expect(",")
		}
		name := l.str()
		l.expect(":")
		rec.Fields = append(rec.Fields, Field{Name: name, Value: l.value()})
	}
	l.expect("}\n")
	if l.bad || l.at != len(l.text) || len(rec.Fields) > MaxFields {
		return Record{}, false
	}
	// Whatever else could be read here is not what was written.
	if !bytes.Equal(appendRecord(make([]byte, 0, len(text)), rec.ID, rec.Fields), text) {
		return Record{}, false
	}
	return rec, true
}

func (l *line) rest() string { return l.text[l.at:] }

func (l *line) next(s string) bool {
	if l.bad || !strings.HasPrefix(l.rest(), s) {
		return false
	}
	l.at += len(s)
	return true
}

func (l *line) expect(s string) {
	if !l.next(s) {
		l.bad = true
	}
}

// str reads a string.
func (l *line) str() string {
	if l.bad || !strings.HasPrefix(l.rest(), `"`) {
		l.bad = true
		return ""
	}
	end, escaped := l.at+1, false
	for ; end < len(l.text) && l.text[end] != '"'; end++ {
		if l.text[end] == '\\' {
			escaped = true
			end++
		}
	}
	if end >= len(l.text) {
		l.bad = true
		return ""
	}
	raw := l.text[l.at : end+1]
	l.at = end + 1
	if !escaped {
		s := raw[1 : len(raw)-1]
		l.bad = !utf8.ValidString(s)
		return s
	}
	var s string
	if json.Unmarshal([]byte(raw), &s) != nil {
		l.bad = true
	}
	return s
}

func (l *line) value() Value {
	if l.bad || l.at >= len(l.text) {
		l.bad = true
		return Value{}
	}
	switch c := l.text[l.at]; {
	case c == '"':
		return Value{kind: TextKind, text: l.str()}
	case c == '{':
		return l.object()
	case c == '-' || '0' <= c && c <= '9':
		return l.number()
	}
	switch {
	case l.next("null"):
		return Value{}
	case l.next("true"):
		return BoolValue(true)
	case l.next("false"):
		return BoolValue(false)
	}
	l.bad = true
	return Value{}
}

func (l *line) number() Value {
	n := strings.IndexFunc(l.rest(), func(r rune) bool { return !strings.ContainsRune("0123456789.eE+-", r) })
	if n < 0 {
		l.bad = true
		return Value{}
	}
	v, err := NumberValue(l.text[l.at : l.at+n])
	l.at += n
	l.bad = l.bad || err != nil
	return v
}

func (l *line) object() Value {
	switch {
	case l.next(`{"$time":`):
		at, err := time.Parse(instantForm, l.str())
		l.expect("}")
		l.bad = l.bad || err != nil
		return TimeValue(at)
	case l.next(`{"$bytes":`):
		b, err := base64.StdEncoding.Strict().DecodeString(l.str())
		l.expect("}")
		l.bad = l.bad || err != nil
		return BytesValue(b)
	case l.next(`{"$redacted":`):
		v := Value{kind: RedactedKind, reason: Reason(l.str())}
		if l.next(`,"instead":`) {
			v.text = l.str()
		}
		l.expect("}")
		l.bad = l.bad || !v.reason.known() || !isLabel(v.text)
		return v
	case l.next(`{"$file":`):
		return l.file()
	}
	l.bad = true
	return Value{}
}

func (l *line) file() Value {
	a := &Attachment{Path: l.str()}
	l.expect(`,"name":`)
	a.Name = l.str()
	l.expect(`,"media_type":`)
	a.MediaType = l.str()
	l.expect(`,"size":`)
	n := strings.IndexByte(l.rest(), ',')
	if l.bad || n < 0 {
		l.bad = true
		return Value{}
	}
	size, err := strconv.ParseUint(l.text[l.at:l.at+n], 10, 63)
	l.at += n
	l.expect(`,"sha256":`)
	sum, wrong := hex.DecodeString(l.str())
	l.expect("}")
	if err != nil || wrong != nil || len(sum) != len(a.SHA256) {
		l.bad = true
		return Value{}
	}
	a.Size, a.SHA256 = size, [32]byte(sum)
	return Value{kind: AttachmentKind, file: a}
}
