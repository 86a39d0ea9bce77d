package vault_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var errRevoked = errors.New("access denied")

// tenantKMS is a resolver of keys that tests make and break.
type tenantKMS struct {
	mu   sync.Mutex
	keys map[string]*kmsKey
	// resolved counts calls of the resolver.
	resolved int
	fail     error
}

// kmsKey is one key in it.
type kmsKey struct {
	aead cipher.AEAD

	mu    sync.Mutex
	calls int
	// during is called in the middle of each call; answer changes what is
	// answered. Nil does nothing.
	during func(ctx context.Context) error
	answer func(plain []byte, err error) ([]byte, error)
}

const (
	ourKey, theirKey = "kms://shop/1", "kms://bakery/1"
)

// kms gives the world a resolver with a key for each name.
func (w *world) kms(names ...string) *tenantKMS {
	w.t.Helper()
	k := &tenantKMS{keys: map[string]*kmsKey{}}
	for _, name := range names {
		k.keys[name] = newKMSKey(w.t)
	}
	w.keks = k
	return k
}

func newKMSKey(t testing.TB) *kmsKey {
	t.Helper()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	block, err := aes.NewCipher(secret)
	require.NoError(t, err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	require.NoError(t, err)
	return &kmsKey{aead: aead}
}

func (k *tenantKMS) KEK(_ context.Context, uri string) (vault.KEK, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.resolved++
	if k.fail != nil {
		return nil, k.fail
	}
	if key := k.keys[uri]; key != nil {
		return key, nil
	}
	return nil, errors.New("no such key")
}

func (k *kmsKey) call(ctx context.Context) error {
	k.mu.Lock()
	k.calls++
	during := k.during
	k.mu.Unlock()
	if during != nil {
		return during(ctx)
	}
	return nil
}

func (k *kmsKey) EncryptWithContext(ctx context.Context, plain, aad []byte) ([]byte, error) {
	if err := k.call(ctx); err != nil {
		return nil, err
	}
	return k.aead.Seal(nil, nil, plain, aad), nil
}

func (k *kmsKey) DecryptWithContext(ctx context.Context, sealed, aad []byte) ([]byte, error) {
	if err := k.call(ctx); err != nil {
		return nil, err
	}
	plain, err := k.aead.Open(nil, nil, sealed, aad)
	k.mu.Lock()
	answer := k.answer
	k.mu.Unlock()
	if answer != nil {
		return answer(plain, err)
	}
	return plain, err
}

func (k *kmsKey) set(during func(ctx context.Context) error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.during = during
}

func (k *kmsKey) revoke()  { k.set(func(context.Context) error { return errRevoked }) }
func (k *kmsKey) restore() { k.set(nil) }

func (k *kmsKey) called() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.calls
}

func (w *world) move(v *vault.Vault, tenant troth.Tenant, kek string) int {
	w.t.Helper()
	n, err := v.MoveTenant(w.ctx, tenant, kek)
	require.NoError(w.t, err)
	return n
}
