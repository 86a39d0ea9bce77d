package retention

import (
	"maps"
	"slices"
	"time"
)

// Cut is a row of what a sweep looks for: the records of a class and cohort that
// stand in a stage and whose anchor is not after Anchor.
type Cut struct {
	Class, Stage string
	Cohort       uint32
	Anchor       time.Time
}

// Cuts returns everything that can be due at an instant by time alone, in a fixed
// order: one row for every stage that ends by time, of every class and cohort; see
// [History.Cutoff].
func (h *History) Cuts(at time.Time) (cuts []Cut) {
	last := h.active(at)
	for i := range last + 1 {
		stages := map[[2]string]bool{}
		for _, v := range h.versions[i : last+1] {
			for class, c := range v.classes {
				for _, s := range c.stages {
					stages[[2]string{class, s.name}] = true
				}
			}
		}
		for _, s := range slices.SortedFunc(maps.Keys(stages), compareNames) {
			if anchor, ok := h.Cutoff(s[0], s[1], h.versions[i].number, at); ok {
				cuts = append(cuts, Cut{Class: s[0], Stage: s[1], Cohort: h.versions[i].number, Anchor: anchor})
			}
		}
	}
	return cuts
}

func compareNames(a, b [2]string) int { return slices.Compare(a[:], b[:]) }

// ClassOf returns the class of a record type in the version that is active at an
// instant.
func (h *History) ClassOf(recordType string, at time.Time) (class string, ok bool) {
	i := h.active(at)
	if i < 0 {
		return "", false
	}
	class, ok = h.versions[i].types[recordType]
	return class, ok
}

// ScopeOf returns what a report of an event is about, in the version that is active
// at an instant; ok is false for an event that it does not declare.
func (h *History) ScopeOf(event string, at time.Time) (s Scope, ok bool) {
	i := h.active(at)
	if i < 0 {
		return "", false
	}
	s, ok = h.versions[i].events[event]
	return s, ok
}
