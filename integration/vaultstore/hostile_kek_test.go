package vaultstore_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
)

// The name of a key-encryption key is not loaded beyond what a vault writes.
func TestHostile_LongKEK(t *testing.T) {
	hostile(t, func(t *testing.T, s *vaultsql.Store, _ *sqlstore.Handle, write func(string, ...any)) {
		row := vault.RootRow{
			Tenant: "t", Lineage: vault.WrapLineage, Sealed: []byte("r"), KEK: strings.Repeat("x", vault.MaxKEK),
		}
		_, err := s.InsertRoot(t.Context(), row)
		require.NoError(t, err)
		rows, err := s.Roots(t.Context(), "t")
		require.NoError(t, err)
		require.Equal(t, []vault.RootRow{row}, rows)

		write("UPDATE troth_vault_root SET kek = ?", strings.Repeat("x", 77001))
		_, err = s.Roots(t.Context(), "t")
		require.ErrorIs(t, err, vault.ErrKeyRecord)
		_, _, err = s.Root(t.Context(), "t", vault.WrapLineage)
		require.ErrorIs(t, err, vault.ErrKeyRecord)
		require.Less(t, len(err.Error()), 200)
	})
}

// A retired generation holds no key, and a living one is not hidden.
func TestStore_ARetiredGenerationIsATombstone(t *testing.T) {
	hostile(t, func(t *testing.T, s *vaultsql.Store, h *sqlstore.Handle, _ func(string, ...any)) {
		_, err := s.InsertKey(t.Context(), key("42", "profile", 1))
		require.NoError(t, err)
		_, err = h.Querier(t.Context()).Exec(t.Context(), "UPDATE troth_vault_key SET retired = 1")
		require.Error(t, err)
	})
}
