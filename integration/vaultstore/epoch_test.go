package vaultstore_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
)

// Rows that no vault writes are refused before there are many of them in memory.
func TestHostile_Epochs(t *testing.T) {
	for name, c := range map[string]struct {
		query string
		args  []any
		read  func(ctx context.Context, s *vaultsql.Store) error
	}{
		"an epoch out of range": {
			query: "INSERT INTO troth_vault_epoch (epoch, place, opened_at) VALUES (5000000000, 'x', 1)",
			read:  func(ctx context.Context, s *vaultsql.Store) error { _, err := s.Epochs(ctx); return err },
		},
		"too many epochs": {
			query: "INSERT INTO troth_vault_epoch (epoch, place, opened_at) " + numbers + "SELECT i, 'x', 1 FROM n",
			args:  []any{10_001},
			read:  func(ctx context.Context, s *vaultsql.Store) error { _, err := s.Epochs(ctx); return err },
		},
		"too many roots": {
			query: "INSERT INTO troth_vault_root (tenant, lineage, epoch, sealed, commitment, created_at, origin) " + numbers +
				"SELECT 't', 'wrap', i, NULL, zeroblob(32), 1, 0 FROM n",
			args: []any{20_001},
			read: func(ctx context.Context, s *vaultsql.Store) error { _, err := s.Roots(ctx, "t"); return err },
		},
		"a first epoch out of range": {
			query: "INSERT INTO troth_vault_key (tenant, subject, compartment, generation, key_id, epoch, first_epoch, sealed, commitment, created_at) " +
				"VALUES ('t', '42', 'profile', 1, 1, 1, -1, ?, ?, 1)",
			args: []any{[]byte("k"), make([]byte, 32)},
			read: func(ctx context.Context, s *vaultsql.Store) error {
				_, err := s.Keys(ctx, key("42", "profile", 1).KeyName)
				return err
			},
		},
		"a rewrapping out of range": {
			query: "INSERT INTO troth_vault_rewrap (tenant, epoch, subject, compartment, generation, moved, stuck, started_at) " +
				"VALUES ('t', 1, '', '', -1, 0, 0, 0)",
			read: func(ctx context.Context, s *vaultsql.Store) error {
				return s.Transactor().Atomically(ctx, func(ctx context.Context) error {
					_, _, err := s.TakeRewrap(ctx, "t", 1, at)
					return err
				})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			hostile(t, func(t *testing.T, s *vaultsql.Store, h *sqlstore.Handle, write func(string, ...any)) {
				query := c.query
				if h.Dialect() == sqlstore.Postgres && name == "too many roots" {
					query = pgRoots
				}
				write(query, c.args...)
				require.ErrorIs(t, c.read(t.Context(), s), vault.ErrKeyRecord)
			})
		})
	}
}

// pgRoots is the query of too many roots with bytes for a commitment.
const pgRoots = "INSERT INTO troth_vault_root (tenant, lineage, epoch, sealed, commitment, created_at, origin) " + numbers +
	"SELECT 't', 'wrap', i, NULL, sha256('x'), 1, 0 FROM n"

// A root that was emptied holds no key, whoever writes the row.
func TestStore_AnEmptiedRootHoldsNoKey(t *testing.T) {
	sqltest.Each(t, func(t *testing.T, open func() *sqlstore.Handle) {
		s, err := vaultsql.New(t.Context(), open())
		require.NoError(t, err)
		_, err = s.InsertRoot(t.Context(), vault.RootRow{Tenant: "t", Lineage: vault.WrapLineage, Sealed: []byte("r"), RetiredAt: at})
		require.Error(t, err)
	})
}

