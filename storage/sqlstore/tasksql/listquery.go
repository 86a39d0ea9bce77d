package tasksql

import (
	"strconv"
	"strings"
)

// listing are the statements about lists: of leases that end at one instant, and of
// tasks that ended together.
type listing struct {
	// running counts what runs of a kind, by line.
	running string
	// addLeaseOf adds a list of one lease, addLeases one of many, on SQLite.
	addLeaseOf, addLeases string
	// Lists of leases are looked at when they end: dropSpent forgets some of which nobody
	// runs any more. Of each of the others, lapsed, wakeLapsed wakes who has lost the
	// lease, and dropLease forgets the list if nobody of it is left.
	dropSpent, lapsed, wakeLapsed, dropLease string
	// longLeases are lists of leases that end later than their length from now.
	// shorten shortens them, and dropLong forgets the list.
	longLeases, shorten, dropLong string
	// addDue adds a list of tasks that ended, if any of them has something sealed. due
	// is a list of those, disposeOf makes disposals of it, and dropDue forgets it.
	addDue, due, disposeOf, dropDue string
	// putOff makes a disposal of what is on such a list, for later.
	putOff string
}

// leasedKind is the kind of a lease: what runs under a limit is counted by itself.
const leasedKind = `CASE WHEN sought = 3 THEN '' ELSE kind END`

// Of those on a list a lapsed one runs although its lease has ended, and one that is
// too long ends later than its length from now.
const (
	isLapsed = `x.phase + 0 = 3 AND x.wake_at <= {now}`
	isLong   = `x.phase + 0 = 3 AND x.wake_at > {now} + x.span`
	woken    = `phase = 1, sought = 1, wake_at = {now}, span = 0, fence = fence + 1, reason = ?`
	hasEnded = `x.phase > 5 AND x.sealed AND x.grp = x.id`
)

// ended are lists of leases that have ended, at most so many.
func ended(most int) string {
	return `SELECT no FROM troth_task_lease WHERE until <= {now} ORDER BY until, no LIMIT ` + strconv.Itoa(most) + ` {lock}`
}

// spentAtOnce is how many lists of leases are forgotten with one statement.
const spentAtOnce = 32

func newListing(sql dialect) listing {
	const long = `FROM troth_task_lease WHERE until > {now} AND until > {now} + span`
	return listing{
		lapsed:     sql(ended(256)),
		longLeases: sql(`SELECT no ` + long + ` ORDER BY until, no {lock}`),
		due:        sql(`SELECT no, due_at FROM troth_task_due WHERE due_at <= {now} ORDER BY due_at, no LIMIT 1 {lock}`),
		dropDue:    sql(`DELETE FROM troth_task_due WHERE no = ?`),
		putOff: sql(`INSERT INTO troth_task_disposal (tenant, grp, due_at, tries, reason)
			SELECT x.tenant, x.id, {now} + ?, 1, ? FROM troth_task_turn x WHERE x.tenant = ? AND x.id = ? AND ` + hasEnded + ` ON CONFLICT DO NOTHING`),
	}
}

func (l *listing) forSQLite(sql dialect) {
	const in = ` CROSS JOIN troth_task_turn x WHERE l.no = ? AND x.tenant = substr(h.value, 52) AND x.id = unhex(substr(h.value, 1, 32)) AND `
	const at = `json_each(l.places) h CROSS JOIN troth_task_turn x`
	const leased = `FROM troth_task_lease l CROSS JOIN ` + at + ` WHERE l.no = ? AND x.place = h.value AND `
	change := func(how, which string) string {
		return `UPDATE troth_task_turn SET ` + how + ` WHERE rowid IN (SELECT x.rowid ` + leased + which + ` LIMIT ?) RETURNING tenant, id`
	}
	// There is one writer: what is not woken now was not to be.
	gone := func(which string) string {
		return `DELETE FROM troth_task_lease WHERE no = ?1 AND NOT EXISTS (SELECT 1 ` + strings.Replace(leased, "?", "?1", 1) + which + `)`
	}
	l.running = sql(`SELECT tenant, line, COUNT(*) FROM (
			SELECT tenant, line, id FROM troth_task_turn WHERE sought = 3 AND kind = ?
			UNION SELECT x.tenant, x.line, x.id FROM troth_task_lease l CROSS JOIN ` + at + `
				WHERE l.kind <> '' AND l.kind = ? AND x.place = h.value AND +x.kind = l.kind AND +x.phase = 3
		) r GROUP BY tenant, line`)
	l.addLeases = sql(`INSERT INTO troth_task_lease (until, span, kind, places) VALUES (?, ?, ?, ?)`)
	l.addLeaseOf = sql(`INSERT INTO troth_task_lease (until, span, kind, places)
		SELECT ?, ?, ?, json_array(place) FROM troth_task_turn WHERE tenant = ? AND id = ?`)
	l.wakeLapsed = sql(change(woken, isLapsed))
	l.dropLease = sql(gone(isLapsed))
	l.dropSpent = sql(`DELETE FROM troth_task_lease WHERE no IN (` + ended(spentAtOnce) + `)
		AND NOT EXISTS (SELECT 1 FROM json_each(places) h CROSS JOIN troth_task_turn x WHERE x.place = h.value AND ` + isLapsed + `)`)
	l.shorten = sql(change(`wake_at = {now} + span`, isLong))
	l.dropLong = sql(`UPDATE troth_task_lease SET until = {now} + span WHERE no = ?`)
	l.addDue = sql(`INSERT INTO troth_task_due (due_at, names) SELECT {now}, ?1 WHERE EXISTS (SELECT 1 FROM json_each(?1) h CROSS JOIN troth_task_turn x
		WHERE x.tenant = substr(h.value, 52) AND x.id = unhex(substr(h.value, 1, 32)) AND x.sealed)`)
	l.disposeOf = sql(`INSERT INTO troth_task_disposal (tenant, grp, due_at)
		SELECT x.tenant, x.id, x.ended_at FROM troth_task_due l CROSS JOIN json_each(l.names) h` + in + hasEnded + ` ON CONFLICT DO NOTHING`)
}

