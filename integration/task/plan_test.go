package task_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"modernc.org/sqlite"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/tasksql"
	"github.com/trothdev/troth/task"
)

// planned does what workers do all day, each with many tasks waiting, and calls look
// after each. With a limit a kind is claimed line by line.
func planned(t *testing.T, ctx context.Context, s *tasksql.Store, look func(what string)) { //nolint:revive // a helper, and ctx is a transaction
	t.Helper()
	claim := func(k task.KindClaim) []task.Row {
		k.Kind = "bench"
		rows, err := s.Claim(ctx, task.Claim{Kinds: []task.KindClaim{k, {Kind: "none", Limit: 1}}, Limit: k.Limit, Lease: time.Minute})
		require.NoError(t, err)
		require.Len(t, rows, k.Limit)
		return rows
	}
	held := func(rows []task.Row) (held []task.Held, es []task.Ending) {
		for _, r := range rows {
			held = append(held, task.Held{Name: r.Name, Fence: r.Fence})
			es = append(es, task.Ending{Held: held[len(held)-1], To: task.Completed})
		}
		return held, es
	}
	one := claim(task.KindClaim{Limit: 1})
	look("a claim of one")
	many := claim(task.KindClaim{Limit: 200, Behind: task.Line{Tenant: "busy-4"}})
	look("a claim of many")
	limited := claim(task.KindClaim{Limit: 20, PerLine: task.Limit{AtOnce: 1000}})
	look("a claim with a limit")
	_, ok, err := s.ClaimOne(ctx, task.Name{Tenant: "busy-4", ID: troth.EntryID{9}}, task.KindClaim{Kind: "bench"}, time.Minute)
	require.NoError(t, err)
	require.False(t, ok)
	look("a claim by name")
	names, _ := held(many)
	_, err = s.Extend(ctx, names, time.Minute)
	require.NoError(t, err)
	look("an extension")
	for _, rows := range [][]task.Row{one, many, limited} {
		_, es := held(rows)
		out, err := s.End(ctx, es)
		require.NoError(t, err)
		require.Empty(t, out.Lost)
		look(fmt.Sprintf("an end of %d", len(rows)))
	}
	_, err = s.Wake(ctx, 1000)
	require.NoError(t, err)
	look("a look at the clock")
	_, err = s.Tidy(ctx)
	require.NoError(t, err)
	look("tidying")
	_, err = s.Alarms(ctx, 100)
	require.NoError(t, err)
	look("alarms")
	_, err = s.Disposals(ctx, 100, time.Minute)
	require.NoError(t, err)
	look("disposals")
}

// No claim, end, or look at the clock reads through a table on PostgreSQL, whatever
// the planner knows of it: the server counts that itself.
func TestStore_WhatWorkersAskIsFoundByIndexes_Postgres(t *testing.T) {
	t.Parallel()
	const waiting, idle = 6_000, 1_000
	for _, known := range []string{"nothing", "that it was empty", "that it is full"} {
		t.Run("the planner knows "+known, func(t *testing.T) {
			t.Parallel()
			b := backends[1]
			db := b.open(t)
			h := b.handle(t, db)
			s := b.store(t, h)
			analyze := func() {
				_, err := db.ExecContext(t.Context(), "ANALYZE")
				require.NoError(t, err)
			}
			if known == "that it was empty" {
				analyze()
			}
			fill(t, h, waiting, idle)
			if known == "that it is full" {
				analyze()
			}
			for range 7 { // plans are made anew at first, and kept later
				require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
					read := func() (n int64) {
						_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), `SELECT SUM(seq_tup_read)::bigint FROM pg_stat_xact_user_tables
							WHERE relname IN ('troth_task', 'troth_task_turn')`, nil, &n)
						require.NoError(t, err)
						return n
					}
					before := read()
					planned(t, ctx, s, func(what string) {
						require.Equal(t, before, read(), "%s read a table from its beginning", what)
					})
					return nil
				}))
			}
		})
	}
}

// fill adds tasks of ten tenants that wait, and of others that are idle.
func fill(t testing.TB, h *sqlstore.Handle, waiting, idle int) {
	t.Helper()
	series, id := "generate_series(1, %d) AS g (i)", "decode(md5('%s' || i), 'hex')"
	if h.Dialect() == sqlstore.SQLite {
		series = "(WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < %d) SELECT i FROM g) g"
		id = "CAST(printf('%%s%%015d', '%s', i) AS BLOB)"
	}
	exec := func(text string) {
		_, err := h.Querier(t.Context()).Exec(t.Context(), text)
		require.NoError(t, err)
	}
	add := func(n int, prefix, tenant string, phase int, wake int64) {
		if n == 0 {
			return
		}
		from, key := fmt.Sprintf(series, n), fmt.Sprintf(id, prefix)
		exec(fmt.Sprintf(`INSERT INTO troth_task (tenant, id, kind, line, grp, created_at, deadline)
			SELECT %s, %s, 'bench', '', %s, i, 0 FROM %s`, tenant, key, key, from))
		exec(fmt.Sprintf(`INSERT INTO troth_task_turn (tenant, id, kind, line, grp, phase, sought, wake_at, sealed, alarmed)
			SELECT %s, %s, 'bench', '', %s, %[4]d, %[4]d, %[5]d, FALSE, FALSE FROM %s`, tenant, key, key, phase, wake, from))
	}
	add(waiting, "w", "'busy-' || (i % 10)", 1, 1)
	add(idle, "d", "'idle-' || i", 2, time.Now().Add(time.Hour).UnixMicro())
}