// Snapshots that could overlook what committed change nothing.
func TestPostgres_NobodyRotatesInAnOldSnapshot(t *testing.T) {
	db := pgtest.Open(t)
	h, s := open(t, db, sqlstore.Postgres)
	_, err := s.InsertRoot(t.Context(), vault.RootRow{Tenant: "t", Lineage: vault.WrapLineage, Epoch: 1, Sealed: []byte("r"), CreatedAt: at})
	require.NoError(t, err)
	in, _ := snapshot(t, db, h)
	next := vault.RootRow{Tenant: "t", Lineage: vault.WrapLineage, Epoch: 2, Sealed: []byte("r"), CreatedAt: at}
	for name, call := range map[string]func() error{
		"renew":     func() error { _, err := s.RenewRoot(in, next); return err },
		"supersede": func() error { return s.SupersedeRoots(in, "t", 2, at) },
		"stale":     func() error { _, err := s.StaleKeys(in, vault.StaleKeys{Tenant: "t", Below: 2, Limit: 1}); return err },
		"move":      func() error { _, err := s.MoveKeys(in, "t", 1, nil); return err },
		"retire":    func() error { _, err := s.RetireRoots(in, "t", 2, at); return err },
		"take":      func() error { _, _, err := s.TakeRewrap(in, "t", 2, at); return err },
		"close":     func() error { _, err := s.CloseEpoch(in, 1, at); return err },
		"insert": func() error {
			_, err := s.InsertRoot(in, vault.RootRow{Tenant: "u", Lineage: vault.WrapLineage, Epoch: 9, Sealed: []byte("r")})
			return err
		},
	} {
		require.ErrorIs(t, call(), vaultsql.ErrSnapshot, name)
	}
}

// A first root comes under an epoch that the snapshot knows; if that was closed
// since, the database says so.
func TestPostgres_AFirstRootInAnOldSnapshot(t *testing.T) {
	for name, closed := range map[string]bool{"the epoch is open": false, "the epoch was closed since": true} {
		t.Run(name, func(t *testing.T) {
			db := pgtest.Open(t)
			h, s := open(t, db, sqlstore.Postgres)
			for _, epoch := range []uint32{1, 2} {
				_, err := s.InsertEpoch(t.Context(), vault.EpochRow{Epoch: epoch, Place: "x", OpenedAt: at})
				require.NoError(t, err)
			}
			in, tx := snapshot(t, db, h)
			if closed {
				done, err := s.CloseEpoch(t.Context(), 1, at)
				require.NoError(t, err)
				require.True(t, done)
			}
			_, err := s.InsertRoot(in, vault.RootRow{Tenant: "t", Lineage: vault.WrapLineage, Epoch: 1, Sealed: []byte("r"), CreatedAt: at})
			if closed {
				require.ErrorIs(t, err, troth.ErrBusy)
				return
			}
			require.NoError(t, err)
			require.NoError(t, tx.Commit())
		})
	}
}

// What is left in an old epoch is found by indexes that do not lead with the
// tenant, however many tenants there are.
func TestPostgres_StaleRootsUseTheirIndexes(t *testing.T) {
	db := pgtest.Open(t)
	open(t, db, sqlstore.Postgres)
	c, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	for _, fill := range []string{
		`INSERT INTO troth_vault_root (tenant, lineage, epoch, sealed, commitment, created_at)
			SELECT 't' || n, 'wrap', 9, '\x01', '\x01', 1 FROM generate_series(1, 20000) n`,
		`INSERT INTO troth_vault_key (tenant, subject, compartment, generation, key_id, epoch, sealed, commitment, created_at)
			SELECT 't' || n % 100, 's' || n, 'profile', 1, n, 9, '\x01', '\x01', 1 FROM generate_series(1, 20000) n`,
		"ANALYZE",
	} {
		_, err := c.ExecContext(t.Context(), fill)
		require.NoError(t, err)
	}
	for query, index := range map[string]string{
		"SELECT DISTINCT epoch, tenant FROM troth_vault_root WHERE sealed IS NOT NULL AND epoch < 5 AND (epoch, tenant) > (0, '') ORDER BY epoch, tenant LIMIT 100": "troth_vault_root_living",
		"SELECT 1 FROM troth_vault_root WHERE epoch = 3 AND sealed IS NOT NULL":                                                                                     "troth_vault_root_living",
		"SELECT 1 FROM troth_vault_key WHERE epoch = 3 AND tenant = 't5' AND shredded_at = 0":                                                                       "troth_vault_key_epoch",
	} {
		plan := explain(t, c, query)
		require.Contains(t, plan, index, query)
		require.NotContains(t, plan, "Seq Scan", query)
	}
}
