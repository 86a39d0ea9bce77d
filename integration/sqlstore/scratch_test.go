package sqlstore_test

import (
	"context"
	"database/sql"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/sqlstore"
)

// tempStore is where the connection of ctx keeps what it needs for a while: "2" is
// memory.
func tempStore(ctx context.Context, t *testing.T, h *sqlstore.Handle) (got string) {
	t.Helper()
	require.NoError(t, h.Atomically(ctx, func(ctx context.Context) error {
		_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), "PRAGMA temp_store", nil, &got)
		return err
	}))
	return got
}

// What a savepoint may have to undo goes to no file beside the database: nothing
// would wipe it there.
func TestScratch_IsMemory(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	h := d.handle(d.open())
	for range 2 {
		require.Equal(t, "2", tempStore(t.Context(), t, h))
	}
}

// An index is made by sorting all of its table, for which memory may be too small.
func TestScratch_MigrationsSortInAFile(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	h := d.handle(d.open())
	require.Equal(t, "2", tempStore(t.Context(), t, h))
	require.NoError(t, h.Migrate(t.Context(), sqlstore.Migrations{Namespace: "scratch", FS: fstest.MapFS{
		"0001_seen.sqlite.sql":   {Data: []byte("CREATE TABLE seen AS SELECT temp_store AS at FROM pragma_temp_store;")},
		"0001_seen.postgres.sql": {Data: []byte("CREATE TABLE seen (at BIGINT);")},
	}}))
	var at string
	_, err := sqlstore.QueryRow(t.Context(), h.Querier(t.Context()), "SELECT at FROM seen", nil, &at)
	require.NoError(t, err)
	require.Equal(t, "0", at)
	require.Equal(t, "2", tempStore(t.Context(), t, h))
}

// Where the host said where, it stays there.
func TestScratch_HostsChoiceStays(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	h := d.handle(d.openWith("temp_store = 1"))
	require.Equal(t, "1", tempStore(t.Context(), t, h))
}

// A host's temporary tables outlive the handle's taking of their connection.
func TestScratch_TemporaryTablesStay(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, 1} {
		d := newSQLite(t)
		db := d.open()
		db.SetMaxOpenConns(limit)
		_, err := db.Exec("CREATE TEMP TABLE mine AS SELECT 7 AS n")
		require.NoError(t, err)
		require.Equal(t, 1, db.Stats().OpenConnections, "the handle gets that one")
		h := d.handle(db)
		var n int
		require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
			_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), "SELECT n FROM mine", nil, &n)
			return err
		}))
		require.Equal(t, 7, n)
		require.Equal(t, "0", tempStore(t.Context(), t, h))
	}
}

// A connection that goes back to the host goes back as it came.
func TestScratch_IsGivenBack(t *testing.T) {
	t.Parallel()
	d := newSQLite(t)
	db := d.open()
	h := d.handle(db)
	require.Equal(t, "2", tempStore(t.Context(), t, h))
	db.SetMaxOpenConns(1)
	require.NoError(t, d.add(t.Context(), h, "a"))
	of := func(db *sql.DB) (got string) {
		require.NoError(t, db.QueryRow("PRAGMA temp_store").Scan(&got))
		return got
	}
	require.Equal(t, "0", of(db))
	require.Equal(t, "0", tempStore(t.Context(), t, h))
}
