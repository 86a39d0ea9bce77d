package export

import (
	"cmp"
	"slices"
)

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
