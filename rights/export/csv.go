package export

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table is the shape of a CSV file: its columns, and a place for each field of a row.
type table struct {
	names []string
	index map[string]int
	// at has for each column the row's field and one, more the fields without one.
	at, more []int
}

// Names of the first and the last column. What the fields of a source are called
// does not matter to them: they are known by where they stand.
const (
	idColumn   = "_id"
	moreColumn = "_more"
)

func newTable(names []string) *table {
	t := &table{names: names, index: make(map[string]int, len(names)), at: make([]int, len(names))}
	for i, n := range names {
		t.index[n] = i
	}
	return t
}

// place finds the columns of a row's fields, and reports whether no name is there
// twice.
func (t *table) place(fields []Field) bool {
	clear(t.at)
	t.more = t.more[:0]
	for i := range fields {
		name := fields[i].Name
		column, has := i, i < len(t.names) && t.names[i] == name
		if !has {
			column, has = t.index[name]
		}
		switch {
		case !has:
			for _, m := range t.more {
				if fields[m].Name == name {
					return false
				}
			}
			t.more = append(t.more, i)
		case t.at[column] != 0:
			return false
		default:
			t.at[column] = i + 1
		}
	}
	return true
}

// appendHeader writes the first line.
func (t *table) appendHeader(dst []byte) []byte {
	dst = append(dst, idColumn...)
	for _, n := range t.names {
		dst = appendTextCell(append(dst, ','), n)
	}
	return append(dst, ","+moreColumn+"\r\n"...)
}

// appendRow writes a line, after place.
func (t *table) appendRow(dst []byte, id string, fields []Field) []byte {
	dst = appendTextCell(dst, id)
	for _, at := range t.at {
		dst = append(dst, ',')
		if i := at - 1; 0 <= i && i < len(fields) {
			dst = appendCell(dst, &fields[i].Value)
		}
	}
	dst = append(dst, ',')
	if len(t.more) > 0 {
		rest := make([]Field, 0, len(t.more))
		for _, i := range t.more {
			rest = append(rest, fields[i])
		}
		dst = appendQuoted(dst, unsplit(string(appendFields(nil, rest))))
	}
	return append(dst, "\r\n"...)
}

// appendCell writes what a person reads. The kinds are in the JSON Lines.
func appendCell(dst []byte, v *Value) []byte {
	switch v.kind {
	case TextKind:
		return appendTextCell(dst, v.text)
	case NumberKind: // a number, and never a formula: see isNumber
		return append(dst, v.text...)
	case BoolKind:
		return strconv.AppendBool(dst, v.n == 1)
	case TimeKind:
		return appendInstant(dst, v.n)
	case BytesKind:
		return base64.StdEncoding.AppendEncode(append(dst, bytesCell...), []byte(v.text))
	case AttachmentKind:
		return append(append(dst, fileCell...), v.file.Path...)
	case RedactedKind:
		if v.text == "" || splits(v.text) {
			return append(append(dst, redactedCell...), v.reason...)
		}
		return appendQuoted(dst, redactedCell+string(v.reason)+":"+v.text)
	default:
		return dst
	}
}

// What cells that are not plain text begin with. Text never begins with "!".
const (
	bytesCell    = "!bytes:"
	fileCell     = "!file:"
	redactedCell = "!redacted:"
	jsonCell     = "!json:"
)

// appendTextCell writes text so that no spreadsheet runs it and nothing of it is
// lost, see CellText.
func appendTextCell(dst []byte, s string) []byte {
	if splits(s) {
		return appendQuoted(dst, jsonCell+unsplit(string(appendString(nil, s))))
	}
	quote, first := false, true
	for i := 0; i < len(s); first = false {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"' || c == ',' || c == '\n':
				quote = true
			case c < ' ' || c == 0x7f:
				return appendQuoted(dst, jsonCell+string(appendString(nil, s)))
			}
			if first && strings.IndexByte(armed, c) >= 0 {
				return appendDisarmed(dst, s)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r <= 0x9f || isHidden(r) {
			return appendQuoted(dst, jsonCell+string(appendString(nil, s)))
		}
		if first && strings.ContainsRune(armed, r) {
			return appendDisarmed(dst, s)
		}
		i += size
	}
	switch {
	case s == "":
		return append(dst, '\'')
	case quote || s[0] == ' ' || s[len(s)-1] == ' ':
		return appendQuoted(dst, s)
	}
	return append(dst, s...)
}

// splits reports whether a part of text would be a cell with a formula for a spreadsheet
// that takes semicolons for what separates cells, as in half of Europe: it sees no quotes
// inside of a line, and ends one at every newline.
func splits(s string) bool {
	for {
		i := strings.IndexAny(s, ";\n")
		if i < 0 {
			return false
		}
		s = s[i+1:]
		r, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " \"\u00a0\u3000"))
		if strings.ContainsRune(formulas, r) && r != utf8.RuneError {
			return true
		}
	}
}

// unsplit writes the semicolons in strings of JSON as what no spreadsheet splits at.
func unsplit(text string) string { return strings.ReplaceAll(text, ";", `\u003b`) }

// formulas are what they begin with in spreadsheets, the wide forms included.
const formulas = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"

// armed are what formulas begin with in spreadsheets, the wide forms and an end of line
// included, and what cells of this format begin with.
const armed = "=+-@\uff1d\uff0b\uff0d\uff20\n'!"

func appendDisarmed(dst []byte, s string) []byte {
	if strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && (r < ' ' || 0x7f <= r && r <= 0x9f || isHidden(r)) }) {
		return appendQuoted(dst, jsonCell+string(appendString(nil, s)))
	}
	return appendQuoted(dst, "'"+s)
}

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			return append(append(dst, s...), '"')
		}
		dst = append(append(dst, s[:i+1]...), '"')
		s = s[i+1:]
	}
}

// CellText takes back what was done to text to put it into a cell of a CSV file, once
// quotes are gone:
//
//   - a cell that begins with an apostrophe is the text behind it;
//   - "!json:" and a string of JSON is that string;
//   - any other cell that does not begin with "!" is the text itself.
//
// It reports false for cells that are something else: bytes, files, what was
// redacted. An empty cell is a field that is absent, or null.
func CellText(cell string) (string, bool) {
	if text, ok := strings.CutPrefix(cell, "'"); ok {
		return text, true
	}
	if quoted, ok := strings.CutPrefix(cell, jsonCell); ok {
		var s string
		err := json.Unmarshal([]byte(quoted), &s)
		return s, err == nil
	}
	return cell, cell != "" && cell[0] != '!'
}
