package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
)

// TestVerify_FindsAnIndexThatHidesRows takes an entry out of an index of SQLite's
// file and leaves the table as it is, as who edits the file can: queries by that
// index pass the entry over.
func TestVerify_FindsAnIndexThatHidesRows(t *testing.T) {
	for _, c := range []struct {
		index, columns string
		hides          func(t *testing.T, l *smallLog) bool
	}{
		{"troth_audit_entry_number", "tenant, log, number", func(t *testing.T, l *smallLog) bool {
			return !l.lists(t, audit.Query{})
		}},
		{"troth_audit_entry_subject", "tenant, subject, log, number", func(t *testing.T, l *smallLog) bool {
			ps, _, err := l.trail.Pseudonym(t.Context(), troth.Subject{Tenant: "globex", ID: "17"})
			require.NoError(t, err)
			return !l.lists(t, audit.Query{Subject: ps})
		}},
		{"troth_audit_entry_act", "tenant, act, log, number", func(t *testing.T, l *smallLog) bool {
			return !l.lists(t, audit.Query{Act: act.Name})
		}},
		{"troth_audit_entry_id", "tenant, id", func(t *testing.T, l *smallLog) bool {
			_, err := l.trail.Parts(t.Context(), "globex", l.hidden)
			return errors.Is(err, audit.ErrNoEntry)
		}},
	} {
		t.Run(c.index, func(t *testing.T) {
			l := backends[0].smallLog(t)
			var id []byte
			require.NoError(t, l.forge.conn.QueryRowContext(t.Context(),
				"SELECT id FROM troth_audit_entry WHERE tenant = 'globex' AND number = 29").Scan(&id))
			l.hidden = troth.EntryID(id)
			require.False(t, c.hides(t, l))
			l.forge.reindex(c.index, c.columns, "NOT (tenant = 'globex' AND number = 29)")
			require.True(t, c.hides(t, l), "the index was not changed, so that this test shows nothing")

			_, err := l.trail.Verify(t.Context(), audit.VerifyParams{})
			damage, ok := errors.AsType[*audit.DamageError](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, "entry", damage.Table)
			require.Contains(t, damage.Place, c.index)
			_, err = l.trail.Verify(t.Context(), audit.VerifyParams{Trusted: l.early})
			require.NoError(t, err, "from a checkpoint on no index is looked at")
		})
	}
}

// TestVerify_FindsAnIndexThatSaysOtherThanTheRows changes what an index tells of one
// entry or two, and takes none out of it.
func TestVerify_FindsAnIndexThatSaysOtherThanTheRows(t *testing.T) {
	l := backends[0].smallLog(t)
	instead := func(column, other string) string {
		return "CASE WHEN tenant = 'globex' AND number = 29 THEN " + other + " ELSE " + column + " END"
	}
	for index, columns := range map[string][]string{
		"troth_audit_entry_number": {
			"tenant, log, " + instead("number", "1029"), "tenant, log, " + instead("number", "'29'"), "tenant, log, " + instead("number", "29.5"),
			"tenant, log, CASE WHEN tenant = 'globex' AND number IN (29, 30) THEN 59 - number ELSE number END",
			instead("tenant", "'acme'") + ", log, " + instead("number", "2029"), instead("tenant", "CAST(tenant AS BLOB)") + ", log, number",
			"tenant, log, number DESC", "tenant DESC, log, number",
			"tenant, " + instead("log", "2") + ", number", "tenant, " + instead("log", "'1'") + ", number",
		},
		"troth_audit_entry_id": {
			"tenant, id DESC", "tenant, " + instead("id", "zeroblob(16)"), "tenant, " + instead("id", "CAST(id AS TEXT)"), "tenant, " + instead("id", "substr(id, 1, 15)"),
			instead("tenant", "'acme'") + ", id", instead("tenant", "CAST(tenant AS BLOB)") + ", id",
		},
		"troth_audit_entry_subject": {
			"tenant, " + instead("subject", "zeroblob(16)") + ", log, number", "tenant, " + instead("subject", "CAST(subject AS TEXT)") + ", log, number",
			"tenant, subject, log, " + instead("number", "1029"), "tenant, subject, log, " + instead("number", "'29'"),
			instead("tenant", "'acme'") + ", subject, log, number",
		},
		"troth_audit_entry_act": {
			"tenant, " + instead("act", "'integration.other'") + ", log, number", "tenant, " + instead("act", "CAST(act AS BLOB)") + ", log, number",
			"tenant, act DESC, log, number", "tenant, act, log, " + instead("number", "1029"), "tenant, act, " + instead("log", "0") + ", number",
			instead("tenant", "'acme'") + ", act, log, number",
		},
	} {
		for _, forged := range columns {
			l.forge.reindex(index, forged, "TRUE")
			_, err := l.trail.Verify(t.Context(), audit.VerifyParams{})
			damage, ok := errors.AsType[*audit.DamageError](err)
			require.True(t, ok, "%s on %s: %v", index, forged, err)
			if !strings.Contains(forged, "DESC") { // looking something up by it may fail first
				require.Contains(t, damage.Place, index)
			}
			l.forge.must("REINDEX " + index)
		}
		l.fits()
	}
}

