package export

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
)

// Section writes the records of one source.
type Section struct {
	x      *Writer
	source Source
	folder string
	kinds  map[string]*kindWriter
	order  []*kindWriter
	last   *kindWriter
	n      uint64
	waits  int // bytes that wait in members
	done   bool
}

// kindWriter writes the records of one type.
type kindWriter struct {
	declared   *Type
	report     TypeReport
	table      *table
	abouts     []About // of columns
	csv, lines *member
	redacted   map[redaction]uint64
	preview    preview
	resolved   []Field
}

type redaction struct {
	field  string
	reason Reason
}

const (
	// maxWaiting is how much waits to be packed, over all members of a source.
	maxWaiting = 8 << 20
	// maxRedacted is how many different fields of a type are counted.
	maxRedacted = 10_000
)

// Section begins the records of a source. It is ended with [Section.End] or
// [Section.Fail] before another one begins.
func (x *Writer) Section(s Source) (*Section, error) {
	if err := x.usable(); err != nil {
		return nil, err
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	if err := x.claim(s.Name); err != nil {
		return nil, err
	}
	x.open = &Section{x: x, source: s, kinds: map[string]*kindWriter{}}
	return x.open, nil
}

// Copy writes all records that a source yields, and ends its section: as [Partial]
// with [Failed] where the source yields an error or a record that cannot be written,
// or as [Absent] where nothing came before it. That error is returned as a
// *[SourceError], and the archive goes on without the rest; any other error ended the
// writer.
func (x *Writer) Copy(ctx context.Context, s Source, records iter.Seq2[Record, error]) error {
	sec, err := x.Section(s)
	if err != nil {
		return err
	}
	for r, err := range records {
		if err == nil {
			err = sec.Write(ctx, r)
		}
		switch {
		case x.err != nil:
			return x.err
		case ctx.Err() != nil:
			// The source need not have failed: what called off the export did.
			return x.fail(ctx.Err())
		case err != nil:
			if failed := sec.Fail(Failed); failed != nil {
				return failed
			}
			return &SourceError{Source: s.Name, Err: err}
		}
	}
	if ctx.Err() != nil {
		return x.fail(ctx.Err())
	}
	return sec.End()
}

// SourceError is the failure of a source: the archive holds what came before it, and
// says that the rest is missing.
type SourceError struct {
	Source string
	Err    error
}

func (e *SourceError) Error() string {
	return fmt.Sprintf("export: source %q failed: %v", e.Source, e.Err)
}

// Unwrap returns the source's error.
func (e *SourceError) Unwrap() error { return e.Err }

// Write writes a record. A *[RecordError] says that it cannot be written; then nothing
// of it is in the archive, and the writer goes on. Any other error ends the writer.
func (s *Section) Write(ctx context.Context, r Record) error {
	switch {
	case s.x.err != nil:
		return s.x.err
	case s.done:
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if why := r.check(); why != "" {
		return s.refuse(&r, why)
	}
	k := s.last
	if k == nil || k.report.Name != r.Type {
		var err error
		if k, err = s.kind(&r); err != nil {
			return err
		}
	}
	if !k.table.place(r.Fields) {
		return s.refuse(&r, "two fields have one name")
	}
	if err := s.resolve(ctx, k, &r); err != nil {
		return err
	}
	return s.encode(k, &r)
}

func (s *Section) refuse(r *Record, why string) error {
	name := r.Type
	if !isName(name) {
		name = "?"
	}
	return &RecordError{Source: s.source.Name, Type: name, Reason: why}
}

// check says what is wrong with a record.
func (r *Record) check() string {
	switch {
	case !isName(r.Type):
		return "its type is no name of 1 to 255 bytes of plain text"
	case len(r.ID) > 4*maxName || TextValue(r.ID).kind != TextKind:
		return "its id is longer than 1,020 bytes, or not UTF-8"
	case len(r.Fields) > MaxFields:
		return "it has too many fields"
	}
	size := len(r.ID)
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Name == "" || len(f.Name) > maxName {
			return "a field's name is empty or longer than 255 bytes"
		}
		size += len(f.Name) + f.Value.weight()
		if a := f.Value.file; a != nil && (a.Open == nil || TextValue(a.Name).kind != TextKind || TextValue(a.MediaType).kind != TextKind) {
			return "an attachment cannot be opened, or its name is not UTF-8"
		}
	}
	if size > MaxRecord {
		return "it is larger than 2 MiB: what is large is an attachment"
	}
	return ""
}

// kind returns the writer of the record's type, and makes it for the first of them.
func (s *Section) kind(r *Record) (*kindWriter, error) {
	if k := s.kinds[r.Type]; k != nil {
		s.last = k
		return k, nil
	}
	if len(s.kinds) >= MaxTypes {
		return nil, s.refuse(r, "the source has too many types")
	}
	k := &kindWriter{redacted: map[redaction]uint64{}}
	k.report = TypeReport{Name: r.Type, Columns: []ColumnReport{}, Redactions: []Redaction{}}
	if i := slices.IndexFunc(s.source.Types, func(t Type) bool { return t.Name == r.Type }); i >= 0 {
		k.declared = &s.source.Types[i]
		d := k.declared
		k.report.Title, k.report.Purpose, k.report.Category = d.Title, d.Purpose, d.Category
	}
	if why := k.columns(r); why != "" {
		return nil, s.refuse(r, why)
	}
	names := make([]string, len(k.report.Columns))
	for i := range names {
		names[i] = k.report.Columns[i].Name
	}
	k.table = newTable(names)
	if s.folder == "" {
		s.folder = s.x.path(dataFolder, s.source.Name) + "/"
	}
	stem := s.x.path(s.folder, r.Type)
	k.report.Table, k.report.Lines = stem+".csv", stem+".jsonl"
	k.csv, k.lines = newMember(k.report.Table), newMember(k.report.Lines)
	k.csv.buf = k.table.appendHeader(k.csv.buf)
	k.preview = newPreview(k.report.Columns)
	s.kinds[r.Type], s.last = k, k
	s.order = append(s.order, k)
	return k, nil
}

// columns are the declared ones, or else the record's fields.
func (k *kindWriter) columns(r *Record) (why string) {
	if k.declared != nil && len(k.declared.Columns) > 0 {
		for _, c := range k.declared.Columns {
			k.report.Columns = append(k.report.Columns, ColumnReport{c.Name, c.Title, c.Purpose, c.Category})
			k.abouts = append(k.abouts, cmp.Or(c.About, k.declared.About))
		}
		return ""
	}
	about := Unclassified
	if k.declared != nil {
		about = k.declared.About
	}
	seen := map[string]bool{}
	for _, f := range r.Fields {
		if !isName(f.Name) || seen[f.Name] {
			return "a field's name is not plain text, or there twice"
		}
		seen[f.Name] = true
		k.report.Columns = append(k.report.Columns, ColumnReport{Name: f.Name})
		k.abouts = append(k.abouts, about)
	}
	return ""
}

// resolve finds what is written for each field, and copies attachments.
func (s *Section) resolve(ctx context.Context, k *kindWriter, r *Record) error {
	k.resolved = append(k.resolved[:0], r.Fields...)
	for column, at := range k.table.at {
		if at == 0 {
			continue
		}
		f := &k.resolved[at-1]
		f.About = cmp.Or(f.About, k.abouts[column])
	}
	for _, i := range k.table.more {
		f := &k.resolved[i]
		if !isName(f.Name) {
			return s.refuse(r, "a field's name is not plain text")
		}
		// A type's word covers columns that it was given, and fields of a type without
		// any; what comes unannounced beside declared columns is nobody's.
		if k.declared != nil && len(k.declared.Columns) == 0 {
			f.About = cmp.Or(f.About, k.declared.About)
		}
	}
	if len(k.redacted) > maxRedacted {
		return s.refuse(r, "too many different fields were kept back")
	}
	for i := range k.resolved {
		f := &k.resolved[i]
		if f.Value.kind != RedactedKind && (s.x.c.Redactor != nil || f.About != Person) {
			f.Value = decide(ctx, s.x.c.Redactor, Question{Source: s.source.Name, Record: r, Field: *f})
		}
		if f.Value.file != nil {
			v, err := s.attach(ctx, f.Value.file)
			if err != nil {
				return err
			}
			f.Value = v
		}
	}
	return nil
}

// encode writes what was resolved.
func (s *Section) encode(k *kindWriter, r *Record) error {
	before := len(k.lines.buf) + len(k.csv.buf)
	k.lines.buf = appendRecord(k.lines.buf, r.ID, k.resolved)
	k.csv.buf = k.table.appendRow(k.csv.buf, r.ID, k.resolved)
	for i := range k.resolved {
		if f := &k.resolved[i]; f.Value.kind == RedactedKind {
			k.redacted[redaction{f.Name, f.Value.reason}]++
		}
	}
	s.x.preview -= k.preview.add(s.x.texts, k.table, r.ID, k.resolved, s.x.preview)
	s.n++
	k.report.Records++
	k.lines.records++
	k.csv.records++
	s.waits += len(k.lines.buf) + len(k.csv.buf) - before
	for _, m := range []*member{k.lines, k.csv} {
		if len(m.buf) >= pieceSize {
			if err := s.flush(m); err != nil {
				return err
			}
		}
	}
	if s.waits > maxWaiting {
		return s.flushLargest()
	}
	return nil
}

func (s *Section) flush(m *member) error {
	s.waits -= len(m.buf)
	if err := s.x.press.flush(m, false); err != nil {
		return s.x.fail(err)
	}
	return nil
}

// flushLargest makes room where many types wait at the same time.
func (s *Section) flushLargest() error {
	var most *member
	for _, k := range s.order {
		for _, m := range []*member{k.lines, k.csv} {
			if most == nil || len(m.buf) > len(most.buf) {
				most = m
			}
		}
	}
	return s.flush(most)
}

// attach copies an attachment into the archive. One that cannot be read is not there,
// and its field says so.
func (s *Section) attach(ctx context.Context, a *Attachment) (Value, error) {
	x := s.x
	if x.files >= MaxFiles {
		return Value{}, x.fail(ErrLimit)
	}
	mark := x.press.spool.end
	m := newMember(attachmentPath(x.files+1, a.Name))
	ok, err := s.read(ctx, a, m)
	if err != nil {
		return Value{}, err
	}
	if !ok {
		x.press.spool.release(mark)
		return redactedValue(Unreadable, ""), nil
	}
	x.files++
	sum, err := x.put(m, AttachmentFile)
	if err != nil {
		return Value{}, err
	}
	x.press.spool.release(mark)
	return Value{kind: AttachmentKind, file: &Attachment{Name: a.Name, MediaType: a.MediaType, Path: m.path, Size: m.size, SHA256: sum}}, nil
}

// read fills the member, and reports whether the attachment could be read.
func (s *Section) read(ctx context.Context, a *Attachment, m *member) (bool, error) {
	from, err := a.Open(ctx)
	if err != nil || from == nil {
		return false, s.stopped(ctx)
	}
	defer func() { _ = from.Close() }() // it was only read
	for empty := 0; ; {
		if err := s.stopped(ctx); err != nil {
			return false, err
		}
		m.buf = slices.Grow(m.buf, pieceSize-len(m.buf))
		n, err := from.Read(m.buf[len(m.buf):pieceSize])
		m.buf = m.buf[:len(m.buf)+n]
		if n > 0 {
			empty = 0
		} else {
			empty++
		}
		switch {
		// Only this is the end: what is cut off on its way ends with another error.
		case err == io.EOF:
			return true, nil
		case err != nil || empty > 100:
			return false, s.stopped(ctx)
		}
		if len(m.buf) < pieceSize {
			continue
		}
		if err := s.x.press.flush(m, false); err != nil {
			return false, s.x.fail(err)
		}
	}
}

// stopped ends the writer where the caller called off the export: that says nothing
// about the attachment.
func (s *Section) stopped(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return s.x.fail(err)
	}
	return nil
}

