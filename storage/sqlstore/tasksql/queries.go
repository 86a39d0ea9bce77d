package tasksql

import (
	"strings"

	"github.com/trothdev/troth/storage/sqlstore"
)

// Columns of a whole task, with and without what is sealed.
const (
	bareValues = `m.created_at, m.deadline, t.ended_at, t.phase, t.attempt, t.fence, t.reason,
		CASE WHEN t.phase > 5 THEN 0 ELSE t.wake_at END, t.blocked, t.owner, t.manual_due`
	taskValues  = `m.tenant, m.id, m.kind, m.key, m.line, m.grp, m.payload, m.instructions, ` + bareValues
	lightValues = `m.tenant, m.id, m.kind, m.key, m.line, m.grp, NULL AS payload, NULL AS instructions, ` + bareValues
	joined      = ` FROM troth_task_turn t JOIN troth_task m ON m.tenant = t.tenant AND m.id = t.id `
)

// dialect makes a text ready to run. In the texts {now} is the current time,
// which a statement asks for once, so that an index may be searched for it; and
// {lock} is how rows are taken that others may have: they are passed over.
type dialect func(text string) string

func newDialect(d sqlstore.Dialect, now string) dialect {
	lock, wait := "", ""
	if d == sqlstore.Postgres {
		lock, wait = "FOR UPDATE SKIP LOCKED", "FOR UPDATE"
	}
	return func(text string) string {
		return d.Rebind(strings.NewReplacer("{now}", "(SELECT "+now+")", "{lock}", lock, "{wait}", wait).Replace(text))
	}
}

// queries are the statements of one dialect, ready to run.
type queries struct {
	adding
	reading
	claiming
	timing
	ending
	disposing
	listing
	managed, setManaged string
}

func newQueries(d sqlstore.Dialect, now string) *queries {
	sql := newDialect(d, now)
	q := &queries{
		adding: newAdding(sql), reading: newReading(sql), claiming: newClaiming(sql), timing: newTiming(sql),
		ending: newEnding(sql), disposing: newDisposing(sql), listing: newListing(sql),
		managed:    `SELECT one FROM troth_task_managed`,
		setManaged: `INSERT INTO troth_task_managed (one) VALUES (1) ON CONFLICT DO NOTHING`,
	}
	if d == sqlstore.Postgres {
		q.adding.forPostgres(sql)
		q.claiming.forPostgres(sql)
		q.timing.forPostgres(sql)
		q.ending.forPostgres(sql)
		q.disposing.forPostgres(sql)
		q.listing.forPostgres(sql)
	} else {
		q.claiming.forSQLite(sql)
		q.ending.forSQLite(sql)
		q.listing.forSQLite(sql)
	}
	return q
}

const (
	newTurn = `INSERT INTO troth_task_turn (tenant, id, kind, line, grp, sealed, alarmed, phase, sought, wake_at, blocked)
		SELECT n.tenant, n.id, n.kind, n.line, n.grp, n.sealed, n.alarmed,
		CASE WHEN n.blocked > 0 THEN 4 WHEN n.not_before > c.now THEN 2 ELSE 1 END,
		CASE WHEN n.blocked > 0 THEN 0 WHEN n.not_before > c.now THEN 2 ELSE 1 END,
		CASE WHEN n.blocked > 0 OR n.not_before > c.now THEN n.not_before ELSE c.now END, n.blocked`
	newValues = `CAST(? AS BIGINT) AS not_before, CAST(? AS BIGINT) AS blocked`
)

// adding are the statements that add tasks.
type adding struct {
	find, joinGroup, insertTask, insertTurn, insertBoth string
	phase, insertEdge, leads                            string
	setAlarm, removeAlarm                               string
	insertAll, findAll, joinAgain                       string // PostgreSQL
}

