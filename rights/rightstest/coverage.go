package rightstest

import (
	"slices"
	"testing"

	"github.com/trothdev/troth/rights"
)

// Coverage fails for every record type that no source can export, erase or correct: what
// a host stores about people and forgot to register would be missing from every answer.
// Give it the types that the host's retention policy names, or its tables.
//
//	rightstest.Coverage(t, desk.Sources(), "customer", "order")
func Coverage(t testing.TB, sources []rights.Source, recordTypes ...string) {
	t.Helper()
	for _, record := range recordTypes {
		for _, part := range []struct {
			what  string
			right rights.Right
			has   func(s *rights.Source) bool
		}{
			{"exported", rights.Access, func(s *rights.Source) bool { return s.Exporter != nil }},
			{"erased", rights.Erase, func(s *rights.Source) bool { return s.Eraser != nil }},
			{"corrected", rights.Correct, func(s *rights.Source) bool { return s.Corrector != nil }},
		} {
			covered := slices.ContainsFunc(sources, func(s rights.Source) bool {
				return slices.Contains(s.Records, record) && part.has(&s) &&
					(len(s.For) == 0 || slices.Contains(s.For, part.right))
			})
			if !covered {
				t.Errorf("records of type %q cannot be %s: no source does it", record, part.what)
			}
		}
	}
}
