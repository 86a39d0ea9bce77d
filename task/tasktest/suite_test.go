package tasktest

import (
	"context"
	"testing"
	"time"

	"github.com/trothdev/troth/internal/suite/proof"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/taskmem"
)

// patience is how long a transaction of the self-tests waits for the one before.
const patience = 200 * time.Millisecond

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

// proven is the suite with all defects.
func proven() *proof.Suite[Harness, *rig] {
	s := &proof.Suite[Harness, *rig]{Checks: checks(), Sound: sound, Rig: newRig}
	for _, d := range defects {
		s.Add(d.caught+": "+d.name, d.caught, func(h *Harness) {
			b := whole(h.Backend)
			d.inject(b)
			h.Backend = b
		})
	}
	return s
}

func TestSuite_MemoryPasses(t *testing.T) {
	Run(t, func(*testing.T) Harness { return sound() })
}

func TestSuite_EveryDefectIsCaught(t *testing.T) { proven().EveryDefectIsCaught(t) }
func TestSuite_EveryCheckCanFail(t *testing.T)   { proven().EveryCheckCanFail(t) }
func TestSuite_SentencesDiffer(t *testing.T)     { proven().SentencesDiffer(t) }

func TestSuite_WhatIsNotDeclaredIsNamed(t *testing.T) {
	all := sound()
	all.ManyWriters = true
	proven().WhatIsNotDeclaredIsNamed(t, all)
}
