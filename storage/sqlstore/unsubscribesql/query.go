package unsubscribesql

import (
	"strconv"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/feed"
	"github.com/trothdev/troth/unsubscribe"
)

// cut is a column whose bytes are cut where they are longer than any that a registry
// writes: whoever writes past it must not decide how much of it is loaded.
func cut(column string) string {
	return "substr(" + column + ", 1, " + strconv.Itoa(unsubscribe.MaxRecord+1) + ")"
}

const (
	entryPlace  = `addr_key, tenant, channel, list`
	entryRest   = `mailbox, opted_out_at, imported_at, complained_at, bounced_at, opted_in_at, generation, event`
	entryValues = entryPlace + ", " + entryRest
	thisEntry   = ` WHERE addr_key = ? AND tenant = ? AND channel = ? AND list = ?`

	progressValues = `state, noted_at, due_at, told_at, rule, attempts, alarmed, next_alarm`
	deliveryValues = `tenant, event, provider, ` + progressValues
)

var eventValues = `tenant, id, addr_key, mailbox, recorded_at, ` + cut("record") + `, subject, ` + cut("content")

// queries are the statements of one dialect, ready to run.
type queries struct {
	insertEntry, lockEntry, putEntry, entries, prefixes, entriesOf, entriesAfter string

	epoch, holdEpoch, lockEpoch, insertEpoch, putEpoch, holdFirst, lockFirst string

	entryPairs, rekeyEntry, eventPairs, rekeyEvent string

	insertEvent, event, events, eventsOf, eraseContent, eraseSubject string

	insertDelivery, lockDelivery, putDelivery, deliveries, dueDeliveries string

	waiting, follow string

	managed, setManaged string
}

func newQueries(d sqlstore.Dialect) *queries {
	q := common()
	q.feed()
	if d == sqlstore.Postgres {
		q.forPostgres()
	} else {
		q.forSQLite()
	}
	for _, text := range []*string{
		&q.insertEntry, &q.lockEntry, &q.putEntry, &q.entries, &q.prefixes, &q.entriesOf, &q.entriesAfter,
		&q.epoch, &q.holdEpoch, &q.lockEpoch, &q.insertEpoch, &q.putEpoch, &q.holdFirst, &q.lockFirst,
		&q.entryPairs, &q.rekeyEntry, &q.eventPairs, &q.rekeyEvent,
		&q.insertEvent, &q.event, &q.events, &q.eventsOf, &q.eraseContent, &q.eraseSubject,
		&q.insertDelivery, &q.lockDelivery, &q.putDelivery, &q.deliveries, &q.dueDeliveries,
		&q.waiting, &q.follow, &q.managed, &q.setManaged,
	} {
		*text = d.Rebind(*text)
	}
	return q
}

