package tasksql

import (
	"strconv"

	"github.com/trothdev/troth/task"
)

// claiming are the statements of claims.
type claiming struct {
	// waiting asks which of some kinds have tasks waiting. PostgreSQL is asked
	// for all kinds at once, SQLite for one.
	waiting string
	// lines shows which lines of a kind have tasks waiting.
	lines string
	// listLine shows what is waiting in a line, and where; takeListed takes it.
	listLine, takeListed string
	// claim does all of it for a kind without limits, claimLine for one line;
	// on PostgreSQL.
	claim, claimLine string

	free, takeOne             string
	rate, setRate             string
	tryLimits, currentInstant string
	// leaseEnds is when a lease would end that begins now.
	leaseEnds string
}

const (
	// turnValues are of a task that is claimed: what is not among them it cannot have.
	// Of one that is listed in a line its turn is known too. What stands alone is its own
	// group, which is not said again.
	listValues  = `t.id, m.key, NULLIF(m.grp, t.id), m.payload, m.instructions, m.created_at, m.deadline, t.attempt, t.fence, t.reason`
	turnValues  = `t.tenant, m.line, t.wake_at, ` + listValues
	turnColumns = `tenant, id, wake_at, fence, attempt, reason`
	taken       = `phase = 3, sought = ?, span = ?, fence = fence + 1, attempt = attempt + 1`
	// waitingIn is what waits in one line, longest first.
	waitingIn = `FROM troth_task_turn w WHERE w.sought = 1 AND w.kind = ? AND w.tenant = ? AND w.line = ?
		ORDER BY w.wake_at, w.id LIMIT ?`
)

// linesAround walks over the lines of a kind on SQLite, one step for each: from the
// one behind the given one on, and from the beginning again, once around. A step is
// asked for within the tenant first and then behind it: SQLite searches an index for
// the first of two compared columns only, and would walk through all that waits in
// the line before.
var linesAround = `WITH RECURSIVE around (tenant, line, first_tenant, first_line) AS (
		SELECT x.tenant, x.line, x.tenant, x.line FROM troth_task_turn x WHERE x.rowid = ` + lineBehind("?2", "?3") + `
		UNION ALL
		SELECT x.tenant, x.line, a.first_tenant, a.first_line FROM around a CROSS JOIN troth_task_turn x
			WHERE x.rowid = ` + lineBehind("a.tenant", "a.line") + ` AND (x.tenant <> a.first_tenant OR x.line <> a.first_line)
		LIMIT ` + strconv.Itoa(task.LinesAtOnce) + `)
	SELECT tenant, line FROM around`

// lineBehind is where some task lies that waits in the line behind the given one.
func lineBehind(tenant, line string) string {
	const in = `(SELECT rowid FROM troth_task_turn WHERE sought = 1 AND kind = ?1`
	return `COALESCE(` +
		in + ` AND tenant = ` + tenant + ` AND line > ` + line + ` ORDER BY line LIMIT 1), ` +
		in + ` AND tenant > ` + tenant + ` ORDER BY tenant, line LIMIT 1), ` +
		in + ` ORDER BY tenant, line LIMIT 1))`
}

func newClaiming(sql dialect) claiming {
	return claiming{
		waiting: sql(`SELECT 1 WHERE EXISTS (SELECT 1 FROM troth_task_turn WHERE sought = 1 AND kind = ?)`),
		listLine: sql(`SELECT t.place, ` + listValues + ` FROM (SELECT w.rowid AS place, ` + turnColumns + ` ` + waitingIn + `) t
			CROSS JOIN troth_task m WHERE m.tenant = t.tenant AND m.id = t.id`),
		takeListed: sql(`UPDATE OR FAIL troth_task_turn SET ` + taken + `, wake_at = ? WHERE rowid IN (SELECT value FROM json_each(?))`),
		free: sql(`SELECT line, phase FROM troth_task_turn WHERE tenant = ? AND id = ? AND kind = ?
			AND (phase = 1 OR (phase IN (2, 3) AND wake_at <= {now})) {wait}`),
		takeOne: sql(`UPDATE troth_task_turn SET ` + taken + `, wake_at = {now} + ? WHERE tenant = ? AND id = ?`),
		rate:    sql(`SELECT next_at FROM troth_task_rate WHERE kind = ? AND tenant = ? AND line = ?`),
		setRate: sql(`INSERT INTO troth_task_rate (kind, tenant, line, next_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (kind, tenant, line) DO UPDATE SET next_at = excluded.next_at`),
		currentInstant: sql(`SELECT {now}`),
		leaseEnds:      sql(`SELECT {now} + ?`),
	}
}

