package vault_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var errDown = errors.New("database is down")

// fenceCase is two processes on one database. The second has the key cached and
// a clock that the test moves.
type fenceCase struct {
	*world
	first, second *vault.Vault
	clock         *monoClock
	at            troth.Context
	sealed        []byte
	handle        *vault.Handle
	// looks counts how often the second asked for the fence; down makes that
	// fail.
	looks atomic.Int64
	down  atomic.Bool
	gap   atomic.Bool
}

func newFenceCase(t *testing.T) *fenceCase {
	w := newWorld(t)
	c := &fenceCase{world: w, first: w.vault(), at: emailOf(shop, "42", profile)}
	c.second = w.vaultOn(&hooked{Backend: w.store, follow: func(_ context.Context, _ int64, found vault.Followed) (vault.Followed, error) {
		c.looks.Add(1)
		if c.down.Load() {
			return vault.Followed{}, errDown
		}
		if c.gap.Load() {
			found.Events, found.Gap = nil, true
		}
		return found, nil
	}}, vault.WithKeyTTL(time.Hour), vault.WithWindow(time.Hour))
	c.clock = w.fakeMono(c.second)
	c.sealed = w.seal(c.first, c.at, "ada")
	w.opens(c.second, c.at, c.sealed, "ada")
	var err error
	c.handle, err = c.second.For(w.ctx, c.at.Subject, c.at.Compartment, orders)
	require.NoError(t, err)
	c.bothOpen()
	c.looks.Store(0)
	return c
}

func (c *fenceCase) bothOpen() {
	c.t.Helper()
	c.opens(c.second, c.at, c.sealed, "ada")
	got, err := c.handle.AppendOpen(c.ctx, nil, c.at.Cell, c.sealed)
	require.NoError(c.t, err)
	require.Equal(c.t, "ada", string(got))
}

func (c *fenceCase) bothRefuse(why error) {
	c.t.Helper()
	c.refuses(c.second, c.at, c.sealed, why)
	require.ErrorIs(c.t, lookup(c.handle.AppendOpen(c.ctx, nil, c.at.Cell, c.sealed)), why)
	c.second.RingAlarm()
	require.ErrorIs(c.t, lookup(c.handle.AppendSeal(c.ctx, nil, c.at.Cell, nil)), why)
}

func TestFence_SecondProcessFollowsAtItsNextLook(t *testing.T) {
	c := newFenceCase(t)
	c.shred(c.first, personOf(shop, "42"))
	c.bothOpen() // it does not know yet
	c.clock.advance(bound / 2)
	c.bothOpen()
	require.Zero(t, c.looks.Load(), "until half the bound nobody looks")
	c.clock.advance(1)
	_ = lookup(c.second.AppendOpen(c.ctx, nil, c.at, orders, c.sealed))
	require.Equal(t, int64(1), c.looks.Load())
	c.bothRefuse(vault.ErrShredded)
}

func TestFence_SecondProcessFollowsWithinTheBoundWhateverHappens(t *testing.T) {
	for name, shred := range map[string]vault.Target{
		"person":      personOf(shop, "42"),
		"compartment": {Tenant: shop, SubjectID: "42", Compartments: []troth.Compartment{profile}},
		"tenant":      {Tenant: shop, WholeTenant: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newFenceCase(t)
			_, err := c.second.MAC(c.ctx, someKey, nil)
			require.NoError(t, err)
			c.shred(c.first, shred)
			c.clock.advance(bound + 1)
			c.bothRefuse(vault.ErrShredded)
			if shred.SubjectID == "" {
				require.ErrorIs(t, lookup(c.second.MAC(c.ctx, someKey, nil)), vault.ErrShredded)
			}
		})
	}
}

func TestFence_RefusesWhenItCannotLookInTime(t *testing.T) {
	c := newFenceCase(t)
	_, err := c.second.MAC(c.ctx, someKey, nil)
	require.NoError(t, err)
	c.down.Store(true)
	c.clock.advance(bound)
	c.bothOpen() // within the bound a failing look is no reason to stop
	require.NotZero(t, c.looks.Load())
	c.clock.advance(1)
	c.bothRefuse(vault.ErrFenceStale)
	err = lookup(c.second.MAC(c.ctx, someKey, nil))
	require.ErrorIs(t, err, vault.ErrFenceStale)
	require.ErrorIs(t, err, errDown)
	c.down.Store(false)
	c.bothOpen()
}

