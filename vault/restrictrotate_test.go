package vault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// A key that moves to another epoch takes its restrictions with it, and what is
// compared with the trail is right before, while and after.
func TestRestrict_MovesWithTheKey(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	at := emailOf(shop, "42", profile)
	sealed := e.seal(v, at, "ada")
	open := func(v *vault.Vault, p troth.Purpose) error {
		_, err := v.AppendOpen(e.ctx, nil, at, p, sealed)
		return err
	}
	e.seal(v, emailOf(shop, "dead", profile), "eve")
	e.shred(v, personOf(shop, "dead"))
	r, err := v.Restrict(e.ctx, restriction("42", claims))
	require.NoError(t, err)
	for range 2 {
		e.advance(v)
		e.rewrap(v)
		e.retire(v)
		for _, v := range []*vault.Vault{v, e.open()} {
			require.ErrorIs(t, open(v, orders), vault.ErrRestricted)
			require.NoError(t, open(v, claims))
		}
		e.agrees()
	}
	require.NotEqual(t, uint32(1), e.keyRow(at).Epoch)
	g := grantFor(r)
	g.Announced = e.at
	g, err = v.Grant(e.ctx, g)
	require.NoError(t, err)
	_, err = v.Lift(e.ctx, g)
	require.NoError(t, err)
	require.NoError(t, open(v, orders))
	e.advance(v)
	e.rewrap(v)
	require.NoError(t, open(e.open(), orders))
	e.agrees()
	e.shred(v, vault.Target{Tenant: shop, WholeTenant: true})
	e.agrees()
}

// agrees demands that rows and trail do.
func (e *epochal) agrees() {
	e.t.Helper()
	c := e.config()
	c.Epochs, c.Evidence = e.epochs, &evidence{w: e.world}
	v, err := vault.Open(e.ctx, c, vault.WithClock(e.clock))
	require.NoError(e.t, err)
	r, err := v.Reconcile(e.ctx, vault.ReconcileParams{Full: true})
	require.NoError(e.t, err)
	require.Empty(e.t, r.Discrepancies)
}

// A tenant's old roots that are put back after a shredding are found among those
// that were let go before.
func TestReconcile_FindsOldRootsAmongRetiredOnes(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	at := emailOf(shop, "42", profile)
	e.seal(v, at, "ada")
	_, err := v.MAC(e.ctx, troth.KeyRef{Tenant: shop, Use: "search", ID: "x"}, nil)
	require.NoError(t, err)
	e.advance(v)
	e.rewrap(v)
	e.retire(v)
	living, err := e.store.Roots(e.ctx, shop)
	require.NoError(t, err)
	require.Greater(t, len(living), 2)
	e.shred(v, vault.Target{Tenant: shop, WholeTenant: true})
	e.agrees()

	c := e.config()
	c.Store, c.Epochs, c.Evidence = &oldRoots{Backend: e.store, rows: living}, e.epochs, &evidence{w: e.world}
	there, err := vault.Open(e.ctx, c, vault.WithClock(e.clock))
	require.NoError(t, err)
	r, err := there.Reconcile(e.ctx, vault.ReconcileParams{Full: true})
	require.NoError(t, err)
	require.Len(t, r.Discrepancies, 1)
	require.Equal(t, vault.TombstoneReplaced, r.Discrepancies[0].Kind)
}

// oldRoots is a store in which a tenant's roots are as they were.
type oldRoots struct {
	vault.Backend
	rows []vault.RootRow
}

func (o *oldRoots) Roots(ctx context.Context, t troth.Tenant) ([]vault.RootRow, error) {
	if t == shop {
		return o.rows, nil
	}
	return o.Backend.Roots(ctx, t)
}

func (o *oldRoots) TombstonesOf(ctx context.Context, t troth.Tenant, id troth.EntryID) (vault.Tombstones, error) {
	got, err := o.Backend.TombstonesOf(ctx, t, id)
	got.Roots = nil
	return got, err
}

// What a replay erased after a restore is evidenced by its own entries.
func TestReconcile_AfterAReplay(t *testing.T) {
	p := newPast(t)
	w := p.restored(p.old)
	_, err := w.vault(vault.ForReplay()).Replay(w.ctx)
	require.NoError(t, err)
	config := w.config()
	config.Evidence = &evidence{w: w}
	reconcile := func(s vault.Backend) vault.Reconciliation {
		config.Store = s
		v, err := vault.Open(w.ctx, config, vault.Unmanaged("tests"))
		require.NoError(t, err)
		r, err := v.Reconcile(w.ctx, vault.ReconcileParams{Full: true})
		require.NoError(t, err)
		return r
	}
	r := reconcile(w.store)
	require.Empty(t, r.Discrepancies)
	require.NotZero(t, r.Compared)
	r = reconcile(&scraped{Backend: w.store, drop: func(k vault.KeyRow) bool { return k.SubjectID == "ada" }})
	require.Len(t, r.Discrepancies, 1)
	require.Equal(t, vault.TombstoneMissing, r.Discrepancies[0].Kind)
}
