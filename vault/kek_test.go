package vault_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/sealedfile"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

var errKMS = errors.New("key management is down")

// hookedKEK is a key-encryption key in whose ways a test stands.
type hookedKEK struct {
	vault.KEK
	mu      sync.Mutex
	encrypt func(ctx context.Context) error
	decrypt func(ctx context.Context, plain []byte, err error) ([]byte, error)
}

func (k *hookedKEK) EncryptWithContext(ctx context.Context, plain, aad []byte) ([]byte, error) {
	k.mu.Lock()
	hook := k.encrypt
	k.mu.Unlock()
	if hook != nil {
		if err := hook(ctx); err != nil {
			return nil, err
		}
	}
	return k.KEK.EncryptWithContext(ctx, plain, aad)
}

func (k *hookedKEK) DecryptWithContext(ctx context.Context, sealed, aad []byte) ([]byte, error) {
	k.mu.Lock()
	hook := k.decrypt
	k.mu.Unlock()
	plain, err := k.KEK.DecryptWithContext(ctx, sealed, aad)
	if hook != nil {
		return hook(ctx, plain, err)
	}
	return plain, err
}

func (w *world) hookKEK() *hookedKEK {
	k := &hookedKEK{KEK: vaulttest.InsecureKEK()}
	w.kek = k
	return k
}

func TestKEK_ThatAnswersWithOtherBytes(t *testing.T) {
	for name, answer := range map[string]func(plain []byte) []byte{
		"one bit":  func(b []byte) []byte { b[7] ^= 1; return b },
		"zeros":    func(b []byte) []byte { return make([]byte, len(b)) },
		"shorter":  func(b []byte) []byte { return b[:31] },
		"longer":   func(b []byte) []byte { return append(b, 0) },
		"nothing":  func([]byte) []byte { return nil },
		"too much": func([]byte) []byte { return make([]byte, 1<<16) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			at := emailOf(shop, "42", profile)
			sealed := w.seal(w.vault(), at, "ada")
			_, err := w.vault().MAC(w.ctx, someKey, nil)
			require.NoError(t, err)
			w.hookKEK().decrypt = func(_ context.Context, plain []byte, err error) ([]byte, error) {
				return answer(plain), err
			}
			v := w.vault()
			got, err := v.AppendOpen(w.ctx, nil, at, orders, sealed)
			require.ErrorIs(t, err, vault.ErrOpen)
			require.Nil(t, got)
			require.ErrorIs(t, lookup(v.AppendSeal(w.ctx, nil, at, nil)), vault.ErrKeyRecord)
			require.ErrorIs(t, lookup(v.MAC(w.ctx, someKey, nil)), vault.ErrKeyRecord)
		})
	}
}

func TestKEK_OfAnotherInstallation(t *testing.T) {
	w := newWorld(t)
	at := emailOf(shop, "42", profile)
	sealed := w.seal(w.vault(), at, "ada")
	w.kek = w.fileKEK("another one")
	v := w.vault()
	w.refuses(v, at, sealed, vault.ErrKEK)
}

func TestKEK_Failing(t *testing.T) {
	w := newWorld(t)
	kek := w.hookKEK()
	v := w.vault()
	ours, theirs := emailOf(shop, "42", profile), emailOf(bakery, "1", profile)
	kek.encrypt = func(context.Context) error { return errKMS }
	err := lookup(v.AppendSeal(w.ctx, nil, ours, nil))
	require.ErrorIs(t, err, vault.ErrKEK)
	require.ErrorIs(t, err, errKMS)
	require.ErrorIs(t, lookup(v.MAC(w.ctx, someKey, nil)), vault.ErrKEK)
	_, found, err := w.store.Root(w.ctx, shop, vault.WrapLineage)
	require.NoError(t, err)
	require.False(t, found)

	kek.encrypt = nil
	sealed, bread := w.seal(v, ours, "ada"), w.seal(v, theirs, "bread")
	w.opens(v, ours, sealed, "ada")
	kek.decrypt = func(context.Context, []byte, error) ([]byte, error) { return nil, errKMS }
	w.opens(v, ours, sealed, "ada") // what is cached needs no key-encryption key
	cold := w.vault()
	w.refuses(cold, theirs, bread, vault.ErrKEK)
	kek.decrypt = nil
	w.opens(cold, theirs, bread, "bread")
}

// One tenant's key management hangs. Its callers can give up, and nobody else
// notices: neither who uses cached keys nor who makes new ones.
func TestKEK_HangingForOneTenant(t *testing.T) {
	for _, making := range []bool{true, false} {
		w := newWorld(t)
		kek := w.hookKEK()
		setup := w.vault()
		ours := emailOf(shop, "42", profile)
		var sealed []byte
		if !making {
			sealed = w.seal(setup, ours, "ada")
		}
		v := w.vault()
		theirs := emailOf(bakery, "1", profile)
		bread := w.seal(v, theirs, "bread")
		w.opens(v, theirs, bread, "bread")

		asked := make(chan struct{}, 1)
		hang := func(ctx context.Context) error {
			asked <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		}
		kek.mu.Lock()
		kek.encrypt = hang
		kek.decrypt = func(ctx context.Context, _ []byte, _ error) ([]byte, error) { return nil, hang(ctx) }
		kek.mu.Unlock()
		ctx, cancel := context.WithCancel(w.ctx)
		done := make(chan error)
		go func() {
			if making {
				done <- lookup(v.AppendSeal(ctx, nil, ours, nil))
			} else {
				done <- lookup(v.AppendOpen(ctx, nil, ours, orders, sealed))
			}
		}()
		<-asked
		w.opens(v, theirs, bread, "bread")
		other := emailOf(bakery, "2", profile)
		w.opens(v, other, w.seal(v, other, "cake"), "cake") // needs a transaction
		cancel()
		err := <-done
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, vault.ErrKEK)
	}
}

