package retentiontest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/trothdev/troth/internal/suite/proof"
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

// proven is the suite with all defects.
func proven() *proof.Suite[Harness, *rig] {
	s := &proof.Suite[Harness, *rig]{Checks: checks(), Sound: sound, Rig: newRig}
	for _, d := range slices.Concat(defects, warrantDefects, manyDefects) {
		s.Add(d.name, d.caught, d.inject)
	}
	return s
}

func TestSuite_MemoryPasses(t *testing.T) {
	Run(t, func(*testing.T) Harness { return sound() })
}

func TestSuite_EveryDefectIsCaught(t *testing.T)      { proven().EveryDefectIsCaught(t) }
func TestSuite_EveryCheckCanFail(t *testing.T)        { proven().EveryCheckCanFail(t) }
func TestSuite_SentencesDiffer(t *testing.T)          { proven().SentencesDiffer(t) }
func TestSuite_WhatIsNotDeclaredIsNamed(t *testing.T) { proven().WhatIsNotDeclaredIsNamed(t, sound()) }
