package storagetest

import (
	"slices"
	"testing"
	"time"

	"github.com/trothdev/troth/internal/suite/proof"
)

// bound is short, because every defect waits for it several times.
const bound = 20 * time.Millisecond

// proven is the suite with all defects. Its harness is opened more than once.
func proven() *proof.Suite[func() Harness, *rig] {
	s := &proof.Suite[func() Harness, *rig]{Sound: sound, Rig: newRig}
	for _, c := range checks(true) {
		s.Checks = append(s.Checks, check{Name: c.Name, Run: func(r *rig) {
			defer func() {
				if p := recover(); p != nil { // as some defects do
					r.Errorf("panic: %v", p)
				}
			}()
			c.Run(r)
		}})
	}
	for _, d := range defects {
		s.Add(d.name, d.caught, d.opened)
	}
	return s
}

func sound() func() Harness { return func() Harness { return open(bound) } }

// opened puts the defect into every harness that is opened.
func (d defect) opened(open *func() Harness) {
	sound := *open
	*open = func() Harness {
		h := sound()
		d.inject(&h)
		return h
	}
}

func TestSuite_EveryDefectIsCaught(t *testing.T) { proven().EveryDefectIsCaught(t) }

// A check that no defect can fail would prove nothing.
func TestSuite_EveryCheckCanFail(t *testing.T) {
	s := proven()
	for _, c := range s.Checks {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			failed := slices.ContainsFunc(defects, func(d defect) bool {
				open := sound()
				d.opened(&open)
				return len(s.Failures(t, c, open)) > 0
			})
			if !failed {
				t.Fatal("no defect fails this check")
			}
		})
	}
}

func TestSuite_OneHandleForAllIsCaught(t *testing.T) {
	h, s := open(bound), proven()
	c := s.Named(t, "the transaction of another handle means nothing")
	if failures := s.Failures(t, c, func() Harness { return h }); len(failures) == 0 {
		t.Fatal("a context that means the same to two handles was not noticed")
	}
}

func TestSuite_SentencesDiffer(t *testing.T) {
	proven().SentencesDiffer(t)
	if len(checks(false)) >= len(checks(true)) {
		t.Error("the host's transaction adds no check")
	}
}
