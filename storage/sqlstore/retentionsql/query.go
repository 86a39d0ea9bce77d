package retentionsql

import (
	"strconv"

	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
)

const (
	recordPlace = `tenant, type, id`
	recordRest  = `handle, class, stage, cohort, since, end_by, visible, subject, created_at, due_at, policy, held, version, tries, account, purpose`
	thisRecord  = ` WHERE tenant = ? AND type = ? AND id = ?`

	holdPlace = `tenant, id, matter, subject, class, created_from, created_to, placed_at, review_at, proposed_at, proposer, released_at`

	planValues      = `tenant, hash, body, proposed_at, proposer, approved_at, spent, ended_at, mac`
	allowanceValues = `tenant, id, since, spent, old, stored, closed_at`
	oneAllowance    = `SELECT ` + allowanceValues + ` FROM troth_retention_allowance WHERE tenant = ? AND id = ?`
)

// recordValues cuts a detail that is longer than any keeper writes: whoever writes past
// it must not decide how much of it is loaded.
var recordValues = recordPlace + ", " + recordRest + ", substr(detail, 1, " + strconv.Itoa(retention.MaxDetail+1) + ")"

// queries are the statements of one dialect, ready to run.
type queries struct {
	insertGate, lockShared, lockAlone string

	insertPolicy, policies string

	insertRecord, record, lockRecord, tryRecord, putRecord, deleteRecord, wakeHeld string

	cut, due, stale, failing string
	// count is for any stage and cohort; with bit 0 for one stage, with bit 1 for one cohort.
	count [4]string

	insertHold, putHold, hold, activeHolds string

	controlQueries
	many manyQueries
	warrantQueries

	insertPlan, putPlan, lockPlan, tryPlan, openPlans string

	insertAllowance, putAllowance, allowance, lockAllowance, tryAllowance, allowances string

	insertStop, putStop, activeStops string

	surveyCut, surveyDue, surveyStale, surveyWaiting string
}

// waiting is a constant in the statement, so that its index is found.
var waiting = strconv.FormatInt(retention.Waiting, 10)

func newQueries(d sqlstore.Dialect) *queries {
	q := common()
	q.many = newManyQueries(d)
	q.warrantQueries = newWarrantQueries(d)
	if d == sqlstore.Postgres {
		q.lockRecord, q.tryRecord = q.record+" FOR UPDATE", q.record+" FOR UPDATE SKIP LOCKED"
		q.tryPlan, q.tryAllowance = q.lockPlan+" FOR UPDATE SKIP LOCKED", q.lockAllowance+" FOR UPDATE SKIP LOCKED"
		q.lockPlan, q.lockAllowance = q.lockPlan+" FOR UPDATE", q.lockAllowance+" FOR UPDATE"
	} else {
		q.lockRecord, q.tryRecord = q.record, q.record
		q.tryPlan, q.tryAllowance = q.lockPlan, q.lockAllowance
	}
	for _, text := range []*string{
		&q.insertGate, &q.lockShared, &q.lockAlone, &q.insertPolicy, &q.policies,
		&q.insertRecord, &q.record, &q.lockRecord, &q.tryRecord, &q.putRecord, &q.deleteRecord, &q.wakeHeld,
		&q.cut, &q.due, &q.stale, &q.failing, &q.count[0], &q.count[1], &q.count[2], &q.count[3], &q.insertHold, &q.putHold, &q.hold, &q.activeHolds,
		&q.insertPlan, &q.putPlan, &q.lockPlan, &q.tryPlan, &q.openPlans,
		&q.insertAllowance, &q.putAllowance, &q.allowance, &q.lockAllowance, &q.tryAllowance, &q.allowances,
		&q.insertStop, &q.putStop, &q.activeStops,
		&q.surveyCut, &q.surveyDue, &q.surveyStale, &q.surveyWaiting,
	} {
		*text = d.Rebind(*text)
	}
	q.controlQueries = newControlQueries(d)
	return q
}

