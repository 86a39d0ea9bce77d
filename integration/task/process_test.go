package task_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

// site is a database that several processes work on.
type site struct {
	childConfig
	db *sql.DB
	h  *sqlstore.Handle
	e  *task.Engine
}

// unsynced is the address of a database whose server does not wait for the disk:
// these tests kill those who use it, and never the server itself.
func unsynced(dsn string) string { return withSetting(dsn, "synchronous_commit=off") }

// withSetting adds a setting to the address of a database on PostgreSQL.
func withSetting(dsn, setting string) string {
	switch {
	case !strings.Contains(dsn, "://"):
		return dsn + " " + setting
	case strings.Contains(dsn, "?"):
		return dsn + "&" + setting
	}
	return dsn + "?" + setting
}

func newSite(t *testing.T, b backend) *site {
	t.Helper()
	s := &site{childConfig: childConfig{Dialect: b.dialect, Lease: 2 * time.Second}}
	if b.dialect == sqlstore.Postgres {
		s.Driver, s.DSN = "pgx", unsynced(pgtest.DSN(t))
	} else {
		s.Driver, s.DSN = "sqlite", "file:"+filepath.Join(t.TempDir(), "work.db")
	}
	var err error
	s.db, err = sql.Open(s.Driver, s.DSN)
	require.NoError(t, err)
	s.db.SetMaxIdleConns(idleConnections)
	t.Cleanup(func() { _ = s.db.Close() })
	s.h = b.handle(t, s.db)
	s.e, err = newEngine(t.Context(), b.store(t, s.h))
	require.NoError(t, err)
	require.NoError(t, createEffects(t.Context(), s.h))
	return s
}

// enqueue adds n works, of two kinds by turns, every tenth of them with a payload.
func (s *site) enqueue(t *testing.T, n int) {
	t.Helper()
	for from := 0; from < n; from += 1000 {
		require.NoError(t, s.h.Atomically(t.Context(), func(ctx context.Context) error {
			for i := from; i < min(from+1000, n); i++ {
				w := troth.Work{Kind: []string{inTx, keyed}[i%2]}
				if i%20 < 2 {
					var err error
					if w, err = task.NewWork(tenant, w.Kind, effect{Key: strconv.Itoa(i)}); err != nil {
						return err
					}
				}
				w.Tenant, w.Key = tenant, strconv.Itoa(i)
				if _, err := s.e.Enqueue(ctx, w); err != nil {
					return err
				}
			}
			return nil
		}))
	}
}

func (s *site) count(t *testing.T, query string) (n int) {
	t.Helper()
	_, err := sqlstore.QueryRow(t.Context(), s.h.Querier(t.Context()), query, nil, &n)
	require.NoError(t, err)
	return n
}

// await waits until no more than so many tasks are open.
func (s *site) await(t *testing.T, open int) {
	t.Helper()
	left := func() int { return s.count(t, "SELECT COUNT(*) FROM troth_task_turn WHERE phase < 6") }
	require.Eventually(t, func() bool { return left() <= open }, 10*time.Minute, 100*time.Millisecond, "more than %d tasks stay open", open)
}

// effectsOnce demands that n works had their effects once, and tells how many
// attempts that took.
func (s *site) effectsOnce(t *testing.T, n int) {
	t.Helper()
	require.Equal(t, n, s.count(t, "SELECT COUNT(*) FROM troth_task_turn WHERE phase = 6"), "completed")
	require.Zero(t, s.count(t, "SELECT COUNT(*) FROM troth_task_turn WHERE phase < 6"), "open")
	require.Equal(t, n/2, s.count(t, "SELECT COUNT(*) FROM effect"), "effects that commit with the end")
	require.Equal(t, n/2, s.count(t, "SELECT COUNT(DISTINCT key) FROM effect"), "of different works")
	require.Equal(t, n/2, s.count(t, "SELECT COUNT(*) FROM effect_keyed"), "effects under a key")
	require.Equal(t, n/2, s.count(t, "SELECT COUNT(DISTINCT key) FROM effect_keyed"), "one key for each work")
	runs := s.count(t, "SELECT COUNT(*) FROM run")
	require.GreaterOrEqual(t, runs, n/2)
	t.Logf("%d handlers ran again after their effect", runs-n/2)
}

// Nothing is lost and every effect is there once, although one of the workers is
// killed in the middle.
func TestProcesses_OneIsKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	const works = 10_000 / slowdown
	for _, tc := range []struct {
		backend
		workers int
	}{{backends[0], 2}, {backends[1], 3}} {
		t.Run(fmt.Sprintf("%s, %d workers", tc.name, tc.workers), func(t *testing.T) {
			s := newSite(t, tc.backend)
			s.enqueue(t, works)
			victim := s.start(t)
			for i := range tc.workers - 1 {
				c := s.childConfig
				c.Name = fmt.Sprint("survivor ", i)
				c.start(t)
			}
			s.await(t, works*3/4)
			require.NoError(t, victim.Process.Kill())
			require.Positive(t, s.count(t, "SELECT COUNT(*) FROM troth_task_turn WHERE phase < 6"), "it was in the middle")
			s.await(t, 0)
			s.effectsOnce(t, works)
			for i := range tc.workers - 1 {
				require.Positive(t, s.count(t, fmt.Sprintf("SELECT COUNT(*) FROM effect WHERE worker = 'survivor %d'", i)))
			}
		})
	}
}

// Workers are killed again and again; each time others begin.
func TestProcesses_KilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	const works, kills = 1500, 4
	each(t, func(t *testing.T, b backend) {
		s := newSite(t, b)
		s.Lease = time.Second
		s.enqueue(t, works)
		for i := range kills {
			victim := s.start(t)
			s.await(t, works-works*(i+1)/(kills+2))
			require.NoError(t, victim.Process.Kill())
		}
		s.start(t)
		s.await(t, 0)
		s.effectsOnce(t, works)
	})
}

// sqlOpen opens the site's database once more.
func sqlOpen(t *testing.T, s *site) *sql.DB {
	t.Helper()
	db, err := sql.Open(s.Driver, s.DSN)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
