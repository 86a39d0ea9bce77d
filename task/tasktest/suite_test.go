package tasktest

import (
	"context"
	"slices"
	"testing"

	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/taskmem"
)

// sound returns a harness on memory.
func sound() Harness {
	db, clock := memory.Open(memory.WithWaitBound(patience)), NewClock()
	return Harness{
		Backend: taskmem.New(db, taskmem.WithClock(clock.Now)),
		Advance: clock.Advance,
		Host: func(ctx context.Context) (context.Context, func() error, func() error, error) {
			tx, err := db.Begin(ctx)
			if err != nil {
				return nil, nil, nil, err
			}
			return db.WithTx(ctx, tx), tx.Commit, tx.Rollback, nil
		},
	}
}

func TestSuite_MemoryPasses(t *testing.T) {
	for _, c := range checks() {
		if c.needs == manyWriters {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if failures := failuresOf(t, c, sound()); len(failures) > 0 {
				t.Fatal(failures)
			}
		})
	}
}

func TestSuite_EveryDefectIsCaught(t *testing.T) {
	for _, d := range defects {
		t.Run(d.caught+": "+d.name, func(t *testing.T) {
			t.Parallel()
			h := sound()
			b := whole(h.Backend)
			d.inject(b)
			h.Backend = b
			failures := failuresOf(t, named(t, d.caught), h)
			if len(failures) == 0 {
				t.Fatalf("%q did not notice", d.caught)
			}
			t.Logf("%.200s", failures[0])
		})
	}
}

// A check that no defect can fail would prove nothing.
func TestSuite_EveryCheckCanFail(t *testing.T) {
	for _, c := range checks() {
		if !slices.ContainsFunc(defects, func(d defect) bool { return d.caught == c.name }) {
			t.Errorf("no defect fails %q", c.name)
		}
	}
}

func TestSuite_SentencesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range checks() {
		if seen[c.name] {
			t.Errorf("two checks are called %q", c.name)
		}
		seen[c.name] = true
	}
}

func TestSuite_WhatIsNotDeclaredIsNamed(t *testing.T) {
	for need, want := range map[need]string{nothing: "", host: "Host", manyWriters: "ManyWriters"} {
		if got := need.lacking(&Harness{}); got != want {
			t.Errorf("need %d: %q lacks, want %q", need, got, want)
		}
		h := sound()
		h.ManyWriters = true
		if got := need.lacking(&h); got != "" {
			t.Errorf("need %d: %q lacks where all is declared", need, got)
		}
	}
}

func named(t *testing.T, name string) check {
	t.Helper()
	all := checks()
	i := slices.IndexFunc(all, func(c check) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("no check is called %q", name)
	}
	return all[i]
}
