package auditsql

import (
	"fmt"
	"strings"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// maxIdentity bounds a sealed identity, in bytes; one takes a few hundred.
const maxIdentity = 64 << 10

// statements are the SQL texts with the placeholders of one dialect.
type statements struct {
	append, appendAll, entries                  string
	pseudonym, insertPseudonym, deletePseudonym string
	links                                       string    // on PostgreSQL
	linksOf                                     [5]string // of one pseudonym on SQLite, of two, of four and so on
	backlog                                     string
	managed, setManaged                         string
}

// bounded selects a column of bytes, or NULL without loading it where it is
// longer than limit. SQLite stores text in a column of bytes if it is given text,
// and counts that in characters, up to the first zero.
func bounded(d sqlstore.Dialect, column string, limit int) string {
	if d == sqlstore.SQLite {
		return fmt.Sprintf("CASE WHEN typeof(%[1]s) = 'blob' AND length(%[1]s) <= %[2]d THEN %[1]s END", column, limit)
	}
	return fmt.Sprintf("CASE WHEN octet_length(%[1]s) <= %[2]d THEN %[1]s END", column, limit)
}

// numbers is the column where it is a number, and NULL where it is not.
func numbers(d sqlstore.Dialect, column string) string {
	if d == sqlstore.SQLite {
		return "CASE typeof(" + column + ") WHEN 'integer' THEN " + column + " END"
	}
	return column
}

// linksOf finds so many pseudonyms on SQLite, each by the key: together they take
// little more than one.
func linksOf(count int) string {
	looks := make([]string, count)
	for i := range looks {
		looks[i] = fmt.Sprintf(`SELECT %d, %s, %s FROM troth_audit_pseudonym WHERE tenant = ? AND lookup = ?`,
			i, bounded(sqlstore.SQLite, "pseudonym", 16), bounded(sqlstore.SQLite, "tag", 32))
	}
	return strings.Join(looks, " UNION ALL ")
}

func bind(d sqlstore.Dialect) statements {
	var links [5]string
	for n := range links {
		links[n] = linksOf(1 << n)
	}
	return statements{
		linksOf: links,
		append: d.Rebind(`INSERT INTO troth_audit_inbox (tenant, id, recorded_at, envelope, tag)
			VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`),
		appendAll: `INSERT INTO troth_audit_inbox (tenant, id, recorded_at, envelope, tag)
			SELECT r.tenant, ` + nth("$2", 16) + `, r.recorded_at, substr($5::bytea, r.start, r.length), ` + nth("$4", 32) + `
			FROM unnest($1::text[], $3::bigint[], $6::int[], $7::int[]) WITH ORDINALITY AS r (tenant, recorded_at, start, length, n)
			ON CONFLICT DO NOTHING`, // of PostgreSQL
		entries: d.Rebind(`SELECT ` + short(d, "tenant") + `, ` + bounded(d, "id", 16) + `, recorded_at, ` + bounded(d, "envelope", audit.MaxEnvelope) + `, ` +
			bounded(d, "tag", 32) + ` FROM troth_audit_inbox
			WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?`),
		pseudonym: d.Rebind(`SELECT ` + bounded(d, "pseudonym", 16) + `, ` + bounded(d, "tag", 32) + `, ` +
			bounded(d, "identity", maxIdentity) + `, created_at FROM troth_audit_pseudonym
			WHERE tenant = ? AND lookup = ?`),
		links: `SELECT r.n - 1, ` + bounded(d, "p.pseudonym", 16) + `, ` + bounded(d, "p.tag", 32) + `
			FROM unnest($1::text[]) WITH ORDINALITY AS r (tenant, n)
			JOIN troth_audit_pseudonym p ON p.tenant = r.tenant AND p.lookup = ` + nth("$2", 32), // of PostgreSQL
		insertPseudonym: d.Rebind(`INSERT INTO troth_audit_pseudonym (tenant, lookup, pseudonym, tag, identity, created_at)
			VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`),
		deletePseudonym: d.Rebind(`DELETE FROM troth_audit_pseudonym WHERE tenant = ? AND lookup = ?`),
		backlog: `SELECT COUNT(*), COALESCE(MIN(` + numbers(d, "recorded_at") + `), 0),
			(SELECT COUNT(*) FROM troth_audit_quarantine) FROM troth_audit_inbox`,
		managed:    `SELECT one FROM troth_audit_managed`,
		setManaged: `INSERT INTO troth_audit_managed (one) VALUES (1) ON CONFLICT DO NOTHING`,
	}
}
