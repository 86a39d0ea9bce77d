// Package audit runs the trail on real databases.
package audit

import (
	"database/sql"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

func TestMain(m *testing.M) {
	if config := os.Getenv(childEnv); config != "" {
		if err := runChild(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	pgtest.Main(m)
}

// backend is a kind of database, each call of which gives a fresh one.
type backend struct {
	name    string
	dialect sqlstore.Dialect
	open    func(t testing.TB) *sql.DB
}

var backends = []backend{
	{"sqlite", sqlstore.SQLite, sqltest.SQLite},
	{"postgres", sqlstore.Postgres, pgtest.Open},
}

func (b backend) store(t testing.TB, db *sql.DB) *auditsql.Store {
	t.Helper()
	h, err := sqlstore.Open(t.Context(), db, b.dialect)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	s, err := auditsql.New(t.Context(), h)
	require.NoError(t, err)
	return s
}

func each(t *testing.T, test func(t *testing.T, b backend)) {
	t.Helper()
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) { test(t, b) })
	}
}

func TestStore(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		audittest.Run(t, func(t *testing.T) audit.Backend { return b.store(t, b.open(t)) })
	})
}

func TestStore_OneConnection(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		audittest.RunOneConnection(t, func(t *testing.T) audit.Backend {
			db := b.open(t)
			db.SetMaxOpenConns(1)
			return b.store(t, db)
		})
	})
}

func TestStore_ReopenedStoreHasWhatWasCommitted(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		db := b.open(t)
		first, keys := b.store(t, db), audittest.NewKeys()
		ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Person, ID: "kim"})
		id, err := newTrail(t, first, keys).Record(ctx, troth.Entry{Act: act, Tenant: "acme", SubjectID: "17"})
		require.NoError(t, err)
		require.NoError(t, first.SetManaged(ctx))

		second := b.store(t, db)
		var seen []troth.EntryID
		for r, err := range newTrail(t, second, keys).Entries(ctx, "acme", audit.Query{}) {
			require.NoError(t, err)
			seen = append(seen, r.ID)
		}
		require.Equal(t, []troth.EntryID{id}, seen)
		managed, err := second.Managed(ctx)
		require.NoError(t, err)
		require.True(t, managed)
	})
}

var act = &troth.Act{Name: "integration.act", Version: 1, Doc: "An act of these tests."}

func newTrail(t testing.TB, store audit.Backend, keys troth.Keys) *audit.Trail {
	t.Helper()
	trail, err := audit.New(t.Context(), store, keys, audittest.NewSealer())
	require.NoError(t, err)
	return trail
}
