package export

import (
	"cmp"
	"context"
	"fmt"
	"iter"
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
