package audit

import (
	"errors"
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
			l.forge.hide(c.index, c.columns, "NOT (tenant = 'globex' AND number = 29)")
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

// lists reports whether the hidden entry is among those of its tenant.
func (l *smallLog) lists(t *testing.T, q audit.Query) (found bool) {
	t.Helper()
	for r, err := range l.trail.Entries(t.Context(), "globex", q) {
		require.NoError(t, err)
		found = found || r.ID == l.hidden
	}
	return found
}

// hide makes an index of SQLite's that leaves out what does not fit, and lets the
// schema say that it leaves out nothing.
func (f *forger) hide(index, columns, fits string) {
	f.Helper()
	require.Equal(f, sqlstore.SQLite, f.dialect)
	was := f.strings("SELECT sql FROM sqlite_schema WHERE name = ?", index)
	require.Len(f, was, 1)
	f.must("DROP INDEX " + index)
	unique := ""
	if strings.Contains(was[0], "UNIQUE") {
		unique = "UNIQUE "
	}
	f.must("CREATE " + unique + "INDEX " + index + " ON troth_audit_entry (" + columns + ") WHERE " + fits)
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
