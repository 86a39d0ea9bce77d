package vault_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

// refreshCase is a shop and a bakery under keys of their own, in a process that
// runs, in a bubble.
type refreshCase struct {
	*world
	shopKey, bakeryKey *kmsKey
	v                  *vault.Vault
	ours, theirs       troth.Context
	sealed, bread      []byte
}

func inBubble(t *testing.T, do func(c *refreshCase), opts ...vault.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.epochStore = &vaulttest.EpochStore{}
		k := w.kms(ourKey, theirKey)
		c := &refreshCase{
			world: w, shopKey: k.keys[ourKey], bakeryKey: k.keys[theirKey], v: w.vault(opts...),
			ours: emailOf(shop, "42", profile), theirs: emailOf(bakery, "1", profile),
		}
		w.move(c.v, shop, ourKey)
		w.move(c.v, bakery, theirKey)
		c.sealed, c.bread = w.seal(c.v, c.ours, "ada"), w.seal(c.v, c.theirs, "bread")
		ctx, cancel := context.WithCancel(w.ctx)
		defer cancel()
		go func() { _ = c.v.Run(ctx) }()
		pass(bound) // the fence tells this process too of the moves
		require.NoError(t, c.ourWork())
		require.NoError(t, c.theirWork())
		do(c)
		cancel()
		synctest.Wait()
	})
}

func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // in a synctest bubble
	synctest.Wait()
}

func (c *refreshCase) use(at troth.Context, sealed []byte) error {
	began := time.Now()
	mac := someKey
	mac.Tenant = at.Subject.Tenant
	err := errors.Join(
		lookup(c.v.AppendOpen(c.ctx, nil, at, orders, sealed)),
		lookup(c.v.AppendSeal(c.ctx, nil, at, nil)),
		lookup(c.v.AppendSeal(c.ctx, nil, emailOf(at.Subject.Tenant, began.String(), profile), nil)),
		lookup(c.v.MAC(c.ctx, mac, nil)),
	)
	require.Zero(c.t, time.Since(began), "somebody waited")
	return err
}

func (c *refreshCase) ourWork() error   { return c.use(c.ours, c.sealed) }
func (c *refreshCase) theirWork() error { return c.use(c.theirs, c.bread) }

// slowly answers after d, if it is not given up.
func slowly(d time.Duration) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A key that answers, however slowly, is waited for by nobody.
func TestRefresh_NobodyWaitsForAKeyThatAnswers(t *testing.T) {
	inBubble(t, func(c *refreshCase) {
		c.shopKey.set(slowly(4 * time.Second))
		before, epochs := c.shopKey.called(), c.epochStore.(*vaulttest.EpochStore).Calls()
		for range 360 {
			pass(10 * time.Second)
			require.NoError(c.t, c.ourWork())
		}
		asked := c.shopKey.called() - before
		require.Greater(c.t, asked, 2*int(time.Hour/kekBound))
		require.LessOrEqual(c.t, asked, 2*int(time.Hour/(kekBound/2)), "two roots, each at most once in half their time")
		require.Equal(c.t, epochs, c.epochStore.(*vaulttest.EpochStore).Calls(), "only the tenant is asked")
	})
}

// Neither is one that fails, or answers with another key, for some part of the time.
func TestRefresh_ShortOutagesAreNotSeen(t *testing.T) {
	for name, ill := range badKeys {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(c *refreshCase) {
				for range 15 {
					pass(3*time.Minute + 7*time.Second)
					require.NoError(c.t, c.ourWork())
					ill(c.shopKey)
					for range 5 {
						pass(9 * time.Second)
						require.NoError(c.t, c.ourWork())
					}
					c.shopKey.heal()
					for range 4 {
						pass(8 * time.Second)
						require.NoError(c.t, c.ourWork())
					}
				}
			})
		})
	}
}

var badKeys = map[string]func(k *kmsKey){
	"revoked": (*kmsKey).revoke,
	"hangs":   func(k *kmsKey) { k.set(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }) },
	"panics":  func(k *kmsKey) { k.set(func(context.Context) error { panic("client") }) },
	"another key": func(k *kmsKey) {
		k.answerWith(func(plain []byte, err error) ([]byte, error) { return make([]byte, len(plain)), err })
	},
	"nothing": func(k *kmsKey) { k.answerWith(func([]byte, error) ([]byte, error) { return nil, nil }) },
}

func (k *kmsKey) answerWith(answer func([]byte, error) ([]byte, error)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answer = answer
}

func (k *kmsKey) heal() {
	k.set(nil)
	k.answerWith(nil)
}

// Asking early lengthens nothing: at whatever moment a key is taken away, what it
// gave ends within the bound. Nobody else notices, and it comes back by itself.
func TestRefresh_TheBoundStaysHard(t *testing.T) {
	for name, ill := range badKeys {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(c *refreshCase) {
				for i := range 5 {
					for range 20 + 3*i {
						pass(11 * time.Second)
						require.NoError(c.t, c.ourWork())
					}
					ill(c.shopKey)
					before := c.shopKey.called()
					for range 7 {
						pass(10 * time.Second)
						require.NoError(c.t, c.ourWork(), "the last answer was no longer ago than that")
						require.NoError(c.t, c.theirWork())
					}
					pass(kekBound - 70*time.Second + 1)
					for _, err := range []error{
						lookup(c.v.AppendOpen(c.ctx, nil, c.ours, orders, c.sealed)),
						lookup(c.v.AppendSeal(c.ctx, nil, c.ours, nil)),
						lookup(c.v.MAC(c.ctx, someKey, nil)),
					} {
						require.Error(c.t, err)
					}
					require.NoError(c.t, c.theirWork())
					require.LessOrEqual(c.t, c.shopKey.called()-before, 40, "it is not pestered")
					c.shopKey.heal()
					pass(10*time.Second + 1)
					require.NoError(c.t, c.ourWork())
				}
			})
		})
	}
}