// The lines of a kind by a loose scan of the index, one step for each: behind
// the one served last, and then from the beginning up to it. They are compared by
// operators that no other index has: where there are many tenants the planner would
// rather go through the primary key and sort.
const linesCTE = `RECURSIVE
	behind AS (
		(SELECT tenant, line FROM troth_task_turn
			WHERE sought = 1 AND kind = $1 AND (tenant, line) ~>~ ($2, $3) ORDER BY tenant USING ~<~, line USING ~<~ LIMIT 1)
		UNION ALL
		SELECT n.tenant, n.line FROM behind b CROSS JOIN LATERAL (SELECT x.tenant, x.line FROM troth_task_turn x
			WHERE x.sought = 1 AND x.kind = $1 AND (x.tenant, x.line) ~>~ (b.tenant, b.line) ORDER BY x.tenant USING ~<~, x.line USING ~<~ LIMIT 1) n),
	before AS (
		(SELECT tenant, line FROM troth_task_turn
			WHERE sought = 1 AND kind = $1 AND (tenant, line) ~<=~ ($2, $3) ORDER BY tenant USING ~<~, line USING ~<~ LIMIT 1)
		UNION ALL
		SELECT n.tenant, n.line FROM before b CROSS JOIN LATERAL (SELECT x.tenant, x.line FROM troth_task_turn x
			WHERE x.sought = 1 AND x.kind = $1 AND (x.tenant, x.line) ~>~ (b.tenant, b.line) AND (x.tenant, x.line) ~<=~ ($2, $3)
			ORDER BY x.tenant USING ~<~, x.line USING ~<~ LIMIT 1) n),
	lines AS MATERIALIZED (SELECT tenant, line, ROW_NUMBER() OVER () AS turn FROM (
		SELECT tenant, line FROM (SELECT tenant, line FROM behind UNION ALL SELECT tenant, line FROM before) AS around LIMIT 32) AS first)`

// A limit that is a query is one that the planner cannot know, so that it does not
// plan each claim anew: that would cost as much as the claim of some dozen tasks.

// takePicked takes what was picked and returns it whole, in the order of the
// pick. How many there are the planner cannot guess, and it would read both tables
// to the end for some hundred of them: so they are found by where they lie, while
// they are locked, and what they are is looked up for one after the other. sought is
// what they become, kind that of their lease.
func takePicked(sought, kind string) string {
	return `took AS (UPDATE troth_task_turn SET phase = 3, sought = ` + sought + `, span = $4, fence = fence + 1, attempt = attempt + 1,
		wake_at = {now} + $4
		WHERE ctid = ANY (ARRAY(SELECT place FROM picked))
		RETURNING ` + turnColumns + `),
	leased AS (INSERT INTO troth_task_lease (until, span, kind, tenants, ids)
		SELECT MAX(wake_at), $4, ` + kind + `, ARRAY_AGG(tenant), ARRAY_AGG(id) FROM took HAVING COUNT(*) > 0)
	SELECT ` + turnValues + ` FROM took t JOIN picked p ON p.tenant = t.tenant AND p.id = t.id
	CROSS JOIN LATERAL (SELECT key, line, grp, payload, instructions, created_at, deadline FROM troth_task x WHERE x.tenant = t.tenant AND x.id = t.id LIMIT 1) m
	ORDER BY p.turn, p.due, t.id`
}

func (c *claiming) forSQLite(sql dialect) { c.lines = sql(linesAround) }

func (c *claiming) forPostgres(sql dialect) {
	// Without an order the planner would rather read the table, where much is waiting.
	c.waiting = sql(`SELECT k.kind FROM unnest($1::text[]) AS k (kind)
		CROSS JOIN LATERAL (SELECT 1 FROM troth_task_turn t WHERE t.sought = 1 AND t.kind = k.kind ORDER BY t.tenant USING ~<~, t.line USING ~<~ LIMIT 1) w`)
	c.lines = sql(`WITH ` + linesCTE + ` SELECT tenant, line FROM lines ORDER BY turn`)
	c.claim = sql(`WITH ` + linesCTE + `,
	picked AS MATERIALIZED (SELECT w.ctid AS place, w.tenant, w.id, w.wake_at AS due, l.turn FROM lines l CROSS JOIN LATERAL (
			SELECT x.ctid, x.tenant, x.id, x.wake_at FROM troth_task_turn x
			WHERE x.sought = 1 AND x.kind = $1 AND x.tenant = l.tenant AND x.line = l.line ORDER BY x.wake_at, x.id
			LIMIT (SELECT ($5::bigint + COUNT(*) - 1) / GREATEST(COUNT(*), 1) FROM lines) FOR UPDATE SKIP LOCKED) w
		LIMIT (SELECT $5::bigint)),
	` + takePicked(`0`, `$1`))
	c.claimLine = sql(`WITH picked AS MATERIALIZED (SELECT x.ctid AS place, x.tenant, x.id, x.wake_at AS due, 1 AS turn FROM troth_task_turn x
			WHERE x.sought = 1 AND x.kind = $1 AND x.tenant = $2 AND x.line = $3 ORDER BY x.wake_at, x.id
			LIMIT (SELECT $5::bigint) FOR UPDATE SKIP LOCKED),
	` + takePicked(`3`, `''`))
	c.tryLimits = `SELECT pg_try_advisory_xact_lock($1)`
}
