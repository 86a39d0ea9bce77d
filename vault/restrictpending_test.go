package vault_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/vault"
)

func (c *restrictCase) begin() (context.Context, *memory.Tx) {
	c.t.Helper()
	return pendingCase{world: c.world}.begin()
}

// settled waits until nothing is undecided any more.
func (c *restrictCase) settled() {
	c.t.Helper()
	require.NoError(c.t, c.v.Sweep(c.ctx))
	require.Zero(c.t, c.v.Undecided())
}

func TestRestrict_InTheHostsTransactionDeniesAtOnce(t *testing.T) {
	for _, commit := range []bool{true, false} {
		c := newRestrictCase(t, vault.WithWindow(time.Hour))
		c.allows(c.ctx, orders, claims, consent)
		inTx, tx := c.begin()
		c.restrict(inTx, claims)
		c.forbids(inTx, orders, consent)
		c.allows(inTx, claims)
		// Others of this process too, which see rows from before.
		for _, open := range c.open {
			_, err := open(c.ctx, orders)
			require.ErrorIs(t, err, vault.ErrRestricted)
		}
		c.allows(c.ctx, claims)
		if commit {
			require.NoError(t, tx.Commit())
			c.forbids(c.ctx, orders)
		} else {
			require.NoError(t, tx.Rollback())
			c.allows(c.ctx, orders, claims)
			require.Empty(t, c.rec.committed(t, "vault.restrict"))
			require.Equal(t, vault.PersonState{}, c.person("42"))
		}
		c.settled()
		if commit {
			c.forbids(c.ctx, orders)
		}
		c.allows(c.ctx, claims)
	}
}

func TestRestrict_ASavepointThatFailsTakesItBack(t *testing.T) {
	c := newRestrictCase(t, vault.WithWindow(time.Hour))
	err := c.db.Atomically(c.ctx, func(ctx context.Context) error {
		err := c.db.Atomically(ctx, func(ctx context.Context) error {
			c.restrict(ctx, claims)
			c.forbids(ctx, orders)
			return errHost
		})
		require.ErrorIs(t, err, errHost)
		c.allows(ctx, orders)
		return nil
	})
	require.NoError(t, err)
	c.allows(c.ctx, orders, claims)
	require.Zero(t, c.v.Undecided())
}

// What is lifted is allowed once that is committed, and never before.
func TestLift_WaitsForCommittedRows(t *testing.T) {
	for _, commit := range []bool{true, false} {
		c := newRestrictCase(t, vault.WithWindow(time.Hour))
		g := c.grant(c.restrict(c.ctx, claims))
		c.allows(c.ctx, claims)
		inTx, tx := c.begin()
		_, err := c.v.Lift(inTx, g)
		require.NoError(t, err)
		c.forbids(inTx, orders)
		for _, open := range c.open {
			_, err := open(c.ctx, orders)
			require.ErrorIs(t, err, vault.ErrRestricted)
		}
		c.allows(inTx, claims)
		if commit {
			require.NoError(t, tx.Commit())
			c.allows(c.ctx, orders)
		} else {
			require.NoError(t, tx.Rollback())
			c.forbids(c.ctx, orders)
		}
		c.settled()
	}
}

func TestLift_InOneTransactionWithEverythingBefore(t *testing.T) {
	c := newRestrictCase(t, vault.WithWindow(time.Hour))
	err := c.db.Atomically(c.ctx, func(ctx context.Context) error {
		r, err := c.v.Restrict(ctx, restriction("42", claims))
		require.NoError(t, err)
		g, err := c.v.Grant(ctx, grantFor(r))
		require.NoError(t, err)
		_, err = c.v.Lift(ctx, g)
		require.NoError(t, err)
		c.forbids(ctx, orders)
		return nil
	})
	require.NoError(t, err)
	c.allows(c.ctx, orders, claims)
}

// A second process refuses after the fence's bound at the latest, and allows
// again when it has followed the lifting.
func TestRestrict_AnotherProcessFollows(t *testing.T) {
	c := newFenceCase(t)
	r, err := c.first.Restrict(c.ctx, restriction("42", claims))
	require.NoError(t, err)
	c.clock.advance(5*time.Second + 1)
	_, err = c.second.AppendOpen(c.ctx, nil, c.at, orders, c.sealed)
	require.ErrorIs(t, err, vault.ErrRestricted)
	_, err = c.handle.AppendOpen(c.ctx, nil, c.at.Cell, c.sealed)
	require.ErrorIs(t, err, vault.ErrRestricted)
	_, err = c.second.AppendOpen(c.ctx, nil, c.at, claims, c.sealed)
	require.NoError(t, err)

	g, err := c.first.Grant(c.ctx, grantFor(r))
	require.NoError(t, err)
	_, err = c.first.Lift(c.ctx, g)
	require.NoError(t, err)
	c.clock.advance(5*time.Second + 1)
	_, err = c.second.AppendOpen(c.ctx, nil, c.at, orders, c.sealed)
	require.NoError(t, err)
	_, err = c.handle.AppendOpen(c.ctx, nil, c.at.Cell, c.sealed)
	require.NoError(t, err)
}

