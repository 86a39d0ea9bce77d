package export

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
)

// walk reads a whole archive forward, and keeps what the manifest is compared with.
type walk struct {
	u       *unpacker
	left    uint64 // records that may still come
	files   []FileReport
	at      map[string]entry
	headers map[string]header // of tables, until their lines come
	tallies map[string]*tally // by the path of lines
	sums    map[string]Hash   // of attachments
	refs    map[string]bool   // attachments that records named
	text    []byte            // of the manifest
	note    []byte
}

// header is what was read of a table.
type header struct {
	names []string
	sum   Hash
}

// tally is what was counted in the lines of a type.
type tally struct {
	table    string
	names    []string
	records  uint64
	redacted map[redaction]uint64
}

func newWalk(zip io.Reader, l Limits) *walk {
	l = l.orDefaults()
	return &walk{
		u: newUnpacker(zip, l.Bytes), left: l.Records, at: map[string]entry{}, headers: map[string]header{},
		tallies: map[string]*tally{}, sums: map[string]Hash{}, refs: map[string]bool{},
	}
}

// run reads everything.
func (w *walk) run() error {
	for {
		c, more, err := w.u.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if _, twice := w.at[c.path]; twice || w.note != nil {
			return broken(c.path, "it stands where nothing belongs, or twice")
		}
		w.at[c.path] = c.entry
		if err := w.entry(c); err != nil {
			return err
		}
		if !c.done {
			return broken(c.path, "it was not read to its end")
		}
	}
	if w.text == nil || w.note == nil {
		return broken("", "it has no manifest, or no signature")
	}
	return w.u.finish()
}

func (w *walk) entry(c *content) (err error) {
	if (w.text != nil) != (c.path == signaturePath) {
		return broken(c.path, "it stands behind the manifest, or its signature in front")
	}
	f := FileReport{Path: c.path, Size: c.size, Kind: kindOf(c.path)}
	if stored := c.path == manifestPath || c.path == signaturePath; stored != (c.method == methodStored) {
		return broken(c.path, "it is not packed as written")
	}
	switch {
	case c.path == manifestPath:
		w.text, err = readWhole(c, maxManifest)
		return err
	case c.path == signaturePath:
		w.note, err = readWhole(c, maxNote)
		return err
	case f.Kind == TableFile:
		err = w.tableOf(c) // its records are known with the lines
	case f.Kind == LinesFile:
		f.Records, err = w.linesOf(c)
	case f.Kind == "":
		return broken(c.path, "no such file is written")
	default:
		_, err = io.Copy(io.Discard, c)
	}
	if err != nil {
		return err
	}
	f.SHA256 = c.sha256()
	if f.Kind == AttachmentFile {
		w.sums[f.Path] = f.SHA256
	}
	w.files = append(w.files, f)
	return nil
}

// kindOf says what a file of an archive is by where it is; empty if it is none.
func kindOf(path string) FileKind {
	switch {
	case path == indexPath:
		return PageFile
	case path == sheetPath || path == sheetDataPath:
		return SheetFile
	case strings.HasPrefix(path, filesFolder) && strings.Count(path, "/") == 1:
		return AttachmentFile
	case !strings.HasPrefix(path, dataFolder) || strings.Count(path, "/") != 2:
		return ""
	case strings.HasSuffix(path, ".csv"):
		return TableFile
	case strings.HasSuffix(path, ".jsonl"):
		return LinesFile
	}
	return ""
}

func readWhole(c *content, most uint64) ([]byte, error) {
	if c.size > most {
		return nil, ErrLimit
	}
	return io.ReadAll(c)
}

// tableOf reads a table: its header is kept, and its hash, until the lines show whether
// it is made of them.
func (w *walk) tableOf(c *content) error {
	r := bufio.NewReaderSize(c, 4<<10)
	cells, raw, err := readRow(r, maxLine)
	if err != nil || len(cells) < 2 {
		return bad(c.path, "its first line cannot be read", err)
	}
	names := make([]string, len(cells)-2)
	for i := range names {
		var ok bool
		if names[i], ok = CellText(cells[i+1]); !ok {
			return broken(c.path, "its first line is not as written")
		}
	}
	if len(names) > MaxFields || !bytes.Equal(newTable(names).appendHeader(nil), raw) {
		return broken(c.path, "its first line is not as written")
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	w.headers[c.path] = header{names, c.sha256()}
	return nil
}

// bad keeps an error that says more than that something is wrong.
func bad(path, reason string, err error) error {
	if errors.Is(err, ErrLimit) || errors.Is(err, ErrArchive) {
		return err
	}
	if read, ok := errors.AsType[*readError](err); ok {
		return read
	}
	return broken(path, reason)
}

// maxLine is longer than any line of a record that is written: see MaxRecord and how
// characters are escaped.
const maxLine = 7*MaxRecord + 64*MaxFields

// linesOf reads records, counts, and makes the table again.
func (w *walk) linesOf(c *content) (uint64, error) {
	t := &tally{table: strings.TrimSuffix(c.path, ".jsonl") + ".csv", redacted: map[redaction]uint64{}}
	head, has := w.headers[t.table]
	if !has {
		return 0, broken(c.path, "no table stands in front of it")
	}
	delete(w.headers, t.table)
	t.names = head.names
	shape := newTable(head.names)
	csv := sha256.New()
	row := shape.appendHeader(nil)
	csv.Write(row)
	err := eachRecord(c, func(rec *Record) error {
		if w.left == 0 {
			return ErrLimit
		}
		w.left--
		t.records++
		if !shape.place(rec.Fields) {
			return broken(c.path, "a record has two fields of one name")
		}
		row = shape.appendRow(row[:0], rec.ID, rec.Fields)
		csv.Write(row)
		return w.count(c.path, t, rec)
	})
	if err != nil {
		return 0, err
	}
	if Hash(csv.Sum(nil)) != head.sum {
		return 0, broken(t.table, "it is not what the lines say")
	}
	w.tallies[c.path] = t
	w.files[len(w.files)-1].Records = t.records // the table stands right in front
	return t.records, nil
}

// count counts what was kept back, and looks at attachments.
func (w *walk) count(path string, t *tally, rec *Record) error {
	for i := range rec.Fields {
		v := &rec.Fields[i].Value
		if v.kind == RedactedKind {
			t.redacted[redaction{rec.Fields[i].Name, v.reason}]++
			if len(t.redacted) > maxRedacted+MaxFields*len(reasons) {
				return ErrLimit
			}
		}
		if v.file == nil {
			continue
		}
		e, has := w.at[v.file.Path]
		if !has || kindOf(v.file.Path) != AttachmentFile || w.refs[v.file.Path] || e.size != v.file.Size {
			return broken(path, "a record names an attachment that is not there")
		}
		w.refs[v.file.Path] = true
		if w.sums[v.file.Path] != v.file.SHA256 {
			return broken(v.file.Path, "it is not the attachment that its record names")
		}
	}
	return nil
}

// eachRecord reads JSON Lines.
func eachRecord(c *content, do func(*Record) error) error {
	r := bufio.NewReaderSize(c, 16<<10)
	var long []byte
	for {
		text, err := r.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			if long = append(long, text...); len(long) > maxLine {
				return ErrLimit
			}
			text, err = r.ReadSlice('\n')
		}
		if len(long) > 0 {
			long = append(long, text...)
			text = long
		}
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		rec, ok := parseRecord(text)
		if !ok {
			return broken(c.path, "a line is not as written")
		}
		if err := do(&rec); err != nil {
			return err
		}
		long = long[:0]
	}
}
