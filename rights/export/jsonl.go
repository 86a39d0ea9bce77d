package export

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

// instantForm is how instants are written, everywhere in an archive.
const instantForm = "2006-01-02T15:04:05.000000Z"

// appendRecord appends a line of JSON Lines:
//
//	{"id":"17","fields":{"number":"2026-1","total":12.50,"at":{"$time":"…"}}}
//
// Text, numbers, booleans and null are what they are in JSON. Everything else is an
// object whose first member begins with "$", which no value of a source is.
func appendRecord(dst []byte, id string, fields []Field) []byte {
	dst = appendString(append(dst, `{"id":`...), id)
	dst = append(dst, `,"fields":`...)
	dst = appendFields(dst, fields)
	return append(dst, "}\n"...)
}

func appendFields(dst []byte, fields []Field) []byte {
	dst = append(dst, '{')
	for i := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, fields[i].Name)
		dst = append(dst, ':')
		dst = appendValue(dst, &fields[i].Value)
	}
	return append(dst, '}')
}

func appendValue(dst []byte, v *Value) []byte {
	switch v.kind {
	case TextKind:
		return appendString(dst, v.text)
	case NumberKind:
		return append(dst, v.text...)
	case BoolKind:
		return strconv.AppendBool(dst, v.n == 1)
	case TimeKind:
		dst = append(dst, `{"$time":"`...)
		dst = appendInstant(dst, v.n)
		return append(dst, `"}`...)
	case BytesKind:
		dst = append(dst, `{"$bytes":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, []byte(v.text))
		return append(dst, `"}`...)
	case AttachmentKind:
		return appendFile(dst, v.file)
	case RedactedKind:
		dst = appendString(append(dst, `{"$redacted":`...), string(v.reason))
		if v.text != "" {
			dst = appendString(append(dst, `,"instead":`...), v.text)
		}
		return append(dst, '}')
	default:
		return append(dst, "null"...)
	}
}

func appendFile(dst []byte, a *Attachment) []byte {
	dst = appendString(append(dst, `{"$file":`...), a.Path)
	dst = appendString(append(dst, `,"name":`...), a.Name)
	dst = appendString(append(dst, `,"media_type":`...), a.MediaType)
	dst = strconv.AppendUint(append(dst, `,"size":`...), a.Size, 10)
	dst = append(dst, `,"sha256":"`...)
	dst = hex.AppendEncode(dst, a.SHA256[:])
	return append(dst, `"}`...)
}

// appendInstant writes microseconds in instantForm. It is time.Time.AppendFormat but
// for what that spends on layouts.
func appendInstant(dst []byte, micros int64) []byte {
	t := timeOf(micros)
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	dst = appendDigits(dst, year, 4)
	dst = appendDigits(append(dst, '-'), int(month), 2)
	dst = appendDigits(append(dst, '-'), day, 2)
	dst = appendDigits(append(dst, 'T'), hour, 2)
	dst = appendDigits(append(dst, ':'), minute, 2)
	dst = appendDigits(append(dst, ':'), sec, 2)
	dst = appendDigits(append(dst, '.'), t.Nanosecond()/1000, 6)
	return append(dst, 'Z')
}

func appendDigits(dst []byte, n, width int) []byte {
	at := len(dst)
	dst = append(dst, "000000"[:width]...)
	for i := at + width - 1; i >= at; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}

// plainJSON are the ASCII characters that stand for themselves in a string.
var plainJSON = func() (plain [utf8.RuneSelf]bool) {
	for c := range plain {
		plain[c] = c >= ' ' && c != '"' && c != '\\' && c != 0x7f
	}
	return plain
}()

// appendString appends a string of JSON in its one form here: what cannot be seen, or
// turns the direction of text around it, is escaped, and nothing else. Text must be
// UTF-8.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if plainJSON[c] {
				i++
				continue
			}
			dst = append(dst, s[from:i]...)
			dst = appendEscape(dst, rune(c))
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r <= 0x9f || isHidden(r) {
			dst = append(dst, s[from:i]...)
			dst = appendEscape(dst, r)
			from = i + size
		}
		i += size
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}

// isHidden reports whether a character beyond ASCII is one that text hides behind:
// separators of lines, changes of direction, the byte order mark.
func isHidden(r rune) bool {
	return 0x2028 <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069 || r == 0xfeff
}