// A transaction that reads an older snapshot than the restriction does not open
// what it still sees as it was.
func TestRestrict_AnOldSnapshotDoesNotOpen(t *testing.T) {
	w := newWorld(t)
	loose, store := w.loosely()
	v := w.vaultOn(store)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	w.opens(v, at, sealed, "ada")
	old := w.keyRow(at)
	inTx := loose.begin(w.ctx, false)
	_, err := v.Restrict(w.ctx, restriction("42", claims))
	require.NoError(t, err)
	store.keys = func(ctx context.Context, _ vault.KeyName, rows []vault.KeyRow) ([]vault.KeyRow, error) {
		if loose.Scope(ctx) != nil {
			return []vault.KeyRow{old}, nil
		}
		return rows, nil
	}
	_, err = v.AppendOpen(inTx, nil, at, orders, sealed)
	require.ErrorIs(t, err, vault.ErrRestricted)
}

// A key is moved to another root while its flag is set: the flag is set on what
// it is then.
func TestRestrict_FollowsAKeyThatMoves(t *testing.T) {
	w := newWorld(t)
	store := &moving{Backend: w.store}
	v := w.vaultOn(store)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	store.move = func(ctx context.Context) {
		row := w.keyRow(at)
		next, err := v.Rewrapped(ctx, row)
		require.NoError(t, err)
		done, err := w.store.ResealKey(ctx, vault.Reseal{KeyName: row.KeyName, Generation: 1, Was: row.Sealed, Sealed: next.Sealed})
		require.NoError(t, err)
		require.True(t, done)
	}
	r, err := v.Restrict(w.ctx, restriction("42", claims))
	require.NoError(t, err)
	require.Equal(t, 1, r.Keys)
	_, err = v.AppendOpen(w.ctx, nil, at, orders, sealed)
	require.ErrorIs(t, err, vault.ErrRestricted)
	_, err = w.vault().AppendOpen(w.ctx, nil, at, claims, sealed)
	require.NoError(t, err)
}

// moving is a store in which something happens before a key is resealed, once.
type moving struct {
	vault.Backend
	move func(ctx context.Context)
}

func (m *moving) ResealKey(ctx context.Context, r vault.Reseal) (bool, error) {
	if m.move != nil {
		m.move(ctx)
		m.move = nil
	}
	return m.Backend.ResealKey(ctx, r)
}

// undoing is a store whose database has a trigger that puts keys back.
type undoing struct {
	vault.Backend
	undone bool
}

func (u *undoing) ResealKey(context.Context, vault.Reseal) (bool, error) {
	u.undone = true
	return true, nil
}

func TestRestrict_IsReadBack(t *testing.T) {
	w := newWorld(t)
	store := &undoing{Backend: w.store}
	v := w.vaultOn(store)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	_, err := v.Restrict(w.ctx, restriction("42"))
	require.ErrorContains(t, err, "triggers")
	require.True(t, store.undone)
	w.opens(v, at, sealed, "ada")
	require.Empty(t, w.rec.committed(t, "vault.restrict"))
}

func TestRestrict_WhereTheKEKFailsNothingIsRestricted(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(w.vault(), at, "ada")
	kek := &downKEK{KEK: w.kek}
	w.kek = kek
	v := w.vault()
	kek.down = true
	_, err := v.Restrict(w.ctx, restriction("42", claims))
	require.ErrorIs(t, err, vault.ErrKEK)
	require.Empty(t, w.rec.committed(t, "vault.restrict"))
	kek.down = false
	_, err = v.Restrict(w.ctx, restriction("42", claims))
	require.NoError(t, err)
	_, err = v.AppendOpen(w.ctx, nil, at, orders, sealed)
	require.ErrorIs(t, err, vault.ErrRestricted)
}

// downKEK is a KEK that fails on demand.
type downKEK struct {
	vault.KEK
	down bool
}

func (k *downKEK) DecryptWithContext(ctx context.Context, sealed, aad []byte) ([]byte, error) {
	if k.down {
		return nil, errDown
	}
	return k.KEK.DecryptWithContext(ctx, sealed, aad)
}

func (k *downKEK) EncryptWithContext(ctx context.Context, plain, aad []byte) ([]byte, error) {
	if k.down {
		return nil, errDown
	}
	return k.KEK.EncryptWithContext(ctx, plain, aad)
}

var _ troth.Sealer = (*vault.Vault)(nil)
