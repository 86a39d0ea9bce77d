// Package task_test runs tasks on real databases: the suite of their stores,
// several processes under SIGKILL, faults, and a queue of the host's.
package task_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/tasksql"
	"github.com/trothdev/troth/task/tasktest"
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

func each(t *testing.T, test func(t *testing.T, b backend)) {
	t.Helper()
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) { test(t, b) })
	}
}

// handle opens a handle on db.
func (b backend) handle(t testing.TB, db *sql.DB) *sqlstore.Handle {
	t.Helper()
	h, err := sqlstore.Open(t.Context(), db, b.dialect)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// store opens the tables of tasks.
func (b backend) store(t testing.TB, h *sqlstore.Handle, opts ...tasksql.Option) *tasksql.Store {
	t.Helper()
	s, err := tasksql.New(t.Context(), h, opts...)
	require.NoError(t, err)
	return s
}

// rowClock is the clock of a database, in a row that tests move.
type rowClock struct{ h *sqlstore.Handle }

// withRowClock is the option that makes a store ask it.
func withRowClock() tasksql.Option { return tasksql.WithNow("(SELECT now FROM test_clock)") }

func newRowClock(t testing.TB, h *sqlstore.Handle, now time.Time) rowClock {
	t.Helper()
	q := h.Querier(t.Context())
	_, err := q.Exec(t.Context(), "CREATE TABLE test_clock (now BIGINT NOT NULL)")
	require.NoError(t, err)
	_, err = q.Exec(t.Context(), fmt.Sprintf("INSERT INTO test_clock VALUES (%d)", now.UnixMicro()))
	require.NoError(t, err)
	return rowClock{h}
}

// advance moves the clock, back if d is negative. It is called by tests that have
// no other way to end than by panic.
func (c rowClock) advance(d time.Duration) {
	_, err := c.h.Querier(context.Background()).Exec(context.Background(), fmt.Sprintf("UPDATE test_clock SET now = now + (%d)", d.Microseconds()))
	if err != nil {
		panic(err)
	}
}

// goes has the clock go on by itself too, until the test ends: what is put off by a moment
// comes due only so.
func (c rowClock) goes(t testing.TB) {
	t.Helper()
	const tick = 50 * time.Millisecond
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			c.advance(tick)
			select {
			case <-ctx.Done():
			case <-time.After(tick):
			}
		}
	}()
	t.Cleanup(func() { stop(); <-ended })
}

func (b backend) harness(t testing.TB) tasktest.Harness {
	t.Helper()
	db := b.open(t)
	h := b.handle(t, db)
	clock := newRowClock(t, h, tasktest.NewClock().Now())
	return tasktest.Harness{
		Backend: b.store(t, h, withRowClock()),
		Advance: clock.advance,
		Host: func(ctx context.Context) (context.Context, func() error, func() error, error) {
			return sqltest.Host(ctx, h, db)
		},
		ManyWriters: b.dialect == sqlstore.Postgres,
	}
}

// spares are harnesses that were used and are empty again: making the tables anew
// for every check takes PostgreSQL longer than the check.
type spares struct {
	backend
	t    *testing.T
	mu   sync.Mutex
	free []tasktest.Harness
}

// harness lends one until t ends.
func (s *spares) harness(t *testing.T) (h tasktest.Harness) {
	t.Helper()
	s.mu.Lock()
	if n := len(s.free); n > 0 {
		h, s.free = s.free[n-1], s.free[:n-1]
	}
	s.mu.Unlock()
	if h.Backend == nil {
		h = s.backend.harness(s.t)
	}
	if s.dialect == sqlstore.Postgres {
		t.Cleanup(func() { s.giveBack(t, h) })
	}
	return h
}

func (s *spares) giveBack(t *testing.T, h tasktest.Harness) {
	handle, ok := h.Backend.Transactor().(*sqlstore.Handle)
	if !ok || t.Failed() {
		return
	}
	ctx := context.WithoutCancel(t.Context())
	for _, text := range []string{
		`TRUNCATE troth_task, troth_task_turn, troth_task_edge, troth_task_group, troth_task_join, troth_task_disposal, troth_task_alarm,
			troth_task_lease, troth_task_due, troth_task_rate, troth_task_managed`,
		fmt.Sprintf("UPDATE test_clock SET now = %d", tasktest.NewClock().Now().UnixMicro()),
	} {
		if _, err := handle.Querier(ctx).Exec(ctx, text); err != nil {
			t.Error(err)
			return
		}
	}
	s.mu.Lock()
	s.free = append(s.free, h)
	s.mu.Unlock()
}

func TestStore_KeepsTheContract(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		s := &spares{backend: b, t: t}
		tasktest.Run(t, s.harness)
	})
}

func TestStore_NeedsAHandleAndAClock(t *testing.T) {
	_, err := tasksql.New(t.Context(), nil)
	require.Error(t, err)
	b := backends[0]
	_, err = tasksql.New(t.Context(), b.handle(t, b.open(t)), tasksql.WithNow(""))
	require.Error(t, err)
}
