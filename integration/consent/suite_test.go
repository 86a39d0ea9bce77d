package consent_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/consent/consenttest"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/consentsql"
)

func TestBackend_SQLite(t *testing.T) {
	consenttest.Run(t, func(t *testing.T) consenttest.Harness {
		return harness(t, sqltest.SQLite(t), sqlstore.SQLite)
	})
}

func TestBackend_Postgres(t *testing.T) {
	consenttest.Run(t, func(t *testing.T) consenttest.Harness {
		return harness(t, pgtest.Open(t), sqlstore.Postgres)
	})
}

// harness gives the suite a store on a fresh database.
func harness(t *testing.T, db *sql.DB, d sqlstore.Dialect) consenttest.Harness {
	t.Helper()
	h, s := open(t, db, d)
	return consenttest.Harness{
		Backend: s,
		Reopen: func() consent.Backend {
			_, s := open(t, db, d)
			return s
		},
		Host: func(ctx context.Context) (context.Context, func() error, func() error, error) {
			return sqltest.Host(ctx, h, db)
		},
		ManyWriters: d == sqlstore.Postgres,
	}
}

func open(t testing.TB, db *sql.DB, d sqlstore.Dialect) (*sqlstore.Handle, *consentsql.Store) {
	t.Helper()
	return sqltest.Open(t, db, d, consentsql.New)
}

// A grant that committed after the snapshot would be overlooked.
func TestPostgres_NobodyWritesAboutAPersonInAnOldSnapshot(t *testing.T) {
	db := pgtest.Open(t)
	h, s := open(t, db, sqlstore.Postgres)
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	in := h.WithTx(t.Context(), tx)
	_, err = s.LockPerson(in, consent.PersonRow{Tenant: "t", SubjectID: "1", Record: []byte("x")})
	require.ErrorIs(t, err, consentsql.ErrSnapshot)
	_, err = s.Follow(in, 0)
	require.ErrorIs(t, err, consentsql.ErrSnapshot)
	_, err = s.Managed(in)
	require.ErrorIs(t, err, consentsql.ErrSnapshot)
}
