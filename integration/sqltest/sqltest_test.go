package sqltest

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/storage/sqlstore"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestEach_OpensTheSameDatabaseAgain(t *testing.T) {
	var seen []string
	Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		one, two := open(), open()
		require.NotSame(t, one, two)
		_, err := one.Querier(t.Context()).Exec(t.Context(), "CREATE TABLE note (body TEXT)")
		require.NoError(t, err)
		_, err = two.Querier(t.Context()).Exec(t.Context(), "INSERT INTO note VALUES ('a')")
		require.NoError(t, err)
		seen = append(seen, one.Dialect().Name())
	})
	require.Contains(t, seen, "sqlite")
}

func TestHost_WritesInATransactionOfTheHosts(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { writesAsHost(t, SQLite(t), sqlstore.SQLite) })
	t.Run("postgres", func(t *testing.T) { writesAsHost(t, pgtest.Open(t), sqlstore.Postgres) })
}

func writesAsHost(t *testing.T, db *sql.DB, d sqlstore.Dialect) {
	h, err := sqlstore.Open(t.Context(), db, d)
	require.NoError(t, err)
	defer func() { require.NoError(t, h.Close()) }()
	count := func(ctx context.Context) (n int) {
		_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), "SELECT count(*) FROM note", nil, &n)
		require.NoError(t, err)
		return n
	}
	_, err = h.Querier(t.Context()).Exec(t.Context(), "CREATE TABLE note (body TEXT)")
	require.NoError(t, err)
	for _, commits := range []bool{false, true} {
		ctx, commit, rollback, err := Host(t.Context(), h, db)
		require.NoError(t, err)
		_, err = h.Querier(ctx).Exec(ctx, "INSERT INTO note VALUES ('a')")
		require.NoError(t, err)
		require.Equal(t, 1, count(ctx))
		require.Zero(t, count(t.Context()))
		end := rollback
		if commits {
			end = commit
		}
		require.NoError(t, end())
	}
	require.Equal(t, 1, count(t.Context()))
}
