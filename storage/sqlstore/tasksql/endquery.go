package tasksql

// timing are the statements that a clock drives.
type timing struct {
	extend                      string
	look, wakeDue               string
	shortenDelayed              string
	dropRates, alarms, finished string
	extendAll                   string // PostgreSQL
}

func newTiming(sql dialect) timing {
	return timing{
		extend: sql(`UPDATE troth_task_turn SET wake_at = {now} + ?, span = ? WHERE tenant = ? AND id = ? AND fence = ? AND phase = 3
			RETURNING rowid, wake_at, ` + leasedKind),
		look: sql(`SELECT c.now, COALESCE((SELECT wake_at FROM troth_task_turn WHERE sought = 2 ORDER BY wake_at LIMIT 1) <= c.now, FALSE),
				COALESCE((SELECT until FROM troth_task_lease ORDER BY until LIMIT 1) <= c.now, FALSE)
			FROM (SELECT {now} AS now) c`),
		wakeDue: sql(`WITH p AS MATERIALIZED (SELECT tenant AS p_tenant, id AS p_id FROM troth_task_turn
				WHERE sought = 2 AND wake_at <= {now} ORDER BY wake_at LIMIT ? {lock})
			UPDATE troth_task_turn SET phase = 1, sought = 1, wake_at = {now}, span = 0 FROM p WHERE tenant = p_tenant AND id = p_id`),
		shortenDelayed: sql(`WITH p AS MATERIALIZED (SELECT tenant AS p_tenant, id AS p_id FROM troth_task_turn
				WHERE sought = 2 AND wake_at > {now} AND span > 0 AND wake_at > {now} + span {lock})
			UPDATE troth_task_turn SET wake_at = {now} + span FROM p WHERE tenant = p_tenant AND id = p_id`),
		dropRates: sql(`DELETE FROM troth_task_rate WHERE next_at <= {now}`),
		alarms: sql(`SELECT a.tenant, a.id, a.stage, a.ring_at, m.kind, t.phase, m.created_at, m.deadline, t.owner, {now}
			FROM troth_task_alarm a JOIN troth_task m ON m.tenant = a.tenant AND m.id = a.id
			JOIN troth_task_turn t ON t.tenant = a.tenant AND t.id = a.id
			WHERE a.ring_at <= {now} ORDER BY a.ring_at, a.tenant, a.id LIMIT ?`),
		finished: sql(`SELECT ` + lightValues + joined + `
			WHERE (m.created_at, m.id) > (?, ?) AND t.phase > 5 AND t.ended_at < ? ORDER BY m.created_at, m.id LIMIT ?`),
	}
}

// heldRows locks the rows of claims one by one, in the order in which they are
// given, and tells where they lie, as takePicked does. The sum keeps the planner
// from going through the index of all that run for each of them.
const heldRows = `SELECT h.ctid FROM unnest($1::text[], $2::bytea[], $3::bigint[]) AS e (tenant, id, fence)
	CROSS JOIN LATERAL (SELECT x.ctid FROM troth_task_turn x
		WHERE x.tenant = e.tenant AND x.id = e.id AND x.fence = e.fence`

const heldLock = ` LIMIT 1 FOR UPDATE) h`

func (t *timing) forPostgres(sql dialect) {
	t.extendAll = sql(`WITH kept AS (UPDATE troth_task_turn t SET wake_at = {now} + $4, span = $4
			WHERE t.ctid = ANY (ARRAY(` + heldRows + ` AND x.phase + 0 = 3` + heldLock + `)) RETURNING tenant, id, fence, wake_at, ` + leasedKind + ` AS leased),
		leases AS (INSERT INTO troth_task_lease (until, span, kind, tenants, ids)
			SELECT MAX(wake_at), $4, leased, ARRAY_AGG(tenant), ARRAY_AGG(id) FROM kept GROUP BY leased)
		SELECT tenant, id, fence FROM kept`)
	// Their tasks are looked up one by one: of how many are due the planner has no idea.
	t.alarms = sql(`WITH a AS MATERIALIZED (SELECT tenant, id, stage, ring_at FROM troth_task_alarm
			WHERE ring_at <= {now} ORDER BY ring_at, tenant, id LIMIT $1 FOR UPDATE SKIP LOCKED)
		SELECT a.tenant, a.id, a.stage, a.ring_at, m.kind, t.phase, m.created_at, m.deadline, t.owner, {now} FROM a
		CROSS JOIN LATERAL (SELECT kind, created_at, deadline FROM troth_task x WHERE x.tenant = a.tenant AND x.id = a.id LIMIT 1) m
		CROSS JOIN LATERAL (SELECT phase, owner FROM troth_task_turn x WHERE x.tenant = a.tenant AND x.id = a.id LIMIT 1) t
		ORDER BY a.ring_at, a.tenant, a.id`)
}

