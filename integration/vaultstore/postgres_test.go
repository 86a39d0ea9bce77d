package vaultstore_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
)

const at = 1_763_776_391_123_457

func key(subject string, c troth.Compartment, id uint32) vault.KeyRow {
	return vault.KeyRow{
		KeyName:    vault.KeyName{Tenant: "t", SubjectID: subject, Compartment: c},
		Generation: 1, KeyID: id, Sealed: []byte("sealed"), CreatedAt: at,
	}
}

// snapshot begins a host's transaction that reads one snapshot, and has it
// taken.
func snapshot(t *testing.T, db *sql.DB, h *sqlstore.Handle) (context.Context, *sql.Tx) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	var n int
	require.NoError(t, tx.QueryRowContext(t.Context(), "SELECT count(*) FROM troth_vault_key").Scan(&n))
	return h.WithTx(t.Context(), tx), tx
}

// erase shreds a person as the vault does.
func erase(ctx context.Context, s *vaultsql.Store, subject string) error {
	return s.Transactor().Atomically(ctx, func(ctx context.Context) error {
		if _, err := s.LockPerson(ctx, "t", subject, vault.Exclusive); err != nil {
			return err
		}
		if _, err := s.ShredKeys(ctx, vault.ShredKeys{Tenant: "t", SubjectID: subject, At: at}); err != nil {
			return err
		}
		return s.ClosePerson(ctx, "t", subject, at)
	})
}

// A key that committed after the snapshot would be overlooked and live on.
func TestPostgres_NobodyShredsInAnOldSnapshot(t *testing.T) {
	db := pgtest.Open(t)
	h, s := open(t, db, sqlstore.Postgres)
	in, _ := snapshot(t, db, h)
	_, err := s.InsertKey(t.Context(), key("42", "profile", 1))
	require.NoError(t, err)
	require.ErrorIs(t, erase(in, s, "42"), vaultsql.ErrSnapshot)
	_, err = s.ShredKeys(in, vault.ShredKeys{Tenant: "t", SubjectID: "42", At: at})
	require.ErrorIs(t, err, vaultsql.ErrSnapshot)
	_, err = s.ShredRoots(in, "t", at)
	require.ErrorIs(t, err, vaultsql.ErrSnapshot)
	_, err = s.Follow(in, 0)
	require.ErrorIs(t, err, vaultsql.ErrSnapshot)
	_, err = s.Managed(in)
	require.ErrorIs(t, err, vaultsql.ErrSnapshot)
	require.NoError(t, erase(t.Context(), s, "42"))
}

func TestPostgres_WhoCreatesInAnOldSnapshotIsToldOrRefused(t *testing.T) {
	create := func(ctx context.Context, s *vaultsql.Store) error {
		return s.Transactor().Atomically(ctx, func(ctx context.Context) error {
			state, err := s.LockPerson(ctx, "t", "42", vault.Shared)
			if err != nil {
				return err
			}
			require.Zero(t, state)
			inserted, err := s.InsertKey(ctx, key("42", "profile", 9))
			require.True(t, inserted || err != nil)
			return err
		})
	}
	changes := map[string]func(ctx context.Context, s *vaultsql.Store) error{
		"the person was closed": func(ctx context.Context, s *vaultsql.Store) error { return erase(ctx, s, "42") },
		"the tenant was shredded": func(ctx context.Context, s *vaultsql.Store) error {
			_, err := s.ShredRoots(ctx, "t", at)
			return err
		},
		"the root was superseded": func(ctx context.Context, s *vaultsql.Store) error {
			renewed, err := s.RenewRoot(ctx, vault.RootRow{Tenant: "t", Lineage: vault.WrapLineage, Epoch: 1, Sealed: []byte("r"), CreatedAt: at})
			require.True(t, renewed || err != nil)
			return errors.Join(err, s.SupersedeRoots(ctx, "t", 1, at))
		},
		"the key was there first": func(ctx context.Context, s *vaultsql.Store) error {
			_, err := s.InsertKey(ctx, key("42", "profile", 1))
			return err
		},
	}
	for what, change := range changes {
		for _, known := range []bool{false, true} {
			name := what + ", of one never seen"
			if known {
				name = what
			}
			t.Run(name, func(t *testing.T) {
				db := pgtest.Open(t)
				h, s := open(t, db, sqlstore.Postgres)
				_, err := s.InsertRoot(t.Context(), vault.RootRow{Tenant: "t", Lineage: vault.WrapLineage, Sealed: []byte("r")})
				require.NoError(t, err)
				if known {
					require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
						_, err := s.LockPerson(ctx, "t", "42", vault.Shared)
						return err
					}))
				}
				in, tx := snapshot(t, db, h)
				require.NoError(t, change(t.Context(), s))
				err = create(in, s)
				require.ErrorIs(t, err, troth.ErrBusy)
				require.NoError(t, tx.Rollback())
			})
		}
	}
}

