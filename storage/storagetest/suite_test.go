package storagetest

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// bound is short, because every defect waits for it several times.
const bound = 20 * time.Millisecond

func TestSuite_EveryDefectIsCaught(t *testing.T) {
	for _, d := range defects {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			c := named(t, d.caught)
			failures := failuresOf(t, c, func() Harness {
				h := open(bound)
				d.inject(&h)
				return h
			})
			if len(failures) == 0 {
				t.Fatalf("%q did not notice", c.name)
			}
			t.Log(failures)
		})
	}
}

// A check that no defect can fail would prove nothing.
func TestSuite_EveryCheckCanFail(t *testing.T) {
	for _, c := range checks(true) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			failed := slices.ContainsFunc(defects, func(d defect) bool {
				return len(failuresOf(t, c, func() Harness {
					h := open(bound)
					d.inject(&h)
					return h
				})) > 0
			})
			if !failed {
				t.Fatal("no defect fails this check")
			}
		})
	}
}

func TestSuite_OneHandleForAllIsCaught(t *testing.T) {
	h := open(bound)
	c := named(t, "the transaction of another handle means nothing")
	if failures := failuresOf(t, c, func() Harness { return h }); len(failures) == 0 {
		t.Fatal("a context that means the same to two handles was not noticed")
	}
}

func TestSuite_SentencesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range checks(true) {
		if seen[c.name] {
			t.Errorf("two checks are called %q", c.name)
		}
		seen[c.name] = true
	}
	if len(checks(false)) >= len(checks(true)) {
		t.Error("the host's transaction adds no check")
	}
}

func named(t *testing.T, name string) check {
	t.Helper()
	all := checks(true)
	i := slices.IndexFunc(all, func(c check) bool { return c.name == name })
	if i < 0 {
		t.Fatal(fmt.Errorf("no check is called %q", name))
	}
	return all[i]
}
