package tasksql

// timing are the statements that a clock drives.
type timing struct {
	extend                               string
	look, wakeDue, wakeLapsed            string
	shorten, dropRates, alarms, finished string
	extendAll                            string // PostgreSQL
}

func newTiming(sql dialect) timing {
	return timing{
		extend: sql(`UPDATE troth_task_turn SET wake_at = {now} + ?, span = ? WHERE tenant = ? AND id = ? AND fence = ? AND phase = 3`),
		look: sql(`SELECT c.now, EXISTS (SELECT 1 FROM troth_task_turn WHERE phase = 2 AND wake_at <= c.now),
				EXISTS (SELECT 1 FROM troth_task_turn WHERE phase = 3 AND wake_at <= c.now)
			FROM (SELECT {now} AS now) c`),
		wakeDue: sql(`WITH p AS MATERIALIZED (SELECT tenant AS p_tenant, id AS p_id FROM troth_task_turn
				WHERE phase = 2 AND wake_at <= {now} ORDER BY wake_at LIMIT ? {lock})
			UPDATE troth_task_turn SET phase = 1, wake_at = {now}, span = 0 FROM p WHERE tenant = p_tenant AND id = p_id`),
		wakeLapsed: sql(`WITH p AS MATERIALIZED (SELECT tenant AS p_tenant, id AS p_id FROM troth_task_turn
				WHERE phase = 3 AND wake_at <= {now} ORDER BY wake_at LIMIT ? {lock})
			UPDATE troth_task_turn SET phase = 1, wake_at = {now}, span = 0, fence = fence + 1, reason = ?
			FROM p WHERE tenant = p_tenant AND id = p_id RETURNING tenant, id`),
		shorten: sql(`WITH p AS MATERIALIZED (SELECT tenant AS p_tenant, id AS p_id FROM troth_task_turn
				WHERE phase IN (2, 3) AND span > 0 AND wake_at > {now} + span {lock})
			UPDATE troth_task_turn SET wake_at = {now} + span FROM p WHERE tenant = p_tenant AND id = p_id`),
		dropRates: sql(`DELETE FROM troth_task_rate WHERE next_at <= {now}`),
		alarms: sql(`SELECT a.tenant, a.id, a.stage, a.ring_at, m.kind, COALESCE(t.phase, m.state), m.created_at, m.deadline,
				COALESCE(t.owner, ''), {now}
			FROM troth_task_alarm a JOIN troth_task m ON m.tenant = a.tenant AND m.id = a.id
			LEFT JOIN troth_task_turn t ON t.tenant = a.tenant AND t.id = a.id
			WHERE a.ring_at <= {now} ORDER BY a.ring_at, a.tenant, a.id LIMIT ?`),
		finished: sql(`SELECT ` + lightValues + joined + `
			WHERE (m.created_at, m.id) > (?, ?) AND m.state <> 0 AND m.ended_at < ? ORDER BY m.created_at, m.id LIMIT ?`),
	}
}

func (t *timing) forPostgres(sql dialect) {
	t.extendAll = sql(`UPDATE troth_task_turn t SET wake_at = {now} + $4, span = $4
		FROM unnest($1::text[], $2::bytea[], $3::bigint[]) AS e (tenant, id, fence)
		WHERE t.tenant = e.tenant AND t.id = e.id AND t.fence = e.fence AND t.phase = 3 RETURNING t.tenant, t.id, t.fence`)
	t.alarms += " FOR UPDATE OF a SKIP LOCKED"
}

// ending are the statements by which attempts end, and tasks.
type ending struct {
	delay, putBack, park, instruct string
	endTurn, finishTurn, endTask   string
	completedUnder                 string
	dispose, leave                 string
	takeEdges, freeOne, parkOne    string
	completeAll                    string // PostgreSQL
}

const underFence = ` WHERE tenant = ? AND id = ? AND fence = ? AND phase = 3`

func newEnding(sql dialect) ending {
	return ending{
		delay: sql(`UPDATE troth_task_turn SET phase = 2, wake_at = {now} + ?, span = ?,
			reason = CASE WHEN CAST(? AS TEXT) = '' THEN reason ELSE ? END` + underFence),
		putBack: sql(`UPDATE troth_task_turn SET phase = 1, wake_at = {now}, span = 0, attempt = attempt - 1,
			reason = CASE WHEN CAST(? AS TEXT) = '' THEN reason ELSE ? END` + underFence),
		park: sql(`UPDATE troth_task_turn SET phase = 5, wake_at = 0, span = 0, owner = ?, manual_due = ?,
			reason = CASE WHEN CAST(? AS TEXT) = '' THEN reason ELSE ? END` + underFence),
		instruct:   sql(`UPDATE troth_task SET instructions = ? WHERE tenant = ? AND id = ?`),
		endTurn:    sql(`DELETE FROM troth_task_turn` + underFence + ` RETURNING fence, attempt, leads, reason`),
		finishTurn: sql(`DELETE FROM troth_task_turn WHERE tenant = ? AND id = ? AND phase = ? RETURNING fence, attempt, leads, reason`),
		endTask: sql(`UPDATE troth_task SET state = ?, ended_at = {now}, fence = ?, attempt = ?, reason = ?
			WHERE tenant = ? AND id = ? AND state = 0
			RETURNING grp, payload IS NOT NULL OR instructions IS NOT NULL`),
		completedUnder: sql(`SELECT 1 FROM troth_task WHERE tenant = ? AND id = ? AND fence = ? AND state = 6`),
		dispose: sql(`INSERT INTO troth_task_disposal (tenant, grp, due_at) VALUES (?, ?, {now})
			ON CONFLICT (tenant, grp) DO UPDATE SET due_at = excluded.due_at`),
		leave:     sql(`UPDATE troth_task_group SET open = open - ? WHERE tenant = ? AND id = ? RETURNING open`),
		takeEdges: sql(`DELETE FROM troth_task_edge WHERE tenant = ? AND before_id = ? RETURNING tenant, after_id`),
		freeOne: sql(`UPDATE troth_task_turn SET blocked = blocked - 1,
				phase = CASE WHEN blocked > 1 THEN 4 WHEN wake_at > {now} THEN 2 ELSE 1 END,
				wake_at = CASE WHEN blocked > 1 OR wake_at > {now} THEN wake_at ELSE {now} END
			WHERE tenant = ? AND id = ? AND phase = 4 RETURNING phase, wake_at`),
		parkOne: sql(`UPDATE troth_task_turn SET phase = 5, blocked = 0, wake_at = 0, span = 0, owner = ?, reason = ?
			WHERE tenant = ? AND id = ? AND phase = 4 RETURNING phase, wake_at`),
	}
}