func common() *queries {
	const gate = `SELECT tenant FROM troth_retention_gate WHERE tenant = ?`
	places := func(at, which string) string { // those behind a place, in order
		return `SELECT ` + at + ", " + recordPlace + ` FROM troth_retention_record WHERE ` + which +
			` AND (` + at + `, tenant, type, id) > (?, ?, ?, ?) ORDER BY ` + at + `, tenant, type, id LIMIT ?`
	}
	rows := `SELECT ` + recordValues + ` FROM troth_retention_record WHERE `
	return &queries{
		insertGate: `INSERT INTO troth_retention_gate (tenant) VALUES (?) ON CONFLICT DO NOTHING`,
		lockShared: gate + " FOR SHARE",
		lockAlone:  gate + " FOR UPDATE",

		insertPolicy: `INSERT INTO troth_retention_policy (tenant, version, hash, body, activated_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`,
		policies: `SELECT tenant, version, hash, body, activated_at FROM troth_retention_policy
			WHERE tenant = ? AND version > ? ORDER BY version`,

		insertRecord: `INSERT INTO troth_retention_record (` + recordPlace + ", " + recordRest + `, detail)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		record: `SELECT ` + recordValues + ` FROM troth_retention_record` + thisRecord,
		putRecord: `UPDATE troth_retention_record SET handle = ?, class = ?, stage = ?, cohort = ?, since = ?, end_by = ?,
			visible = ?, subject = ?, created_at = ?, due_at = ?, policy = ?, held = ?, version = ?, tries = ?, account = ?, purpose = ?, detail = ?` + thisRecord,
		deleteRecord: `DELETE FROM troth_retention_record` + thisRecord,
		wakeHeld:     `UPDATE troth_retention_record SET due_at = ?, held = 0 WHERE tenant = ? AND held <> 0`,

		cut:   places("since", `due_at = 0 AND class = ? AND stage = ? AND cohort = ? AND since <= ?`),
		due:   places("due_at", `due_at <> 0 AND due_at <= ?`),
		stale: places("policy", `due_at <> 0 AND policy < ?`),
		failing: `SELECT ` + recordValues + ` FROM troth_retention_record WHERE tries <> 0
			ORDER BY tries DESC LIMIT ?`,
		count: [4]string{counts(""), counts(" AND stage = ?"), counts(" AND cohort = ?"), counts(" AND stage = ? AND cohort = ?")},

		insertHold: `INSERT INTO troth_retention_hold (` + holdPlace + `, condition, told_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		putHold: `UPDATE troth_retention_hold SET matter = ?, subject = ?, class = ?, created_from = ?, created_to = ?, placed_at = ?,
			review_at = ?, proposed_at = ?, proposer = ?, released_at = ?, condition = ?, told_at = ? WHERE tenant = ? AND id = ?`,
		hold:        `SELECT ` + holdValues + ` FROM troth_retention_hold WHERE tenant = ? AND id = ?`,
		activeHolds: `SELECT ` + holdValues + ` FROM troth_retention_hold WHERE tenant = ? AND released_at = 0 ORDER BY id`,

		insertPlan: `INSERT INTO troth_retention_plan (` + planValues + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		putPlan: `UPDATE troth_retention_plan SET body = ?, proposed_at = ?, proposer = ?, approved_at = ?, spent = ?, ended_at = ?, mac = ?
			WHERE tenant = ? AND hash = ?`,
		lockPlan:  `SELECT ` + planValues + ` FROM troth_retention_plan WHERE tenant = ? AND hash = ?`,
		openPlans: `SELECT ` + planValues + ` FROM troth_retention_plan WHERE tenant = ? AND ended_at = 0 ORDER BY hash`,

		insertAllowance: `INSERT INTO troth_retention_allowance (` + allowanceValues + `) VALUES (?, ?, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING`,
		putAllowance:    `UPDATE troth_retention_allowance SET since = ?, spent = ?, old = ?, stored = ?, closed_at = ? WHERE tenant = ? AND id = ?`,
		allowance:       oneAllowance,
		lockAllowance:   oneAllowance,
		allowances:      `SELECT ` + allowanceValues + ` FROM troth_retention_allowance WHERE tenant = ? ORDER BY id`,

		insertStop:  `INSERT INTO troth_retention_stop (tenant, id, placed_at, lifted_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		putStop:     `UPDATE troth_retention_stop SET placed_at = ?, lifted_at = ? WHERE tenant = ? AND id = ?`,
		activeStops: `SELECT tenant, id, placed_at, lifted_at FROM troth_retention_stop WHERE tenant = ? AND lifted_at = 0 ORDER BY id`,

		surveyCut: rows + `due_at = 0 AND class = ? AND stage = ? AND cohort = ? AND since <= ?
			AND (since, ` + recordPlace + `) > (?, ?, ?, ?) ORDER BY since, ` + recordPlace + ` LIMIT ?`,
		surveyDue: rows + `due_at <> 0 AND due_at <= ? AND (due_at, ` + recordPlace + `) > (?, ?, ?, ?) ORDER BY due_at, ` + recordPlace + ` LIMIT ?`,
		surveyStale: rows + `due_at <> 0 AND policy < ? AND (policy, ` + recordPlace + `) > (?, ?, ?, ?)
			ORDER BY policy, ` + recordPlace + ` LIMIT ?`,
		surveyWaiting: rows + `due_at = ` + waiting + ` AND class = ? AND (` + recordPlace + `) > (?, ?, ?) ORDER BY ` + recordPlace + ` LIMIT ?`,
	}
}

// counts looks into both indexes of classes: of what its anchor finds, and of the rest.
func counts(also string) string {
	part := func(due string) string {
		return `(SELECT COUNT(*) FROM (SELECT 1 FROM troth_retention_record WHERE due_at ` + due + ` 0 AND class = ?` + also +
			` AND since > ? AND since <= ? LIMIT ?) AS counted)`
	}
	return `SELECT ` + part("=") + ` + ` + part("<>")
}