func (l *listing) forPostgres(sql dialect) {
	// The turns of a list are looked up one by one: of how many there are the planner has
	// no idea.
	turns := func(list, what, which, lock string) string {
		return list + ` l CROSS JOIN LATERAL unnest(l.tenants, l.ids) AS e (tenant, id)
			CROSS JOIN LATERAL (SELECT ` + what + ` FROM troth_task_turn x
				WHERE x.tenant = e.tenant AND x.id = e.id AND ` + which + ` LIMIT 1` + lock + `) h`
	}
	change := func(how, which string) string {
		return `UPDATE troth_task_turn SET ` + how + ` WHERE ctid = ANY (ARRAY(
			SELECT h.ctid FROM ` + turns(`troth_task_lease`, `x.ctid`, which, ` FOR UPDATE SKIP LOCKED`) + ` WHERE l.no = ? LIMIT (SELECT ?::bigint)))`
	}
	// Who is locked by somebody else keeps the list.
	gone := func(no, which string) string {
		return `DELETE FROM troth_task_lease d WHERE d.no = ` + no + ` AND NOT EXISTS (
			SELECT 1 FROM ` + strings.Replace(turns(``, `1`, which, ``), ` l CROSS JOIN LATERAL unnest(l.tenants, l.ids)`, `unnest(d.tenants, d.ids)`, 1) + `)`
	}
	l.running = sql(`SELECT tenant, line, COUNT(*) FROM (
			SELECT tenant, line, id FROM troth_task_turn WHERE sought = 3 AND kind = ?
			UNION SELECT h.tenant, h.line, h.id FROM ` + turns(`troth_task_lease`, `x.tenant, x.line, x.id`, `x.phase + 0 = 3`, ``) + `
				WHERE l.kind <> '' AND l.kind = ?
		) r GROUP BY tenant, line`)
	l.addLeaseOf = sql(`INSERT INTO troth_task_lease (until, span, kind, tenants, ids) VALUES (?, ?, ?, ARRAY[CAST(? AS TEXT)], ARRAY[CAST(? AS BYTEA)])`)
	l.wakeLapsed = sql(change(woken, isLapsed) + ` RETURNING tenant, id`)
	l.dropLease = sql(gone(`?`, isLapsed))
	l.dropSpent = sql(gone(`ANY (ARRAY(`+ended(spentAtOnce)+`))`, isLapsed))
	l.shorten = sql(`WITH short AS (` + change(`wake_at = {now} + span`, isLong) + ` RETURNING tenant, id, wake_at, span, ` + leasedKind + ` AS leased),
		leases AS (INSERT INTO troth_task_lease (until, span, kind, tenants, ids)
			SELECT MAX(wake_at), span, leased, ARRAY_AGG(tenant), ARRAY_AGG(id) FROM short GROUP BY span, leased)
		SELECT tenant, id FROM short`)
	l.dropLong = sql(gone(`?`, isLong))
	l.addDue = sql(`INSERT INTO troth_task_due (due_at, tenants, ids) SELECT {now}, $1::text[], $2::bytea[]`)
	l.disposeOf = sql(`INSERT INTO troth_task_disposal (tenant, grp, due_at)
		SELECT h.tenant, h.id, h.ended_at FROM ` + turns(`troth_task_due`, `x.tenant, x.id, x.ended_at`, hasEnded, ``) + ` WHERE l.no = ? ON CONFLICT DO NOTHING`)
}