func (e *ending) forPostgres(sql dialect) {
	// One statement for a batch: what is left to do for a few of them is told by
	// its last two columns.
	e.completeAll = sql(`WITH gone AS (
			DELETE FROM troth_task_turn t USING unnest($1::text[], $2::bytea[], $3::bigint[]) AS e (tenant, id, fence)
			WHERE t.tenant = e.tenant AND t.id = e.id AND t.fence = e.fence AND t.phase = 3
			RETURNING t.tenant, t.id, t.fence, t.attempt, t.leads),
		ended AS (
			UPDATE troth_task m SET state = 6, ended_at = {now}, fence = g.fence, attempt = g.attempt, reason = ''
			FROM gone g WHERE m.tenant = g.tenant AND m.id = g.id AND m.state = 0
			RETURNING m.tenant, m.id, m.fence, m.grp, m.deadline, g.leads, m.payload IS NOT NULL OR m.instructions IS NOT NULL AS sealed),
		alone AS (
			INSERT INTO troth_task_disposal (tenant, grp, due_at) SELECT tenant, grp, {now} FROM ended WHERE grp = id AND sealed
			ON CONFLICT (tenant, grp) DO UPDATE SET due_at = excluded.due_at),
		quiet AS (
			DELETE FROM troth_task_alarm a USING ended d WHERE d.deadline <> 0 AND a.tenant = d.tenant AND a.id = d.id)
		SELECT tenant, id, fence, grp, leads FROM ended`)
}

// disposing are the statements by which payloads and old tasks go.
type disposing struct {
	disposals, hold                       string
	lockGroup, isOpen, isSealed, withdraw string
	emptyOne, emptyGroup, dropGroup       string
	postpone, undisposed                  string
	remove, removeEdges                   string
	removeAll, removeAllEdges             string // PostgreSQL
}

func newDisposing(sql dialect) disposing {
	const still = `payload IS NOT NULL OR instructions IS NOT NULL`
	const values = `tenant, grp, due_at, tries, reason`
	return disposing{
		disposals: sql(`SELECT ` + values + ` FROM troth_task_disposal WHERE due_at <= {now}
			ORDER BY due_at, tenant, grp LIMIT ? {lock}`),
		hold:      sql(`UPDATE troth_task_disposal SET due_at = {now} + ? WHERE tenant = ? AND grp = ? RETURNING due_at`),
		lockGroup: sql(`SELECT open FROM troth_task_group WHERE tenant = ? AND id = ? {wait}`),
		isOpen:    sql(`SELECT 1 FROM troth_task_turn WHERE tenant = ? AND id = ?`),
		isSealed: sql(`SELECT 1 WHERE EXISTS (SELECT 1 FROM troth_task WHERE tenant = ? AND id = ? AND (` + still + `))
			OR EXISTS (SELECT 1 FROM troth_task WHERE tenant = ? AND grp = ? AND grp <> id AND (` + still + `))`),
		withdraw:   sql(`DELETE FROM troth_task_disposal WHERE tenant = ? AND grp = ?`),
		emptyOne:   sql(`UPDATE troth_task SET payload = NULL, instructions = NULL WHERE tenant = ? AND id = ? AND (` + still + `)`),
		emptyGroup: sql(`UPDATE troth_task SET payload = NULL, instructions = NULL WHERE tenant = ? AND grp = ? AND grp <> id AND (` + still + `)`),
		dropGroup:  sql(`DELETE FROM troth_task_group WHERE tenant = ? AND id = ?`),
		postpone: sql(`UPDATE troth_task_disposal SET due_at = {now} + ?, tries = tries + 1, reason = ?
			WHERE tenant = ? AND grp = ?`),
		undisposed: sql(`SELECT ` + values + ` FROM troth_task_disposal WHERE tenant = ? AND grp > ? ORDER BY grp LIMIT ?`),
		remove: sql(`DELETE FROM troth_task WHERE tenant = ? AND id = ? AND state <> 0 AND ended_at < ?
			AND payload IS NULL AND instructions IS NULL`),
		removeEdges: sql(`DELETE FROM troth_task_edge WHERE tenant = ? AND after_id = ?`),
	}
}

func (d *disposing) forPostgres(sql dialect) {
	d.removeAll = sql(`DELETE FROM troth_task WHERE tenant = $1 AND id = ANY($2::bytea[]) AND state <> 0 AND ended_at < $3
		AND payload IS NULL AND instructions IS NULL RETURNING id`)
	d.removeAllEdges = sql(`DELETE FROM troth_task_edge WHERE tenant = $1 AND after_id = ANY($2::bytea[])`)
}
