package sqlstore_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/sqlstore"
)

// SQLite itself goes on writing to a file that somebody deleted or put another
// in place of, a restored backup most likely. Nothing is acknowledged that is
// found by nobody.
func TestMoved_DatabaseFile(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(t *testing.T, d database){
		"deleted": func(t *testing.T, d database) { require.NoError(t, os.Remove(d.dsn)) },
		"renamed": func(t *testing.T, d database) { require.NoError(t, os.Rename(d.dsn, d.dsn+".old")) },
		"replaced": func(t *testing.T, d database) {
			content, err := os.ReadFile(d.dsn)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(d.dsn+".backup", content, 0o600))
			require.NoError(t, os.Rename(d.dsn+".backup", d.dsn))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newSQLite(t)
			h := d.handle(d.open())
			require.NoError(t, d.add(t.Context(), h, "a"))
			tx := d.hostReady(d.open(), nil)
			var n int
			require.NoError(t, tx.QueryRow("SELECT count(*) FROM note").Scan(&n))
			move(t, d)
			host := h.WithTx(t.Context(), tx)
			_, ok := asSetting(d.add(host, h, "b"))
			require.True(t, ok)
			for range 2 {
				_, ok := asSetting(d.add(t.Context(), h, "b"))
				require.True(t, ok)
				_, ok = asSetting(h.Migrate(t.Context(), schema("shop", first)))
				require.True(t, ok)
			}
		})
		t.Run(name+" during a closure", func(t *testing.T) {
			t.Parallel()
			d := newSQLite(t)
			h := d.handle(d.open())
			err := h.Atomically(t.Context(), func(ctx context.Context) error {
				require.NoError(t, d.add(ctx, h, "a"))
				move(t, d)
				return nil
			})
			lost, ok := errors.AsType[*sqlstore.BatchError](err)
			require.True(t, ok, "%v", err)
			require.False(t, lost.Unknown)
			_, ok = asSetting(err)
			require.True(t, ok)
		})
	}
}

// A file that is only touched, copied or moved back is the same.
func TestMoved_AndBack(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	h := d.handle(d.open())
	require.NoError(t, os.Rename(d.dsn, d.dsn+".old"))
	_, ok := asSetting(d.add(t.Context(), h, "a"))
	require.True(t, ok)
	require.NoError(t, os.Rename(d.dsn+".old", d.dsn))
	require.NoError(t, d.add(t.Context(), h, "b"))
	require.Equal(t, []string{"b"}, d.notes())
}
