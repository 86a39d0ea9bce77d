package kit_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/kit"
)

// TestRotate_TakesSignersOfLocalSecretsForTheOrigin: such a signer has the
// origin of the kit only within it, so the kit must be able to take another.
func TestRotate_TakesSignersOfLocalSecretsForTheOrigin(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		dir := t.TempDir()
		old, err := kit.LocalSecrets(filepath.Join(dir, "old"), "a passphrase")
		require.NoError(t, err)
		next, err := kit.LocalSecrets(filepath.Join(dir, "next"), "a passphrase")
		require.NoError(t, err)

		c := d.config(d.connect(t))
		c.Origin, c.Secrets = origin, old
		before, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		require.NoError(t, before.Close(t.Context()))

		c.Secrets.Signer, c.Secrets.Verifiers = next.Signer, before.Verifiers()
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		_, err = k.Trail.Sequence(t.Context())
		require.ErrorIs(t, err, audit.ErrSigner)
		size, err := k.Rotate(t.Context(), old.Signer)
		require.NoError(t, err)
		require.NotZero(t, size)
		host{Kit: k}.record(t)
		require.NoError(t, k.Close(t.Context()))

		// Pinned as WithSizes says, both keys count where they signed.
		pinned, err := audit.Verifiers{}.WithSizes(vkey(t, before), 0, size+1)
		require.NoError(t, err)
		pinned, err = pinned.WithSizes(vkey(t, k), size, 0)
		require.NoError(t, err)
		c.Origin, c.Secrets.Signer, c.Secrets.Verifiers = "", nil, pinned
		stranger, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		log := host{Kit: stranger}.verified(t)
		require.NoError(t, stranger.Close(t.Context()))
		require.Equal(t, log.Size, log.Signed)
		require.Greater(t, log.Size, size)
	})
}

func TestRotate_NeedsASigner(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.reading(t, audit.Verifiers{})
		_, err := h.Rotate(t.Context(), signerOf(t, origin, 1))
		require.ErrorIs(t, err, audit.ErrNoSigner)
	})
}

// vkey is the verifier key of the kit's own signer, the last of those of logs.
func vkey(t *testing.T, k *kit.Kit) string {
	t.Helper()
	keys := strings.Fields(k.Verifiers().String())
	require.NotEmpty(t, keys)
	return keys[len(keys)-1]
}
