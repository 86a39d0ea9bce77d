package vault_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// slowKEK counts its calls, and lets a test stand in their way.
type slowKEK struct {
	vault.KEK
	wraps, unwraps atomic.Int64
	// during is called in the middle of each call; nil does nothing.
	during func(ctx context.Context) error
}

func (w *world) slowly() *slowKEK {
	k := &slowKEK{KEK: w.kek}
	w.kek = k
	return k
}

func (k *slowKEK) pause(ctx context.Context) error {
	if k.during == nil {
		return nil
	}
	return k.during(ctx)
}

func (k *slowKEK) EncryptWithContext(ctx context.Context, plaintext, aad []byte) ([]byte, error) {
	k.wraps.Add(1)
	if err := k.pause(ctx); err != nil {
		return nil, err
	}
	return k.KEK.EncryptWithContext(ctx, plaintext, aad)
}

func (k *slowKEK) DecryptWithContext(ctx context.Context, ciphertext, aad []byte) ([]byte, error) {
	k.unwraps.Add(1)
	if err := k.pause(ctx); err != nil {
		return nil, err
	}
	return k.KEK.DecryptWithContext(ctx, ciphertext, aad)
}

const crowd = 64

// crowded runs do in 64 goroutines, and lets the key-encryption key answer only
// once all of them can do nothing but wait.
func (k *slowKEK) crowded(do func(i int) error) [crowd]error {
	answer := make(chan struct{})
	k.during = func(context.Context) error { <-answer; return nil }
	var errs [crowd]error
	for i := range crowd {
		go func() { errs[i] = do(i) }()
	}
	synctest.Wait()
	close(answer)
	synctest.Wait()
	k.during = nil
	return errs
}

func TestRoot_ColdTenantCostsOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		kek := w.slowly()
		cold := w.vault()
		var sealed [crowd][]byte

		// Nobody of the tenant was there before: one root is made for all.
		for i, err := range kek.crowded(func(i int) (err error) {
			sealed[i], err = cold.AppendSeal(w.ctx, nil, emailOf(shop, subject(i), profile), []byte("x"))
			return err
		}) {
			require.NoError(t, err, i)
		}
		require.EqualValues(t, 1, kek.wraps.Load())
		require.Zero(t, kek.unwraps.Load())

		// Another process finds it in the store, and has it unwrapped once.
		cold = w.vault()
		for i, err := range kek.crowded(func(i int) error {
			return lookup(cold.AppendOpen(w.ctx, nil, emailOf(shop, subject(i), profile), orders, sealed[i]))
		}) {
			require.NoError(t, err, i)
		}
		require.EqualValues(t, 1, kek.unwraps.Load())

		// The index root is another one.
		for i, err := range kek.crowded(func(i int) error {
			_, err := cold.MAC(w.ctx, troth.KeyRef{Tenant: shop, Use: "test.token", ID: subject(i)}, nil)
			return err
		}) {
			require.NoError(t, err, i)
		}
		require.EqualValues(t, 2, kek.wraps.Load())
		require.EqualValues(t, 1, kek.unwraps.Load())
	})
}

// Who gives up while he asks for all leaves the others to ask again.
func TestRoot_WhoAsksForAllMayGiveUp(t *testing.T) {
	for _, first := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			kek := w.slowly()
			at := emailOf(shop, "42", profile)
			if !first {
				w.seal(w.vault(), at, "ada")
			}
			cold := w.vault()
			before := kek.wraps.Load() + kek.unwraps.Load()
			kek.during = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
			ctx, cancel := context.WithCancel(w.ctx)
			seal := func(ctx context.Context, subject string) (err error) {
				_, err = cold.AppendSeal(ctx, nil, emailOf(shop, subject, profile), nil)
				return err
			}
			var one, other error
			go func() { one = seal(ctx, "42") }()
			synctest.Wait()
			go func() { other = seal(w.ctx, "43") }()
			synctest.Wait()
			kek.during = nil
			cancel()
			synctest.Wait()
			require.ErrorIs(t, one, context.Canceled)
			require.NoError(t, other)
			require.EqualValues(t, 2, kek.wraps.Load()+kek.unwraps.Load()-before)
		})
	}
}

// A key-encryption key that fails has answered everybody who waited for it, also
// when it ran out of a time of its own.
func TestRoot_FailureIsEverybodysAndNotForEver(t *testing.T) {
	for _, why := range []error{fmt.Errorf("throttled"), context.DeadlineExceeded} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			kek := w.slowly()
			at := emailOf(shop, "42", profile)
			sealed := w.seal(w.vault(), at, "ada")
			cold := w.vault()
			failing := make(chan struct{})
			kek.during = func(context.Context) error { <-failing; return why }
			var errs [crowd]error
			for i := range crowd {
				go func() { errs[i] = lookup(cold.AppendOpen(w.ctx, nil, at, orders, sealed)) }()
			}
			synctest.Wait()
			close(failing)
			synctest.Wait()
			for i, err := range errs {
				require.ErrorIs(t, err, vault.ErrKEK, i)
			}
			require.EqualValues(t, 1, kek.unwraps.Load())
			kek.during = nil
			w.opens(cold, at, sealed, "ada")
		})
	}
}

func TestRoot_PanicOfTheKEKLeavesNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		kek := w.slowly()
		at := emailOf(shop, "42", profile)
		for _, v := range []*vault.Vault{w.vault(), w.vault()} { // the second one finds a root
			kek.during = func(context.Context) error { panic("kms") }
			require.PanicsWithValue(t, "kms", func() { _, _ = v.AppendSeal(w.ctx, nil, at, nil) })
			kek.during = nil
			w.seal(v, at, "ada")
		}
	})
}

// A root that somebody unwraps or makes while its tenant is shredded must not
// stay in memory: nothing would ever take it out again.
func TestRoot_ShreddedMeanwhileIsNotRemembered(t *testing.T) {
	everybody := vault.Target{Tenant: shop, WholeTenant: true}
	uses := map[vault.Lineage]func(*world, *vault.Vault) error{
		vault.WrapLineage: func(w *world, v *vault.Vault) error {
			_, err := v.AppendSeal(w.ctx, nil, emailOf(shop, "42", profile), nil)
			return err
		},
		vault.IndexLineage: func(w *world, v *vault.Vault) error {
			_, err := v.MAC(w.ctx, someKey, nil)
			return err
		},
	}
	for lineage, use := range uses {
		t.Run("unwrapped "+string(lineage), func(t *testing.T) {
			w := newWorld(t)
			kek := w.slowly()
			require.NoError(t, use(w, w.vault()))

			v := w.vault()
			require.NoError(t, use(w, v))
			require.Equal(t, 1, v.RememberedRoots(shop), "where nobody shreds it is remembered")

			v = w.vault()
			kek.during = func(context.Context) error {
				kek.during = nil
				w.shred(v, everybody)
				return nil
			}
			_ = use(w, v) // it began before the shredding, and may have either end
			require.Nil(t, kek.during)
			require.Zero(t, v.RememberedRoots(shop))
			require.ErrorIs(t, use(w, v), vault.ErrShredded)
		})
		t.Run("made "+string(lineage), func(t *testing.T) {
			w := newWorld(t)
			kek := w.slowly()
			v := w.vault()
			kek.during = func(context.Context) error {
				kek.during = nil
				w.shred(v, everybody)
				return nil
			}
			require.ErrorIs(t, use(w, v), vault.ErrShredded)
			require.EqualValues(t, 1, kek.wraps.Load())
			require.Zero(t, v.RememberedRoots(shop))
		})
	}
}
