package retentiontest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/retentionmem"
)

// sound returns a harness on memory. Its rows live as long as the store does,
// so that opening again is having it.
func sound() Harness {
	db := memory.Open(memory.WithWaitBound(2 * time.Second))
	s := retentionmem.New(db)
	return Harness{
		Backend: s,
		Reopen:  func() retention.Backend { return s },
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
	Run(t, func(*testing.T) Harness { return sound() })
}

func allDefects() []defect { return slices.Concat(defects, warrantDefects, manyDefects) }

func TestSuite_EveryDefectIsCaught(t *testing.T) {
	for _, d := range allDefects() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			failures := failuresOf(t, named(t, d.caught), d.harness())
			if len(failures) == 0 {
				t.Fatalf("%q did not notice", d.caught)
			}
			t.Log(failures[0])
		})
	}
}

// A check that no defect can fail would prove nothing. That the defects do fail
// them is what the test above shows.
func TestSuite_EveryCheckCanFail(t *testing.T) {
	for _, c := range checks() {
		if !slices.ContainsFunc(allDefects(), func(d defect) bool { return d.caught == c.name }) {
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
	for need, want := range map[need]string{nothing: "", reopen: "Reopen", host: "Host"} {
		if got := need.lacking(&Harness{}); got != want {
			t.Errorf("need %d: %q lacks, want %q", need, got, want)
		}
		h := sound()
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
