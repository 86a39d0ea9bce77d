package rights

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
)

// A row that is looked for by its key is read on the connection that wrote it, while nobody
// writes: no other one is opened for it. Who looks while somebody writes waits for nobody,
// and sees what was committed before.
func TestStore_ReadsARowWhereItWasWritten(t *testing.T) {
	db := sqltest.SQLite(t)
	h, store := open(t, db, sqlstore.SQLite)
	ctx := t.Context()
	row := rights.RequestRow{Tenant: "acme", ID: "1", State: rights.StateReceived, Right: rights.Erase, Record: []byte{0}}
	_, err := store.InsertRequest(ctx, row)
	require.NoError(t, err)
	look := func(want byte) {
		t.Helper()
		got, found, err := store.Request(ctx, "acme", "1")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, want, got.Record[0])
		f, _, err := store.File(ctx, "acme", "1", []rights.ItemKind{rights.ItemStep})
		require.NoError(t, err)
		require.Equal(t, want, f.Request.Record[0])
	}
	for n := range byte(5) {
		row.Record = []byte{n}
		require.NoError(t, store.PutRequest(ctx, row))
		look(n)
	}
	require.Equal(t, 1, db.Stats().OpenConnections)

	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, _, err = store.Request(ended, "acme", "1")
	require.ErrorIs(t, err, context.Canceled)

	require.NoError(t, h.Atomically(ctx, func(inside context.Context) error {
		row.Record = []byte{9}
		require.NoError(t, store.PutRequest(inside, row))
		look(4)
		return nil
	}))
	require.Equal(t, 2, db.Stats().OpenConnections)
	look(9)
}