func TestFence_RecoversIntoWhatHappenedMeanwhile(t *testing.T) {
	c := newFenceCase(t)
	c.down.Store(true)
	c.clock.advance(bound + 1)
	c.bothRefuse(vault.ErrFenceStale)
	c.shred(c.first, personOf(shop, "42"))
	c.down.Store(false)
	c.bothRefuse(vault.ErrShredded)
}

func TestFence_GapEvictsEverything(t *testing.T) {
	c := newFenceCase(t)
	_, err := c.second.MAC(c.ctx, someKey, nil)
	require.NoError(t, err)
	require.Equal(t, 1, c.second.CachedKeys())
	c.shred(c.first, vault.Target{Tenant: shop, WholeTenant: true})
	c.gap.Store(true)
	c.clock.advance(bound + 1)
	c.bothRefuse(vault.ErrShredded)
	require.ErrorIs(t, lookup(c.second.MAC(c.ctx, someKey, nil)), vault.ErrShredded)
}

func TestFence_LooksInsideACallersTransaction(t *testing.T) {
	c := newFenceCase(t)
	c.shred(c.first, personOf(shop, "42"))
	c.clock.advance(bound + 1)
	tx, err := c.db.Begin(c.ctx)
	require.NoError(t, err)
	inTx := c.db.WithTx(c.ctx, tx)
	require.ErrorIs(t, lookup(c.second.AppendOpen(inTx, nil, c.at, orders, c.sealed)), vault.ErrShredded)
	require.ErrorIs(t, lookup(c.handle.AppendOpen(inTx, nil, c.at.Cell, c.sealed)), vault.ErrShredded)
	require.Equal(t, int64(1), c.looks.Load(), "once for the transaction, for half the bound")
	c.down.Store(true)
	require.ErrorIs(t, lookup(c.second.AppendOpen(inTx, nil, c.at, orders, c.sealed)), vault.ErrShredded)
	c.clock.advance(bound/2 + 1)
	require.ErrorIs(t, lookup(c.second.AppendOpen(inTx, nil, c.at, orders, c.sealed)), vault.ErrFenceStale)
	require.NoError(t, tx.Rollback())
	// What a transaction saw is not what the process has seen.
	c.bothRefuse(vault.ErrFenceStale)
}

func TestFence_SnapshotLooksOutside(t *testing.T) {
	c := newFenceCase(t)
	loose, store := c.loosely()
	var inside atomic.Bool
	store.follow = func(ctx context.Context, _ int64, found vault.Followed) (vault.Followed, error) {
		inside.Store(loose.Scope(ctx) != nil)
		return found, nil
	}
	v := c.vaultOn(store)
	clock := c.fakeMono(v)
	c.opens(v, c.at, c.sealed, "ada")
	c.shred(c.first, personOf(shop, "42"))
	clock.advance(bound + 1)
	require.ErrorIs(t, lookup(v.AppendOpen(loose.begin(c.ctx, false), nil, c.at, orders, c.sealed)), vault.ErrShredded)
	require.False(t, inside.Load(), "a snapshot does not show what committed since")
}

func TestFence_ManyCallersLookOnce(t *testing.T) {
	c := newFenceCase(t)
	c.clock.advance(bound + 1)
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			_, err := c.second.AppendOpen(c.ctx, nil, c.at, orders, c.sealed)
			if err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	require.Equal(t, int64(1), c.looks.Load())
}

