package vault_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// rotating is a store in whose ways a test of rotations stands.
type rotating struct {
	vault.Backend
	stale func(ctx context.Context, rows []vault.KeyRow)
	moved func(ctx context.Context)
	lock  func(ctx context.Context)
	keys  func(ctx context.Context)
}

func (r *rotating) StaleKeys(ctx context.Context, p vault.StaleKeys) ([]vault.KeyRow, error) {
	rows, err := r.Backend.StaleKeys(ctx, p)
	if err == nil && r.stale != nil {
		r.stale(ctx, rows)
	}
	return rows, err
}

func (r *rotating) MoveKeys(ctx context.Context, t troth.Tenant, to uint32, moves []vault.KeyMove) (int, error) {
	if r.moved != nil {
		r.moved(ctx)
	}
	return r.Backend.MoveKeys(ctx, t, to, moves)
}

func (r *rotating) LockPerson(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (vault.PersonState, error) {
	if r.lock != nil {
		r.lock(ctx)
	}
	return r.Backend.LockPerson(ctx, t, id, l)
}

func (r *rotating) Keys(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
	rows, err := r.Backend.Keys(ctx, n)
	if r.keys != nil {
		r.keys(ctx)
	}
	return rows, err
}

// people seals something for a number of people.
func (e *epochal) people(v *vault.Vault, tenant troth.Tenant, n int) map[string][]byte {
	e.t.Helper()
	values := map[string][]byte{}
	for i := range n {
		s := fmt.Sprintf("%04d", i)
		values[s] = e.seal(v, emailOf(tenant, s, profile), s)
	}
	return values
}

func (e *epochal) allOpen(v *vault.Vault, tenant troth.Tenant, values map[string][]byte) {
	e.t.Helper()
	for s, sealed := range values {
		e.opens(v, emailOf(tenant, s, profile), sealed, s)
	}
}

// allUnder demands that all living keys of the tenant are of the epoch, and that
// no living root is below it.
func (e *epochal) allUnder(tenant troth.Tenant, epoch uint32, subjects map[string][]byte) {
	e.t.Helper()
	for s := range subjects {
		require.Equal(e.t, epoch, e.keyRow(emailOf(tenant, s, profile)).Epoch)
	}
	rows, err := e.store.Roots(e.ctx, tenant)
	require.NoError(e.t, err)
	for _, row := range rows {
		require.Equal(e.t, row.Epoch == epoch, len(row.Sealed) > 0, "%+v", row)
	}
}

func TestRotate_MovesEverythingOfATenantAndNothingElse(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	shops, breads := e.people(v, shop, 600), e.people(v, bakery, 3)
	tag, err := v.MAC(e.ctx, someKey, []byte("x"))
	require.NoError(t, err)
	require.EqualValues(t, 2, e.advance(v))
	before := e.keyRow(emailOf(shop, "0007", profile))

	r, err := v.Rotate(e.ctx, shop)
	require.NoError(t, err)
	require.Equal(t, vault.Rewrapped{Epoch: 2, Moved: 600, Done: true}, r)
	e.allUnder(shop, 2, shops)
	e.allUnder(bakery, 1, breads)
	after := e.keyRow(emailOf(shop, "0007", profile))
	require.NotEqual(t, before.Sealed, after.Sealed)
	require.Equal(t, [3]any{before.Commitment, before.KeyID, uint32(1)}, [3]any{after.Commitment, after.KeyID, after.FirstEpoch})
	for _, v := range []*vault.Vault{v, e.open()} {
		e.allOpen(v, shop, shops)
		e.allOpen(v, bakery, breads)
		again, err := v.MAC(e.ctx, someKey, []byte("x"))
		require.NoError(t, err)
		require.Equal(t, tag, again, "keyed hashes outlive the rotation")
	}
	e.seal(v, emailOf(shop, "new", profile), "x")
	key := e.keyRow(emailOf(shop, "new", profile))
	require.Equal(t, [2]uint32{2, 2}, [2]uint32{key.Epoch, key.FirstEpoch})

	es := e.rec.committed(t, "vault.rotate")
	require.Len(t, es, 1)
	require.Equal(t, shop, es[0].Tenant)
	require.Equal(t, troth.Facts{"epoch": troth.Count(2), "keys": troth.Count(600)}, es[0].Facts)
	r, err = v.Rotate(e.ctx, shop)
	require.NoError(t, err)
	require.Equal(t, vault.Rewrapped{Epoch: 2, Done: true}, r)
	require.Len(t, e.rec.committed(t, "vault.rotate"), 1, "nothing was done, and nothing is told")
}

func TestRotate_FromUnderTheKEKAndFromManyEpochs(t *testing.T) {
	e := newEpochal(t)
	old := e.vault() // before there were epochs
	zero := e.people(old, shop, 3)
	require.EqualValues(t, 0, e.keyRow(emailOf(shop, "0001", profile)).Epoch)
	v := e.open()
	e.advance(v)
	_, err := v.Rotate(e.ctx, shop)
	require.NoError(t, err)
	for s := range e.people(v, shop, 6) {
		require.Equal(t, s < "0003", e.keyRow(emailOf(shop, s, profile)).FirstEpoch == 0)
	}
	e.advance(v)
	e.rewrap(v)
	e.allUnder(shop, 3, zero)
	e.allOpen(e.open(), shop, zero)
}

func TestRotate_ATenantWithoutRootsAndADeadOne(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	e.seal(v, emailOf(bakery, "1", profile), "bread")
	e.shred(v, vault.Target{Tenant: bakery, WholeTenant: true})
	e.advance(v)
	for _, tenant := range []troth.Tenant{shop, bakery} {
		r, err := v.Rotate(e.ctx, tenant)
		require.NoError(t, err)
		require.Equal(t, vault.Rewrapped{Epoch: 2, Done: true}, r)
	}
	require.Empty(t, e.rec.committed(t, "vault.rotate"))
	_, err := v.Rotate(e.ctx, "a\nb")
	require.Error(t, err)
}

// Another process has the old root in its cache, and makes a key.
func TestRotate_NobodyCreatesUnderAnOldRoot(t *testing.T) {
	for name, inTx := range map[string]bool{"alone": false, "in a transaction": true} {
		t.Run(name, func(t *testing.T) {
			e := newEpochal(t)
			v, other := e.open(), e.open(vault.WithFenceAge(time.Hour))
			e.people(v, shop, 3)
			e.people(other, shop, 3)
			e.seal(other, emailOf(shop, "its own", profile), "x") // the root is in its cache
			e.advance(v)
			_, err := v.Rotate(e.ctx, shop)
			require.NoError(t, err)
			create := func(ctx context.Context) error {
				_, err := other.AppendSeal(ctx, nil, emailOf(shop, "late", profile), []byte("late"))
				return err
			}
			if inTx {
				require.NoError(t, e.db.Atomically(e.ctx, create))
			} else {
				require.NoError(t, create(e.ctx))
			}
			require.EqualValues(t, 2, e.keyRow(emailOf(shop, "late", profile)).Epoch)
			_, err = v.MAC(e.ctx, someKey, nil)
			require.NoError(t, err)
		})
	}
}

// The first root of a tenant was made, and not yet written, when its epoch was
// closed.
func TestRotate_NobodyMakesAFirstRootUnderAClosedEpoch(t *testing.T) {
	for name, use := range map[string]func(v *vault.Vault, ctx context.Context) error{
		"wrap": func(v *vault.Vault, ctx context.Context) error {
			_, err := v.AppendSeal(ctx, nil, emailOf(shop, "1", profile), []byte("x"))
			return err
		},
		"index": func(v *vault.Vault, ctx context.Context) error { _, err := v.MAC(ctx, someKey, nil); return err },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEpochal(t)
			v, other := e.open(), e.open()
			var once sync.Once
			e.epochs.Before = func(_ context.Context, call string, _ uint32) error {
				if call == "Wrap" {
					once.Do(func() {
						e.advance(v)
						e.rewrap(v)
					})
				}
				return nil
			}
			require.NoError(t, use(other, e.ctx))
			rows, err := e.store.Roots(e.ctx, shop)
			require.NoError(t, err)
			require.Len(t, rows, 1)
			require.EqualValues(t, 2, rows[0].Epoch)
		})
	}
}

