package consentsql

import (
	"strconv"

	"github.com/trothdev/troth/storage/sqlstore"
)

// cut is a column whose bytes are cut where they are too long already.
func cut(column string, limit int) string {
	return "substr(" + column + ", 1, " + strconv.Itoa(limit+1) + ")"
}

var (
	record      = cut("record", maxSealed)
	eventValues = "tenant, subject, id, purpose, recorded_at, " + record + ", " + cut("proof", maxSealed) + ", " + cut("content", maxSealed)
	stateValues = "tenant, subject, purpose, " + cut("record", maxState)
	linkValues  = "tenant, device, account, " + record
	reqValues   = "tenant, subject, id, " + cut("token", 32) + ", " + record
	dueValues   = "tenant, subject, kind, purpose, ref, due_at"
)

// queries are the statements of one dialect, ready to run.
type queries struct {
	insertTerms, terms, insertNotice, notices, putText, text string

	insertPerson, lockPerson, person, erasedPerson, putPerson string

	insertEvent, event, events, eventsAbout, deleteEvent, deleteEventDeliveries string

	putState, deleteState, states, statesOf, statesBetween, statesAfter string

	insertLink, link, links string

	putRequest, requestByToken, requests, deleteRequest string

	insertDelivery, acknowledge, deliveries string

	putDue, deleteDue, due string

	countRefusal, refusals string

	eraseContent, movePerson, moveEvents, moveDevices, moveAccounts string
	// dropping are those that take a tenant and a person.
	dropStates, dropRequests, dropDue, dropLinks, dropDeliveries, dropEvents, dropPerson string

	managed, setManaged string
}

func newQueries(d sqlstore.Dialect) *queries {
	q := common()
	if d == sqlstore.Postgres {
		q.forPostgres()
	} else {
		q.forSQLite()
	}
	for _, text := range q.all() {
		*text = d.Rebind(*text)
	}
	return q
}

func (q *queries) all() []*string {
	return []*string{
		&q.insertTerms, &q.terms, &q.insertNotice, &q.notices, &q.putText, &q.text,
		&q.insertPerson, &q.lockPerson, &q.person, &q.erasedPerson, &q.putPerson,
		&q.insertEvent, &q.event, &q.events, &q.eventsAbout, &q.deleteEvent, &q.deleteEventDeliveries,
		&q.putState, &q.deleteState, &q.states, &q.statesOf, &q.statesBetween, &q.statesAfter,
		&q.insertLink, &q.link, &q.links,
		&q.putRequest, &q.requestByToken, &q.requests, &q.deleteRequest,
		&q.insertDelivery, &q.acknowledge, &q.deliveries, &q.putDue, &q.deleteDue, &q.due, &q.countRefusal, &q.refusals,
		&q.eraseContent, &q.movePerson, &q.moveEvents, &q.moveDevices, &q.moveAccounts,
		&q.dropStates, &q.dropRequests, &q.dropDue, &q.dropLinks, &q.dropDeliveries, &q.dropEvents, &q.dropPerson,
		&q.managed, &q.setManaged,
	}
}

