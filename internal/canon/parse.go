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

// MaxFields is how many fields a message may have, those within lists counted
// too. A field of one byte becomes a [Field] of many: without a bound, a
// message of some megabytes would claim a hundred times its own size.
const MaxFields = 4096

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
// Append functions would not have produced from valid input, and for a message
// of more than [MaxFields] fields. Nothing in the result aliases b.
func Parse(b []byte) (Message, error) {
	r := reader{rest: b, left: MaxFields}
	if r.byte() != version {
		return Message{}, ErrMalformed
	}
	m := Message{Domain: string(r.sized())}
	if !validDomain(m.Domain) {
		return Message{}, ErrMalformed
	}
	for !r.failed && len(r.rest) > 0 {
		r.reserve(1)
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
	left   uint32 // how many more fields there may be
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

// reserve counts n fields before they are read.
func (r *reader) reserve(n uint32) {
	if n > r.left {
		r.failed = true
		return
	}
	r.left -= n
}

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
	r.reserve(n)
	// Every element takes at least its tag, which with the reservation bounds
	// the memory that a forged count can claim.
	if r.failed || depth > maxDepth || uint64(n) > uint64(len(r.rest)) {
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
