package rights

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
)

// TestPutRequest_WritesNoIndexThatNothingMovedIn counts the pages that SQLite writes: the
// table's and the one of the index by state, and of the rest those alone that hold what changed.
func TestPutRequest_WritesNoIndexThatNothingMovedIn(t *testing.T) {
	db := sqltest.SQLite(t)
	_, s := open(t, db, sqlstore.SQLite)
	row := rights.RequestRow{
		Tenant: "acme", ID: "1", SubjectID: "ada", State: rights.StateAccepted, Right: rights.Erase, Owner: "dpo", DueAt: 7, Open: true,
		ReceivedAt: 5, Record: []byte("record"),
	}
	_, err := s.InsertRequest(t.Context(), row)
	require.NoError(t, err)
	pages := func(change func()) (n int) {
		var busy, moved int
		checkpoint := func() {
			require.NoError(t, db.QueryRowContext(t.Context(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &n, &moved))
			require.Equal(t, n, moved)
		}
		checkpoint() // the log begins anew with what is written next
		change()
		require.NoError(t, s.PutRequest(t.Context(), row))
		checkpoint()
		return n
	}
	require.Equal(t, 2, pages(func() { row.State, row.Record = rights.StateReviewing, []byte("another") }))
	require.Equal(t, 5, pages(func() { row.DueAt++ }))
}
