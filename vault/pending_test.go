package vault_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/vault"
)

var errHost = errors.New("the host changed its mind")

// pendingCase is a world with a sealed value whose key is about to be shredded.
type pendingCase struct {
	*world
	v      *vault.Vault
	at     troth.Context
	sealed []byte
	handle *vault.Handle
}

func newPendingCase(t *testing.T) pendingCase {
	w := newWorld(t)
	c := pendingCase{world: w, v: w.vault(), at: emailOf(shop, "42", profile)}
	c.sealed = w.seal(c.v, c.at, "ada")
	w.opens(c.v, c.at, c.sealed, "ada")
	var err error
	c.handle, err = c.v.For(w.ctx, c.at.Subject, c.at.Compartment, orders)
	require.NoError(t, err)
	c.handleOpens()
	return c
}

func (c pendingCase) handleOpens() {
	c.t.Helper()
	got, err := c.handle.AppendOpen(c.ctx, nil, c.at.Cell, c.sealed)
	require.NoError(c.t, err)
	require.Equal(c.t, "ada", string(got))
}

// refusesAll checks every way to the key.
func (c pendingCase) refusesAll(ctx context.Context, why error) {
	c.t.Helper()
	inner := *c.world
	inner.ctx = ctx
	inner.refuses(c.v, c.at, c.sealed, why)
	_, err := c.handle.AppendOpen(ctx, nil, c.at.Cell, c.sealed)
	require.ErrorIs(c.t, err, why)
	_, err = c.handle.AppendSeal(ctx, nil, c.at.Cell, nil)
	require.ErrorIs(c.t, err, why)
	_, err = c.v.OpenBatch(ctx, orders, []vault.Item{{At: c.at, Data: c.sealed}})
	require.ErrorIs(c.t, err, why)
	_, err = c.v.SealBatch(ctx, []vault.Item{{At: c.at}})
	require.ErrorIs(c.t, err, why)
}

func (c pendingCase) begin() (context.Context, *memory.Tx) {
	c.t.Helper()
	tx, err := c.db.Begin(c.ctx)
	require.NoError(c.t, err)
	return c.db.WithTx(c.ctx, tx), tx
}

func TestShred_InTheHostsTransaction(t *testing.T) {
	for _, commit := range []bool{true, false} {
		for _, sweep := range []bool{true, false} {
			c := newPendingCase(t)
			inTx, tx := c.begin()
			_, err := c.v.Shred(inTx, erasure, personOf(shop, "42"))
			require.NoError(t, err)

			c.refusesAll(inTx, vault.ErrShredPending)
			// Others of this process too, which see rows from before.
			require.ErrorIs(t, lookup(c.v.AppendOpen(c.ctx, nil, c.at, orders, c.sealed)), vault.ErrShredPending)
			require.ErrorIs(t, lookup(c.handle.AppendOpen(c.ctx, nil, c.at.Cell, c.sealed)), vault.ErrShredPending)
			require.ErrorIs(t, lookup(c.v.OpenBatch(c.ctx, orders, []vault.Item{{At: c.at, Data: c.sealed}})), vault.ErrShredPending)
			require.Empty(t, c.rec.committed(t, "vault.shred"))

			if commit {
				require.NoError(t, tx.Commit())
			} else {
				require.NoError(t, tx.Rollback())
			}
			if sweep {
				require.NoError(t, c.v.Sweep(c.ctx))
				require.Zero(t, c.v.Undecided())
			}
			if commit {
				c.refusesAll(c.ctx, vault.ErrShredded)
				require.Len(t, c.rec.committed(t, "vault.shred"), 1)
			} else {
				c.opens(c.v, c.at, c.sealed, "ada")
				c.handleOpens()
				require.Empty(t, c.rec.committed(t, "vault.shred"))
			}
			require.Zero(t, c.v.Undecided())
		}
	}
}

func lookup[T any](_ T, err error) error { return err }

func TestShred_OtherPeopleAreNotPending(t *testing.T) {
	c := newPendingCase(t)
	other := emailOf(shop, "43", profile)
	theirs := c.seal(c.v, other, "bob")
	inTx, tx := c.begin()
	_, err := c.v.Shred(inTx, erasure, personOf(shop, "42"))
	require.NoError(t, err)
	c.opens(c.v, other, theirs, "bob")
	require.NoError(t, tx.Rollback())
}

