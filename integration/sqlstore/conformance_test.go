package sqlstore_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/storagetest"
)

const suiteBound = 500 * time.Millisecond

func TestTransactor_SQLite(t *testing.T) {
	t.Parallel()
	t.Run("as it comes", func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T) storagetest.Harness {
			return harness(t, sqltest.SQLite(t), sqlstore.SQLite)
		})
	})
	t.Run("without group commit", func(t *testing.T) {
		storagetest.Run(t, func(t *testing.T) storagetest.Harness {
			return harness(t, sqltest.SQLite(t), sqlstore.SQLite, sqlstore.WithBatch(1, 0))
		})
	})
}

func TestTransactor_Postgres(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T) storagetest.Harness {
		db := pgtest.Open(t)
		warm(t, db)
		return harness(t, db, sqlstore.Postgres)
	})
}

// warm connects as often as a test of the suite needs it at once: on a busy machine that
// takes longer than the bound that the suite waits.
func warm(t *testing.T, db *sql.DB) {
	t.Helper()
	const enough = 6
	db.SetMaxIdleConns(enough)
	var all []*sql.Conn
	for range enough {
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		all = append(all, conn)
	}
	for _, conn := range all {
		require.NoError(t, conn.Close())
	}
}

// harness gives the suite a table on a fresh database.
func harness(t *testing.T, db *sql.DB, d sqlstore.Dialect, opts ...sqlstore.Option) storagetest.Harness {
	t.Helper()
	h, err := sqlstore.Open(t.Context(), db, d, append(opts, sqlstore.WithWaitBound(suiteBound))...)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	_, err = h.Querier(t.Context()).Exec(t.Context(), "CREATE TABLE pair (k TEXT PRIMARY KEY, v TEXT NOT NULL)")
	require.NoError(t, err)
	p := pairs{
		h: h, put: d.Rebind("INSERT INTO pair (k, v) VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v"),
		insert: d.Rebind("INSERT INTO pair (k, v) VALUES (?, ?)"),
		get:    d.Rebind("SELECT v FROM pair WHERE k = ?"),
	}
	return storagetest.Harness{
		Transactor: h,
		Put:        func(ctx context.Context, k, v string) error { return p.write(ctx, p.put, k, v) },
		Insert:     func(ctx context.Context, k, v string) error { return p.write(ctx, p.insert, k, v) },
		Get:        p.value,
		Keys:       p.keys,
		Host: func(ctx context.Context) (context.Context, func() error, func() error, error) {
			return sqltest.Host(ctx, h, db)
		},
		WaitBound: suiteBound,
	}
}

// pairs is the suite's table.
type pairs struct {
	h                *sqlstore.Handle
	put, insert, get string
}

func (p pairs) write(ctx context.Context, query, k, v string) error {
	_, err := p.h.Querier(ctx).Exec(ctx, query, k, v)
	return err
}

func (p pairs) value(ctx context.Context, k string) (v string, found bool, err error) {
	found, err = sqlstore.QueryRow(ctx, p.h.Querier(ctx), p.get, []any{k}, &v)
	return v, found, err
}

func (p pairs) keys(ctx context.Context) ([]string, error) {
	rows, err := p.h.Querier(ctx).Query(ctx, "SELECT k FROM pair")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var keys []string
	for rows.Next() {
		var k string
		if err := rows.Scan(&k); err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	slices.Sort(keys) // the database may order by other rules than bytes
	return keys, rows.Err()
}
