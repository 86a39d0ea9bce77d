package export

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What the page shows of a type; the rest is in its files.
const (
	previewRows    = 50
	previewColumns = 30
	previewCell    = 300 // characters
	// maxPreview is how much is kept for the page, over all types.
	maxPreview = 4 << 20
)

// preview is the beginning of a table, as text that people read.
type preview struct {
	Columns []string
	Rows    [][]cell
}

// cell is what stands in a table: text, in pieces where something in it cannot be
// seen, or a word about what is not there.
type cell struct {
	Pieces []piece
	Link   string
	// Note is set where the text is ours.
	Note bool
}

// piece is text, or the name of a character that cannot be seen.
type piece struct {
	Text   string
	Hidden bool
}

func newPreview(columns []ColumnReport) preview {
	p := preview{}
	for _, c := range columns[:min(len(columns), previewColumns)] {
		title := c.Title
		if title == "" {
			title = c.Name
		}
		p.Columns = append(p.Columns, title)
	}
	return p
}

// add keeps a row if there is room, and returns how many bytes it takes.
func (p *preview) add(t *texts, table *table, id string, fields []Field, room int) (used int) {
	if len(p.Rows) >= previewRows || room <= 0 {
		return 0
	}
	row := make([]cell, 0, len(p.Columns)+1)
	row = append(row, textCell(id))
	for column := range p.Columns {
		if at := table.at[column]; at > 0 {
			row = append(row, t.cell(&fields[at-1].Value))
		} else {
			row = append(row, cell{})
		}
	}
	for _, c := range row {
		for _, piece := range c.Pieces {
			used += len(piece.Text) + 64
		}
	}
	p.Rows = append(p.Rows, row)
	return used
}

func (t *texts) cell(v *Value) cell {
	switch v.kind {
	case TextKind:
		return textCell(v.text)
	case Null:
		return cell{}
	case BoolKind:
		if v.n == 1 {
			return textCell(t.Yes)
		}
		return textCell(t.No)
	case TimeKind:
		return textCell(v.Time().Format("2006-01-02 15:04:05 UTC"))
	case BytesKind:
		return cell{Note: true, Pieces: []piece{{Text: fill(t.BytesNote, "{n}", strconv.Itoa(len(v.text)))}}}
	case AttachmentKind:
		c := textCell(v.file.Name)
		if len(c.Pieces) == 0 {
			c = textCell(v.file.Path)
		}
		c.Link = v.file.Path
		return c
	case RedactedKind:
		said := fill(t.RedactedNote, "{reason}", t.Reasons[v.reason])
		if v.text != "" {
			return cell{Note: true, Pieces: append(textCell(v.text).Pieces, piece{Text: " (" + said + ")"})}
		}
		return cell{Note: true, Pieces: []piece{{Text: said}}}
	default:
		return textCell(v.text)
	}
}

// textCell cuts text, and takes out what would not show as it is.
func textCell(s string) (c cell) {
	n, from := 0, 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if n++; n > previewCell {
			return cell{Pieces: append(c.add(s[from:i]), piece{Text: "…"})}
		}
		if r != '\n' && r != '\t' && (unicode.IsControl(r) || isHidden(r)) {
			c.Pieces = append(c.add(s[from:i]), piece{Text: fmt.Sprintf("U+%04X", r), Hidden: true})
			from = i + size
		}
		i += size
	}
	return cell{Pieces: c.add(s[from:])}
}

func (c *cell) add(s string) []piece {
	if s == "" {
		return c.Pieces
	}
	return append(c.Pieces, piece{Text: s})
}

// pageType is a type with what is shown of it.
type pageType struct {
	source  int
	report  TypeReport
	preview preview
}

// writePages writes index.html, and the information sheet if there is one.
func (x *Writer) writePages() error {
	if x.c.Sheet != nil {
		page := sheetPage{texts: x.texts, Man: &x.man, Sheet: x.c.Sheet}
		if err := x.writePage(sheetPath, sheetTemplate, SheetFile, &page); err != nil {
			return err
		}
		data, err := encodeJSON(x.c.Sheet)
		if err != nil {
			return x.fail(err)
		}
		m := newMember(sheetDataPath)
		m.buf = data
		if _, err := x.put(m, SheetFile); err != nil {
			return err
		}
	}
	return x.writePage(indexPath, indexTemplate, PageFile, x.indexPage())
}

func (x *Writer) writePage(path string, t *template.Template, kind FileKind, page any) error {
	m := newMember(path)
	if err := t.Execute(&memberWriter{x.press, m}, page); err != nil {
		return x.fail(fmt.Errorf("export: write page: %w", err))
	}
	_, err := x.put(m, kind)
	x.press.spool.release(0)
	return err
}

// memberWriter grows a member by writing.
type memberWriter struct {
	press *press
	m     *member
}

func (w *memberWriter) Write(b []byte) (int, error) {
	w.m.buf = append(w.m.buf, b...)
	if len(w.m.buf) >= pieceSize {
		if err := w.press.flush(w.m, false); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// fill puts values into a text.
func fill(text string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(text) }

// pageStyle needs no image and no font, works in the dark and at any width. Its
// colours have a contrast of 7 to 1 and more for text (WCAG 2.2, 1.4.6).
const pageStyle = `
:root{color-scheme:light dark;--bg:#f4f4f1;--card:#fff;--text:#1b1b1a;--soft:#4a4a46;--line:#c9c9c3;--act:#12437a}
@media(prefers-color-scheme:dark){:root{--bg:#141414;--card:#1f1f1e;--text:#f1f1ee;--soft:#c4c4be;--line:#4d4d48;--act:#a9cdf7}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:1rem/1.5 system-ui,sans-serif}
main{max-width:72rem;margin:2rem auto;padding:2rem;background:var(--card);border-radius:.75rem}
h1{font-size:1.75rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:1.375rem;margin:2.5rem 0 .75rem;padding-top:1rem;border-top:1px solid var(--line)}
h3{font-size:1.125rem;margin:1.5rem 0 .5rem}
.soft,.note{color:var(--soft)}
.note,.hidden{font-style:italic}
.hidden{border:1px solid var(--line);border-radius:.25rem;padding:0 .25rem;font-size:.8125rem}
.missing{border-left:4px solid #b3261e;padding-left:.75rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:.9375rem}
th,td{border:1px solid var(--line);padding:.375rem .625rem;text-align:start;vertical-align:top;max-width:28rem;overflow-wrap:anywhere;white-space:pre-wrap}
th{font-weight:600;white-space:normal}
dt{font-weight:600;margin-top:.75rem}
dd{margin:0}
a{color:var(--act)}
:focus-visible{outline:3px solid var(--act);outline-offset:3px}
@media(max-width:36rem){main{margin:0;border-radius:0;padding:1rem}}
@media print{main{margin:0;max-width:none}}
`

// pagePolicy stands in the page, which is opened from a disk: nothing runs, nothing is
// fetched, nothing is sent.
var pagePolicy = func() string {
	h := sha256.Sum256([]byte(pageStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(h[:]) +
		"'; form-action 'none'; base-uri 'none'"
}()

const pageHead = `<!doctype html>
<html lang="{{.Tag}}">
<head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{{.Policy}}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow"><meta name="referrer" content="no-referrer">
<title>{{.Title}}</title><style>` + pageStyle + `</style></head>
<body><main>
<h1>{{.Title}}</h1>
`

const pageFoot = `</main></body>
</html>
`

// Policy is the page's, for templates.
func (t *texts) Policy() string { return pagePolicy }
