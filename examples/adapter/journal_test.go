package main

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/sqlstore"
)

// TestJournal is all that a store must show: one call of the suite.
func TestJournal(t *testing.T) {
	audittest.Run(t, func(t *testing.T) audit.Backend { return journal(t, open(t)) })
}

func TestJournal_WorksWithOneConnection(t *testing.T) {
	audittest.RunOneConnection(t, func(t *testing.T) audit.Backend {
		db := open(t)
		db.SetMaxOpenConns(1)
		return journal(t, db)
	})
}

func TestSealer_OpensNothing(t *testing.T) {
	_, err := sealer{audittest.NewKeys()}.Open(t.Context(), nil, troth.Context{}, "curiosity", nil)
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := openDB(filepath.Join(t.TempDir(), "shop.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	_, err = db.ExecContext(t.Context(), schema)
	require.NoError(t, err)
	return db
}

func journal(t *testing.T, db *sql.DB) Journal {
	t.Helper()
	handle, err := sqlstore.Open(t.Context(), db, sqlstore.SQLite)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, handle.Close()) })
	j, err := newJournal(t.Context(), handle)
	require.NoError(t, err)
	return j
}
