package retentiontest

import (
	"context"
	"slices"
	"testing"

	"github.com/trothdev/troth/retention"
)

// Harness is an empty store and what it can do.
type Harness struct {
	Backend retention.Backend

	// Reopen returns another store on the same rows, as a second process or a
	// program that starts again has it. Nil says that the rows cannot be
	// reached twice.
	Reopen func() retention.Backend

	// Host begins a transaction as the host does, and returns ctx with it.
	// Commit and rollback end it. Nil says that the adapter cannot join a host's
	// transaction.
	Host func(ctx context.Context) (in context.Context, commit, rollback func() error, err error)
}

// Run runs the suite. open is called for every sub-test, which run in parallel:
// each Harness needs rows of its own.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	h := open(t)
	for _, c := range checks() {
		if lacking := c.needs.lacking(&h); lacking != "" {
			t.Logf("left out, the harness declares no %s: %s", lacking, c.name)
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(newRig(t, open(t)))
		})
	}
}

// check is one sentence and what shows it.
type check struct {
	name  string
	run   func(r *rig)
	needs need
}

// need is what a check asks of the harness beyond the store.
type need int

const (
	nothing need = iota
	reopen
	host
)

// lacking names what the harness does not have, if there is such a thing.
func (n need) lacking(h *Harness) string {
	switch {
	case n == reopen && h.Reopen == nil:
		return "Reopen"
	case n == host && h.Host == nil:
		return "Host"
	}
	return ""
}

func checks() []check {
	return slices.Concat(rowChecks, findChecks, planChecks, warrantChecks, manyChecks, leaseChecks, endingChecks)
}
