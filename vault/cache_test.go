package vault_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

func subject(i int) string { return fmt.Sprintf("s%05d", i) }

func TestCache_IsBounded(t *testing.T) {
	w := newWorld(t)
	const subjects, keys = 10_000, 500
	v := w.vault(vault.WithCache(keys))
	sealed := make([][]byte, subjects)
	for i := range subjects {
		sealed[i] = w.seal(v, emailOf(shop, subject(i), profile), "x")
		if i%1000 == 0 {
			require.LessOrEqual(t, v.CachedKeys(), keys)
		}
	}
	require.LessOrEqual(t, v.CachedKeys(), keys)
	require.Greater(t, v.CachedKeys(), keys*9/10, "and it is used")
	for i := 0; i < subjects; i += 97 {
		w.opens(v, emailOf(shop, subject(i), profile), sealed[i], "x")
	}
	require.LessOrEqual(t, v.CachedKeys(), keys)
	_, err := vault.Open(w.ctx, w.config(), vault.WithCache(1))
	require.Error(t, err)
}

func TestCache_KeepsWhatIsUsed(t *testing.T) {
	w := newWorld(t)
	reads := map[vault.KeyName]int{}
	v := w.vaultOn(&hooked{Backend: w.store, keys: func(_ context.Context, n vault.KeyName, rows []vault.KeyRow) ([]vault.KeyRow, error) {
		reads[n]++
		return rows, nil
	}}, vault.WithCache(512))
	hot := make([]troth.Context, 32)
	for i := range hot {
		hot[i] = emailOf(shop, fmt.Sprintf("hot-%d", i), profile)
	}
	const uses = 5_000
	for i := range uses {
		w.seal(v, hot[i%len(hot)], "x")
		w.seal(v, emailOf(shop, subject(i), profile), "x")
	}
	again := 0
	for _, at := range hot {
		again += reads[nameOf(at)] - 1
	}
	// The others pass through the cache ten times over, and in order of arrival
	// would take the hot keys with them each time.
	require.Less(t, again, len(hot))
}

func TestCache_ReadsAgainAfterItsLifetime(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	var reads atomic.Int64
	store := &hooked{Backend: w.store, keys: func(_ context.Context, _ vault.KeyName, rows []vault.KeyRow) ([]vault.KeyRow, error) {
		reads.Add(1)
		return rows, nil
	}}
	v := w.vaultOn(store, vault.WithKeyTTL(time.Second))
	clock := w.fakeMono(v)
	sealed := w.seal(v, at, "ada")
	reads.Store(0)
	w.opens(v, at, sealed, "ada")
	require.Zero(t, reads.Load())
	clock.advance(time.Second + 1)
	w.opens(v, at, sealed, "ada")
	require.Equal(t, int64(1), reads.Load())
	w.opens(v, at, sealed, "ada")
	require.Equal(t, int64(1), reads.Load())
	require.Equal(t, 1, v.CachedKeys())
}

func TestCache_ManyCallersLoadOnce(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(w.vault(), at, "ada")
	var reads atomic.Int64
	const callers = 64
	arrived := make(chan struct{}, callers)
	v := w.vaultOn(&hooked{Backend: w.store, keys: func(_ context.Context, _ vault.KeyName, rows []vault.KeyRow) ([]vault.KeyRow, error) {
		if reads.Add(1) == 1 {
			for range callers {
				<-arrived
			}
		}
		return rows, nil
	}})
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			arrived <- struct{}{}
			_, err := v.AppendOpen(w.ctx, nil, at, orders, sealed)
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, int64(1), reads.Load())
}

func TestCache_WhoWaitsForALoadIsNotCancelledWithIt(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(w.vault(), at, "ada")
	store, g := w.gated(nameOf(at))
	inner := store.keys
	store.keys = func(ctx context.Context, n vault.KeyName, rows []vault.KeyRow) ([]vault.KeyRow, error) {
		rows, err := inner(ctx, n, rows)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return rows, err
	}
	v := w.vaultOn(store)
	ctx, cancel := context.WithCancel(w.ctx)
	first, second := make(chan error), make(chan error)
	go func() { first <- lookup(v.AppendOpen(ctx, nil, at, orders, sealed)) }()
	<-g.reached
	go func() { second <- lookup(v.AppendOpen(w.ctx, nil, at, orders, sealed)) }()
	gone, cancelGone := context.WithCancel(w.ctx)
	cancelGone()
	require.ErrorIs(t, lookup(v.AppendOpen(gone, nil, at, orders, sealed)), context.Canceled, "waiting ends with its own context")
	cancel()
	close(g.pass)
	require.ErrorIs(t, <-first, context.Canceled)
	require.NoError(t, <-second)
}
