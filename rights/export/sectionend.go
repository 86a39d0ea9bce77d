package export

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

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
