package canon_test

import (
	"bytes"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/canon"
)

func TestAppend_IsWhatThePackageCommentSays(t *testing.T) {
	b := canon.AppendDomain(nil, "d/1")
	b = canon.AppendBytes(b, []byte{0xff})
	b = canon.AppendText(b, "é")
	b = canon.AppendUint(b, 1)
	b = canon.AppendInt(b, -2)
	b = canon.AppendList(b, 1)
	b = canon.AppendNone(b)
	want := "\x01" + "\x00\x00\x00\x03d/1" +
		"\x01\x00\x00\x00\x01\xff" +
		"\x02\x00\x00\x00\x02\xc3\xa9" +
		"\x03\x00\x00\x00\x00\x00\x00\x00\x01" +
		"\x04\xff\xff\xff\xff\xff\xff\xff\xfe" +
		"\x05\x00\x00\x00\x01" + "\x06"
	require.Equal(t, want, string(b))
	m, err := canon.Parse(b)
	require.NoError(t, err)
	require.Equal(t, canon.Message{Domain: "d/1", Fields: []canon.Field{
		{Tag: canon.TagBytes, Bytes: []byte{0xff}},
		{Tag: canon.TagText, Text: "é"},
		{Tag: canon.TagUint, Uint: 1},
		{Tag: canon.TagInt, Int: -2},
		{Tag: canon.TagList, List: []canon.Field{{Tag: canon.TagNone}}},
	}}, m)
	require.Equal(t, b, m.Append(nil))
}

func TestAppend_AppendsToWhatIsThere(t *testing.T) {
	m := canon.Message{Domain: "d", Fields: []canon.Field{{Tag: canon.TagUint, Uint: math.MaxUint64}}}
	require.Equal(t, append([]byte("before"), m.Append(nil)...), m.Append([]byte("before")))
}

func TestAppend_DoesNotAllocateWithRoom(t *testing.T) {
	buffer, field := make([]byte, 0, 256), []byte("bytes")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		b := canon.AppendDomain(buffer, "troth.test/1")
		b = canon.AppendBytes(b, field)
		b = canon.AppendText(b, "text")
		b = canon.AppendUint(b, 1)
		b = canon.AppendInt(b, 1)
		b = canon.AppendNone(canon.AppendList(b, 1))
		if len(b) == 0 {
			t.Error("empty")
		}
	}))
}

func TestParse_DoesNotAliasItsInput(t *testing.T) {
	b := canon.AppendText(canon.AppendBytes(canon.AppendDomain(nil, "d"), []byte("bytes")), "text")
	m, err := canon.Parse(b)
	require.NoError(t, err)
	before := m.Append(nil)
	clear(b)
	require.Equal(t, before, m.Append(nil))
}

func TestParse_Refuses(t *testing.T) {
	domain := string(canon.AppendDomain(nil, "d"))
	for name, text := range map[string]string{
		"nothing":                   "",
		"only a version":            "\x01",
		"version 0":                 "\x00" + domain[1:],
		"version 2":                 "\x02" + domain[1:],
		"no domain":                 "\x01\x00\x00\x00\x00",
		"a domain with a space":     string(canon.AppendDomain(nil, "a b")),
		"a domain with a control":   string(canon.AppendDomain(nil, "a\x00")),
		"a domain beyond ASCII":     string(canon.AppendDomain(nil, "é")),
		"a domain with DEL":         string(canon.AppendDomain(nil, "a\x7f")),
		"a domain of 256 bytes":     string(canon.AppendDomain(nil, strings.Repeat("d", 256))),
		"a domain longer than b":    "\x01\x00\x00\x00\x02d",
		"a domain of 4 GiB":         "\x01\xff\xff\xff\xffd",
		"tag 0":                     domain + "\x00",
		"tag 7":                     domain + "\x07",
		"bytes without a length":    domain + "\x01\x00\x00\x00",
		"bytes longer than b":       domain + "\x01\x00\x00\x00\x02x",
		"text that is not UTF-8":    domain + "\x02\x00\x00\x00\x01\xff",
		"text with a surrogate":     domain + "\x02\x00\x00\x00\x03\xed\xa0\x80",
		"text cut in a character":   domain + "\x02\x00\x00\x00\x01\xc3\xa9",
		"a uint of 7 bytes":         domain + "\x03\x00\x00\x00\x00\x00\x00\x00",
		"an int of 7 bytes":         domain + "\x04\x00\x00\x00\x00\x00\x00\x00",
		"a list without a count":    domain + "\x05\x00\x00\x00",
		"a list short of an item":   domain + "\x05\x00\x00\x00\x02\x06",
		"a list with a bad item":    domain + "\x05\x00\x00\x00\x01\x00",
		"a tag behind a full field": domain + "\x06\x00",
	} {
		m, err := canon.Parse([]byte(text))
		require.ErrorIs(t, err, canon.ErrMalformed, name)
		require.Zero(t, m, name)
	}
	for name, text := range map[string]string{
		"no fields":             domain,
		"a domain of 255 bytes": string(canon.AppendDomain(nil, strings.Repeat("~", 255))),
		"empty fields":          domain + "\x01\x00\x00\x00\x00\x02\x00\x00\x00\x00\x05\x00\x00\x00\x00",
	} {
		m, err := canon.Parse([]byte(text))
		require.NoError(t, err, name)
		require.Equal(t, text, string(m.Append(nil)), name)
	}
}