func TestShred_TenantInTheHostsTransaction(t *testing.T) {
	c := newPendingCase(t)
	for range 2 { // the second time its root is cached
		_, err := c.v.MAC(c.ctx, someKey, nil)
		require.NoError(t, err)
	}
	other := emailOf(bakery, "42", profile)
	theirs := c.seal(c.v, other, "bob")
	c.opens(c.v, other, theirs, "bob") // and the window is open

	inTx, tx := c.begin()
	_, err := c.v.Shred(inTx, erasure, vault.Target{Tenant: shop, WholeTenant: true})
	require.NoError(t, err)
	c.refusesAll(inTx, vault.ErrShredPending)
	for _, ctx := range []context.Context{inTx, c.ctx} {
		require.ErrorIs(t, lookup(c.v.MAC(ctx, someKey, nil)), vault.ErrShredPending)
		require.ErrorIs(t, lookup(c.v.AEAD(ctx, someKey)), vault.ErrShredPending)
	}
	c.opens(c.v, other, theirs, "bob")
	require.NoError(t, tx.Rollback())
	c.opens(c.v, c.at, c.sealed, "ada")
	_, err = c.v.MAC(c.ctx, someKey, nil)
	require.NoError(t, err)
}

func TestShred_OuterErrorOfAnOwnTransactionLeavesDataReadable(t *testing.T) {
	c := newPendingCase(t)
	err := c.db.Atomically(c.ctx, func(ctx context.Context) error {
		_, err := c.v.Shred(ctx, erasure, personOf(shop, "42"))
		require.NoError(t, err)
		c.refusesAll(ctx, vault.ErrShredPending)
		return errHost
	})
	require.ErrorIs(t, err, errHost)
	c.opens(c.v, c.at, c.sealed, "ada")
	c.handleOpens()
	require.Zero(t, c.v.Undecided())
}

func TestShred_CommitOfAnOuterTransactionDecides(t *testing.T) {
	c := newPendingCase(t)
	require.NoError(t, c.db.Atomically(c.ctx, func(ctx context.Context) error {
		_, err := c.v.Shred(ctx, erasure, personOf(shop, "42"))
		return err
	}))
	c.refusesAll(c.ctx, vault.ErrShredded)
}

func TestShred_SavepointRolledBackOpensAgainInTheSameTransaction(t *testing.T) {
	c := newPendingCase(t)
	inTx, tx := c.begin()
	err := c.db.Atomically(inTx, func(ctx context.Context) error {
		_, err := c.v.Shred(ctx, erasure, personOf(shop, "42"))
		require.NoError(t, err)
		c.refusesAll(ctx, vault.ErrShredPending)
		return errHost
	})
	require.ErrorIs(t, err, errHost)
	got, err := c.v.AppendOpen(inTx, nil, c.at, orders, c.sealed)
	require.NoError(t, err)
	require.Equal(t, "ada", string(got))
	require.NoError(t, tx.Commit())
	c.opens(c.v, c.at, c.sealed, "ada")
}

// The shredding and the opening are in savepoints of one transaction of which
// neither lies inside the other.
func TestShred_IsPendingInASiblingSavepoint(t *testing.T) {
	c := newPendingCase(t)
	inTx, tx := c.begin()
	require.NoError(t, c.db.Atomically(inTx, func(ctx context.Context) error {
		return c.db.Atomically(ctx, func(ctx context.Context) error {
			_, err := c.v.Shred(ctx, erasure, personOf(shop, "42"))
			return err
		})
	}))
	require.NoError(t, c.db.Atomically(inTx, func(ctx context.Context) error {
		return c.db.Atomically(ctx, func(ctx context.Context) error {
			c.refusesAll(ctx, vault.ErrShredPending)
			return nil
		})
	}))
	require.Equal(t, 1, c.v.Undecided())
	require.ErrorIs(t, lookup(c.v.AppendOpen(c.ctx, nil, c.at, orders, c.sealed)), vault.ErrShredPending)
	require.NoError(t, tx.Rollback())
	c.opens(c.v, c.at, c.sealed, "ada")
}

