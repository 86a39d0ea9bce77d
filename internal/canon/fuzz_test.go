package canon_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/trothdev/troth/internal/canon"
)

func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.message.Append(nil))
	}
	f.Add(nested(9))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := canon.Parse(b)
		if err != nil {
			if !errors.Is(err, canon.ErrMalformed) || m.Domain != "" || m.Fields != nil {
				t.Fatalf("%v with %v", err, m)
			}
			return
		}
		if again := m.Append(nil); !bytes.Equal(again, b) {
			t.Fatalf("%x was accepted for %x", b, again)
		}
	})
}

// FuzzInjective builds two messages from two scripts: they encode equal only if
// they are equal.
func FuzzInjective(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add([]byte{1, 2, 'a', 'b', 1, 1, 'c'}, []byte{1, 1, 'a', 1, 2, 'b', 'c'})
	f.Add([]byte{2, 1, 'a', 2, 1, 'b'}, []byte{2, 2, 'a', 'b'})
	f.Add([]byte{5, 1, 3, 1, 3, 2}, []byte{5, 2, 3, 1, 3, 2})
	f.Add([]byte{3, 1}, []byte{4, 1})
	f.Add([]byte{1, 1, 'a'}, []byte{2, 1, 'a'})
	f.Add([]byte{0, 'x', 6}, []byte{6})
	f.Fuzz(func(t *testing.T, left, right []byte) {
		if len(left) > 512 || len(right) > 512 {
			return // may be more fields than a message can have
		}
		a, b := build(left), build(right)
		encoded := a.Append(nil)
		if same := bytes.Equal(encoded, b.Append(nil)); same != reflect.DeepEqual(a, b) {
			t.Fatalf("%+v and %+v: equal bytes %v", a, b, same)
		}
		decoded, err := canon.Parse(encoded)
		if err != nil || !reflect.DeepEqual(a, decoded) {
			t.Fatalf("%+v came back as %+v, %v", a, decoded, err)
		}
	})
}

// script is read by build; at its end it gives zeros.
type script struct{ rest []byte }

func (s *script) byte() byte {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

func (s *script) take(n int) []byte {
	n = min(n, len(s.rest))
	b := s.rest[:n]
	s.rest = s.rest[n:]
	return append([]byte{}, b...)
}

func (s *script) number() uint64 {
	var b [8]byte
	copy(b[:], s.take(int(s.byte()%9)))
	return binary.LittleEndian.Uint64(b[:])
}

// build makes a valid message of any bytes.
func build(b []byte) canon.Message {
	s := &script{rest: b}
	m := canon.Message{Domain: "troth.fuzz/1"}
	if len(b) > 0 && b[0] == 0 {
		s.byte()
		m.Domain += string('!' + rune(s.byte()%94))
	}
	for len(s.rest) > 0 {
		m.Fields = append(m.Fields, s.field(1))
	}
	return m
}

func (s *script) field(depth int) canon.Field {
	tag := s.byte()%6 + 1
	if tag == canon.TagList && depth > 8 {
		tag = canon.TagNone
	}
	switch tag {
	case canon.TagBytes:
		return data(s.take(int(s.byte()))...)
	case canon.TagText:
		return text(strings.ToValidUTF8(string(s.take(int(s.byte()))), "?"))
	case canon.TagUint:
		return uintOf(s.number())
	case canon.TagInt:
		return intOf(int64(s.number()))
	case canon.TagList:
		items := make([]canon.Field, 0, 4)
		for range s.byte() % 5 {
			items = append(items, s.field(depth+1))
		}
		return list(items...)
	default:
		return none()
	}
}
