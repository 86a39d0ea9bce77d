package auditsql

import "github.com/trothdev/troth/storage/sqlstore"

// statements are the SQL texts with the placeholders of one dialect. Both
// dialects understand all of it.
type statements struct {
	append, entries                             string
	pseudonym, insertPseudonym, deletePseudonym string
	backlog                                     string
	managed, setManaged                         string
}

func bind(d sqlstore.Dialect) statements {
	return statements{
		append: d.Rebind(`INSERT INTO troth_audit_inbox (tenant, id, recorded_at, envelope)
			VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`),
		entries: d.Rebind(`SELECT id, recorded_at, envelope FROM troth_audit_inbox
			WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?`),
		pseudonym: d.Rebind(`SELECT pseudonym, identity, created_at FROM troth_audit_pseudonym
			WHERE tenant = ? AND lookup = ?`),
		insertPseudonym: d.Rebind(`INSERT INTO troth_audit_pseudonym (tenant, lookup, pseudonym, identity, created_at)
			VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`),
		deletePseudonym: d.Rebind(`DELETE FROM troth_audit_pseudonym WHERE tenant = ? AND lookup = ?`),
		backlog:         `SELECT COUNT(*), COALESCE(MIN(recorded_at), 0) FROM troth_audit_inbox`,
		managed:         `SELECT one FROM troth_audit_managed`,
		setManaged:      `INSERT INTO troth_audit_managed (one) VALUES (1) ON CONFLICT DO NOTHING`,
	}
}
