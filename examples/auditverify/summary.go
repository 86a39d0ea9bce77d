package main

import (
	"maps"
	"slices"
	"time"

	"github.com/trothdev/troth/audit"
)

// summary counts the entries of an export as they come.
type summary struct {
	acts        map[string]int
	first, last time.Time
}

func newSummary() *summary { return &summary{acts: make(map[string]int)} }

func (s *summary) add(p audit.ProvenEntry) error {
	if p.Redacted {
		return nil
	}
	s.acts[p.Entry.Act]++
	at := p.Entry.RecordedAt
	if s.first.IsZero() || at.Before(s.first) {
		s.first = at
	}
	if at.After(s.last) {
		s.last = at
	}
	return nil
}

func (s *summary) sorted() []string { return slices.Sorted(maps.Keys(s.acts)) }
