package retentionsql

import (
	"strconv"

	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
)

const (
	recordPlace = `tenant, type, id`
	recordRest  = `handle, class, stage, cohort, since, end_by, visible, subject, created_at, due_at, policy, held, version, tries`
	thisRecord  = ` WHERE tenant = ? AND type = ? AND id = ?`

	holdPlace = `tenant, id, matter, subject, class, created_from, created_to, placed_at, review_at, proposed_at, proposer, released_at`

	thisControl = ` WHERE tenant = ? AND kind = ? AND id = ?`
)

// recordValues cuts a detail that is longer than any keeper writes: whoever writes past
// it must not decide how much of it is loaded.
var recordValues = recordPlace + ", " + recordRest + ", substr(detail, 1, " + strconv.Itoa(retention.MaxDetail+1) + ")"

// holdValues and controlValues cut what is longer than any keeper writes, likewise.
var (
	holdValues    = holdPlace + ", substr(condition, 1, " + strconv.Itoa(retention.MaxDetail+1) + "), told_at"
	controlValues = "tenant, kind, id, open, due_at, substr(body, 1, " + strconv.Itoa(retention.MaxControl+1) +
		"), substr(state, 1, " + strconv.Itoa(retention.MaxControl+1) + "), substr(mac, 1, 33)"
)

// queries are the statements of one dialect, ready to run.
type queries struct {
	insertGate, lockShared, lockAlone string

	insertPolicy, policies string

	insertRecord, record, lockRecord, tryRecord, putRecord, deleteRecord, wakeHeld string

	cut, due, stale, failing, count string

	insertHold, putHold, hold, activeHolds, toReview string

	insertControl, putControl, control, lockControl, openControls, controls, dueControls, ofSubject string
}

func newQueries(d sqlstore.Dialect) *queries {
	q := common()
	if d == sqlstore.Postgres {
		q.lockRecord, q.tryRecord = q.record+" FOR UPDATE", q.record+" FOR UPDATE SKIP LOCKED"
		q.lockControl = q.control + " FOR UPDATE"
	} else {
		q.lockRecord, q.tryRecord, q.lockControl = q.record, q.record, q.control
	}
	for _, text := range []*string{
		&q.insertGate, &q.lockShared, &q.lockAlone, &q.insertPolicy, &q.policies,
		&q.insertRecord, &q.record, &q.lockRecord, &q.tryRecord, &q.putRecord, &q.deleteRecord, &q.wakeHeld,
		&q.cut, &q.due, &q.stale, &q.failing, &q.count, &q.insertHold, &q.putHold, &q.hold, &q.activeHolds, &q.toReview,
		&q.insertControl, &q.putControl, &q.control, &q.lockControl, &q.openControls, &q.controls, &q.dueControls, &q.ofSubject,
	} {
		*text = d.Rebind(*text)
	}
	return q
}

func common() *queries {
	const gate = `SELECT tenant FROM troth_retention_gate WHERE tenant = ?`
	const keys = `SELECT ` + recordPlace + ` FROM troth_retention_record WHERE `
	return &queries{
		insertGate: `INSERT INTO troth_retention_gate (tenant) VALUES (?) ON CONFLICT DO NOTHING`,
		lockShared: gate + " FOR SHARE",
		lockAlone:  gate + " FOR UPDATE",

		insertPolicy: `INSERT INTO troth_retention_policy (tenant, version, hash, body, activated_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`,
		policies: `SELECT tenant, version, hash, body, activated_at FROM troth_retention_policy
			WHERE tenant = ? AND version > ? ORDER BY version`,

		insertRecord: `INSERT INTO troth_retention_record (` + recordPlace + ", " + recordRest + `, detail)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		record: `SELECT ` + recordValues + ` FROM troth_retention_record` + thisRecord,
		putRecord: `UPDATE troth_retention_record SET handle = ?, class = ?, stage = ?, cohort = ?, since = ?, end_by = ?,
			visible = ?, subject = ?, created_at = ?, due_at = ?, policy = ?, held = ?, version = ?, tries = ?, detail = ?` + thisRecord,
		deleteRecord: `DELETE FROM troth_retention_record` + thisRecord,
		wakeHeld:     `UPDATE troth_retention_record SET due_at = ?, held = 0 WHERE tenant = ? AND held <> 0`,

		cut:   keys + `due_at = 0 AND class = ? AND stage = ? AND cohort = ? AND since <= ? ORDER BY since LIMIT ?`,
		due:   keys + `due_at <> 0 AND due_at <= ? ORDER BY due_at LIMIT ?`,
		stale: keys + `due_at <> 0 AND policy < ? ORDER BY policy LIMIT ?`,
		failing: `SELECT ` + recordValues + ` FROM troth_retention_record WHERE tries <> 0
			ORDER BY tries DESC LIMIT ?`,
		count: `SELECT COUNT(*) FROM troth_retention_record WHERE class = ? AND stage = ? AND since > ? AND since <= ?`,

		insertHold: `INSERT INTO troth_retention_hold (` + holdPlace + `, condition, told_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		putHold: `UPDATE troth_retention_hold SET matter = ?, subject = ?, class = ?, created_from = ?, created_to = ?, placed_at = ?,
			review_at = ?, proposed_at = ?, proposer = ?, released_at = ?, condition = ?, told_at = ? WHERE tenant = ? AND id = ?`,
		hold:        `SELECT ` + holdValues + ` FROM troth_retention_hold WHERE tenant = ? AND id = ?`,
		activeHolds: `SELECT ` + holdValues + ` FROM troth_retention_hold WHERE tenant = ? AND released_at = 0 ORDER BY id`,
		toReview: `SELECT ` + holdValues + ` FROM troth_retention_hold
			WHERE released_at = 0 AND review_at <= ? AND review_at > told_at ORDER BY review_at LIMIT ?`,

		insertControl: `INSERT INTO troth_retention_control (tenant, kind, id, open, due_at, body, state, mac)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		putControl:   `UPDATE troth_retention_control SET open = ?, due_at = ?, body = ?, state = ?, mac = ?` + thisControl,
		control:      `SELECT ` + controlValues + ` FROM troth_retention_control` + thisControl,
		openControls: `SELECT ` + controlValues + ` FROM troth_retention_control WHERE tenant = ? AND kind = ? AND open <> 0 ORDER BY id`,
		controls: `SELECT ` + controlValues + ` FROM troth_retention_control
			WHERE tenant = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?`,
		dueControls: `SELECT ` + controlValues + ` FROM troth_retention_control
			WHERE kind = ? AND due_at <> 0 AND due_at <= ? ORDER BY due_at LIMIT ?`,
		ofSubject: `SELECT ` + recordValues + ` FROM troth_retention_record
			WHERE tenant = ? AND subject = ? AND subject <> '' AND (type, id) > (?, ?) ORDER BY type, id LIMIT ?`,
	}
}
