package audittest

import (
	"context"
	"slices"
	"testing"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// Run runs the suite: one sub-test for each sentence of the contract of
// audit.Backend. open is called for every sub-test, which run in parallel, and
// returns an empty store each time. A read outside of transactions must not need
// the connection of one that is open.
func Run(t *testing.T, open func(t *testing.T) audit.Backend) {
	t.Helper()
	run(t, open, slices.Concat(entryChecks, pseudonymChecks, txChecks, systemChecks, loopChecks, trailChecks,
		logHeadChecks, logInboxChecks, logEntryChecks, logTenantChecks, logTimeChecks, logTreeChecks,
		logStrayChecks, logTxChecks))
}

// RunOneConnection runs the part of the suite that a store must pass with one
// connection to its database: loops whose body writes.
func RunOneConnection(t *testing.T, open func(t *testing.T) audit.Backend) {
	t.Helper()
	run(t, open, loopChecks)
}

// check is one sentence and what shows it.
type check struct {
	name string
	run  func(r *rig)
}

func run(t *testing.T, open func(t *testing.T) audit.Backend, checks []check) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&rig{T: t, store: open(t)})
		})
	}
}

// rig is one store under test. Its methods end the test where the store
// returns an error.
type rig struct {
	*testing.T
	store audit.Backend
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) want(ok bool, format string, args ...any) {
	r.Helper()
	if !ok {
		r.Errorf(format, args...)
	}
}

// append puts a row into the inbox and returns whether the store says that it
// did.
func (r *rig) append(ctx context.Context, row audit.InboxRow) bool {
	r.Helper()
	appended, err := r.store.Append(ctx, row)
	r.must(err)
	return appended
}

func (r *rig) entries(ctx context.Context, p audit.EntriesPage) []audit.InboxRow {
	r.Helper()
	rows, err := r.store.Entries(ctx, p)
	r.must(err)
	return rows
}

// all returns the tenant's entries.
func (r *rig) all(ctx context.Context, tenant troth.Tenant) []audit.InboxRow {
	r.Helper()
	return r.entries(ctx, audit.EntriesPage{Tenant: tenant, Limit: 1 << 20})
}

func (r *rig) backlog(ctx context.Context) audit.Backlog {
	r.Helper()
	b, err := r.store.Backlog(ctx)
	r.must(err)
	return b
}

func (r *rig) insert(ctx context.Context, row audit.PseudonymRow) bool {
	r.Helper()
	inserted, err := r.store.InsertPseudonym(ctx, row)
	r.must(err)
	return inserted
}

func (r *rig) find(ctx context.Context, name audit.PseudonymName) (audit.PseudonymRow, bool) {
	r.Helper()
	row, found, err := r.store.Pseudonym(ctx, name)
	r.must(err)
	return row, found
}

func (r *rig) atomically(fn func(ctx context.Context)) {
	r.Helper()
	r.must(r.store.Transactor().Atomically(r.Context(), func(ctx context.Context) error {
		fn(ctx)
		return nil
	}))
}

// undone runs fn in a transaction that is rolled back, inside that of ctx if it
// has one.
func (r *rig) undone(ctx context.Context, fn func(ctx context.Context)) {
	r.Helper()
	err := r.store.Transactor().Atomically(ctx, func(ctx context.Context) error {
		fn(ctx)
		return errUndo
	})
	r.want(err == errUndo, "a closure's error came back as %v", err) //nolint:errorlint // unchanged is the contract
}