func TestShred_PanicInTheTransactionLeavesDataReadable(t *testing.T) {
	c := newPendingCase(t)
	require.PanicsWithValue(t, "host", func() {
		_ = c.db.Atomically(c.ctx, func(ctx context.Context) error {
			_, err := c.v.Shred(ctx, erasure, personOf(shop, "42"))
			require.NoError(t, err)
			panic("host")
		})
	})
	c.opens(c.v, c.at, c.sealed, "ada")
}

func TestShred_KeyMadeInTheSameUncommittedTransaction(t *testing.T) {
	for _, commit := range []bool{true, false} {
		w := newWorld(t)
		v := w.vault()
		require.NoError(t, v.OpenWindow(w.ctx, shop, orders))
		at := emailOf(shop, "42", profile)
		tx, err := w.db.Begin(w.ctx)
		require.NoError(t, err)
		inTx := w.db.WithTx(w.ctx, tx)
		sealed, err := v.AppendSeal(inTx, nil, at, []byte("ada"))
		require.NoError(t, err)
		receipt, err := v.Shred(inTx, erasure, personOf(shop, "42"))
		require.NoError(t, err)
		require.Len(t, receipt.Keys, 1)
		require.ErrorIs(t, lookup(v.AppendOpen(inTx, nil, at, orders, sealed)), vault.ErrShredPending)
		require.ErrorIs(t, lookup(v.AppendSeal(inTx, nil, at, nil)), vault.ErrShredPending)
		if commit {
			require.NoError(t, tx.Commit())
			w.refuses(v, at, sealed, vault.ErrShredded)
			continue
		}
		require.NoError(t, tx.Rollback())
		require.ErrorIs(t, lookup(v.AppendOpen(w.ctx, nil, at, orders, sealed)), vault.ErrOpen, "the key never was")
		w.opens(v, at, w.seal(v, at, "again"), "again")
	}
}

// Databases with many writers answer whether a shredding is settled by looking
// for who holds the person. Before the shredding has taken hold, nobody does;
// until then everything opens, as if it had not been asked for.
func TestShred_IsNotTakenForSettledBeforeItBegan(t *testing.T) {
	w := newWorld(t)
	begun := false
	store := &hooked{Backend: w.store}
	store.settled = func(ctx context.Context, name vault.KeyName) (bool, error) {
		if !begun {
			return true, nil
		}
		return w.store.Settled(ctx, name)
	}
	v := w.vaultOn(store)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	w.opens(v, at, sealed, "ada")
	store.shredKeys = func() {
		w.opens(v, at, sealed, "ada")
		begun = true
	}
	tx, err := w.db.Begin(w.ctx)
	require.NoError(t, err)
	_, err = v.Shred(w.db.WithTx(w.ctx, tx), erasure, personOf(shop, "42"))
	require.NoError(t, err)
	require.ErrorIs(t, lookup(v.AppendOpen(w.ctx, nil, at, orders, sealed)), vault.ErrShredPending)
	require.NoError(t, tx.Commit())
	w.refuses(v, at, sealed, vault.ErrShredded)
}

func TestShred_DoesNotAskTheStoreAboutTheTransactionThatAsks(t *testing.T) {
	w := newWorld(t)
	asked := 0
	store := &hooked{Backend: w.store}
	store.settled = func(ctx context.Context, name vault.KeyName) (bool, error) {
		asked++
		return w.store.Settled(ctx, name)
	}
	v := w.vaultOn(store)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	tx, err := w.db.Begin(w.ctx)
	require.NoError(t, err)
	inTx := w.db.WithTx(w.ctx, tx)
	_, err = v.Shred(inTx, erasure, personOf(shop, "42"))
	require.NoError(t, err)
	require.ErrorIs(t, lookup(v.AppendOpen(inTx, nil, at, orders, sealed)), vault.ErrShredPending)
	require.Zero(t, asked, "a pool of one connection would wait for itself")
	require.NoError(t, tx.Rollback())
	w.opens(v, at, sealed, "ada")
	require.NotZero(t, asked)
}
