// Package proof shows of a suite that it notices what it should: every defect that is
// built into a sound store fails the check that is about it, and every check has a
// defect that fails it.
package proof

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/trothdev/troth/internal/suite"
)

// recorder is a suite.TB that notes failures instead of failing the test.
type recorder struct {
	ctx      context.Context
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Context() context.Context { return r.ctx }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

// Failures runs run as a test would and returns how it failed.
func Failures(t *testing.T, run func(t suite.TB)) []string {
	t.Helper()
	rec := &recorder{ctx: t.Context()}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(rec)
	}()
	<-done
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return rec.failures
}

// Defect is one way to break the contract, and the name of a check that must see it.
type Defect[H any] struct {
	Name, Caught string
	Inject       func(h *H)
}

// Suite is a suite with all that is known to break its contract.
type Suite[H, R any] struct {
	Checks  []suite.Check[R]
	Sound   func() H
	Rig     func(t suite.TB, h H) R
	Defects []Defect[H]
}

// Add adds a defect.
func (s *Suite[H, R]) Add(name, caught string, inject func(h *H)) {
	s.Defects = append(s.Defects, Defect[H]{name, caught, inject})
}

// Failures runs one check and returns how it failed.
func (s *Suite[H, R]) Failures(t *testing.T, c suite.Check[R], h H) []string {
	t.Helper()
	return Failures(t, func(t suite.TB) { c.Run(s.Rig(t, h)) })
}

// Named returns the check of that name.
func (s *Suite[H, R]) Named(t *testing.T, name string) suite.Check[R] {
	t.Helper()
	i := slices.IndexFunc(s.Checks, func(c suite.Check[R]) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no check is called %q", name)
	}
	return s.Checks[i]
}

// EveryDefectIsCaught shows that each defect fails its check, in a sub-test.
func (s *Suite[H, R]) EveryDefectIsCaught(t *testing.T) {
	t.Helper()
	for _, d := range s.Defects {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			h := s.Sound()
			d.Inject(&h)
			failures := s.Failures(t, s.Named(t, d.Caught), h)
			if len(failures) == 0 {
				t.Fatalf("%q did not notice", d.Caught)
			}
			t.Logf("%.200s", failures[0])
		})
	}
}

// EveryCheckCanFail shows that each check has a defect: one that no defect can fail
// would prove nothing. That the defects do fail them is what EveryDefectIsCaught
// shows.
func (s *Suite[H, R]) EveryCheckCanFail(t *testing.T) {
	t.Helper()
	for _, c := range s.Checks {
		if !slices.ContainsFunc(s.Defects, func(d Defect[H]) bool { return d.Caught == c.Name }) {
			t.Errorf("no defect fails %q", c.Name)
		}
	}
}

// SentencesDiffer shows that no two checks have one name.
func (s *Suite[H, R]) SentencesDiffer(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range s.Checks {
		if seen[c.Name] {
			t.Errorf("two checks are called %q", c.Name)
		}
		seen[c.Name] = true
	}
}

// WhatIsNotDeclaredIsNamed shows that an empty harness lacks what the checks need, and
// that one which has everything lacks nothing.
func (s *Suite[H, R]) WhatIsNotDeclaredIsNamed(t *testing.T, everything H) {
	t.Helper()
	var none H
	for _, c := range s.Checks {
		if got := suite.Lacks(none, c.Needs); got != (c.Needs != "") {
			t.Errorf("%q needs %q: lacking %v", c.Name, c.Needs, got)
		}
		if suite.Lacks(everything, c.Needs) {
			t.Errorf("%q lacks where all is declared", c.Needs)
		}
	}
}

// Pass shows that a harness still passes the checks, of which each is a sub-test,
// after a change.
func (s *Suite[H, R]) Pass(t *testing.T, checks []suite.Check[R], change func(h *H)) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			h := s.Sound()
			change(&h)
			if failures := s.Failures(t, c, h); len(failures) > 0 {
				t.Fatal(failures)
			}
		})
	}
}
