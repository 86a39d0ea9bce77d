package audit

import (
	"bytes"
	"database/sql"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/sqlstore"
)

// noChecks takes the constraints off a table of PostgreSQL; unchecked does so for
// SQLite.
func (b backend) noChecks(t *testing.T, db *sql.DB, table string) {
	t.Helper()
	if b.dialect != sqlstore.Postgres {
		return
	}
	rows, err := db.QueryContext(t.Context(), "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass($1) AND contype = 'c'", table)
	require.NoError(t, err)
	defer func() { _ = rows.Close() }()
	var names []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		names = append(names, name)
	}
	require.NoError(t, rows.Err())
	for _, name := range names {
		_, err := db.ExecContext(t.Context(), "ALTER TABLE "+table+" DROP CONSTRAINT "+name)
		require.NoError(t, err)
	}
}

// unchecked runs a statement without the constraints of the tables, as who
// writes to the database can.
func (b backend) unchecked(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	off, on := "PRAGMA ignore_check_constraints = on", "PRAGMA ignore_check_constraints = off"
	if b.dialect == sqlstore.Postgres {
		off = `ALTER TABLE troth_audit_pseudonym DROP CONSTRAINT IF EXISTS troth_audit_pseudonym_pseudonym_check,
			DROP CONSTRAINT IF EXISTS troth_audit_pseudonym_tag_check`
		on = "SELECT 1"
	}
	for _, s := range []struct {
		text string
		args []any
	}{{off, nil}, {b.dialect.Rebind(statement), args}, {on, nil}} {
		_, err := conn.ExecContext(t.Context(), s.text, s.args...)
		require.NoError(t, err)
	}
}

func TestPseudonym_TamperedRowsFailTheRecord(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		db := b.open(t)
		store := b.store(t, db)
		trail := audittest.NewTrail(t, store)
		ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
		record := func(subject string) error {
			_, err := trail.Record(ctx, troth.Entry{Act: act, Tenant: "acme", SubjectID: subject})
			return err
		}
		require.NoError(t, record("alice"))
		alice, _, err := trail.Pseudonym(ctx, troth.Subject{Tenant: "acme", ID: "alice"})
		require.NoError(t, err)
		require.NoError(t, record("bob"))
		bob, _, err := trail.Pseudonym(ctx, troth.Subject{Tenant: "acme", ID: "bob"})
		require.NoError(t, err)

		const change = "UPDATE troth_audit_pseudonym SET pseudonym = ? WHERE pseudonym = ?"
		for name, forged := range map[string][]byte{
			"another's": bob[:], "zeros": make([]byte, 16), "short": alice[:15], "empty": {},
			"long": append(bytes.Clone(alice[:]), 0), "huge": make([]byte, 1<<20),
		} {
			var lookup []byte
			require.NoError(t, db.QueryRowContext(ctx, b.dialect.Rebind("SELECT lookup FROM troth_audit_pseudonym WHERE pseudonym = ?"), alice[:]).Scan(&lookup))
			b.unchecked(t, db, change, forged, alice[:])
			require.ErrorIs(t, record("alice"), audit.ErrPseudonym, name)
			b.unchecked(t, db, "UPDATE troth_audit_pseudonym SET pseudonym = ? WHERE lookup = ?", alice[:], lookup)
			require.NoError(t, record("alice"), name)
		}
		b.unchecked(t, db, "UPDATE troth_audit_pseudonym SET tag = ? WHERE pseudonym = ?", []byte{1}, alice[:])
		require.ErrorIs(t, record("alice"), audit.ErrPseudonym)
		require.NoError(t, record("bob"))
	})
}

func TestEntries_LongEnvelopesAreNotLoaded(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		db := b.open(t)
		store := b.store(t, db)
		trail := audittest.NewTrail(t, store)
		ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Person, ID: "kim"})
		insert := func(id byte, envelope any) {
			t.Helper()
			_, err := db.ExecContext(ctx, b.dialect.Rebind(
				"INSERT INTO troth_audit_inbox (tenant, id, recorded_at, envelope, tag) VALUES ('acme', ?, 1, ?, ?)"),
				bytes.Repeat([]byte{id}, 16), envelope, make([]byte, 32))
			require.NoError(t, err)
		}
		insert(2, make([]byte, audit.MaxEnvelope+1))
		if b.dialect == sqlstore.SQLite {
			insert(1, "text\x00"+string(make([]byte, 1<<20))) // as text it is four characters long
		} else {
			insert(1, make([]byte, 1<<20))
		}
		good, err := trail.Record(ctx, troth.Entry{Act: act, Tenant: "acme"})
		require.NoError(t, err)

		var bad int
		var seen []troth.EntryID
		for r, err := range trail.Entries(ctx, "acme", audit.Query{}) {
			if err == nil {
				seen = append(seen, r.ID)
				continue
			}
			_, ok := errors.AsType[*audit.EntryError](err)
			require.True(t, ok, "%v", err)
			require.Empty(t, r.Raw)
			bad++
		}
		require.Equal(t, 2, bad)
		require.Equal(t, []troth.EntryID{good}, seen)
	})
}