// TestVerify_IndexesOfManyEntries reads indexes in many pieces, of one tenant and of
// many, while the log grows.
func TestVerify_IndexesOfManyEntries(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	seen := new(statements)
	db := sqltest.SQLite(t)
	spied := sql.OpenDB(spyConnector{seen, db.Driver(), sqliteFile(t, db)})
	t.Cleanup(func() { _ = spied.Close() })
	store := backends[0].store(t, spied)
	signer, err := audit.GenerateSigningKey("troth.example/many")
	require.NoError(t, err)
	trail := audittest.NewTrail(t, store, audit.WithSigner(signer))
	grow(t, store, trail, 17_000)
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})
	require.NoError(t, store.Transactor().Atomically(ctx, func(ctx context.Context) error {
		for i := range 2000 {
			if _, err := trail.Record(ctx, troth.Entry{Act: act, Tenant: troth.Tenant(fmt.Sprintf("small-%d", i)), SubjectID: "17"}); err != nil {
				return err
			}
		}
		return nil
	}))
	for moved := 1; moved > 0; {
		moved, err = trail.Sequence(ctx)
		require.NoError(t, err)
	}
	heads, err := store.Heads(ctx)
	require.NoError(t, err)
	heads[0].Size -= 700 // as if what stands behind had come since
	check := store.Indexes(heads)
	require.NoError(t, check.Read(ctx))
	check.Begin()
	for from := uint64(0); ; {
		rows, err := store.LogRange(ctx, 1, from, 1000)
		require.NoError(t, err)
		if len(rows) == 0 {
			break
		}
		for i := range rows {
			check.Row(&rows[i])
		}
		from += uint64(len(rows))
	}
	seen.take()
	_, found, err := check.Misindexed(ctx)
	require.NoError(t, err)
	require.False(t, found)
	require.Empty(t, seen.take(), "the sums differ, so that SQLite was asked")
}

// lists reports whether the hidden entry is among those of its tenant.
func (l *smallLog) lists(t *testing.T, q audit.Query) (found bool) {
	t.Helper()
	for r, err := range l.trail.Entries(t.Context(), "globex", q) {
		require.NoError(t, err)
		found = found || r.ID == l.hidden
	}
	return found
}

// reindex makes an index of SQLite's of other columns than it says, which leaves out
// what does not fit, and lets the schema say what it said before.
func (f *forger) reindex(index, columns, fits string) {
	f.Helper()
	require.Equal(f, sqlstore.SQLite, f.dialect)
	was := f.strings("SELECT sql FROM sqlite_schema WHERE name = ?", index)
	require.Len(f, was, 1)
	f.must("DROP INDEX " + index)
	if _, of, partial := strings.Cut(was[0], " WHERE "); partial {
		fits += " AND " + of
	}
	f.must("CREATE INDEX " + index + " ON troth_audit_entry (" + columns + ") WHERE " + fits)
	f.must("PRAGMA writable_schema = on")
	f.must("UPDATE sqlite_schema SET sql = ? WHERE name = ?", was[0], index)
	version := f.strings("SELECT schema_version + 1 FROM pragma_schema_version")
	f.must("PRAGMA schema_version = " + version[0])
	f.must("PRAGMA writable_schema = off")
}

// One connection to the database must do for verification.
func TestVerify_WithOneConnection(t *testing.T) {
	db := sqltest.SQLite(t)
	db.SetMaxOpenConns(1)
	store := backends[0].store(t, db)
	signer, err := audit.GenerateSigningKey("troth.example/one")
	require.NoError(t, err)
	trail := audittest.NewTrail(t, store, audit.WithSigner(signer))
	grow(t, store, trail, 3000)
	r, err := trail.Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)
	require.Equal(t, uint64(3001), r.Logs[0].Size)
}