func common() *queries {
	return &queries{
		insertTerms: `INSERT INTO troth_consent_terms (tenant, purpose, version, record) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		terms: `SELECT tenant, purpose, version, ` + record + ` FROM troth_consent_terms
			WHERE tenant = ? ORDER BY purpose, version`,
		insertNotice: `INSERT INTO troth_consent_notice (tenant, id, version, record) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		notices: `SELECT tenant, id, version, ` + record + ` FROM troth_consent_notice
			WHERE tenant = ? AND id = ? ORDER BY version`,
		putText: `INSERT INTO troth_consent_text (tenant, hash, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		text:    `SELECT ` + cut("body", maxText) + ` FROM troth_consent_text WHERE tenant = ? AND hash = ?`,

		insertPerson: `INSERT INTO troth_consent_person (tenant, subject, record) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		person:       `SELECT tenant, subject, ` + record + ` FROM troth_consent_person WHERE tenant = ? AND subject = ?`,
		erasedPerson: `SELECT tenant, subject, ` + record + ` FROM troth_consent_person WHERE tenant = ? AND mark = ?`,
		putPerson:    `UPDATE troth_consent_person SET record = ? WHERE tenant = ? AND subject = ?`,

		insertEvent: `INSERT INTO troth_consent_event (tenant, id, subject, purpose, recorded_at, record, proof, content)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		event:       `SELECT ` + eventValues + ` FROM troth_consent_event WHERE tenant = ? AND id = ?`,
		events:      `SELECT ` + eventValues + ` FROM troth_consent_event WHERE tenant = ? AND subject = ? ORDER BY recorded_at, id`,
		eventsAbout: `SELECT ` + eventValues + ` FROM troth_consent_event WHERE tenant = ? AND subject = ? AND purpose = ? ORDER BY recorded_at, id`,
		deleteEventDeliveries: `DELETE FROM troth_consent_delivery WHERE tenant = ? AND event IN (
			SELECT id FROM troth_consent_event WHERE tenant = ? AND subject = ? AND id = ?)`,
		deleteEvent: `DELETE FROM troth_consent_event WHERE tenant = ? AND subject = ? AND id = ?`,

		putState: `INSERT INTO troth_consent_state (tenant, subject, purpose, record) VALUES (?, ?, ?, ?)
			ON CONFLICT (tenant, subject, purpose) DO UPDATE SET record = excluded.record`,
		deleteState: `DELETE FROM troth_consent_state WHERE tenant = ? AND subject = ? AND purpose = ?`,
		states:      `SELECT ` + stateValues + ` FROM troth_consent_state WHERE tenant = ? AND subject = ? ORDER BY purpose`,
		statesAfter: `SELECT ` + stateValues + ` FROM troth_consent_state
			WHERE tenant = ? AND purpose = ? AND subject > ? ORDER BY subject LIMIT ?`,

		insertLink: `INSERT INTO troth_consent_link (tenant, device, account, record) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		link:       `SELECT ` + linkValues + ` FROM troth_consent_link WHERE tenant = ? AND device = ?`,
		links:      `SELECT ` + linkValues + ` FROM troth_consent_link WHERE tenant = ? AND account = ? ORDER BY device`,

		putRequest: `INSERT INTO troth_consent_request (tenant, subject, id, token, record) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (tenant, subject, id) DO UPDATE SET token = excluded.token, record = excluded.record`,
		requestByToken: `SELECT ` + reqValues + ` FROM troth_consent_request WHERE tenant = ? AND token = ?`,
		requests:       `SELECT ` + reqValues + ` FROM troth_consent_request WHERE tenant = ? AND subject = ? ORDER BY id`,
		deleteRequest:  `DELETE FROM troth_consent_request WHERE tenant = ? AND subject = ? AND id = ?`,

		insertDelivery: `INSERT INTO troth_consent_delivery (tenant, event, processor, noted_at, acked_at)
			VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		acknowledge: `UPDATE troth_consent_delivery SET acked_at = ?
			WHERE tenant = ? AND event = ? AND processor = ? AND acked_at = 0`,
		deliveries: `SELECT tenant, event, processor, noted_at, acked_at FROM troth_consent_delivery
			WHERE tenant = ? AND event = ? ORDER BY processor`,

		putDue: `INSERT INTO troth_consent_due (` + dueValues + `) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, subject, kind, purpose, ref) DO UPDATE SET due_at = excluded.due_at`,
		deleteDue: `DELETE FROM troth_consent_due WHERE tenant = ? AND subject = ? AND kind = ? AND purpose = ? AND ref = ?`,
		due:       `SELECT ` + dueValues + ` FROM troth_consent_due WHERE due_at < ? ORDER BY due_at LIMIT ?`,

		countRefusal: `INSERT INTO troth_consent_refusal (tenant, purpose, on_day, count) VALUES (?, ?, ?, 1)
			ON CONFLICT (tenant, purpose, on_day) DO UPDATE SET count = troth_consent_refusal.count + 1`,
		refusals: `SELECT on_day, count FROM troth_consent_refusal WHERE tenant = ? AND purpose = ? ORDER BY on_day`,

		eraseContent: `UPDATE troth_consent_event SET content = NULL WHERE tenant = ? AND subject = ? AND content IS NOT NULL`,
		movePerson:   `UPDATE troth_consent_person SET subject = ?, mark = ?, record = ? WHERE tenant = ? AND subject = ?`,
		moveEvents:   `UPDATE troth_consent_event SET subject = ? WHERE tenant = ? AND subject = ?`,
		moveDevices:  `UPDATE troth_consent_link SET device = ? WHERE tenant = ? AND device = ?`,
		moveAccounts: `UPDATE troth_consent_link SET account = ? WHERE tenant = ? AND account = ?`,

		dropStates:   `DELETE FROM troth_consent_state WHERE tenant = ? AND subject = ?`,
		dropRequests: `DELETE FROM troth_consent_request WHERE tenant = ? AND subject = ?`,
		dropDue:      `DELETE FROM troth_consent_due WHERE tenant = ? AND subject = ?`,
		dropLinks:    `DELETE FROM troth_consent_link WHERE tenant = ? AND (device = ? OR account = ?)`,
		dropDeliveries: `DELETE FROM troth_consent_delivery WHERE tenant = ? AND event IN (
			SELECT id FROM troth_consent_event WHERE tenant = ? AND subject = ?)`,
		dropEvents: `DELETE FROM troth_consent_event WHERE tenant = ? AND subject = ?`,
		dropPerson: `DELETE FROM troth_consent_person WHERE tenant = ? AND subject = ?`,

		managed:    `SELECT value FROM troth_consent_setting WHERE name = 'managed'`,
		setManaged: `INSERT INTO troth_consent_setting (name, value) VALUES ('managed', 1) ON CONFLICT DO NOTHING`,
	}
}

func (q *queries) forSQLite() {
	q.lockPerson = q.person
	q.statesOf = `SELECT ` + stateValues + ` FROM troth_consent_state
		WHERE tenant = ? AND purpose = ? AND subject IN (SELECT value FROM json_each(?))`
}

func (q *queries) forPostgres() {
	q.lockPerson = q.person + " FOR UPDATE"
	// In one value, see packed. The names cannot be of any length: the index holds
	// them.
	packed := `SELECT string_agg(int8send(octet_length(r.subject)::int8 << 32 | octet_length(r.record)) || textsend(r.subject) || r.record, ''::bytea) FROM (`
	mine := ` FROM troth_consent_state s WHERE s.tenant = ? AND s.purpose = ? AND `
	values := `SELECT s.subject, ` + cut("s.record", maxState) + ` AS record`
	q.statesBetween = packed + values + mine + `s.subject >= ? AND s.subject <= ? ORDER BY s.subject LIMIT ?) r`
	// Each by the index: LIMIT keeps the planner from reading the whole table instead.
	q.statesOf = packed + `SELECT f.subject, f.record FROM (SELECT ?::text AS tenant, ?::text AS purpose) a,
		unnest(?::text[]) AS u (subject), LATERAL (` + values + ` FROM troth_consent_state s
		WHERE s.tenant = a.tenant AND s.purpose = a.purpose AND s.subject = u.subject LIMIT 1) f) r`
}