func TestFence_WaitingForALookEndsWithTheContext(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	looking, hang := make(chan struct{}), make(chan struct{})
	var hanging atomic.Bool
	v := w.vaultOn(&hooked{Backend: w.store, follow: func(_ context.Context, _ int64, found vault.Followed) (vault.Followed, error) {
		if hanging.CompareAndSwap(true, false) {
			close(looking)
			<-hang
		}
		return found, nil
	}})
	clock := w.fakeMono(v)
	sealed := w.seal(v, at, "ada")
	clock.advance(bound + 1)
	hanging.Store(true)
	done := make(chan error)
	go func() { done <- lookup(v.AppendOpen(w.ctx, nil, at, orders, sealed)) }()
	<-looking
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	err := lookup(v.AppendOpen(ctx, nil, at, orders, sealed))
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, vault.ErrFenceStale)
	close(hang)
	require.NoError(t, <-done)
}

func TestFence_HandleHearsOfADeathAfterItsSlotLeftTheCache(t *testing.T) {
	w := newWorld(t)
	small := []vault.Option{vault.WithCache(16), vault.WithKeyTTL(time.Hour)}
	v := w.vault(small...)
	clock := w.fakeMono(v)
	at := emailOf(shop, "42", profile)
	h, err := v.For(w.ctx, at.Subject, at.Compartment, orders)
	require.NoError(t, err)
	sealed, err := h.AppendSeal(w.ctx, nil, at.Cell, []byte("ada"))
	require.NoError(t, err)
	for i := range 500 {
		w.seal(v, emailOf(shop, subject(i), profile), "x")
	}
	require.False(t, v.IsCached(nameOf(at)))
	w.shred(w.vault(), personOf(shop, "42"))
	clock.advance(bound + 1)
	require.ErrorIs(t, lookup(h.AppendOpen(w.ctx, nil, at.Cell, sealed)), vault.ErrShredded)
}

func TestRun_LooksAheadAndEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	looks := make(chan struct{}, 100)
	v := w.vaultOn(&hooked{Backend: w.store, follow: func(_ context.Context, _ int64, found vault.Followed) (vault.Followed, error) {
		select {
		case looks <- struct{}{}:
		default:
		}
		return found, nil
	}}, vault.WithFenceAge(150*time.Millisecond))
	<-looks // when it was opened
	ctx, cancel := context.WithCancel(w.ctx)
	ended := make(chan error)
	go func() { ended <- v.Run(ctx) }()
	<-looks
	<-looks
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

// What counts is when a look began: everything later may have been missed.
func TestFence_SlowLookIsOldWhenItComes(t *testing.T) {
	w := newWorld(t)
	clock := &monoClock{}
	var takes atomic.Int64
	v := w.vaultOn(&hooked{Backend: w.store, follow: func(_ context.Context, _ int64, found vault.Followed) (vault.Followed, error) {
		clock.advance(time.Duration(takes.Load()))
		return found, nil
	}})
	takes.Store(int64(bound / 5))
	w.fakeMonoAs(v, clock)
	require.Equal(t, bound/2-bound/5, v.LastBell())

	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	clock.advance(bound)
	takes.Store(int64(bound))
	w.opens(v, at, sealed, "ada")
	require.Zero(t, v.LastBell(), "time to look again already")
	clock.advance(bound)
	takes.Store(int64(bound) + 1)
	w.refuses(v, at, sealed, vault.ErrFenceStale)
	takes.Store(0)
	w.opens(v, at, sealed, "ada")
}

// A restored store, and one whose fence began anew, has a head that is lower than
// what this process has followed. It forgets everything once, and then goes on.
func TestFence_GoesOnAfterAGap(t *testing.T) {
	w := newWorld(t)
	store := &hooked{Backend: w.store}
	v := w.vaultOn(store)
	clock := w.fakeMono(v)
	w.shred(v, personOf(shop, "1"))
	w.shred(v, personOf(shop, "2"))
	clock.advance(bound)
	at := emailOf(shop, "42", profile)
	w.seal(v, at, "ada")
	store.follow = func(_ context.Context, after int64, _ vault.Followed) (vault.Followed, error) {
		return vault.Followed{Head: 1, Gap: after != 1}, nil
	}
	clock.advance(bound)
	w.seal(v, at, "ada")
	require.True(t, v.IsCached(nameOf(at)))
	clock.advance(bound)
	w.seal(v, emailOf(shop, "43", profile), "grace")
	require.True(t, v.IsCached(nameOf(at)), "it is not told of the same gap again")
}
