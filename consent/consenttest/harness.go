package consenttest

import (
	"context"
	"slices"
	"testing"

	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/internal/suite"
)

// Harness is an empty store and what it can do.
type Harness struct {
	Backend consent.Backend

	// Reopen returns another store on the same rows, as a second process or a
	// program that starts again has it. Nil says that the rows cannot be
	// reached twice.
	Reopen func() consent.Backend

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
	return slices.Concat(catalogueChecks, personChecks, eventChecks, stateChecks, linkChecks, requestChecks, dueChecks,
		eraseChecks, wallChecks, feedChecks, pruneChecks, endingChecks, manyChecks)
}
