package export

import (
	"context"
	"io"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// Kind is what a [Value] is.
type Kind uint8

// The kinds of values. The zero Value is Null.
const (
	Null Kind = iota
	TextKind
	NumberKind
	BoolKind
	TimeKind
	BytesKind
	// AttachmentKind is an attachment: a file of its own in the archive.
	AttachmentKind
	// RedactedKind stands where a value was kept back, with the reason.
	RedactedKind
)

var kindNames = [...]string{"null", "text", "number", "boolean", "time", "bytes", "file", "redacted"}

// String is the kind's name in plain words.
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return "kind " + strconv.Itoa(int(k))
	}
	return kindNames[k]
}

// Value is one typed value. It is made by the functions whose names end in Value,
// and never changes.
type Value struct {
	kind Kind
	// text is the text, the literal of a number, bytes, or what stands instead of what
	// was redacted.
	text   string
	n      int64 // 1 for true; microseconds
	file   *Attachment
	reason Reason
}

// Attachment is a file that belongs to a record: a scan, a voice message. It is
// copied into the archive as it is.
type Attachment struct {
	// Name is what the file is called where it comes from, and MediaType what it is;
	// both may be empty. The name is kept in the record; the archive's own path is
	// made from a number and a plain form of it.
	Name, MediaType string
	// Open opens the file for reading. The writer calls it once, and closes what it
	// gets.
	Open func(ctx context.Context) (io.ReadCloser, error)
	// Path, Size and SHA256 are set on what was read from an archive.
	Path   string
	Size   uint64
	SHA256 [32]byte
}

// TextValue is text. Text that is not UTF-8 is carried as bytes, so that nothing of
// it is lost.
func TextValue(s string) Value {
	if !utf8.ValidString(s) {
		return Value{kind: BytesKind, text: s}
	}
	return Value{kind: TextKind, text: s}
}

// IntValue is a whole number.
func IntValue(n int64) Value { return Value{kind: NumberKind, text: strconv.FormatInt(n, 10)} }

// FloatValue is a number, in the shortest form that reads as the same float64. What
// is no number in JSON, NaN and the infinities, is carried as text.
func FloatValue(f float64) Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return TextValue(strconv.FormatFloat(f, 'g', -1, 64))
	}
	form := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		form = 'e'
	}
	return Value{kind: NumberKind, text: strconv.FormatFloat(f, form, -1, 64)}
}

// NumberValue is a number as it is written, such as a decimal amount: digits and
// precision stay as they are. What is not a number of JSON (RFC 8259, section 6), or
// longer than 1,000 bytes, is [ErrRecord].
func NumberValue(literal string) (Value, error) {
	if !isNumber(literal) {
		return Value{}, ErrRecord
	}
	return Value{kind: NumberKind, text: literal}, nil
}

// BoolValue is true or false.
func BoolValue(b bool) Value {
	v := Value{kind: BoolKind}
	if b {
		v.n = 1
	}
	return v
}

// TimeValue is an instant, to the microsecond. One outside of the years 1 to 9999,
// which RFC 3339 cannot write, is carried as text.
func TimeValue(t time.Time) Value {
	t = t.UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		return TextValue(t.Format(time.RFC3339))
	}
	return Value{kind: TimeKind, n: t.UnixMicro()}
}

// BytesValue is a few bytes. They are copied; larger things are attachments.
func BytesValue(b []byte) Value { return Value{kind: BytesKind, text: string(b)} }

// FileValue is an attachment. Nil is Null.
func FileValue(a *Attachment) Value {
	if a == nil {
		return Value{}
	}
	return Value{kind: AttachmentKind, file: a}
}

// RedactedValue stands where a source keeps something back by itself, such as
// [Unreadable] for what was destroyed. Instead is a short text in its place, or empty.
func RedactedValue(r Reason, instead string) Value {
	if !r.known() {
		return redactedValue(Undecided, "")
	}
	if len(instead) > maxName || !isLabel(instead) {
		instead = ""
	}
	return redactedValue(r, instead)
}

func redactedValue(r Reason, instead string) Value {
	return Value{kind: RedactedKind, reason: r, text: instead}
}

// Kind is what the value is; the methods below give the zero value of what it is
// not.
func (v Value) Kind() Kind { return v.kind }

// Text is text, the literal of a number, or what stands instead of what was
// redacted.
func (v Value) Text() string {
	if v.kind == TextKind || v.kind == NumberKind || v.kind == RedactedKind {
		return v.text
	}
	return ""
}

// Int is a whole number, and whether it is one that fits.
func (v Value) Int() (int64, bool) {
	if v.kind != NumberKind {
		return 0, false
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	return n, err == nil
}

// Float is a number, and whether a float64 is near it.
func (v Value) Float() (float64, bool) {
	if v.kind != NumberKind {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.text, 64)
	return f, err == nil
}

// Bool is what a boolean is.
func (v Value) Bool() bool { return v.kind == BoolKind && v.n == 1 }

// Time is an instant, UTC.
func (v Value) Time() time.Time {
	if v.kind != TimeKind {
		return time.Time{}
	}
	return time.UnixMicro(v.n).UTC()
}

// Bytes are a copy of the bytes.
func (v Value) Bytes() []byte {
	if v.kind != BytesKind {
		return nil
	}
	return []byte(v.text)
}

// File is the attachment, or nil.
func (v Value) File() *Attachment { return v.file }

// Redacted is why the value was kept back; empty if it was not.
func (v Value) Redacted() Reason { return v.reason }

// weight is about how many bytes the value takes.
func (v Value) weight() int {
	if v.file != nil {
		return len(v.file.Name) + len(v.file.MediaType)
	}
	return len(v.text)
}

const maxNumber = 1000

// isNumber reports whether text is a number of JSON.
func isNumber(s string) bool {
	if len(s) > maxNumber {
		return false
	}
	i := 0
	digits := func() bool {
		from := i
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if i < len(s) && s[i] == '-' {
		i++
	}
	first := i
	if !digits() || s[first] == '0' && i > first+1 {
		return false
	}
	if i < len(s) && s[i] == '.' {
		i++
		if !digits() {
			return false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(s)
}
