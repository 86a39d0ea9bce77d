package consenttest

import (
	"context"
	"testing"
	"time"

	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/internal/suite/proof"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/consentmem"
)

// sound returns a harness on memory. Its rows live as long as the store does,
// so that opening again is having it.
func sound() Harness {
	db := memory.Open(memory.WithWaitBound(2 * time.Second))
	s := consentmem.New(db)
	return Harness{
		Backend: s,
		Reopen:  func() consent.Backend { return s },
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
	s := &proof.Suite[Harness, *rig]{Checks: checks(), Sound: sound, Rig: newRig, Defects: feedDefects}
	for _, d := range defects {
		s.Add(d.name, d.caught, d.inject)
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

// The feed of the defects is sound where it has no flaw: what is caught is the
// flaw.
func TestSuite_LooseFeedWithoutFlawPasses(t *testing.T) {
	proven().Pass(t, feedChecks, breaksFeed(proof.Loose))
}