// nested returns a message of lists, each in the one before.
func nested(depth int) []byte {
	b := canon.AppendDomain(nil, "d")
	for range depth {
		b = canon.AppendList(b, 1)
	}
	return canon.AppendNone(b)
}

func TestParse_DepthIsBounded(t *testing.T) {
	_, err := canon.Parse(nested(8))
	require.NoError(t, err)
	for _, depth := range []int{9, 10, 1_000_000} {
		_, err = canon.Parse(nested(depth))
		require.ErrorIs(t, err, canon.ErrMalformed)
	}
}

func TestParse_ForgedCountsClaimNoMemory(t *testing.T) {
	bombs := map[string][]byte{
		"a count":          canon.AppendList(canon.AppendDomain(nil, "d"), math.MaxUint32),
		"a count and some": append(canon.AppendList(canon.AppendDomain(nil, "d"), math.MaxUint32), make([]byte, 1000)...),
		"a length":         append(canon.AppendDomain(nil, "d"), canon.TagBytes, 0xff, 0xff, 0xff, 0xff),
	}
	counts := canon.AppendDomain(nil, "d")
	for range 8 {
		counts = canon.AppendList(counts, math.MaxUint32)
	}
	bombs["counts in counts"] = counts
	// Every list claims all bytes that are left, and none of them is an item.
	claims := canon.AppendDomain(nil, "d")
	for range 8 {
		claims = canon.AppendList(claims, 100_000)
	}
	bombs["claims of what is left"] = append(claims, make([]byte, 100_000)...)
	for name, bomb := range bombs {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := canon.Parse(bomb)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, canon.ErrMalformed, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<10), name)
	}
}

// The smallest field, one byte, becomes a whole Field: their number is bounded,
// at the top and in lists, and a megabyte of them claims no more than a few.
func TestParse_FieldsAreBounded(t *testing.T) {
	top := func(n int) []byte {
		return append(canon.AppendDomain(nil, "d"), bytes.Repeat([]byte{canon.TagNone}, n)...)
	}
	list := func(n int) []byte {
		return append(canon.AppendList(canon.AppendDomain(nil, "d"), n), bytes.Repeat([]byte{canon.TagNone}, n)...)
	}
	lists := func(n int) []byte {
		b := canon.AppendDomain(nil, "d")
		for range n {
			b = canon.AppendNone(canon.AppendList(b, 1))
		}
		return b
	}
	for name, c := range map[string]struct {
		of  func(n int) []byte
		max int
	}{"at the top": {top, canon.MaxFields}, "in a list": {list, canon.MaxFields - 1}, "in lists": {lists, canon.MaxFields / 2}} {
		_, err := canon.Parse(c.of(c.max))
		require.NoError(t, err, name)
		_, err = canon.Parse(c.of(c.max + 1))
		require.ErrorIs(t, err, canon.ErrMalformed, name)
		bomb := c.of(1 << 20)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = canon.Parse(bomb)
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, canon.ErrMalformed, name)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(2<<20), name)
	}
}

func TestErrMalformed_IsTheOnlyError(t *testing.T) {
	for i := range 256 {
		_, err := canon.Parse([]byte{byte(i)})
		require.ErrorIs(t, err, canon.ErrMalformed)
	}
}
