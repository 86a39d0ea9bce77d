package storagetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
)

// Harness is a Transactor with an empty table of keys and values, both text.
// All functions join the transaction of their context.
type Harness struct {
	Transactor troth.Transactor

	// Put adds the row or replaces the one under key.
	Put func(ctx context.Context, key, value string) error
	// Insert adds the row, and returns an error of any kind if there is one
	// under key already.
	Insert func(ctx context.Context, key, value string) error
	// Get returns the value under key, and whether there is one.
	Get func(ctx context.Context, key string) (string, bool, error)
	// Keys returns all keys in order of their bytes.
	Keys func(ctx context.Context) ([]string, error)

	// Host begins a transaction as the host does, and returns ctx with it.
	// Commit and rollback end it. It is nil for an adapter that cannot join a
	// host's transaction; the sub-tests about that are then left out.
	Host func(ctx context.Context) (in context.Context, commit, rollback func() error, err error)

	// WaitBound is how long the adapter waits before it returns
	// [troth.ErrBusy]. The suite waits for it several times, so that half a
	// second is better than five.
	WaitBound time.Duration
}

// Run runs the suite. open is called for every sub-test, which run in parallel:
// each Harness needs a table of its own, and a writer too where there is only
// one. A read outside of transactions must not need the connection of one that
// is open.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for _, c := range checks(open(t).Host != nil) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Run(newRig(t, func() Harness { return open(t) }))
		})
	}
}

// check is one sentence and what shows it.
type check = suite.Check[*rig]

func checks(host bool) []check {
	all := slices.Concat(savepointChecks, endingChecks, misuseChecks, waitChecks, cancelChecks, scopeChecks, contextChecks, loadChecks)
	if host {
		all = append(all, hostChecks...)
	}
	return all
}