// ending are the statements by which attempts end, and tasks.
type ending struct {
	delay, putBack, park        string
	instruct, instructed        string
	end, finish                 string
	completedUnder              string
	dispose, leave              string
	lockGroup                   string // PostgreSQL
	takeEdges, freeOne, parkOne string
	// completeAll ends what is completed at once; completeAlone does for what
	// concerns no other task, with all that goes with it, and completedAmong tells
	// which of some are completed.
	completeAll, completeAlone, completedAmong string
	// completePlaced is completeAlone for claims whose places are known, on SQLite.
	completePlaced string
}

const (
	endedTurn   = `phase = ?, sought = 0, ended_at = {now}, span = 0, blocked = 0, owner = '', manual_due = 0`
	endedValues = ` RETURNING tenant, id, fence, grp, leads, alarmed, sealed`
)

const underFence = ` WHERE tenant = ? AND id = ? AND fence = ? AND phase = 3`

func newEnding(sql dialect) ending {
	return ending{
		delay: sql(`UPDATE troth_task_turn SET phase = 2, sought = 2, wake_at = {now} + ?, span = ?,
			reason = CASE WHEN CAST(? AS TEXT) = '' THEN reason ELSE ? END` + underFence),
		putBack: sql(`UPDATE troth_task_turn SET phase = 1, sought = 1, wake_at = {now}, span = 0, attempt = attempt - 1,
			reason = CASE WHEN CAST(? AS TEXT) = '' THEN reason ELSE ? END` + underFence),
		park: sql(`UPDATE troth_task_turn SET phase = 5, sought = 5, wake_at = 0, span = 0, owner = ?, manual_due = ?,
			reason = CASE WHEN CAST(? AS TEXT) = '' THEN reason ELSE ? END` + underFence),
		instruct:   sql(`UPDATE troth_task SET instructions = ? WHERE tenant = ? AND id = ?`),
		instructed: sql(`UPDATE troth_task_turn SET sealed = TRUE WHERE tenant = ? AND id = ?`),
		end: sql(`UPDATE troth_task_turn SET ` + endedTurn + `,
			reason = CASE WHEN CAST(? AS BIGINT) = 6 THEN '' WHEN CAST(? AS TEXT) = '' THEN reason ELSE ? END` + underFence + endedValues),
		finish: sql(`UPDATE troth_task_turn SET ` + endedTurn + `, reason = ?
			WHERE tenant = ? AND id = ? AND phase = ? AND (CAST(? AS TEXT) = '' OR owner = ?)` + endedValues),
		completedUnder: sql(`SELECT 1 FROM troth_task_turn WHERE tenant = ? AND id = ? AND fence = ? AND phase = 6`),
		dispose: sql(`INSERT INTO troth_task_disposal (tenant, grp, due_at) VALUES (?, ?, {now})
			ON CONFLICT (tenant, grp) DO UPDATE SET due_at = excluded.due_at, tries = 0, reason = ''`),
		leave:     sql(`UPDATE troth_task_group SET open = open - ? WHERE tenant = ? AND id = ? RETURNING open`),
		takeEdges: sql(`DELETE FROM troth_task_edge WHERE tenant = ? AND before_id = ? RETURNING tenant, after_id`),
		freeOne: sql(`UPDATE troth_task_turn SET blocked = blocked - 1,
				phase = CASE WHEN blocked > 1 THEN 4 WHEN wake_at > {now} THEN 2 ELSE 1 END,
				sought = CASE WHEN blocked > 1 THEN 0 WHEN wake_at > {now} THEN 2 ELSE 1 END,
				wake_at = CASE WHEN blocked > 1 OR wake_at > {now} THEN wake_at ELSE {now} END
			WHERE tenant = ? AND id = ? AND phase = 4 RETURNING phase, wake_at`),
		parkOne: sql(`UPDATE troth_task_turn SET phase = 5, sought = 5, blocked = 0, wake_at = 0, span = 0, owner = ?, reason = ?
			WHERE tenant = ? AND id = ? AND phase = 4 RETURNING phase, wake_at`),
	}
}

