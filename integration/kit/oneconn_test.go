package kit_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// atOnce is what the work of these tests may take: far more than it needs, and
// less than the 5 seconds after which waiting for a connection that cannot come
// ends in troth.ErrBusy.
const atOnce = 3 * time.Second

// oneConnection gives a host whose pool is limited to one connection, as many
// set up SQLite, and a context that runs out when the work takes too long.
func oneConnection(t *testing.T, d database) (host, context.Context) {
	t.Helper()
	db := d.connect(t)
	db.SetMaxOpenConns(1)
	h := d.hostOn(t, db)
	ctx, cancel := context.WithTimeout(asService(t), atOnce)
	t.Cleanup(cancel)
	return h, ctx
}

func TestOneConnection_SealOpenAndShred(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h, ctx := oneConnection(t, d)
		staff := troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "staff-17"})
		sealed := h.seal(ctx, t, "c-1")
		h.requireOpens(ctx, t, "c-1", sealed)
		h.requireOpens(staff, t, "c-1", sealed)
		_, err := h.Vault.Shred(staff, erasure(), person("c-1"))
		require.NoError(t, err)
		_, err = h.Vault.Open(ctx, nil, email("c-1"), purpose, sealed)
		require.ErrorIs(t, err, vault.ErrShredded)
		require.NoError(t, h.Vault.CloseWindows(ctx))
		require.Equal(t, 1, h.count(t, "vault.shred"))
	})
}

func TestOneConnection_SealsInTheHostsTransaction(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h, ctx := oneConnection(t, d)
		h.seal(ctx, t, "c-1")
		var again, fresh []byte
		h.inTx(ctx, t, true, func(ctx context.Context, _ *sql.Tx) {
			again = h.seal(ctx, t, "c-1")
			fresh = h.seal(ctx, t, "c-2")
		})
		h.requireOpens(ctx, t, "c-1", again)
		h.requireOpens(ctx, t, "c-2", fresh)
	})
}

// TestOneConnection_SealsWhatItHasNotSeen is a program that started a moment
// ago: nothing is cached that its transaction needs.
func TestOneConnection_SealsWhatItHasNotSeen(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		before := d.host(t)
		before.seal(asService(t), t, "c-1")
		require.NoError(t, before.Close(t.Context()))
		h, ctx := oneConnection(t, d)
		var again, fresh []byte
		h.inTx(ctx, t, true, func(ctx context.Context, _ *sql.Tx) {
			again = h.seal(ctx, t, "c-1")
			fresh = h.seal(ctx, t, "c-2")
		})
		h.requireOpens(ctx, t, "c-1", again)
		h.requireOpens(ctx, t, "c-2", fresh)
	})
}

func TestOneConnection_RecordsInTheHostsTransaction(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h, ctx := oneConnection(t, d)
		staff := troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "staff-17"})
		h.inTx(staff, t, true, func(ctx context.Context, _ *sql.Tx) {
			_, err := h.Trail.Record(ctx, troth.Entry{Act: shipped, Tenant: tenant, SubjectID: "c-1"})
			require.NoError(t, err)
		})
		require.Equal(t, 1, h.count(t, shipped.Name))
	})
}

func TestOneConnection_ShredsInTheHostsTransaction(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h, ctx := oneConnection(t, d)
		sealed := h.seal(ctx, t, "c-1")
		for _, commit := range []bool{false, true} {
			h.inTx(ctx, t, commit, func(ctx context.Context, _ *sql.Tx) {
				_, err := h.Vault.Shred(ctx, erasure(), person("c-1"))
				require.NoError(t, err)
			})
			if !commit {
				h.requireOpens(ctx, t, "c-1", sealed)
				continue
			}
			_, err := h.Vault.Open(ctx, nil, email("c-1"), purpose, sealed)
			require.ErrorIs(t, err, vault.ErrShredded)
		}
		require.Equal(t, 1, h.count(t, "vault.shred"))
	})
}
