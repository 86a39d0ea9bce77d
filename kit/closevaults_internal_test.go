package kit

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

// Both vaults are closed, also where the context is over for which opening broke off, and
// where there is only the first.
func TestCloseVaults(t *testing.T) {
	ctx, over := context.WithCancel(t.Context())
	open := func() *vault.Vault {
		db := memory.Open()
		v, err := vault.Open(t.Context(), vault.Config{
			Store: vaultmem.New(db), KEK: vaulttest.InsecureKEK(), Recorder: troth.UnsafeNoEvidence(db),
		}, vault.Unmanaged("test"))
		require.NoError(t, err)
		return v
	}
	both := &Kit{Vault: open(), late: late{keys: open()}}
	first := &Kit{late: late{keys: open()}}
	over()
	require.NoError(t, both.closeVaults(ctx))
	require.NoError(t, first.closeVaults(ctx))
	require.NoError(t, new(Kit).closeVaults(ctx))
	for _, v := range []*vault.Vault{both.Vault, both.late.keys, first.late.keys} {
		_, err := v.MAC(t.Context(), troth.KeyRef{Tenant: troth.Platform, Use: "test", ID: "one"}, nil)
		require.ErrorIs(t, err, vault.ErrClosed)
	}
}