// A person is shredded at each moment of a rotation. They stay dead.
func TestRotate_NeverResurrects(t *testing.T) {
	moments := map[string]func(r *rotating, hook func(ctx context.Context)){
		"after the keys were read": func(r *rotating, hook func(ctx context.Context)) {
			r.stale = func(ctx context.Context, _ []vault.KeyRow) { hook(ctx) }
		},
		"before they are moved": func(r *rotating, hook func(ctx context.Context)) { r.moved = hook },
	}
	for name, moment := range moments {
		t.Run(name, func(t *testing.T) {
			e := newEpochal(t)
			v := e.open()
			values := e.people(v, shop, 3)
			e.advance(v)
			store := &rotating{Backend: e.store}
			slow := e.openOn(store)
			var once sync.Once
			moment(store, func(ctx context.Context) {
				// As if the store held no lock: the row dies between the read and the
				// move, in the same transaction, which is all that one writer can do.
				once.Do(func() {
					_, err := e.store.ShredKeys(ctx, vault.ShredKeys{Tenant: shop, SubjectID: "0001", At: e.at.UnixMicro()})
					require.NoError(t, err)
				})
			})
			r, err := slow.Rotate(e.ctx, shop)
			require.NoError(t, err)
			require.True(t, r.Done)
			require.Equal(t, 2, r.Moved)
			row := e.keyRow(emailOf(shop, "0001", profile))
			require.Empty(t, row.Sealed)
			require.EqualValues(t, 1, row.Epoch)
			e.refuses(e.open(), emailOf(shop, "0001", profile), values["0001"], vault.ErrShredded)
			e.opens(e.open(), emailOf(shop, "0002", profile), values["0002"], "0002")
		})
	}
}

