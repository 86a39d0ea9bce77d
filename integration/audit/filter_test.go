package audit

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

// rare is what few entries of a long history are of.
var rare = audit.Pseudonym{9, 15: 9}

// rarities adds entries of which one in 500 is of a rare act, and another about a
// rare person.
func rarities(t *testing.T, store *auditsql.Store, n int) {
	t.Helper()
	var rows []audit.LogRow
	for i := range n {
		at := time.Unix(86_400+int64(i), 0)
		row := audit.LogRow{
			Log: 1, Index: uint64(i), Tenant: "acme", ID: troth.NewEntryID(at), Number: uint64(i) + 1,
			Leaf: []byte{1, byte(i)}, RecordedAt: at.UnixMicro(), Act: []string{"a.one", "a.two"}[i%2], Subject: audit.Pseudonym{1},
		}
		switch i % 500 {
		case 250:
			row.Act = "a.rare"
		case 251:
			row.Subject = rare
		}
		rows = append(rows, row)
	}
	require.NoError(t, store.AppendLog(t.Context(), rows))
}

// filtered are pages of entries by act and by subject, from the beginning and from
// the middle on.
func filtered(n int) []audit.LogPage {
	half := uint64(n) / 2
	return []audit.LogPage{
		{Act: "a.rare"},
		{Act: "a.rare", Log: 1, Number: half},
		{Subject: rare},
		{Subject: rare, Log: 1, Number: half},
	}
}

func readFiltered(t *testing.T, store *auditsql.Store, n int) {
	t.Helper()
	for i, p := range filtered(n) {
		p.Tenant, p.Limit = "acme", 256
		rows, err := store.LogEntries(t.Context(), p)
		require.NoError(t, err)
		require.Len(t, rows, n/500/(1+i%2))
	}
}

// TestLogEntries_ByActAndBySubjectHaveTheirIndexInTheirPlan looks at how SQLite goes
// about it: by an index that has all of what is asked for, and without sorting.
func TestLogEntries_ByActAndBySubjectHaveTheirIndexInTheirPlan(t *testing.T) {
	seen := new(statements)
	db := sqltest.SQLite(t)
	spied := sql.OpenDB(spyConnector{seen, db.Driver(), sqliteFile(t, db)})
	t.Cleanup(func() { _ = spied.Close() })
	store := backends[0].store(t, spied)
	rarities(t, store, 2000)
	seen.take()
	readFiltered(t, store, 2000)
	rows, err := store.LogEntries(t.Context(), audit.LogPage{Tenant: "acme", Subject: rare, Act: "a.two", Limit: 256})
	require.NoError(t, err)
	require.Len(t, rows, 4)
	texts := seen.take()
	require.Len(t, texts, 5)
	for i, text := range texts {
		column := "subject" // also where the act is asked for with it: of a person there are few
		if i < 2 {
			column = "act"
		}
		require.Equal(t, []string{
			"SEARCH troth_audit_entry USING INDEX troth_audit_entry_" + column + " (tenant=? AND " + column + "=? AND (log,number)>(?,?))",
		}, planOf(t, spied, text), text)
	}
}

// planOf is how SQLite goes about a statement.
func planOf(t *testing.T, db *sql.DB, text string) (plan []string) {
	t.Helper()
	args := make([]any, strings.Count(text, "?"))
	for i := range args {
		args[i] = i
	}
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id, parent, unused int
		var step string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
		plan = append(plan, step)
	}
	require.NoError(t, rows.Err())
	return plan
}

// TestLogEntries_ByActAndBySubjectReadsFewRows counts what PostgreSQL reads for them.
func TestLogEntries_ByActAndBySubjectReadsFewRows(t *testing.T) {
	db := pgtest.Open(t)
	store := backends[1].store(t, db)
	db.SetMaxIdleConns(0) // what a session has read is counted at its end
	const n = 10_000
	rarities(t, store, n)
	_, err := db.ExecContext(t.Context(), "ANALYZE troth_audit_entry")
	require.NoError(t, err)
	counted := func(query string) (n int) {
		t.Helper()
		require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&n))
		return n
	}
	const whole = "SELECT COALESCE(SUM(seq_tup_read), 0) FROM pg_stat_user_tables WHERE relname = 'troth_audit_entry'"
	const index = "SELECT COALESCE(SUM(idx_tup_read), 0) FROM pg_stat_user_indexes WHERE indexrelname = 'troth_audit_entry_"
	require.Eventually(t, func() bool {
		return counted("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'troth_audit_entry'") == n
	}, patience, 10*time.Millisecond)
	before := counted(whole)
	readFiltered(t, store, n)
	const found = n/500 + n/1000
	for _, column := range []string{"act", "subject"} {
		require.Eventually(t, func() bool { return counted(index+column+"'") >= found }, patience, 10*time.Millisecond, column)
		require.Equal(t, found, counted(index+column+"'"), column)
	}
	require.Equal(t, before, counted(whole), "read the whole table")
	require.Zero(t, counted(index+"number'"), "walked through the tenant's history")
}
