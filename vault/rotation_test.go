package vault_test

import (
	"context"
	"errors"
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
	h := &hooked{Backend: e.store, keys: func(_ context.Context, _ vault.KeyName, rows []vault.KeyRow) ([]vault.KeyRow, error) {
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
	require.Positive(t, other.RememberedRoots(shop))
	require.True(t, other.IsCached(nameOf(emailOf(shop, "0000", profile))))
	e.advance(v)
	_, err := v.Rotate(e.ctx, shop)
	require.NoError(t, err)
	require.Zero(t, v.RememberedRoots(shop))
	require.NoError(t, other.UseMono(e.ctx, func() int64 { return int64(2 * time.Hour) }))
	require.Zero(t, other.RememberedRoots(shop), "by the fence")
	require.True(t, other.IsCached(nameOf(emailOf(shop, "0000", profile))), "data keys are what they were")
}

func TestRewrap_IsBoundedAndTakesUpWhereItWas(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	shops, breads := e.people(v, shop, 50), e.people(v, bakery, 20)
	e.advance(v)
	moved, calls := 0, 0
	for done := false; !done; calls++ {
		require.Less(t, calls, 20)
		v = e.open() // each call is another process
		r, err := v.Rewrap(e.ctx, vault.RewrapParams{Keys: 10, Batch: 4})
		require.NoError(t, err)
		require.LessOrEqual(t, r.Moved, 10)
		moved, done = moved+r.Moved, r.Done
		e.allOpen(v, shop, shops)
		e.allOpen(v, bakery, breads)
	}
	require.Equal(t, 70, moved, "nothing is moved twice")
	require.Greater(t, calls, 6)
	e.allUnder(shop, 2, shops)
	e.allUnder(bakery, 2, breads)
	require.Len(t, e.facts("vault.rotate"), 2)
}

func TestRewrap_RefusesParametersOutOfBounds(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	for _, p := range []vault.RewrapParams{{Keys: -1}, {Batch: -1}, {PerSecond: -1}, {Batch: 10_001}} {
		_, err := v.Rewrap(e.ctx, p)
		require.Error(t, err)
	}
}

// The rate is kept on the vault's clock: whatever the machine does, what was
// moved took at least as long as it may.
func TestRewrap_KeepsItsRate(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	e.people(v, shop, 40)
	e.advance(v)
	began := time.Now()
	r, err := v.Rewrap(e.ctx, vault.RewrapParams{PerSecond: 200})
	require.NoError(t, err)
	require.True(t, r.Done)
	require.GreaterOrEqual(t, time.Since(began), 200*time.Millisecond)
	p, err := v.Progress(e.ctx)
	require.NoError(t, err)
	require.LessOrEqual(t, p.PerSecond, 220.0)
}

func TestProgress_CountsWhatIsLeftAndNamesTheSlowest(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	p, err := v.Progress(e.ctx)
	require.NoError(t, err)
	require.Equal(t, vault.Progress{Epoch: 1}, p)
	require.Equal(t, "everything is under epoch 1", p.String())
	e.people(v, shop, 30)
	e.people(v, bakery, 10)
	e.advance(v)
	p, err = v.Progress(e.ctx)
	require.NoError(t, err)
	require.Equal(t, vault.Progress{Epoch: 2, Tenants: 2, Keys: 40, Oldest: 1, Slowest: shop}, p)
	require.Contains(t, p.String(), "40 keys of 2 tenants")
	require.Contains(t, p.String(), string(shop))
	_, err = v.Rewrap(e.ctx, vault.RewrapParams{Keys: 35, Batch: 10})
	require.NoError(t, err)
	p, err = v.Progress(e.ctx)
	require.NoError(t, err)
	require.EqualValues(t, 5, p.Keys)
	require.EqualValues(t, 1, p.Tenants)
	require.Equal(t, shop, p.Slowest)
	require.Positive(t, p.PerSecond)
	require.InDelta(t, float64(p.Keys)/p.PerSecond, p.Left.Seconds(), 1e-6)
}

// damage spoils a stored key, as somebody who writes the database can.
func (e *epochal) damage(at troth.Context) {
	e.t.Helper()
	row := e.keyRow(at)
	bad := append([]byte(nil), row.Sealed...)
	bad[20] ^= 1
	require.NoError(e.t, e.db.Atomically(e.ctx, func(ctx context.Context) error {
		n, err := e.store.MoveKeys(ctx, row.Tenant, row.Epoch, []vault.KeyMove{{
			KeyPlace: vault.KeyPlace{SubjectID: row.SubjectID, Compartment: row.Compartment, Generation: row.Generation},
			From:     row.Epoch, Sealed: bad,
		}})
		require.Equal(e.t, 1, n)
		return err
	}))
}

// A damaged key is lost to everybody. It must neither be forgotten, nor keep
// others, nor be destroyed behind the host's back.
func TestRewrap_ADamagedKeyIsNamedAndKeepsNobody(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	shops, breads := e.people(v, shop, 20), e.people(v, bakery, 20)
	e.damage(emailOf(bakery, "0007", profile))
	e.advance(v)
	for range 3 {
		r, err := v.Rewrap(e.ctx, vault.RewrapParams{Batch: 8})
		require.NoError(t, err)
		require.False(t, r.Done)
		require.Equal(t, []vault.Stuck{{Tenant: bakery, Keys: 1}}, r.Stuck)
	}
	e.allUnder(shop, 2, shops)
	p, err := v.Progress(e.ctx)
	require.NoError(t, err)
	require.Equal(t, [3]any{bakery, int64(1), uint32(1)}, [3]any{p.Slowest, p.Keys, p.Oldest})
	require.Equal(t, vault.Retired{}, e.retire(v))
	r, err := v.Rotate(e.ctx, bakery)
	require.NoError(t, err)
	require.False(t, r.Done)
	require.Len(t, r.Stuck, 1)

	e.shred(v, personOf(bakery, "0007"))
	e.rewrap(v)
	delete(breads, "0007")
	e.allOpen(e.open(), bakery, breads)
	require.Equal(t, []uint32{1}, e.retire(v).Destroyed)
	require.Equal(t, troth.Count(19), e.facts("vault.rotate")[1]["keys"])
}

func TestRewrap_ATenantWhoseRootDoesNotOpenKeepsNobody(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	shops := e.people(v, shop, 5)
	e.people(v, bakery, 5)
	e.advance(v)
	store := &rootSpoiler{Backend: e.store, tenant: bakery}
	spoiled := e.openOn(store)
	for range 3 {
		r, err := spoiled.Rewrap(e.ctx, vault.RewrapParams{})
		require.NoError(t, err)
		require.False(t, r.Done)
		require.Len(t, r.Stuck, 1)
		require.Equal(t, bakery, r.Stuck[0].Tenant)
		require.ErrorIs(t, r.Stuck[0].Err, vault.ErrKEK)
	}
	e.allUnder(shop, 2, shops)
	e.rewrap(v)
}

// rootSpoiler changes a bit of every root of one tenant.
type rootSpoiler struct {
	vault.Backend
	tenant troth.Tenant
}

func (s *rootSpoiler) Roots(ctx context.Context, t troth.Tenant) ([]vault.RootRow, error) {
	rows, err := s.Backend.Roots(ctx, t)
	for i := range rows {
		if t == s.tenant && len(rows[i].Sealed) > 0 {
			rows[i].Sealed[3] ^= 1
		}
	}
	return rows, err
}

func TestRewrap_GivesUpWhereTheEpochStoreIsDown(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	for i := range 40 {
		e.people(v, troth.Tenant(fmt.Sprintf("t-%02d", i)), 1)
	}
	e.advance(v)
	asked := 0
	e.epochs.Before = func(_ context.Context, call string, _ uint32) error {
		if call == "Wrap" {
			asked++
		}
		return errKMS
	}
	_, err := e.open().Rewrap(e.ctx, vault.RewrapParams{})
	require.ErrorIs(t, err, errKMS)
	require.LessOrEqual(t, asked, 10)
	e.epochs.Before = nil
	e.rewrap(v)
}

func TestRewrap_ACancelledCallKeepsWhatItDid(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	values := e.people(v, shop, 30)
	e.advance(v)
	store := &rotating{Backend: e.store}
	ctx, cancel := context.WithCancel(e.ctx)
	batches := 0
	store.moved = func(context.Context) {
		if batches++; batches == 3 {
			cancel()
		}
	}
	r, err := e.openOn(store).Rewrap(ctx, vault.RewrapParams{Batch: 5})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 10, r.Moved)
	require.Equal(t, 20, e.rewrap(v).Moved)
	e.allOpen(e.open(), shop, values)
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
	require.Len(t, rows, 1)
	e.seal(v, emailOf(shop, "0003", profile), "x")
	stop()
	_, err = v.Rotate(e.ctx, shop)
	require.NoError(t, err)
	e.allUnder(shop, 2, values)
}

// Two processes, and live traffic of every kind, all at once.
func TestRewrap_BesideLiveTraffic(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	values := e.people(v, shop, 200)
	e.people(v, bakery, 50)
	vaults := []*vault.Vault{e.open(), e.open()}
	ctx, cancel := context.WithCancel(e.ctx)
	var wg sync.WaitGroup
	worker := func(fn func(i int) error) {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := fn(i); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	worker(func(i int) error { // opens what lives
		s := fmt.Sprintf("%04d", i%100)
		got, err := vaults[i%2].AppendOpen(e.ctx, nil, emailOf(shop, s, profile), orders, values[s])
		if err == nil && string(got) != s {
			return errors.New("wrong plaintext")
		}
		return err
	})
	worker(func(i int) error { // makes keys
		_, err := vaults[i%2].AppendSeal(e.ctx, nil, emailOf(shop, fmt.Sprintf("new-%d", i), profile), []byte("x"))
		return err
	})
	worker(func(i int) error { // shreds
		if i >= 100 {
			<-ctx.Done()
			return nil
		}
		_, err := vaults[i%2].Shred(e.ctx, erasure, personOf(shop, fmt.Sprintf("%04d", 100+i)))
		return err
	})
	for range 3 {
		e.advance(v)
		var rewraps sync.WaitGroup
		for _, v := range vaults {
			rewraps.Go(func() {
				for {
					r, err := v.Rewrap(e.ctx, vault.RewrapParams{Keys: 60, Batch: 7})
					if err != nil {
						t.Error(err)
					}
					if err != nil || r.Done {
						return
					}
				}
			})
		}
		rewraps.Wait()
	}
	cancel()
	wg.Wait()
	r := e.retire(v)
	require.NotEmpty(t, r.Destroyed)
	fresh := e.open()
	for s, sealed := range values {
		at := emailOf(shop, s, profile)
		if e.keyRow(at).ShreddedAt != 0 {
			e.refuses(fresh, at, sealed, vault.ErrShredded)
			continue
		}
		e.opens(fresh, at, sealed, s)
	}
}