// A tenant that nobody works for costs no calls.
func TestRefresh_IdleTenantsAreNotAskedFor(t *testing.T) {
	inBubble(t, func(c *refreshCase) {
		before := c.shopKey.called()
		pass(time.Hour)
		require.LessOrEqual(t, c.shopKey.called()-before, 2, "each root once more after its last use")
	})
}

// A key that hangs and forgets its context delays no other's renewal.
func TestRefresh_HangingKeyDelaysNobodyElse(t *testing.T) {
	inBubble(t, func(c *refreshCase) {
		hang := make(chan struct{})
		c.shopKey.set(func(context.Context) error { <-hang; return errRevoked })
		c.bakeryKey.set(slowly(3 * time.Second))
		before := c.shopKey.called()
		for range 180 {
			pass(10 * time.Second)
			require.NoError(c.t, c.theirWork())
		}
		require.LessOrEqual(c.t, c.shopKey.called()-before, 4)
		close(hang)
		c.shopKey.restore()
		pass(10*time.Second + 1)
		require.NoError(c.t, c.ourWork())
	})
}

// Who comes when the time is over, and an answer is under way, waits for that one.
func TestRefresh_LateCallersShareTheAnswerUnderWay(t *testing.T) {
	inBubble(t, func(c *refreshCase) {
		answer := make(chan struct{})
		asked := 0
		for range int(kekBound / time.Second) {
			require.NoError(c.t, c.ourWork())
			before := c.shopKey.called()
			c.shopKey.set(func(context.Context) error { <-answer; return nil })
			pass(time.Second)
			if asked = c.shopKey.called() - before; asked > 0 {
				break
			}
			c.shopKey.restore()
		}
		require.Positive(c.t, asked, "nobody renews")
		pass(kekBound) // its patience is longer than its time
		var errs [crowd]error
		for i := range crowd {
			go func() { errs[i] = lookup(c.v.AppendOpen(c.ctx, nil, c.ours, orders, c.sealed)) }()
		}
		before := c.shopKey.called()
		synctest.Wait()
		require.LessOrEqual(c.t, c.shopKey.called()-before, 1, "they ask for one root at most")
		c.shopKey.restore()
		close(answer)
		synctest.Wait()
		pass(time.Second)
		for i, err := range errs {
			require.NoError(c.t, err, i)
		}
	}, vault.WithKEKTimeout(time.Hour))
}

// What is shredded or moved while its key is asked again does not come back.
func TestRefresh_WhatDiedMeanwhileStaysDead(t *testing.T) {
	for name, end := range map[string]func(c *refreshCase){
		"shredded": func(c *refreshCase) { c.shred(c.v, vault.Target{Tenant: shop, WholeTenant: true}) },
		"by another process": func(c *refreshCase) {
			c.shred(c.vault(), vault.Target{Tenant: shop, WholeTenant: true})
			pass(2 * bound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(c *refreshCase) {
				answer := make(chan struct{})
				asked := make(chan struct{}, 8)
				c.shopKey.set(func(context.Context) error { asked <- struct{}{}; <-answer; return nil })
				for range int(kekBound / time.Second) {
					if len(asked) > 0 {
						break
					}
					require.NoError(c.t, c.ourWork())
					pass(time.Second)
				}
				require.NotEmpty(c.t, asked)
				end(c)
				close(answer)
				synctest.Wait()
				require.Zero(c.t, c.v.RememberedRoots(shop))
				require.ErrorIs(c.t, c.ourWork(), vault.ErrShredded)
			}, vault.WithKEKTimeout(time.Hour))
		})
	}
}

// Hosts that have a scheduler of their own get the same from Sweep.
func TestRefresh_BySweep(t *testing.T) {
	c := newOwnCase(t)
	c.clock.advance(bound)
	c.works()
	for range 20 {
		c.clock.advance(time.Minute)
		require.NoError(t, c.v.Sweep(c.ctx))
		before := c.key.called()
		c.works()
		require.Equal(t, before, c.key.called(), "no caller asks")
	}
}

// Others wait for a transaction: it waits a second for an answer that somebody
// without one asked for, and who has all the patience.
func TestOwnKEK_TransactionWaitsShortlyForSomebodyElsesAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		key := w.kms(ourKey).keys[ourKey]
		v := w.vault()
		at := emailOf(shop, "42", profile)
		w.move(v, shop, ourKey)
		sealed := w.seal(v, at, "ada")
		cold := w.vault()
		key.set(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		go func() { _ = lookup(cold.AppendOpen(w.ctx, nil, at, orders, sealed)) }()
		synctest.Wait()
		began := time.Now()
		err := w.db.Atomically(w.ctx, func(ctx context.Context) error {
			return lookup(cold.AppendSeal(ctx, nil, at, nil))
		})
		require.ErrorIs(t, err, vault.ErrKEK)
		require.Equal(t, time.Second, time.Since(began))
	})
}