// forPostgres adds many at once. Keys are inserted in order, so that two who add the
// same do not wait for each other; equal ones of one call are in theirs.
func (a *adding) forPostgres(sql dialect) {
	// Of a group that this transaction has joined before nothing is returned.
	a.joinGroup = sql(`INSERT INTO troth_task_group (tenant, name, id, open, joined) VALUES (?, ?, ?, ?, txid_current())
		ON CONFLICT (tenant, name) DO UPDATE SET open = troth_task_group.open + excluded.open, joined = excluded.joined
		WHERE troth_task_group.joined <> excluded.joined RETURNING id`)
	a.joinAgain = sql(`INSERT INTO troth_task_join (tenant, grp, n)
		SELECT tenant, id, CAST(? AS BIGINT) FROM troth_task_group WHERE tenant = ? AND name = ? RETURNING grp`)
	a.insertAll = sql(`WITH r AS MATERIALIZED (SELECT tenant, id, kind, key, line, created_at, deadline, not_before, stage, ring_at, place
			FROM unnest($1::text[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[]) WITH ORDINALITY
			AS r (tenant, id, kind, key, line, created_at, deadline, not_before, stage, ring_at, place)),
		n AS (INSERT INTO troth_task (tenant, id, kind, key, line, grp, created_at, deadline)
			SELECT tenant, id, kind, NULLIF(key, ''), line, id, created_at, deadline FROM r
			ORDER BY tenant COLLATE "C", kind COLLATE "C", key COLLATE "C", place
			ON CONFLICT DO NOTHING RETURNING tenant, id),
		added AS MATERIALIZED (SELECT r.tenant, r.id, kind, line, not_before, stage, ring_at FROM r JOIN n ON n.tenant = r.tenant AND n.id = r.id),
		turns AS (INSERT INTO troth_task_turn (tenant, id, kind, line, grp, phase, sought, wake_at, sealed, alarmed)
			SELECT tenant, id, kind, line, id, CASE WHEN not_before > c.now THEN 2 ELSE 1 END, CASE WHEN not_before > c.now THEN 2 ELSE 1 END,
				CASE WHEN not_before > c.now THEN not_before ELSE c.now END, FALSE, ring_at <> 0 FROM added, (SELECT {now} AS now) c),
		alarms AS (INSERT INTO troth_task_alarm (tenant, id, stage, ring_at)
			SELECT tenant, id, stage, ring_at FROM added WHERE ring_at <> 0)
		SELECT tenant, id FROM added`)
	a.findAll = sql(`SELECT m.tenant, m.kind, m.key, m.id FROM unnest($1::text[], $2::text[], $3::text[]) AS r (tenant, kind, key)
		CROSS JOIN LATERAL (SELECT tenant, kind, key, id FROM troth_task x WHERE x.tenant = r.tenant AND x.kind = r.kind AND x.key = r.key LIMIT 1) m`)
}

func newAdding(sql dialect) adding {
	return adding{
		find: sql(`SELECT id FROM troth_task WHERE tenant = ? AND kind = ? AND key = ?`),
		joinGroup: sql(`INSERT INTO troth_task_group (tenant, name, id, open) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant, name) DO UPDATE SET open = troth_task_group.open + excluded.open RETURNING id`),
		insertTask: sql(`INSERT INTO troth_task (tenant, id, kind, key, line, grp, payload, created_at, deadline)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`),
		insertTurn: sql(newTurn + `
			FROM (SELECT ? AS tenant, ? AS id, ? AS kind, ? AS line, ? AS grp, ? AS sealed, ? AS alarmed, ` + newValues + `) n,
				(SELECT {now} AS now) c`),
		// PostgreSQL does both at once.
		insertBoth: sql(`WITH n AS (
				INSERT INTO troth_task (tenant, id, kind, key, line, grp, payload, created_at, deadline)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
				RETURNING tenant, id, kind, line, grp, payload IS NOT NULL AS sealed, CAST(? AS BOOLEAN) AS alarmed, ` + newValues + `)
			` + newTurn + ` FROM n, (SELECT {now} AS now) c`),
		phase:       sql(`SELECT phase FROM troth_task_turn WHERE tenant = ? AND id = ? {wait}`),
		insertEdge:  sql(`INSERT INTO troth_task_edge (tenant, before_id, after_id) VALUES (?, ?, ?)`),
		leads:       sql(`UPDATE troth_task_turn SET leads = leads + 1 WHERE tenant = ? AND id = ?`),
		removeAlarm: sql(`DELETE FROM troth_task_alarm WHERE tenant = ? AND id = ?`),
		setAlarm: sql(`INSERT INTO troth_task_alarm (tenant, id, stage, ring_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant, id) DO UPDATE SET stage = excluded.stage, ring_at = excluded.ring_at`),
	}
}

// reading are the statements that look at tasks of one tenant, and those of
// people who do something about them.
type reading struct {
	task, tasks, tasksIn, tasksManual string
	counts                            string
	assign, resume                    string
}

func newReading(sql dialect) reading {
	const page = `WHERE t.tenant = ? AND t.id > ? `
	return reading{
		task:  sql(`SELECT ` + taskValues + joined + `WHERE t.tenant = ? AND t.id = ?`),
		tasks: sql(`SELECT ` + lightValues + joined + page + `ORDER BY t.id LIMIT ?`),
		tasksIn: sql(`SELECT ` + lightValues + joined + page + `AND t.phase = ? AND (CAST(? AS TEXT) = '' OR t.owner = ?)
			ORDER BY t.id LIMIT ?`),
		tasksManual: sql(`SELECT ` + lightValues + joined + page + `AND t.sought = 5 AND t.owner = ? ORDER BY t.id LIMIT ?`),
		counts: sql(`SELECT kind, phase, COUNT(*), COUNT(CASE WHEN phase > 5 AND ended_at >= ? THEN 1 END),
				MIN(CASE WHEN phase = 1 THEN wake_at ELSE 0 END)
			FROM troth_task_turn WHERE tenant = ? GROUP BY kind, phase`),
		assign: sql(`UPDATE troth_task_turn SET owner = ?,
			manual_due = CASE WHEN CAST(? AS BIGINT) = 0 THEN manual_due ELSE ? END
			WHERE tenant = ? AND id = ? AND phase = 5 AND (CAST(? AS TEXT) = '' OR owner = ?)`),
		resume: sql(`UPDATE troth_task_turn SET phase = 1, sought = 1, wake_at = {now}, span = 0, attempt = 0, owner = '', manual_due = 0
			WHERE tenant = ? AND id = ? AND phase = 5`),
	}
}
