package canon

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

// ErrMalformed says that bytes are not the encoding of any message.
var ErrMalformed = errors.New("canon: malformed")

// maxDepth bounds lists within lists; nothing of ours nests deeper.
const maxDepth = 8

// Message is a decoded message.
type Message struct {
	Domain string
	Fields []Field
}

// Field is a decoded field; Tag tells which of the others counts.
type Field struct {
	Tag   byte
	Bytes []byte
	Text  string
	Uint  uint64
	Int   int64
	List  []Field
}

// Parse decodes a message. It returns [ErrMalformed] for anything that the
// Append functions would not have produced from valid input. Nothing in the
// result aliases b.
func Parse(b []byte) (Message, error) {
	r := reader{rest: b}
	if r.byte() != version {
		return Message{}, ErrMalformed
	}
	m := Message{Domain: string(r.sized())}
	if !validDomain(m.Domain) {
		return Message{}, ErrMalformed
	}
	for !r.failed && len(r.rest) > 0 {
		m.Fields = append(m.Fields, r.field(0))
	}
	if r.failed {
		return Message{}, ErrMalformed
	}
	return m, nil
}

// Append encodes the message: the inverse of Parse.
func (m Message) Append(dst []byte) []byte {
	dst = AppendDomain(dst, m.Domain)
	for _, f := range m.Fields {
		dst = f.append(dst)
	}
	return dst
}

func (f Field) append(dst []byte) []byte {
	switch f.Tag {
	case TagBytes:
		return AppendBytes(dst, f.Bytes)
	case TagText:
		return AppendText(dst, f.Text)
	case TagUint:
		return AppendUint(dst, f.Uint)
	case TagInt:
		return AppendInt(dst, f.Int)
	case TagList:
		dst = AppendList(dst, len(f.List))
		for _, e := range f.List {
			dst = e.append(dst)
		}
		return dst
	default:
		return AppendNone(dst)
	}
}

// validDomain accepts one to 255 printable ASCII characters without spaces.
func validDomain(d string) bool {
	if d == "" || len(d) > 255 {
		return false
	}
	for i := range len(d) {
		if d[i] <= ' ' || d[i] > '~' {
			return false
		}
	}
	return true
}

// reader takes bytes from the front of rest; after the first shortage it gives
// zeros and failed stays set.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) take(n uint64) []byte {
	if r.failed || n > uint64(len(r.rest)) {
		r.failed = true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) sized() []byte { return r.take(uint64(r.uint32())) }

func (r *reader) field(depth int) Field {
	f := Field{Tag: r.byte()}
	switch f.Tag {
	case TagBytes:
		f.Bytes = append([]byte{}, r.sized()...)
	case TagText:
		f.Text = string(r.sized())
		r.failed = r.failed || !utf8.ValidString(f.Text)
	case TagUint:
		f.Uint = r.uint64()
	case TagInt:
		f.Int = int64(r.uint64())
	case TagList:
		f.List = r.list(depth + 1)
	case TagNone:
	default:
		r.failed = true
	}
	return f
}

func (r *reader) list(depth int) []Field {
	n := r.uint32()
	// Every element takes at least its tag, which bounds the memory that a
	// forged count can claim.
	if depth > maxDepth || uint64(n) > uint64(len(r.rest)) {
		r.failed = true
		return nil
	}
	fields := []Field{}
	for range n {
		if r.failed {
			return nil
		}
		fields = append(fields, r.field(depth))
	}
	return fields
}
