package auditsql

import (
	"strconv"
	"strings"
)

// PostgreSQL takes a whole batch in one statement, as arrays: the driver knows
// none of its own, so they go as text, {1,2}. Bytes go apart from that, all in
// one value beside their lengths, because as text they would double.

// ints returns the array of n numbers.
func ints(n int, number func(i int) int64) string {
	b := make([]byte, 0, 2+8*n)
	b = append(b, '{')
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, number(i), 10)
	}
	return string(append(b, '}'))
}

// texts returns the array of n texts.
func texts(n int, text func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(",\"")
		s := text(i)
		if strings.ContainsAny(s, `"\`) {
			s = strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(s)
		}
		b.WriteString(s)
		b.WriteByte('"')
	}
	if n == 0 {
		return "{}"
	}
	return "{" + b.String()[1:] + "}"
}

// blobs collects values of bytes: where each begins, counted from 1, and how
// long it is; -1 for one that is NULL.
type blobs struct {
	all             []byte
	starts, lengths []int64
}

func collect(n int, value func(i int) []byte) blobs {
	b := blobs{starts: make([]int64, n), lengths: make([]int64, n)}
	for i := range n {
		v := value(i)
		b.starts[i], b.lengths[i] = int64(len(b.all))+1, int64(len(v))
		if v == nil {
			b.lengths[i] = -1
		}
		b.all = append(b.all, v...)
	}
	if b.all == nil {
		b.all = []byte{} // nil would be NULL
	}
	return b
}

// args are the three arguments for the values.
func (b blobs) args() []any {
	at := func(list []int64) func(int) int64 { return func(i int) int64 { return list[i] } }
	return []any{b.all, ints(len(b.starts), at(b.starts)), ints(len(b.lengths), at(b.lengths))}
}

// fixed joins n values that all have the length of the first; NULL is zeros.
func fixed(n int, value func(i int) []byte) []byte {
	all := make([]byte, 0, 32*n)
	for i := range n {
		all = append(all, value(i)...)
	}
	return all
}