func TestPostgres_AnOldSnapshotThatMissedNothingCreates(t *testing.T) {
	db := pgtest.Open(t)
	h, s := open(t, db, sqlstore.Postgres)
	in, tx := snapshot(t, db, h)
	state, err := s.LockPerson(in, "t", "42", vault.Shared)
	require.NoError(t, err)
	require.Zero(t, state)
	inserted, err := s.InsertKey(in, key("42", "profile", 1))
	require.NoError(t, err)
	require.True(t, inserted)
	require.NoError(t, tx.Commit())
	rows, err := s.Keys(t.Context(), key("42", "profile", 1).KeyName)
	require.NoError(t, err)
	require.Equal(t, []vault.KeyRow{key("42", "profile", 1)}, rows)
}

// Whoever has the lock may be slow: nobody waits for it, and nobody misses an
// event for it.
func TestPostgres_WhoFollowsDoesNotWaitForWhoNumbers(t *testing.T) {
	db := pgtest.Open(t)
	h, s := open(t, db, sqlstore.Postgres)
	require.NoError(t, s.RaiseFence(t.Context(), vault.FenceEvent{KeyName: vault.KeyName{Tenant: "t"}, At: at}))
	var held int64
	busy, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = busy.Close() }()
	// The lock is the store's own: it is learned from a numbering that waits.
	require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
		tx, ok := h.Tx(ctx)
		require.True(t, ok)
		_, err := tx.ExecContext(ctx, "SELECT id FROM troth_vault_fence FOR UPDATE")
		require.NoError(t, err)
		numbered := make(chan error, 1)
		go func() { _, err := s.Follow(context.WithoutCancel(t.Context()), 0); numbered <- err }()
		require.Eventually(t, func() bool {
			row := busy.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
			return row.Scan(&held) == nil && held == 1
		}, wait, tick)
		for range 3 {
			f, err := s.Follow(t.Context(), 0)
			require.NoError(t, err)
			require.Len(t, f.Events, 1)
			require.Zero(t, f.Events[0].Position)
			require.Zero(t, f.Head)
			require.False(t, f.Gap)
		}
		t.Cleanup(func() { require.NoError(t, <-numbered) })
		return nil
	}))
	require.Eventually(t, func() bool {
		f, err := s.Follow(t.Context(), 0)
		return err == nil && len(f.Events) == 1 && f.Events[0].Position == 1 && f.Head == 1
	}, wait, tick)
}

// What crosses tenants must not walk over them.
func TestPostgres_SystemQueriesUseTheirIndexes(t *testing.T) {
	db := pgtest.Open(t)
	open(t, db, sqlstore.Postgres)
	c, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	_, err = c.ExecContext(t.Context(), `INSERT INTO troth_vault_window (tenant, id, actor, home, purpose, opened_at, until_at, closed_at)
		SELECT 't' || n, '', '', '', '', 1, n, 2 FROM generate_series(1, 10000) n`)
	require.NoError(t, err)
	_, err = c.ExecContext(t.Context(), `INSERT INTO troth_vault_fence (position, tenant, subject, compartment, died_at)
		SELECT n, 't' || n, '', '', n FROM generate_series(1, 10000) n`)
	require.NoError(t, err)
	_, err = c.ExecContext(t.Context(), "ANALYZE")
	require.NoError(t, err)
	for query, index := range map[string]string{
		"SELECT id FROM troth_vault_window WHERE closed_at = 0 AND until_at < 5 ORDER BY until_at, tenant, id LIMIT 5": "troth_vault_window_open",
		"SELECT id FROM troth_vault_fence WHERE position IS NULL":                                                      "troth_vault_fence_unnumbered",
		"SELECT id FROM troth_vault_fence WHERE position > 9990 OR position IS NULL":                                   "troth_vault_fence_position",
		"SELECT MAX(position) FROM troth_vault_fence":                                                                  "troth_vault_fence_position",
	} {
		plan := explain(t, c, query)
		require.Contains(t, plan, index, query)
		require.NotContains(t, plan, "Seq Scan", query)
	}
}

func explain(t *testing.T, c *sql.Conn, query string) string {
	t.Helper()
	rows, err := c.QueryContext(t.Context(), "EXPLAIN "+query)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	var plan strings.Builder
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		plan.WriteString(line + "\n")
	}
	require.NoError(t, rows.Err())
	return plan.String()
}