// The same on SQLite, of which the plans are asked.
func TestStore_WhatWorkersAskIsFoundByIndexes_SQLite(t *testing.T) {
	t.Parallel()
	heard := &listening{dsn: filepath.Join(t.TempDir(), "test.db"), texts: map[string]bool{}}
	db := sql.OpenDB(heard)
	t.Cleanup(func() { _ = db.Close() })
	b := backends[0]
	h := b.handle(t, db)
	s := b.store(t, h)
	fill(t, h, 1000, 100)
	heard.forget()
	require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
		planned(t, ctx, s, func(string) {})
		return nil
	}))
	texts := heard.heard()
	claims, many := 0, 0
	for _, text := range texts {
		if strings.HasPrefix(text, "UPDATE") && strings.Contains(text, "json_each") && !strings.Contains(text, "RETURNING") {
			many++
			require.False(t, undone(t, db, text), "keeps what it has changed so that it can be undone by itself: %s", text)
		}
		for _, step := range plan(t, db, text) {
			require.False(t, readsAll(step), "%s\nin %s", step, text)
			if strings.Contains(step, "troth_task_turn_waiting (kind=? AND tenant=? AND line=?)") {
				claims++
			}
		}
	}
	require.Equal(t, 2, many, "statements that take and end many")
	require.Equal(t, 1, claims, "statements that list a line:\n%s", strings.Join(texts, "\n"))
}

// harmless are scans of what a statement has made itself, or was given; of what
// runs under a limit, or, in the order of an index, of the first; and of rates, of which there are as
// many as lines with rates, once an hour.
var harmless = []string{
	"a", "around", "c", "p", "r", "t", "(subquery", "h VIRTUAL TABLE", "json_each VIRTUAL TABLE", "CONSTANT ROW", "2 CONSTANT ROWS",
	"troth_task_turn USING COVERING INDEX troth_task_turn_", "troth_task_turn USING INDEX troth_task_turn_limited", "troth_task_rate",
	"troth_task_lease USING COVERING INDEX troth_task_lease_",
}

// readsAll reports whether a step of a plan reads through a table.
func readsAll(step string) bool {
	what, scan := strings.CutPrefix(step, "SCAN ")
	return scan && !slices.ContainsFunc(harmless, func(h string) bool {
		return what == h || len(h) > 1 && strings.HasPrefix(what, h)
	})
}

// undone reports whether what breaks a rule undoes the statement alone. Then SQLite
// keeps each page that it changes as it was, in a file where they are many.
func undone(t *testing.T, db *sql.DB, text string) (alone bool) {
	t.Helper()
	const abort = 2
	rows, err := db.QueryContext(t.Context(), "EXPLAIN "+text, make([]any, strings.Count(text, "?"))...)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var op string
		var how int
		var rest any
		require.NoError(t, rows.Scan(&rest, &op, &rest, &how, &rest, &rest, &rest, &rest))
		alone = alone || strings.HasPrefix(op, "Halt") && how == abort
	}
	require.NoError(t, rows.Err())
	return alone
}

// plan returns the steps of a statement.
func plan(t *testing.T, db *sql.DB, text string) (steps []string) {
	t.Helper()
	args := make([]any, strings.Count(text, "?"))
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
		steps = append(steps, detail)
	}
	require.NoError(t, rows.Err())
	return steps
}

// listening opens SQLite and remembers the statements about tasks.
type listening struct {
	dsn   string
	mu    sync.Mutex
	texts map[string]bool
}

func (l *listening) Driver() driver.Driver { return &sqlite.Driver{} }

func (l *listening) Connect(context.Context) (driver.Conn, error) {
	c, err := l.Driver().Open(l.dsn)
	if err != nil {
		return nil, err
	}
	return listeningConn{c, l}, nil
}

func (l *listening) hear(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if strings.Contains(text, "troth_task") {
		l.texts[text] = true
	}
}

func (l *listening) forget() { clear(l.texts) }

func (l *listening) heard() (texts []string) {
	for text := range l.texts {
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

type listeningConn struct {
	driver.Conn
	l *listening
}

func (c listeningConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	c.l.hear(text)
	return c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, text) //nolint:forcetypeassert // SQLite's
}

func (c listeningConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.l.hear(text)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, text, args) //nolint:forcetypeassert // SQLite's
}

func (c listeningConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.l.hear(text)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, text, args) //nolint:forcetypeassert // SQLite's
}

func (c listeningConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	return c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o) //nolint:forcetypeassert // SQLite's
}

// However many tenants have nothing to do, a claim of some goes to its lines by one index:
// the primary key has tenants in order too, and all of them.
func TestStore_AClaimMeetsNobodyIdle_Postgres(t *testing.T) {
	t.Parallel()
	b := backends[1]
	db := b.open(t)
	h := b.handle(t, db)
	s := b.store(t, h)
	fill(t, h, 40_000, 10_000)
	_, err := db.ExecContext(t.Context(), "ANALYZE")
	require.NoError(t, err)
	behind := task.Line{}
	for range 20 { // all around
		require.NoError(t, h.Atomically(t.Context(), func(ctx context.Context) error {
			read := func() (n int64) {
				_, err := sqlstore.QueryRow(ctx, h.Querier(ctx), `SELECT SUM(pg_stat_get_xact_blocks_fetched(oid))::bigint
					FROM pg_class WHERE relname LIKE 'troth_task%'`, nil, &n)
				require.NoError(t, err)
				return n
			}
			before := read()
			rows, err := s.Claim(ctx, task.Claim{Lease: time.Minute, Limit: 50, Kinds: []task.KindClaim{{Kind: "bench", Limit: 50, Behind: behind}}})
			require.NoError(t, err)
			require.Len(t, rows, 50)
			require.Less(t, read()-before, int64(3000), "pages")
			behind = task.Line{Tenant: rows[len(rows)-1].Tenant, Name: rows[len(rows)-1].Line}
			return nil
		}))
	}
}
