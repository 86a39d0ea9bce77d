package audit

import (
	"database/sql"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

// TestStore_PutsEntriesOfTheFirstSchemaInTheirPlaces makes the table of entries what
// it was before they had places, and opens the store.
func TestStore_PutsEntriesOfTheFirstSchemaInTheirPlaces(t *testing.T) {
	l := backends[0].smallLog(t)
	before := l.listed(t)
	list := strings.ReplaceAll(l.forge.tables["troth_audit_entry"].list(), "place, log", "log, idx")
	first := func() {
		l.forge.must("ALTER TABLE troth_audit_entry RENAME TO placed")
		for _, x := range []string{"id", "number", "subject", "act"} {
			l.forge.must("DROP INDEX troth_audit_entry_" + x)
		}
		text, err := os.ReadFile("../../storage/sqlstore/auditsql/migrations/0002_log.sqlite.sql")
		require.NoError(t, err)
		for s := range strings.SplitSeq(string(text), ";\n") {
			if strings.Contains(s, "troth_audit_entry") {
				l.forge.must(s)
			}
		}
		l.forge.must("INSERT INTO troth_audit_entry (" + list + ") SELECT " + list + " FROM placed")
		l.forge.must("DROP TABLE placed")
		l.forge.must("DELETE FROM troth_migration WHERE namespace = 'audit' AND version >= 3")
	}
	again := func() error {
		db, err := sql.Open("sqlite", l.forge.strings("SELECT file FROM pragma_database_list WHERE name = 'main'")[0])
		require.NoError(t, err)
		defer func() { _ = db.Close() }()
		h, err := sqlstore.Open(t.Context(), db, sqlstore.SQLite)
		require.NoError(t, err)
		_, err = auditsql.New(t.Context(), h)
		require.NoError(t, h.Close())
		return err
	}
	first()
	require.NoError(t, again())
	l.fits()
	require.Equal(t, before, l.listed(t))
	require.Equal(t, []string{"281474976710656"}, l.forge.strings("SELECT MIN(place) FROM troth_audit_entry"))

	// A row that stands where no log has one is not lost.
	first()
	l.forge.must("UPDATE troth_audit_entry SET idx = -1 WHERE idx = 7")
	require.Error(t, again())
	require.Equal(t, []string{"1"}, l.forge.strings("SELECT COUNT(*) FROM troth_audit_entry WHERE idx = -1"))
	l.forge.must("UPDATE troth_audit_entry SET idx = 7 WHERE idx = -1")
	require.NoError(t, again())
	l.fits()
}

// listed is what is read of a tenant's entries.
func (l *smallLog) listed(t *testing.T) (all []audit.Record) {
	t.Helper()
	for r, err := range l.trail.Entries(t.Context(), "globex", audit.Query{}) {
		require.NoError(t, err)
		all = append(all, r)
	}
	require.NotEmpty(t, all)
	return all
}
