package tasktest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/task"
)

// Harness is an empty store and what it can do.
type Harness struct {
	Backend task.Backend

	// Advance moves what the store takes for the database's clock, back if d is
	// negative. It is required, and the clock must stand still otherwise.
	Advance func(d time.Duration)

	// Host begins a transaction as the host does, and returns ctx with it.
	// Commit and rollback end it. Nil says that the adapter cannot join a host's
	// transaction.
	Host func(ctx context.Context) (in context.Context, commit, rollback func() error, err error)

	// ManyWriters says that transactions which write may be open at the same
	// time.
	ManyWriters bool
}

// Run runs the suite. open is called for every sub-test, which run in parallel:
// each Harness needs rows of its own.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	suite.Run(t, checks(), open, newRig)
}

// check is one sentence and what shows it.
type check = suite.Check[*rig]

func checks() []check {
	return slices.Concat(insertChecks, waitChecks, claimChecks, shareChecks, limitChecks, leaseChecks, clockChecks, endChecks,
		manualChecks, groupChecks, alarmChecks, finishedChecks, wallChecks, txChecks, raceChecks, idleChecks)
}