func (w *world) fileKEK(passphrase string) vault.KEK {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "kek")
	require.NoError(w.t, vault.CreateKEKFile(path, passphrase))
	kek, err := vault.OpenKEKFile(path, passphrase)
	require.NoError(w.t, err)
	return kek
}

func TestKEKFile_KeepsItsKey(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(t.TempDir(), "kek")
	require.NoError(t, vault.CreateKEKFile(path, "correct horse"))
	at := emailOf(shop, "42", profile)
	var sealed []byte
	for i := range 2 {
		kek, err := vault.OpenKEKFile(path, "correct horse")
		require.NoError(t, err)
		w.kek = kek
		if i == 0 {
			sealed = w.seal(w.vault(), at, "ada")
		}
		w.opens(w.vault(), at, sealed, "ada")
	}
	kek, err := vault.OpenKEKFile(path, "correct horse")
	require.NoError(t, err)
	box, err := kek.EncryptWithContext(w.ctx, []byte("x"), []byte("here"))
	require.NoError(t, err)
	require.Error(t, lookup(kek.DecryptWithContext(w.ctx, box, []byte("there"))), "it binds the associated data")
	gone, cancel := context.WithCancel(w.ctx)
	cancel()
	require.ErrorIs(t, lookup(kek.EncryptWithContext(gone, nil, nil)), context.Canceled)
	require.ErrorIs(t, lookup(kek.DecryptWithContext(gone, box, nil)), context.Canceled)
}

func TestKEKFile_ErrorsAreToldApart(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "kek")
	require.ErrorIs(t, lookup(vault.OpenKEKFile(path, "p")), fs.ErrNotExist)
	require.NoError(t, vault.CreateKEKFile(path, "correct horse"))
	good, err := os.ReadFile(path)
	require.NoError(t, err)
	require.ErrorIs(t, vault.CreateKEKFile(path, "correct horse"), fs.ErrExist)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, good, after)
	require.Error(t, vault.CreateKEKFile(filepath.Join(folder, "none"), ""))

	require.ErrorIs(t, lookup(vault.OpenKEKFile(path, "wrong horse")), vault.ErrPassphrase)
	for i := 0; i < len(good); i += 7 {
		bad := append([]byte(nil), good...)
		bad[i] ^= 1
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		require.ErrorIs(t, lookup(vault.OpenKEKFile(path, "correct horse")), vault.ErrKEKFile)
	}
	require.NoError(t, os.WriteFile(path, good[:50], 0o600))
	require.ErrorIs(t, lookup(vault.OpenKEKFile(path, "correct horse")), vault.ErrKEKFile)

	other := filepath.Join(folder, "other")
	require.NoError(t, sealedfile.CreateWith(other, "correct horse", "troth.keyfile/1", [32]byte{1}, sealedfile.WeakForTests))
	require.ErrorIs(t, lookup(vault.OpenKEKFile(other, "correct horse")), vault.ErrKEKFile)
}

func TestKeys_AreStableAndIndependent(t *testing.T) {
	w := newWorld(t)
	a, b := w.vault(), w.vault()
	message := []byte("message")
	refs := []troth.KeyRef{someKey, someKey, someKey, someKey}
	refs[1].Tenant = bakery
	refs[2].Use = "test.other"
	refs[3].ID = "2"
	seen := map[[32]byte]bool{}
	for i, ref := range refs {
		mac, err := a.MAC(w.ctx, ref, message)
		require.NoError(t, err)
		require.False(t, seen[mac])
		seen[mac] = true
		for range 2 {
			again, err := b.MAC(w.ctx, ref, message)
			require.NoError(t, err)
			require.Equal(t, mac, again)
		}
		aead, err := a.AEAD(w.ctx, ref)
		require.NoError(t, err)
		box := aead.Seal(nil, nil, message, []byte("aad"))
		for j, other := range refs {
			there, err := b.AEAD(w.ctx, other)
			require.NoError(t, err)
			plain, err := there.Open(nil, nil, box, []byte("aad"))
			require.Equal(t, i == j, err == nil)
			if i == j {
				require.Equal(t, message, plain)
			}
		}
	}
	for _, bad := range []troth.KeyRef{{}, {Tenant: shop}, {Tenant: shop, Use: "u"}, {Use: "u", ID: "i"}} {
		require.Error(t, lookup(a.MAC(w.ctx, bad, nil)))
		require.Error(t, lookup(a.AEAD(w.ctx, bad)))
	}
}

func TestKeys_DieWithTheTenantAndOnlyWithIt(t *testing.T) {
	w := newWorld(t)
	v := w.vault()
	before, err := v.MAC(w.ctx, someKey, nil)
	require.NoError(t, err)
	w.shred(v, personOf(shop, "1"))
	w.shred(v, vault.Target{Tenant: bakery, WholeTenant: true})
	after, err := v.MAC(w.ctx, someKey, nil)
	require.NoError(t, err)
	require.Equal(t, before, after)
	w.shred(v, vault.Target{Tenant: shop, WholeTenant: true})
	for _, at := range []*vault.Vault{v, w.vault()} {
		require.ErrorIs(t, lookup(at.MAC(w.ctx, someKey, nil)), vault.ErrShredded)
		require.ErrorIs(t, lookup(at.AEAD(w.ctx, someKey)), vault.ErrShredded)
	}
}
