package rights

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
)

// crowd puts requests of one tenant into the tables, past the store: owners, states and
// deadlines are spread, and nine of ten are closed.
func crowd(t testing.TB, db *sql.DB, requests int) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), `INSERT INTO troth_rights_request
		(tenant, id, subject, state, entitlement, owner, due_at, open, received_at, record)
		SELECT 'acme', 'r-' || i, 'p-' || i, CASE (i / 10) % 10 WHEN 3 THEN 'reviewing' ELSE 'received' END, 'access',
			CASE (i / 10) % 10 WHEN 7 THEN 'dpo' ELSE '' END, (i::bigint * 7919) % 1000003 + 1,
			CASE WHEN i % 10 < 9 THEN 0 ELSE 1 END, i, '\x00'
		FROM generate_series(1, $1::int) AS i`, requests)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `ANALYZE troth_rights_request`)
	require.NoError(t, err)
}

// listings are the ways in which staff look.
var listings = map[string]rights.Listing{
	"all":   {Tenant: "acme", Limit: 50},
	"later": {Tenant: "acme", Limit: 50, After: rights.Cursor{DueAt: 500_000, ID: "r-1"}},
	"state": {Tenant: "acme", Limit: 50, State: rights.StateReviewing},
	"owner": {Tenant: "acme", Limit: 50, Owner: "dpo"},
}

// Staff's queue is read from an index and from nothing else: no sort, no scan of the
// table, whatever narrows it.
func TestPostgres_TheQueueIsReadInOrder(t *testing.T) {
	db := pgtest.Open(t)
	open(t, db, sqlstore.Postgres)
	crowd(t, db, 20_000)
	for name, where := range map[string]string{
		"all":   `tenant = 'acme' AND open = 1`,
		"state": `tenant = 'acme' AND open = 1 AND state = 'reviewing'`,
		"owner": `tenant = 'acme' AND open = 1 AND owner = 'dpo'`,
	} {
		//nolint:gosec // the conditions stand above; there are three
		rows, err := db.QueryContext(t.Context(), `EXPLAIN SELECT tenant, id, subject, state, entitlement, owner, due_at, open, received_at,
			substr(record, 1, 65537) FROM troth_rights_request WHERE `+where+` AND (due_at, id) > (500000, 'r-1')
			ORDER BY due_at, id LIMIT 50`)
		require.NoError(t, err)
		var plan strings.Builder
		for rows.Next() {
			var line string
			require.NoError(t, rows.Scan(&line))
			fmt.Fprintln(&plan, line)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close()) //nolint:sqlclosecheck // once for each condition
		require.Contains(t, plan.String(), "Index Scan using troth_rights_request_", name)
		require.NotContains(t, plan.String(), "Sort", name)
		require.NotContains(t, plan.String(), "Seq Scan", name)
		require.NotContains(t, plan.String(), "Filter", name)
	}
}

// The same page over 10,000 and, with TROTH_LONG=1, 1,000,000 requests.
func BenchmarkQueue(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if os.Getenv("TROTH_LONG") != "" {
		sizes[1] = 1_000_000
	}
	for _, size := range sizes {
		db := pgtest.Open(b)
		_, s := open(b, db, sqlstore.Postgres)
		crowd(b, db, size)
		for name, l := range listings {
			b.Run(fmt.Sprintf("%s of %d", name, size), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					rows, err := s.Requests(b.Context(), l)
					if err != nil || len(rows) != l.Limit {
						b.Fatal(len(rows), err)
					}
				}
			})
		}
	}
}