// End ends the section: the source gave all that it has.
func (s *Section) End() error {
	status := Complete
	if s.n == 0 {
		status = Empty
	}
	return s.end(status, "")
}

// Fail ends the section: what was written stays, and the archive says that the rest is
// missing, and why. Without a record it is as [Writer.Missing].
func (s *Section) Fail(why Reason) error {
	if !why.known() {
		return needs("a reason of the list")
	}
	status := Partial
	if s.n == 0 {
		status = Absent
	}
	return s.end(status, why)
}

func (s *Section) end(status Status, why Reason) error {
	switch {
	case s.x.err != nil:
		return s.x.err
	case s.done:
		return ErrClosed
	}
	s.done = true
	x := s.x
	r := SourceReport{
		Name: s.source.Name, Title: s.source.Title, Status: status, Reason: why, Records: s.n, Types: []TypeReport{},
	}
	for _, k := range s.order {
		if k.report.Records == 0 { // its first record was refused
			continue
		}
		// The table in front: who reads forward knows its columns then.
		for _, m := range []*member{k.csv, k.lines} {
			kind := LinesFile
			if m == k.csv {
				kind = TableFile
			}
			if _, err := x.put(m, kind); err != nil {
				return err
			}
		}
		k.report.Redactions = sortedRedactions(k.redacted)
		r.Types = append(r.Types, k.report)
		x.pages = append(x.pages, pageType{source: len(x.man.Sources), report: k.report, preview: k.preview})
	}
	x.press.spool.release(0)
	x.man.Records += s.n
	x.man.Sources = append(x.man.Sources, r)
	x.open = nil
	return nil
}

func sortedRedactions(counts map[redaction]uint64) []Redaction {
	list := make([]Redaction, 0, len(counts))
	for r, n := range counts {
		list = append(list, Redaction{r.field, r.reason, n})
	}
	slices.SortFunc(list, func(a, b Redaction) int {
		return cmp.Or(strings.Compare(a.Field, b.Field), strings.Compare(string(a.Reason), string(b.Reason)))
	})
	return list
}

// FileOf makes an attachment of bytes in memory.
func FileOf(name, mediaType string, content []byte) *Attachment {
	return &Attachment{Name: name, MediaType: mediaType, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
}