// completed is how what is completed ends that ran: it is in no index but that of
// what runs under a limit, and nothing else is set that an index has.
const completed = `phase = 6, ended_at = {now}, span = 0, reason = ''`

// alone is what tasks have in common whose end concerns no other.
const alone = ` AND x.grp = x.id AND x.leads = 0`

// forSQLite takes batches as a list of texts, see heldList. The order of the
// join is given: only so it is a search for each.
//
// What changes many rows there is UPDATE OR FAIL: a statement that can be undone by itself
// keeps each page as it was, in a file where they are many, and whoever fails here undoes
// the transaction.
func (e *ending) forSQLite(sql dialect) {
	const held = `FROM json_each(?) h CROSS JOIN troth_task_turn x WHERE x.tenant = substr(h.value, 52)
		AND x.id = unhex(substr(h.value, 1, 32)) AND x.fence = CAST(substr(h.value, 33, 19) AS INTEGER) AND +x.phase = `
	complete := func(how, rest string) string {
		return `UPDATE OR FAIL troth_task_turn SET ` + how + ` WHERE rowid IN (SELECT x.rowid ` + held + `3` + rest + `)`
	}
	// What ran under a limit is in an index.
	e.completeAlone = sql(complete(completed, alone+` AND NOT x.alarmed AND +x.sought = 0`))
	// A place is where to look, and whether it is the task under this fence is
	// looked at too: so a wrong one finds nothing.
	e.completePlaced = sql(`UPDATE OR FAIL troth_task_turn SET ` + completed + ` WHERE rowid IN (
		SELECT x.rowid FROM json_each(?) h CROSS JOIN troth_task_turn x WHERE x.place = CAST(substr(h.value, 52, 19) AS INTEGER)
		AND x.id = unhex(substr(h.value, 1, 32)) AND x.tenant = substr(h.value, 71)
		AND x.fence = CAST(substr(h.value, 33, 19) AS INTEGER) AND +x.phase = 3` + alone + ` AND NOT x.alarmed AND +x.sought = 0)`)
	e.completedAmong = sql(`SELECT x.tenant, x.id, x.fence ` + held + `6`)
	e.completeAll = sql(complete(completed+`, sought = 0`, "") + endedValues)
}

func (e *ending) forPostgres(sql dialect) {
	complete := func(held string) string {
		return `UPDATE troth_task_turn SET ` + completed + `, sought = 0 WHERE ctid = ANY (ARRAY(` + held + `))`
	}
	// Who joined is counted when the row of the group is ours: what was asked before
	// that would not show it.
	e.lockGroup = sql(`SELECT 1 FROM troth_task_group WHERE tenant = ? AND id = ? FOR UPDATE`)
	e.leave = sql(`WITH j AS (DELETE FROM troth_task_join WHERE tenant = $2 AND grp = $3 RETURNING n)
		UPDATE troth_task_group SET open = open - $1 + (SELECT COALESCE(SUM(n), 0) FROM j) WHERE tenant = $2 AND id = $3 RETURNING open`)
	// An alarm is the task's own, so removing it waits for nobody who waits for us.
	e.completeAlone = sql(`WITH ended AS (` + complete(heldRows+` AND x.phase + 0 = 3`+alone+heldLock) + ` RETURNING tenant, id, alarmed, sealed),
		rung AS (DELETE FROM troth_task_alarm a USING ended r WHERE r.alarmed AND a.tenant = r.tenant AND a.id = r.id),
		due AS (INSERT INTO troth_task_due (due_at, tenants, ids) SELECT {now}, $1::text[], $2::bytea[]
			WHERE EXISTS (SELECT 1 FROM ended WHERE sealed))
		SELECT COUNT(*) FROM ended`)
	e.completedAmong = sql(`SELECT h.tenant, h.id, h.fence FROM unnest($1::text[], $2::bytea[], $3::bigint[]) AS h (tenant, id, fence)
		CROSS JOIN LATERAL (SELECT 1 FROM troth_task_turn x
			WHERE x.tenant = h.tenant AND x.id = h.id AND x.fence = h.fence AND x.phase = 6 LIMIT 1) d`)
	e.completeAll = sql(complete(heldRows+` AND x.phase + 0 = 3`+heldLock) + endedValues)
}

