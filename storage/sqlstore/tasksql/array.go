package tasksql

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/trothdev/troth/task"
)

// PostgreSQL takes a whole batch in one statement, as arrays: the driver knows
// none of its own, so they go as text.

func array(n int, item func(b *strings.Builder, i int)) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		item(&b, i)
	}
	b.WriteByte('}')
	return b.String()
}

func ints(n int, number func(i int) int64) string {
	return array(n, func(b *strings.Builder, i int) { b.WriteString(strconv.FormatInt(number(i), 10)) })
}

var quoted = strings.NewReplacer(`"`, `\"`, `\`, `\\`)

func texts(n int, text func(i int) string) string {
	return array(n, func(b *strings.Builder, i int) {
		b.WriteByte('"')
		_, _ = quoted.WriteString(b, text(i)) // a Builder never fails
		b.WriteByte('"')
	})
}

func ids(n int, id func(i int) task.ID) string {
	var digits [2 * len(task.ID{})]byte
	return array(n, func(b *strings.Builder, i int) {
		v := id(i)
		hex.Encode(digits[:], v[:])
		b.WriteString(`"\\x`)
		b.Write(digits[:])
		b.WriteByte('"')
	})
}

// heldArgs are the arguments that name claims: on PostgreSQL three arrays, of
// tenants, ids and fences, on SQLite a list of such.
func (s *Store) heldArgs(held []task.Held) []any {
	if !s.postgres() {
		return []any{heldList(held)}
	}
	n := len(held)
	return []any{
		texts(n, func(i int) string { return string(held[i].Tenant) }),
		ids(n, func(i int) task.ID { return held[i].ID }),
		ints(n, func(i int) int64 { return held[i].Fence }),
	}
}

// heldList is a list in JSON of texts of one form: the id in 32 hexadecimal
// digits, the fence in 19 digits, and the tenant. To take it apart costs SQLite less
// than lists within a list.
func heldList(held []task.Held) string {
	b := make([]byte, 0, 80*len(held)+2)
	b = append(b, '[')
	for i, h := range held {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = hex.AppendEncode(b, h.ID[:])
		b = appendDigits(b, h.Fence)
		b = appendEscaped(b, string(h.Tenant))
		b = append(b, '"')
	}
	return string(append(b, ']'))
}

// placeList is such a list of claims whose place is known, with that between the
// fence and the tenant, in 19 digits. It is empty if one is not.
func placeList(held []task.Held) string {
	b := make([]byte, 0, 96*len(held)+2)
	b = append(b, '[')
	for i, h := range held {
		if h.Place <= 0 {
			return ""
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = hex.AppendEncode(b, h.ID[:])
		b = appendDigits(b, h.Fence)
		b = appendDigits(b, h.Place)
		b = appendEscaped(b, string(h.Tenant))
		b = append(b, '"')
	}
	return string(append(b, ']'))
}

// appendDigits appends a number from 0 on in 19 digits, as many as any has.
func appendDigits(b []byte, n int64) []byte {
	var digits [19]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(b, digits[:]...)
}

// appendEscaped appends a text as JSON has it. Tenants are valid UTF-8 without
// control characters, so that only two characters need care.
func appendEscaped(b []byte, text string) []byte {
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, text[i])
	}
	return b
}

// intList is a list in JSON.
func intList(n int, number func(i int) int64) string {
	b := append(make([]byte, 0, 8*n+2), '[')
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, number(i), 10)
	}
	return string(append(b, ']'))
}
