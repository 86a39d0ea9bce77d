package vault_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/vault"
)

// A key that hangs, and forgets its context, holds up its own tenant's callers
// for their patience at most, takes a bounded number of goroutines, and nobody
// else waits: neither for cached keys nor for new ones.
func TestOwnKEK_HangingHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		k := w.kms(ourKey, theirKey)
		v := w.vault()
		ours, theirs := emailOf(shop, "42", profile), emailOf(bakery, "1", profile)
		w.move(v, shop, ourKey)
		w.move(v, bakery, theirKey)
		sealed, bread := w.seal(v, ours, "ada"), w.seal(v, theirs, "bread")
		cold := w.vault()
		w.opens(cold, theirs, bread, "bread")

		key := k.keys[ourKey]
		hang := make(chan struct{})
		key.set(func(context.Context) error { <-hang; return errRevoked })
		before := key.called()
		began := time.Now()
		var mu sync.Mutex
		var errs []error
		for i := range crowd {
			go func() {
				var err error
				switch i % 3 {
				case 0:
					err = lookup(cold.AppendOpen(w.ctx, nil, ours, orders, sealed))
				case 1:
					err = lookup(cold.MAC(w.ctx, someKey, nil))
				case 2:
					err = lookup(cold.AppendSeal(w.ctx, nil, emailOf(shop, subject(i), profile), nil))
				}
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}()
		}
		synctest.Wait()
		require.Empty(t, errs, "they wait")
		require.LessOrEqual(t, key.called()-before, 4)

		// Everybody else works, and no time passes.
		w.opens(cold, theirs, bread, "bread")
		for i := range 20 {
			at := emailOf(bakery, subject(i), profile)
			w.opens(cold, at, w.seal(cold, at, "cake"), "cake")
		}
		unmoved := emailOf("third", "1", profile)
		w.opens(cold, unmoved, w.seal(cold, unmoved, "x"), "x")
		require.Equal(t, began, time.Now())

		time.Sleep(5 * time.Second) //nolint:forbidigo // in a synctest bubble
		synctest.Wait()
		require.Len(t, errs, crowd, "their patience ends")
		for _, err := range errs {
			require.ErrorIs(t, err, vault.ErrKEK)
		}
		for range 100 {
			require.ErrorIs(t, lookup(cold.AppendOpen(w.ctx, nil, ours, orders, sealed)), vault.ErrKEK)
		}
		require.LessOrEqual(t, key.called()-before, 4, "calls that hang are not joined by more")
		close(hang)
		key.restore()
		time.Sleep(10*time.Second + 1) //nolint:forbidigo // in a synctest bubble
		w.opens(cold, ours, sealed, "ada")
	})
}

// Inside a transaction, which others wait for, a second is all it gets.
func TestOwnKEK_HasLittleTimeInATransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key := w.kms(ourKey).keys[ourKey]
		v := w.vault()
		at := emailOf(shop, "42", profile)
		w.move(v, shop, ourKey)
		w.seal(v, at, "ada")
		cold := w.vault()
		key.set(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		began := time.Now()
		err := w.db.Atomically(w.ctx, func(ctx context.Context) error {
			return lookup(cold.AppendSeal(ctx, nil, at, nil))
		})
		require.ErrorIs(t, err, vault.ErrKEK)
		require.Equal(t, time.Second, time.Since(began))
	})
}

// Who gives up says nothing about the key.
func TestOwnKEK_CallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key := w.kms(ourKey).keys[ourKey]
		v := w.vault()
		at := emailOf(shop, "42", profile)
		w.move(v, shop, ourKey)
		sealed := w.seal(v, at, "ada")
		cold := w.vault()
		key.set(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		ctx, cancel := context.WithCancel(w.ctx)
		var err error
		go func() { err = lookup(cold.AppendOpen(ctx, nil, at, orders, sealed)) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, vault.ErrKEK)
		key.restore()
		w.opens(cold, at, sealed, "ada") // at once
	})
}

func TestOwnKEK_Panics(t *testing.T) {
	c := newOwnCase(t)
	cold := c.vault()
	clock := c.fakeMono(cold)
	c.key.set(func(context.Context) error { panic("client") })
	require.ErrorIs(t, lookup(cold.AppendSeal(c.ctx, nil, c.at, nil)), vault.ErrKEK)
	c.key.restore()
	clock.advance(10*time.Second + 1)
	c.opens(cold, c.at, c.sealed, "ada")
}
