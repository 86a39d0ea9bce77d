package kit_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

// TestWindow_InTheHostsTransaction opens as a service inside a transaction of a
// pool of one connection: without a window that is refused with what to do,
// with one it works.
func TestWindow_InTheHostsTransaction(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		db := d.connect(t)
		db.SetMaxOpenConns(1)
		h, ctx := d.hostOn(t, db), asService(t)
		sealed := h.seal(ctx, t, "c-1")
		h.inTx(ctx, t, true, func(ctx context.Context, _ *sql.Tx) {
			_, err := h.Vault.Open(ctx, nil, email("c-1"), purpose, sealed)
			require.ErrorIs(t, err, troth.ErrBusy)
			require.ErrorContains(t, err, "OpenWindow")
			require.False(t, troth.Retryable(err))
		})
		require.NoError(t, h.Vault.OpenWindow(ctx, email("c-1").Subject.Tenant, purpose))
		h.inTx(ctx, t, true, func(ctx context.Context, _ *sql.Tx) {
			h.requireOpens(ctx, t, "c-1", sealed)
		})
	})
}
