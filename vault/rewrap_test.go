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
