package main

import (
	"bytes"
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

// tail keeps the end of what is written to it: more than the longest signed
// checkpoint, with which an export ends.
type tail struct{ kept []byte }

const maxTail = 128 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.kept = append(t.kept, b...)
	if extra := len(t.kept) - maxTail; extra > maxTail {
		t.kept = append(t.kept[:0], t.kept[extra:]...)
	}
	return len(b), nil
}

// checkpoint is what follows the last empty line but one: the last one stands
// between what is signed and the signatures.
func (t *tail) checkpoint() []byte {
	separator := []byte("\n\n")
	signatures := bytes.LastIndex(t.kept, separator)
	if signatures < 0 {
		return nil
	}
	return t.kept[bytes.LastIndex(t.kept[:signatures], separator)+len(separator):]
}