// A reader has read the key rows and not yet the root when the root is emptied.
func TestOpen_FollowsAKeyThatMovesUnderIt(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	values := e.people(v, shop, 2)
	e.advance(v)
	store := &rotating{Backend: e.store}
	reader := e.openOn(store)
	var once sync.Once
	store.keys = func(context.Context) {
		once.Do(func() {
			_, err := v.Rotate(e.ctx, shop)
			require.NoError(t, err)
		})
	}
	e.allOpen(reader, shop, values)
}

// A key row that somebody put back under an emptied root is a damaged record,
// and no endless search.
func TestOpen_AKeyUnderAnEmptiedRootDoesNotOpen(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	at := emailOf(shop, "42", profile)
	sealed := e.seal(v, at, "ada")
	old := e.keyRow(at)
	e.advance(v)
	e.rewrap(v)
	h := &hooked{Backend: e.store, keys: func(context.Context, vault.KeyName, []vault.KeyRow) ([]vault.KeyRow, error) {
		return []vault.KeyRow{old}, nil
	}}
	_, err := e.openOn(h).AppendOpen(e.ctx, nil, at, orders, sealed)
	require.ErrorIs(t, err, vault.ErrOpen)
}

func TestRotate_ForgetsOldRootsEverywhere(t *testing.T) {
	e := newEpochal(t)
	v, other := e.open(), e.open(vault.WithFenceAge(time.Hour))
	values := e.people(v, shop, 1)
	e.allOpen(other, shop, values)
	e.allOpen(other, bakery, e.people(v, bakery, 1))
	require.Positive(t, other.RememberedRoots(shop))
	require.True(t, other.IsCached(nameOf(emailOf(shop, "0000", profile))))
	e.advance(v)
	_, err := v.Rotate(e.ctx, shop)
	require.NoError(t, err)
	require.Zero(t, v.RememberedRoots(shop))
	require.NoError(t, other.UseMono(e.ctx, func() int64 { return int64(2 * time.Hour) }))
	require.Zero(t, other.RememberedRoots(shop), "by the fence")
	require.True(t, other.IsCached(nameOf(emailOf(shop, "0000", profile))), "data keys are what they were")
	require.True(t, other.IsCached(nameOf(emailOf(bakery, "0000", profile))))
	require.Positive(t, other.RememberedRoots(bakery), "another tenant's stay")
}

// A rotation and its evidence are one.
func TestRotate_FailsWithItsEvidence(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	values := e.people(v, shop, 3)
	e.advance(v)
	stop := e.rec.failOn("vault.rotate")
	_, err := v.Rotate(e.ctx, shop)
	require.ErrorIs(t, err, errRecorder)
	require.EqualValues(t, 1, e.keyRow(emailOf(shop, "0001", profile)).Epoch)
	rows, err := e.store.Roots(e.ctx, shop)
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.NotEmpty(t, rows[0].Sealed)
	require.Zero(t, rows[0].SupersededAt)
	e.seal(v, emailOf(shop, "0003", profile), "x")
	require.EqualValues(t, 2, e.keyRow(emailOf(shop, "0003", profile)).Epoch, "new keys come under the new root at once")
	stop()
	_, err = v.Rotate(e.ctx, shop)
	require.NoError(t, err)
	e.allUnder(shop, 2, values)
}
