package kit_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

// TestHostSavepoint_UndoesAKey lets the host roll back to a savepoint of its
// own, of which troth hears nothing: the key made since then is gone, and what
// is sealed after that must open.
func TestHostSavepoint_UndoesAKey(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.host(t)
		ctx := asService(t)
		var sealed []byte
		h.inTx(ctx, t, true, func(ctx context.Context, tx *sql.Tx) {
			_, err := tx.ExecContext(ctx, "SAVEPOINT mine")
			require.NoError(t, err)
			h.seal(ctx, t, "c-1")
			_, err = tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT mine")
			require.NoError(t, err)
			sealed = h.seal(ctx, t, "c-1")
		})
		h.requireOpens(ctx, t, "c-1", sealed)
	})
}

// TestHostTransaction_EndedSealsNothing seals with the context of a transaction
// that the host has rolled back: the key would be lost, and the value with it.
func TestHostTransaction_EndedSealsNothing(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.host(t)
		ctx := asService(t)
		var ended context.Context
		h.inTx(ctx, t, false, func(ctx context.Context, _ *sql.Tx) {
			h.seal(ctx, t, "c-1")
			ended = ctx //nolint:fatcontext // to be used too late, on purpose
		})
		_, err := h.Vault.Seal(ended, nil, email("c-1"), []byte("lost"))
		require.ErrorIs(t, err, troth.ErrTxDone)
	})
}
