package export

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// rowOf writes texts as a row and reads it back, by the reader here.
func rowOf(t *testing.T, texts ...string) (raw []byte, cells []string) {
	t.Helper()
	fields := make([]Field, len(texts))
	names := make([]string, len(texts))
	for i := range texts {
		names[i] = string(rune('a' + i))
		fields[i] = Text(names[i], texts[i])
	}
	shape := newTable(names)
	require.True(t, shape.place(fields))
	raw = shape.appendRow(nil, "id", fields)
	cells, again, err := readRow(bufio.NewReader(bytes.NewReader(raw)), 1<<20)
	require.NoError(t, err)
	require.Equal(t, raw, again)
	return raw, cells
}

func TestCellText_TakesBackWhatWasDoneToText(t *testing.T) {
	for _, text := range []string{
		"", "'", "''", "!", "!json:1", "!redacted:failed", "=1+1", "+", "-1", "@x", "\t=1", "\r\n=1", "\n=1", "＝", "＠x", "a,b", `"`, `a""b`,
		"a\r\nb", "a\nb", "\x00", "\u202e", "\ufeffa", " a", "a ", "\u0085", "e\u0301", "🙂", "plain",
	} {
		_, cells := rowOf(t, "before", text, "after")
		require.Len(t, cells, 5)
		got, ok := CellText(cells[2])
		require.True(t, ok)
		require.Equal(t, text, got)
		require.Equal(t, "after", cells[3])
	}
}

func TestCSV_NoCellIsAFormula(t *testing.T) {
	for _, text := range []string{"=1", "+1", "-1", "@1", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠1", "=\x00", "-\u202e"} {
		raw, cells := rowOf(t, text)
		first, _ := utf8.DecodeRuneInString(cells[1])
		require.NotContains(t, "=+-@\t\r\n＝＋－＠", string(first), "%q as %q", text, raw)
	}
}

// A spreadsheet that splits at semicolons, and does not know the quotes inside of a line,
// finds no formula either: whatever stands in text, in further fields or in the name of a
// column.
func TestCSV_NoFormulaWhereSemicolonsSeparate(t *testing.T) {
	for _, text := range []string{
		"x;=1+1", "x; =1+1", `x;"=1+1"`, "x;@SUM(A1);y", "x\n=1+1", "x\n\"=1+1\"", "'x;-1", ";=1", "=2;=1", "\n=1", "x;\u3000+1", "x;＝1", "x;\t=1", "x;\r=1",
		"x;=cmd|' /C calc'!A0;",
	} {
		shape := newTable([]string{text})
		fields := []Field{Text(text, text), Text("other;=1", text), Text("more;=2", text)}
		require.True(t, shape.place(fields))
		raw := append(shape.appendHeader(nil), shape.appendRow(nil, text, fields)...)
		for _, cell := range strings.FieldsFunc(string(raw), func(r rune) bool { return r == ';' || r == '\n' || r == '\r' || r == '\t' }) {
			first, _ := utf8.DecodeRuneInString(strings.TrimLeft(cell, " \"\u3000"))
			require.NotContains(t, "=+-@＝＋－＠", string(first), "%q in %q", cell, raw)
		}
		_, cells := rowOf(t, text)
		back, ok := CellText(cells[1])
		require.True(t, ok)
		require.Equal(t, text, back)
	}
	// Semicolons that do no harm stay as they are.
	raw, _ := rowOf(t, "a; b")
	require.Contains(t, string(raw), "a; b")
}

// What cannot be seen does not stand in a cell, apart from the ends of lines, and
// other readers of RFC 4180 see the same cells.
func TestCSV_IsReadByOthers(t *testing.T) {
	for _, text := range []string{"\x00", "a\rb", "\x1b[31m", "\u202egnp", "a\nb", `"quoted", "text"`, "=HYPERLINK(\"http://x\")"} {
		raw, cells := rowOf(t, text)
		require.Equal(t, 1, strings.Count(string(raw), "\r"), "%q", raw)
		require.NotContains(t, string(raw), "\x00")
		require.NotContains(t, string(raw), "\u202e")
		records, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
		require.NoError(t, err)
		require.Equal(t, [][]string{cells}, records)
	}
}

func TestCellText_KnowsWhatIsNoText(t *testing.T) {
	for _, cell := range []string{"", "!redacted:third_party", "!bytes:AA==", "!file:attachments/000001", "!json:broken", "!"} {
		_, ok := CellText(cell)
		require.False(t, ok, cell)
	}
}

func FuzzCSV(f *testing.F) {
	f.Add("a", "=b")
	f.Add("a\r\n\"", "\x00,")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			return
		}
		raw, cells := rowOf(t, a, b)
		require.Len(t, cells, 4)
		for i, want := range []string{a, b} {
			got, ok := CellText(cells[i+1])
			require.True(t, ok)
			require.Equal(t, want, got)
		}
		require.True(t, bytes.HasSuffix(raw, []byte("\r\n")))
	})
}