// disposing are the statements by which payloads and old tasks go.
type disposing struct {
	disposals, hold                           string
	countOpen, isOpen, isSealed, withdraw     string
	emptyOne, emptyGroup, dropGroup           string
	postpone, undisposed                      string
	unseal, remove, removeTask, removeEdges   string
	removeAll, removeAllTasks, removeAllEdges string // PostgreSQL
}

func newDisposing(sql dialect) disposing {
	const still = `payload IS NOT NULL OR instructions IS NOT NULL`
	const values = `tenant, grp, due_at, tries, reason`
	return disposing{
		disposals: sql(`SELECT ` + values + ` FROM troth_task_disposal WHERE due_at <= {now}
			ORDER BY due_at, tenant, grp LIMIT ? {lock}`),
		hold:      sql(`UPDATE troth_task_disposal SET due_at = {now} + ? WHERE tenant = ? AND grp = ? RETURNING due_at`),
		countOpen: sql(`SELECT open FROM troth_task_group WHERE tenant = ? AND id = ?`),
		isOpen:    sql(`SELECT 1 FROM troth_task_turn WHERE tenant = ? AND id = ? AND phase < 6`),
		isSealed: sql(`SELECT 1 WHERE EXISTS (SELECT 1 FROM troth_task WHERE tenant = ? AND id = ? AND (` + still + `))
			OR EXISTS (SELECT 1 FROM troth_task WHERE tenant = ? AND grp = ? AND grp <> id AND (` + still + `))`),
		withdraw:   sql(`DELETE FROM troth_task_disposal WHERE tenant = ? AND grp = ?`),
		emptyOne:   sql(`UPDATE troth_task SET payload = NULL, instructions = NULL WHERE tenant = ? AND id = ? AND (` + still + `)`),
		emptyGroup: sql(`UPDATE troth_task SET payload = NULL, instructions = NULL WHERE tenant = ? AND grp = ? AND grp <> id AND (` + still + `)`),
		dropGroup:  sql(`DELETE FROM troth_task_group WHERE tenant = ? AND id = ?`),
		postpone: sql(`UPDATE troth_task_disposal SET due_at = {now} + ?, tries = tries + 1, reason = ?
			WHERE tenant = ? AND grp = ?`),
		// Of what stood alone and has not become a disposal yet the task tells.
		undisposed: sql(`SELECT ` + values + ` FROM (
				SELECT ` + values + ` FROM troth_task_disposal WHERE tenant = ? AND grp > ?
				UNION ALL SELECT tenant, id AS grp, ended_at AS due_at, 0 AS tries, '' AS reason FROM troth_task_turn t
					WHERE tenant = ? AND id > ? AND phase > 5 AND sealed AND grp = id
					AND NOT EXISTS (SELECT 1 FROM troth_task_disposal o WHERE o.tenant = t.tenant AND o.grp = t.id)) d ORDER BY grp LIMIT ?`),
		unseal: sql(`UPDATE troth_task_turn SET sealed = FALSE WHERE (tenant, id) IN (
			SELECT tenant, id FROM troth_task WHERE tenant = ? AND (id = ? OR (grp = ? AND grp <> id)))`),
		remove:      sql(`DELETE FROM troth_task_turn WHERE tenant = ? AND id = ? AND phase > 5 AND ended_at < ? AND NOT sealed`),
		removeTask:  sql(`DELETE FROM troth_task WHERE tenant = ? AND id = ?`),
		removeEdges: sql(`DELETE FROM troth_task_edge WHERE tenant = ? AND after_id = ?`),
	}
}

func (d *disposing) forPostgres(sql dialect) {
	d.countOpen = sql(`SELECT open + COALESCE((SELECT SUM(n) FROM troth_task_join WHERE tenant = $1 AND grp = $2), 0)::bigint
		FROM troth_task_group WHERE tenant = $1 AND id = $2`)
	d.dropGroup = sql(`WITH j AS (DELETE FROM troth_task_join WHERE tenant = $1 AND grp = $2)
		DELETE FROM troth_task_group WHERE tenant = $1 AND id = $2`)
	d.removeAll = sql(`DELETE FROM troth_task_turn WHERE tenant = $1 AND id = ANY($2::bytea[]) AND phase > 5 AND ended_at < $3
		AND NOT sealed RETURNING id`)
	d.removeAllTasks = sql(`DELETE FROM troth_task WHERE tenant = $1 AND id = ANY($2::bytea[])`)
	d.removeAllEdges = sql(`DELETE FROM troth_task_edge WHERE tenant = $1 AND after_id = ANY($2::bytea[])`)
}