func common() *queries {
	return &queries{
		insertEntry: `INSERT INTO troth_unsubscribe_entry (` + entryValues + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`,
		lockEntry: `SELECT ` + entryValues + ` FROM troth_unsubscribe_entry` + thisEntry,
		putEntry: `UPDATE troth_unsubscribe_entry SET mailbox = ?, opted_out_at = ?, imported_at = ?, complained_at = ?,
			bounced_at = ?, opted_in_at = ?, generation = ?, event = ?` + thisEntry,
		entriesOf: `SELECT ` + entryValues + ` FROM troth_unsubscribe_entry
			WHERE tenant = ? AND (addr_key, channel, list) > (?, ?, ?) ORDER BY addr_key, channel, list LIMIT ?`,
		entriesAfter: `SELECT ` + entryValues + ` FROM troth_unsubscribe_entry
			WHERE (addr_key, tenant, channel, list) > (?, ?, ?, ?) ORDER BY addr_key, tenant, channel, list LIMIT ?`,

		epoch:       `SELECT epoch FROM troth_unsubscribe_epoch WHERE tenant = ?`,
		insertEpoch: `INSERT INTO troth_unsubscribe_epoch (tenant, epoch) VALUES (?, 1) ON CONFLICT DO NOTHING`,
		putEpoch: `INSERT INTO troth_unsubscribe_epoch (tenant, epoch) VALUES (?, ?)
			ON CONFLICT (tenant) DO UPDATE SET epoch = excluded.epoch`,
		entryPairs: `SELECT DISTINCT addr_key, mailbox FROM troth_unsubscribe_entry WHERE tenant = ?`,
		rekeyEntry: `UPDATE troth_unsubscribe_entry SET addr_key = ?, mailbox = ? WHERE tenant = ? AND addr_key = ? AND mailbox = ?`,
		eventPairs: `SELECT DISTINCT addr_key, mailbox FROM troth_unsubscribe_event WHERE tenant = ?`,
		rekeyEvent: `UPDATE troth_unsubscribe_event SET addr_key = ?, mailbox = ? WHERE tenant = ? AND addr_key = ? AND mailbox = ?`,

		insertEvent: `INSERT INTO troth_unsubscribe_event (tenant, id, addr_key, mailbox, recorded_at, record, subject, content)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		event:  `SELECT ` + eventValues + ` FROM troth_unsubscribe_event WHERE tenant = ? AND id = ?`,
		events: `SELECT ` + eventValues + ` FROM troth_unsubscribe_event WHERE tenant = ? AND addr_key = ? ORDER BY recorded_at, id`,
		eventsOf: `SELECT ` + eventValues + ` FROM troth_unsubscribe_event WHERE tenant = ? AND subject = ? AND subject <> ''
			ORDER BY recorded_at, id`,
		eraseContent: `UPDATE troth_unsubscribe_event SET subject = '', content = NULL
			WHERE tenant = ? AND id = ? AND (subject <> '' OR content IS NOT NULL)`,
		eraseSubject: `UPDATE troth_unsubscribe_event SET subject = '', content = NULL
			WHERE tenant = ? AND subject = ? AND subject <> ''`,

		insertDelivery: `INSERT INTO troth_unsubscribe_delivery (` + deliveryValues + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`,
		lockDelivery: `SELECT ` + deliveryValues + ` FROM troth_unsubscribe_delivery WHERE tenant = ? AND event = ? AND provider = ?`,
		putDelivery: `UPDATE troth_unsubscribe_delivery SET state = ?, noted_at = ?, due_at = ?, told_at = ?, rule = ?,
			attempts = ?, alarmed = ?, next_alarm = ? WHERE tenant = ? AND event = ? AND provider = ?`,
		deliveries: `SELECT ` + deliveryValues + ` FROM troth_unsubscribe_delivery WHERE tenant = ? AND event = ? ORDER BY provider`,
		dueDeliveries: `SELECT ` + deliveryValues + ` FROM troth_unsubscribe_delivery
			WHERE next_alarm <> 0 AND next_alarm <= ? ORDER BY next_alarm LIMIT ?`,

		managed:    `SELECT value FROM troth_unsubscribe_setting WHERE name = 'managed'`,
		setManaged: `INSERT INTO troth_unsubscribe_setting (name, value) VALUES ('managed', 1) ON CONFLICT DO NOTHING`,
	}
}

// entriesIn finds rows by both of their keys, each once: UNION drops what comes
// twice. SQLite is told of the mailboxes' index, for it would take the tenant's, all of
// whose rows it would read.
func entriesIn(keys string) string {
	return `SELECT ` + entryValues + ` FROM troth_unsubscribe_entry WHERE tenant = ? AND addr_key ` + keys + `
		UNION SELECT ` + entryValues + ` FROM troth_unsubscribe_entry INDEXED BY troth_unsubscribe_entry_mailbox
		WHERE ` + anyMailbox + ` AND tenant = ? AND mailbox <> addr_key AND mailbox ` + keys
}

// anyMailbox spares looking for mailboxes where no entry has one of its own. It is
// asked once for the statement; the order makes it look into the index of these.
const anyMailbox = `(SELECT mailbox FROM troth_unsubscribe_entry WHERE tenant = ? AND mailbox <> addr_key
	ORDER BY mailbox LIMIT 1) IS NOT NULL`

// entriesEach is entriesIn with a look-up in an index for each key: OFFSET 0 keeps the
// planner from reading the whole table for every few thousand of them.
func entriesEach() string {
	each := func(which string) string {
		return `SELECT ` + entryValues + ` FROM (SELECT ?::text AS wanted) w, unnest(?::bytea[]) k CROSS JOIN LATERAL (
			SELECT ` + entryValues + ` FROM troth_unsubscribe_entry WHERE tenant = w.wanted AND ` + which + ` OFFSET 0) e`
	}
	return each(`addr_key = k`) + ` UNION ` + each(`mailbox <> addr_key AND mailbox = k`) + ` WHERE ` + anyMailbox
}

// prefixesBy are the first eight bytes of keys and mailboxes, put together by an
// expression. Both are read from indexes alone. What is no key is left out: nothing is
// found under it.
func prefixesBy(gather string) string {
	return `SELECT ` + gather + ` FROM (
		SELECT k FROM (SELECT addr_key AS k FROM troth_unsubscribe_entry
			WHERE tenant = ? AND addr_key >= ? AND addr_key <= ? LIMIT ?) e
		UNION ALL SELECT k FROM (SELECT mailbox AS k FROM troth_unsubscribe_entry
			WHERE tenant = ? AND mailbox <> addr_key AND mailbox >= ? AND mailbox <= ? LIMIT ?) m) u WHERE length(k) = 32`
}

func (q *queries) feed() {
	// One statement and so one snapshot: the head must not run ahead of the events,
	// nor a pruning come between them.
	q.follow = `SELECT b.head, e.position, e.tenant, e.addr_key, e.raised_at
		FROM (SELECT COALESCE(MAX(position), 0) AS head FROM troth_unsubscribe_feed WHERE position ` + feed.Plausible + `) b
		LEFT JOIN (SELECT position, tenant, addr_key, raised_at FROM (SELECT position, tenant, addr_key, raised_at FROM troth_unsubscribe_feed
			WHERE position > ? AND position ` + feed.Plausible + ` ORDER BY position LIMIT ?) n`
}

func (q *queries) forSQLite() {
	q.holdEpoch, q.lockEpoch = q.epoch, q.epoch
	q.entries = entriesIn(`IN (SELECT unhex(value) FROM json_each(?))`)
	q.prefixes = prefixesBy(`group_concat(hex(substr(k, 1, 8)), '')`)
	q.waiting = `SELECT 0`
	q.follow += `) e ON 1 = 1`
}

func (q *queries) forPostgres() {
	q.holdEpoch, q.lockEpoch = q.epoch+" FOR SHARE", q.epoch+" FOR UPDATE"
	q.holdFirst, q.lockFirst = `SELECT pg_advisory_xact_lock_shared(?)`, `SELECT pg_advisory_xact_lock(?)`
	q.lockEntry += " FOR UPDATE"
	q.lockDelivery += " FOR UPDATE"
	q.entries = entriesEach()
	q.prefixes = prefixesBy(`string_agg(substr(k, 1, 8), ''::bytea)`)
	q.waiting = `SELECT 1 FROM troth_unsubscribe_feed WHERE position IS NULL LIMIT 1`
	q.follow += `
		UNION ALL SELECT position, tenant, addr_key, raised_at FROM (SELECT position, tenant, addr_key, raised_at FROM troth_unsubscribe_feed
			WHERE position IS NULL LIMIT ?) u) e ON TRUE`
}
