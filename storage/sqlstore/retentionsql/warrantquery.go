package retentionsql

import (
	"strconv"

	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
)

// warrantQueries are the statements about what was destroyed.
type warrantQueries struct {
	insertWarrant, warrant, lockWarrant, tryWarrant, putWarrant, deleteWarrant string

	warrantsOf, warrants, warrantsAbout, dueWarrants, waitingWarrants string

	addTally, tallies, putLateness, lateness string
}

const warrantRestColumns = `handle, type, record_id, subject, class, stage, ending, version, policy, created_at, at, gone_by, ground,
	rule, deferred, waits, gone, alarmed, next_at, entry, mac`

func newWarrantQueries(d sqlstore.Dialect) warrantQueries {
	// A detail that is longer than any keeper writes is cut, as that of a record.
	read := `SELECT tenant, id, ` + warrantRestColumns + `, substr(detail, 1, ` + strconv.Itoa(retention.MaxDetail+1) + `)
		FROM troth_retention_warrant WHERE `
	const this = `tenant = ? AND id = ?`
	q := warrantQueries{
		insertWarrant: `INSERT INTO troth_retention_warrant (tenant, id, ` + warrantRestColumns + `, detail)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		warrant: read + this,
		putWarrant: `UPDATE troth_retention_warrant SET handle = ?, type = ?, record_id = ?, subject = ?, class = ?, stage = ?,
			ending = ?, version = ?, policy = ?, created_at = ?, at = ?, gone_by = ?, ground = ?, rule = ?, deferred = ?, waits = ?,
			gone = ?, alarmed = ?, next_at = ?, entry = ?, mac = ?, detail = ? WHERE ` + this,
		deleteWarrant: `DELETE FROM troth_retention_warrant WHERE ` + this,

		warrantsOf: read + `tenant = ? AND handle = ? ORDER BY at DESC`,
		warrants:   read + `tenant = ? AND gone = 0 AND id > ? ORDER BY id LIMIT ?`,
		warrantsAbout: read + `tenant = ? AND gone = 0 AND subject IN (?, '') AND id > ?
			ORDER BY id LIMIT ?`,
		dueWarrants:     `SELECT tenant, id FROM troth_retention_warrant WHERE next_at <= ? ORDER BY next_at LIMIT ?`,
		waitingWarrants: read + `waits <> 0 ORDER BY at LIMIT ?`,

		addTally: `INSERT INTO troth_retention_tally (tenant, month, class, ground, rule, kept, deferred, broken, kept_entry,
				broken_entry, broken_handle, broken_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, month, class, ground, rule) DO UPDATE SET
				kept_entry = CASE WHEN excluded.kept > 0 THEN excluded.kept_entry ELSE troth_retention_tally.kept_entry END,
				broken_entry = CASE WHEN excluded.broken > 0 THEN excluded.broken_entry ELSE troth_retention_tally.broken_entry END,
				broken_handle = CASE WHEN excluded.broken > 0 THEN excluded.broken_handle ELSE troth_retention_tally.broken_handle END,
				broken_at = CASE WHEN excluded.broken > 0 THEN excluded.broken_at ELSE troth_retention_tally.broken_at END,
				kept = troth_retention_tally.kept + excluded.kept,
				deferred = troth_retention_tally.deferred + excluded.deferred,
				broken = troth_retention_tally.broken + excluded.broken`,
		tallies: `SELECT tenant, month, class, ground, rule, kept, deferred, broken, kept_entry, broken_entry, broken_handle, broken_at
			FROM troth_retention_tally WHERE tenant = ? AND month >= ? ORDER BY month, class, ground, rule`,
		putLateness: `INSERT INTO troth_retention_lateness (tenant, class, ground, rule, stage, at) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, class, ground, rule) DO UPDATE SET stage = excluded.stage, at = excluded.at`,
		lateness: `SELECT tenant, class, ground, rule, stage, at FROM troth_retention_lateness WHERE tenant = ?
			ORDER BY class, ground, rule`,
	}
	q.lockWarrant, q.tryWarrant = q.warrant, q.warrant
	if d == sqlstore.Postgres {
		q.lockWarrant, q.tryWarrant = q.warrant+" FOR UPDATE", q.warrant+" FOR UPDATE SKIP LOCKED"
	}
	for _, text := range []*string{
		&q.insertWarrant, &q.warrant, &q.lockWarrant, &q.tryWarrant, &q.putWarrant, &q.deleteWarrant, &q.warrantsOf, &q.warrants,
		&q.warrantsAbout, &q.dueWarrants, &q.waitingWarrants, &q.addTally, &q.tallies, &q.putLateness, &q.lateness,
	} {
		*text = d.Rebind(*text)
	}
	return q
}