func FuzzParseRecord(f *testing.F) {
	f.Add([]byte("{\"id\":\"1\",\"fields\":{\"a\":\"b\",\"n\":-1.5e3,\"t\":{\"$time\":\"2026-11-24T09:30:00.000001Z\"}}}\n"))
	f.Add([]byte("{\"id\":\"\",\"fields\":{\"b\":{\"$bytes\":\"AA==\"},\"x\":null,\"y\":true,\"r\":{\"$redacted\":\"third_party\",\"instead\":\"x\"}}}\n"))
	f.Add([]byte("{\"id\":\"\",\"fields\":{\"f\":{\"$file\":\"attachments/000001\",\"name\":\"x\",\"media_type\":\"\",\"size\":1,\"sha256\":\"" + strings.Repeat("0", 64) + "\"}}}\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, ok := parseRecord(line)
		if ok {
			require.Equal(t, string(line), string(appendRecord(nil, r.ID, r.Fields)))
			return
		}
		require.Zero(t, r)
	})
}

func TestParseRecord_RefusesOtherForms(t *testing.T) {
	for name, line := range map[string]string{
		"nothing":              "",
		"no newline":           `{"id":"1","fields":{}}`,
		"two lines":            "{\"id\":\"1\",\"fields\":{}}\n\n",
		"space":                "{\"id\": \"1\",\"fields\":{}}\n",
		"another order":        "{\"fields\":{},\"id\":\"1\"}\n",
		"another member":       "{\"id\":\"1\",\"fields\":{},\"x\":1}\n",
		"an escape too many":   "{\"id\":\"\\u0041\",\"fields\":{}}\n",
		"an escape too few":    "{\"id\":\"\u202e\",\"fields\":{}}\n",
		"a lone surrogate":     "{\"id\":\"\\ud800\",\"fields\":{}}\n",
		"no UTF-8":             "{\"id\":\"\xff\",\"fields\":{}}\n",
		"a number with zeros":  "{\"id\":\"\",\"fields\":{\"a\":01}}\n",
		"a number with plus":   "{\"id\":\"\",\"fields\":{\"a\":+1}}\n",
		"a time without zeros": "{\"id\":\"\",\"fields\":{\"a\":{\"$time\":\"2026-11-24T09:30:00Z\"}}}\n",
		"a time elsewhere":     "{\"id\":\"\",\"fields\":{\"a\":{\"$time\":\"2026-11-24T09:30:00.000000+01:00\"}}}\n",
		"base64 with bits":     "{\"id\":\"\",\"fields\":{\"a\":{\"$bytes\":\"AB==\"}}}\n",
		"an unknown object":    "{\"id\":\"\",\"fields\":{\"a\":{\"x\":1}}}\n",
		"a list":               "{\"id\":\"\",\"fields\":{\"a\":[1]}}\n",
		"an unknown reason":    "{\"id\":\"\",\"fields\":{\"a\":{\"$redacted\":\"because\"}}}\n",
		"two lines instead":    "{\"id\":\"\",\"fields\":{\"a\":{\"$redacted\":\"failed\",\"instead\":\"a\\nb\"}}}\n",
	} {
		_, ok := parseRecord([]byte(line))
		require.False(t, ok, name)
	}
}

func TestIsNumber(t *testing.T) {
	for _, s := range []string{"0", "-0", "1", "-12.50", "1e9", "1E+9", "0.1e-9", "12345678901234567890"} {
		require.True(t, isNumber(s), s)
	}
	for _, s := range []string{"", "-", "+1", "01", "1.", ".1", "1e", "1e+", "0x1", "NaN", "1 ", "=1", "1,5", strings.Repeat("1", maxNumber+1)} {
		require.False(t, isNumber(s), s)
	}
}

func TestSlug(t *testing.T) {
	require.Equal(t, "orders-2026_b", slug("orders-2026_b"))
	for _, name := range []string{"", "Orders", "../x", "con", "NUL", "com1", "é", strings.Repeat("x", 300), "a.b", "\x00"} {
		s := slug(name)
		require.NotEqual(t, name, s)
		require.Regexp(t, `^[a-z0-9_-]+-[0-9a-f]{8}$`, "x"+s)
		require.True(t, isPath("data/"+s+".csv"))
	}
	require.NotEqual(t, slug("A"), slug("a"))
}

func TestIsPath(t *testing.T) {
	for _, bad := range []string{"", "/a", "../a", "a/../b", "a//b", "a/", "./a", "a\\b", "A", "a b", "é", "a:b", strings.Repeat("a", maxPath+1)} {
		require.False(t, isPath(bad), bad)
	}
}
