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

// heldArgs are the three arrays of claims: tenants, ids and fences.
func heldArgs(n int, held func(i int) task.Held) []any {
	return []any{
		texts(n, func(i int) string { return string(held(i).Tenant) }),
		ids(n, func(i int) task.ID { return held(i).ID }),
		ints(n, func(i int) int64 { return held(i).Fence }),
	}
}
