package audit

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

// TestRecord_HostsSavepointUndoesPseudonyms rolls the host's transaction back to
// a savepoint that troth knows nothing of: what is recorded afterwards must name
// people whom the stored rows know.
func TestRecord_HostsSavepointUndoesPseudonyms(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		db := b.open(t)
		h, err := sqlstore.Open(t.Context(), db, b.dialect)
		require.NoError(t, err)
		defer func() { _ = h.Close() }()
		store, err := auditsql.New(t.Context(), h)
		require.NoError(t, err)
		trail := audittest.NewTrail(t, store, audit.Unmanaged("test"))
		ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Person, ID: "kim"})
		entry := troth.Entry{Act: act, Tenant: "acme", SubjectID: "17"}
		subject := troth.Subject{Tenant: "acme", ID: "17"}

		conn, err := db.Conn(ctx)
		require.NoError(t, err)
		defer func() { _ = conn.Close() }()
		if b.dialect == sqlstore.SQLite {
			for _, pragma := range []string{"foreign_keys = ON", "synchronous = FULL", "busy_timeout = 500"} {
				_, err := conn.ExecContext(ctx, "PRAGMA "+pragma)
				require.NoError(t, err)
			}
		}
		tx, err := conn.BeginTx(ctx, nil)
		require.NoError(t, err)
		defer func() { _ = tx.Rollback() }()
		in := h.WithTx(ctx, tx)
		do := func(statement string) {
			t.Helper()
			_, err := tx.ExecContext(t.Context(), statement)
			require.NoError(t, err)
		}
		do("SAVEPOINT s")
		_, err = trail.Record(in, entry)
		require.NoError(t, err)
		undone, found, err := trail.Pseudonym(in, subject)
		require.NoError(t, err)
		require.True(t, found)
		do("ROLLBACK TO SAVEPOINT s")
		id, err := trail.Record(in, entry)
		require.NoError(t, err)
		kept, _, err := trail.Pseudonym(in, subject)
		require.NoError(t, err)
		do("SAVEPOINT s2")
		require.NoError(t, trail.ForgetPseudonym(in, troth.UnmanagedPermit("test"), subject))
		do("ROLLBACK TO SAVEPOINT s2")
		_, err = trail.Record(in, entry)
		require.NoError(t, err)
		require.NoError(t, tx.Commit())

		subjectRow, found, err := trail.Pseudonym(ctx, subject)
		require.NoError(t, err)
		require.True(t, found)
		actorRow, found, err := trail.ActorPseudonym(ctx, troth.Subject{Tenant: troth.Platform, ID: "kim"})
		require.NoError(t, err)
		require.True(t, found)
		require.NotEqual(t, undone, subjectRow)
		require.Equal(t, kept, subjectRow, "a forgetting that was undone changed nothing")
		var ids []troth.EntryID
		for r, err := range trail.Entries(ctx, "acme", audit.Query{}) {
			require.NoError(t, err)
			require.Equal(t, subjectRow, r.Subject)
			require.Equal(t, actorRow, r.Actor.Person)
			ids = append(ids, r.ID)
		}
		require.Len(t, ids, 2)
		require.Contains(t, ids, id)
	})
}
