package vault_test

import (
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
)

// backup is all that a store holds of keys and of the journal at one moment.
type backup struct {
	roots  []vault.RootRow
	people []vault.PersonEntry
	keys   []vault.KeyRow
	limits []vault.RestrictionRow // of shop
	lines  []vault.LineRow
	state  vault.JournalState
}

// backUp copies the store; receipts tell which lines it has.
func (w *world) backUp(receipts ...vault.Receipt) backup {
	w.t.Helper()
	var b backup
	var err error
	b.roots, err = w.store.RootsAfter(w.ctx, vault.RootAt{}, 1<<20)
	require.NoError(w.t, err)
	b.people, err = w.store.PeopleAfter(w.ctx, vault.PersonName{}, 1<<20)
	require.NoError(w.t, err)
	b.keys, err = w.store.KeysAfter(w.ctx, vault.KeyAt{}, 1<<20)
	require.NoError(w.t, err)
	b.limits, err = w.store.RestrictionsPage(w.ctx, shop, troth.EntryID{}, 1<<20)
	require.NoError(w.t, err)
	for _, r := range receipts {
		row, found, err := w.store.Line(w.ctx, r.Target.Tenant, r.Entry)
		require.NoError(w.t, err)
		require.True(w.t, found)
		b.lines = append(b.lines, row)
	}
	b.state, err = w.store.JournalState(w.ctx)
	require.NoError(w.t, err)
	return b
}

// restored is the world with another store, which holds the backup.
func (w *world) restored(b backup) *world {
	w.t.Helper()
	r := *w
	r.db = memory.Open()
	r.store, r.rec = vaultmem.New(r.db), newRecorder(r.db)
	for _, row := range b.roots {
		_, err := r.store.PutRoot(w.ctx, row)
		require.NoError(w.t, err)
	}
	for _, row := range b.keys {
		_, err := r.store.PutKey(w.ctx, row)
		require.NoError(w.t, err)
	}
	for _, p := range b.people {
		if p.ClosedAt != 0 {
			require.NoError(w.t, r.store.ClosePerson(w.ctx, p.Tenant, p.SubjectID, p.ClosedAt))
		}
	}
	for _, row := range b.limits {
		open := row
		open.LiftedAt = 0
		_, err := r.store.InsertRestriction(w.ctx, open)
		require.NoError(w.t, err)
		if row.LiftedAt != 0 {
			_, err := r.store.LiftRestriction(w.ctx, row)
			require.NoError(w.t, err)
		}
	}
	for _, row := range b.lines {
		_, err := r.store.InsertLine(w.ctx, row)
		require.NoError(w.t, err)
	}
	if b.state.Position > 0 {
		_, err := r.store.MoveJournal(w.ctx, 0, b.state.Position, b.state.Digest)
		require.NoError(w.t, err)
	}
	return &r
}

// openErr is why a vault does not open.
func (w *world) openErr(opts ...vault.Option) error {
	w.t.Helper()
	_, err := vault.Open(w.ctx, w.config(), append([]vault.Option{vault.Unmanaged("tests")}, opts...)...)
	return err
}
