package audit

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

// inSchema returns a store on tables in a schema of its own.
func inSchema(t *testing.T, dsn, schema string) *auditsql.Store {
	t.Helper()
	db, err := sql.Open("pgx", dsn+" search_path="+schema)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.ExecContext(t.Context(), "CREATE SCHEMA IF NOT EXISTS "+schema)
	require.NoError(t, err)
	return backends[1].store(t, db)
}

// elected runs then in a transaction, with what Elect says there.
func elected(t *testing.T, s *auditsql.Store, then func(yes bool)) {
	t.Helper()
	require.NoError(t, s.Transactor().Atomically(t.Context(), func(ctx context.Context) error {
		yes, err := s.Elect(ctx)
		require.NoError(t, err)
		then(yes)
		return nil
	}))
}

// TestElect_OneOfManyProcessesOnOneLog uses a handle for each process.
func TestElect_OneOfManyProcessesOnOneLog(t *testing.T) {
	dsn := pgtest.DSN(t)
	first, second := inSchema(t, dsn, "one"), inSchema(t, dsn, "one")
	elsewhere := inSchema(t, dsn, "two")
	elected(t, first, func(yes bool) {
		require.True(t, yes)
		elected(t, second, func(yes bool) { require.False(t, yes, "two move one log") })
		elected(t, elsewhere, func(yes bool) { require.True(t, yes, "another schema is in the way") })
	})
	elected(t, second, func(yes bool) { require.True(t, yes, "the lock outlived its transaction") })
}

// TestElect_EndsWithARollback shows that a sequencer that fails makes room.
func TestElect_EndsWithARollback(t *testing.T) {
	dsn := pgtest.DSN(t)
	first, second := inSchema(t, dsn, "one"), inSchema(t, dsn, "one")
	err := first.Transactor().Atomically(t.Context(), func(ctx context.Context) error {
		yes, err := first.Elect(ctx)
		require.NoError(t, err)
		require.True(t, yes)
		return sql.ErrConnDone
	})
	require.ErrorIs(t, err, sql.ErrConnDone)
	elected(t, second, func(yes bool) { require.True(t, yes) })
}

// TestTakeInbox_PassesOverWhatAnotherTakes shows that two that take at once do
// not wait for one another, nor take one row twice.
func TestTakeInbox_PassesOverWhatAnotherTakes(t *testing.T) {
	dsn := pgtest.DSN(t)
	first, second := inSchema(t, dsn, "one"), inSchema(t, dsn, "one")
	for i := range byte(10) {
		appended, err := first.Append(t.Context(), inboxRow(i))
		require.NoError(t, err)
		require.True(t, appended)
	}
	require.NoError(t, first.Transactor().Atomically(t.Context(), func(ctx context.Context) error {
		mine, err := first.TakeInbox(ctx, 4)
		require.NoError(t, err)
		require.Len(t, mine, 4)
		theirs, err := second.TakeInbox(t.Context(), 100)
		require.NoError(t, err)
		require.Len(t, theirs, 6)
		require.Equal(t, inboxRow(4), theirs[0])
		return nil
	}))
	b, err := first.Backlog(t.Context())
	require.NoError(t, err)
	require.Zero(t, b.Count)
}
