package audit

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

// history is a log of one tenant with an entry each second, and a clock that was
// behind for a while; its times begin with the second day of 1970.
func history(t *testing.T, store *auditsql.Store, from, to int) {
	t.Helper()
	var rows []audit.LogRow
	for n := from; n < to; n++ {
		at := time.Unix(86_400+int64(n), 0)
		if n%1000 >= 700 && n%1000 < 720 {
			at = at.Add(-30 * time.Second)
		}
		rows = append(rows, audit.LogRow{
			Log: 1, Index: uint64(n), Tenant: "acme", ID: troth.NewEntryID(at), Number: uint64(n) + 1,
			Leaf: []byte{1, byte(n)}, RecordedAt: at.UnixMicro(), Act: []string{"a.one", "a.two"}[n%2], Subject: audit.Pseudonym{1},
		})
	}
	require.NoError(t, store.AppendLog(t.Context(), rows))
}

// windows are pages by time of which each holds some hundred entries.
func windows(first int) []audit.LogPage {
	at := func(n int) int64 { return time.Unix(86_400+int64(n), 0).UnixMicro() }
	return []audit.LogPage{
		{From: at(first), To: at(first + 300)},
		{From: at(first), To: at(first + 300), Act: "a.two"},
		{From: at(first + 100), To: at(first + 301), Log: 1, Number: uint64(first + 150)},
		{To: at(200)},
	}
}

func readWindows(t *testing.T, store *auditsql.Store, first int) (found int) {
	t.Helper()
	for _, p := range windows(first) {
		p.Tenant, p.Limit = "acme", 1000
		rows, err := store.LogEntries(t.Context(), p)
		require.NoError(t, err)
		require.NotEmpty(t, rows)
		found += len(rows)
	}
	return found
}

// TestLogEntries_ByTimeReadsWhatIsWithin counts what PostgreSQL reads for entries
// by their time, while the tenant's history grows to twenty times its length.
func TestLogEntries_ByTimeReadsWhatIsWithin(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	db := pgtest.Open(t)
	store := backends[1].store(t, db)
	exec := func(statement string) {
		t.Helper()
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	db.SetMaxIdleConns(0) // what a session has read is counted at its end
	counted := func(query string) (n int) {
		t.Helper()
		require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
		return n
	}
	const reads = `SELECT (SELECT COALESCE(SUM(seq_tup_read), 0) FROM pg_stat_user_tables WHERE relname = 'troth_audit_entry') +
		(SELECT COALESCE(SUM(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE relname = 'troth_audit_entry')`
	grow := func(from, to int) {
		t.Helper()
		history(t, store, from, to)
		exec("ANALYZE troth_audit_entry")
		require.Eventually(t, func() bool {
			return counted("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'troth_audit_entry'") == to
		}, patience, 10*time.Millisecond)
	}
	read := func(first int) (n, found int) {
		t.Helper()
		before := counted(reads)
		found = readWindows(t, store, first)
		require.Eventually(t, func() bool { n = counted(reads) - before; return n >= found }, patience, 10*time.Millisecond)
		return n, found
	}
	grow(0, 2000)
	few, found := read(1400)
	grow(2000, 40_000)
	for _, first := range []int{1400, 20_400, 39_400} {
		many, same := read(first)
		require.Equal(t, found, same)
		require.Less(t, many, few+4000, "in the history at %d", first)
	}
	t.Logf("%d entries of 2,000 by reading %d", found, few)
}

// TestLogEntries_ByTimeHasTheBoundsInItsPlan looks at how SQLite goes about the
// same: every statement is bounded at both ends by an index, and there are as few
// of them in a long history.
func TestLogEntries_ByTimeHasTheBoundsInItsPlan(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	seen := new(statements)
	db := sqltest.SQLite(t)
	spied := sql.OpenDB(spyConnector{seen, db.Driver(), sqliteFile(t, db)})
	t.Cleanup(func() { _ = spied.Close() })
	store := backends[0].store(t, spied)
	history(t, store, 0, 2000)
	seen.take()
	found := readWindows(t, store, 1400)
	few := seen.take()
	history(t, store, 2000, 40_000)
	seen.take()
	for _, first := range []int{1400, 20_400, 39_400} {
		require.Equal(t, found, readWindows(t, store, first))
		many := seen.take()
		require.LessOrEqual(t, len(many), len(few)+4, "statements, in the history at %d", first)
		for _, text := range many {
			var id, parent, unused int
			var plan string
			args := make([]any, strings.Count(text, "?"))
			for i := range args {
				args[i] = i
			}
			require.NoError(t, spied.QueryRowContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...).Scan(&id, &parent, &unused, &plan))
			require.Contains(t, []string{
				"SEARCH troth_audit_entry USING INDEX troth_audit_entry_id (tenant=? AND id>? AND id<?)",
				"SEARCH troth_audit_entry USING INDEX troth_audit_entry_number (tenant=? AND log=? AND number>? AND number<?)",
				"SEARCH troth_audit_entry USING INDEX troth_audit_entry_act (tenant=? AND act=? AND log=? AND number>? AND number<?)",
			}, plan, text)
		}
		seen.take()
	}
}

// statements are the texts that were run on a spied database, each time that they
// were.
type statements struct {
	mu    sync.Mutex
	texts []string
}

func (s *statements) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts = append(s.texts, text)
}

func (s *statements) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	texts := s.texts
	s.texts = nil
	return slices.DeleteFunc(texts, func(text string) bool { return !strings.HasPrefix(text, "SELECT") })
}

func sqliteFile(t *testing.T, db *sql.DB) (file string) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file))
	return file
}

// spyConnector opens connections that tell what is run on them.
type spyConnector struct {
	seen   *statements
	driver driver.Driver
	name   string
}

func (c spyConnector) Driver() driver.Driver { return c.driver }

func (c spyConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.name)
	if err != nil {
		return nil, err
	}
	inner, ok := conn.(sqliteConn)
	if !ok {
		return nil, fmt.Errorf("a connection of SQLite lacks a method: %T", conn)
	}
	return spyConn{inner, c.seen}, nil
}

// sqliteConn is what the connections of the driver are.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

type spyConn struct {
	sqliteConn
	seen *statements
}

func (c spyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.seen.add(query)
	return c.sqliteConn.QueryContext(ctx, query, args)
}

func (c spyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.sqliteConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	inner, ok := stmt.(interface {
		driver.Stmt
		driver.StmtExecContext
		driver.StmtQueryContext
	})
	if !ok {
		return nil, fmt.Errorf("a statement of SQLite lacks a method: %T", stmt)
	}
	return spyStmt{inner, inner, inner, query, c.seen}, nil
}

type spyStmt struct {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
	text string
	seen *statements
}

func (s spyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.seen.add(s.text)
	return s.StmtQueryContext.QueryContext(ctx, args)
}
