package rightssql

import (
	"strconv"
	"strings"

	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
)

const (
	requestRest = `subject, state, entitlement, owner, due_at, open, received_at`
	thisRequest = ` WHERE tenant = ? AND id = ?`
	itemPlace   = `tenant, owner, kind, id`
	thisItem    = ` WHERE tenant = ? AND owner = ? AND kind = ? AND id = ?`
)

// Bytes that are longer than any desk writes are cut: whoever writes past it must not
// decide how much of it is loaded.
var (
	cutRecord = "substr(record, 1, " + strconv.Itoa(rights.MaxRecord+1) + ")"
	cutSealed = "substr(sealed, 1, " + strconv.Itoa(rights.MaxSealed+1) + ")"

	requestValues = "tenant, id, " + requestRest + ", " + cutRecord
	// A request, its events and items as rows of one result.
	requestPart = `SELECT 0, ` + requestRest + `, ` + cutRecord + `, NULL FROM troth_rights_request` + thisRequest
	itemPart    = ` UNION ALL SELECT 1, id, '', kind, '', due_at, 0, 0, ` + cutRecord + `, ` + cutSealed + ` FROM troth_rights_item
		WHERE tenant = ? AND owner = ? AND kind = ?`
	eventPart = ` UNION ALL SELECT 2, '', '', '', '', seq, 0, 0, ` + cutRecord + `, NULL FROM troth_rights_event
		WHERE tenant = ? AND request = ?`
	itemRest   = "due_at, " + cutRecord + ", " + cutSealed
	itemValues = itemPlace + ", " + itemRest
)

// queries are the statements of one dialect, ready to run.
type queries struct {
	insertRequest, request, lockRequest, lockRequestAs, putRequest, requestsOf string
	// moveRequest changes the state and the record of a request of which nothing else changes.
	moveRequest                                  string
	deleteRequest, deleteEvents, deleteItems     string
	events                                       string
	insertItem, item, putItem, deleteItem, items string
	dueItems, managed, setManaged                string
	// queue is by what narrows it: nothing, state, owner; right narrows each once more.
	queue [8]string
	// insertEvents and writeItems are by how many rows they write, itemsAt by how many keys
	// it looks for, from one.
	insertEvents, writeItems, itemsAt [maxRows]string
	// file finds a request, its events, and its items of so many kinds from none.
	file [maxRows]string
}

// maxRows is how many rows one statement writes, or looks for: the events of a step, and its sources.
const maxRows = 16

// narrowings are the bits of a listing.
const (
	byState = 1 << iota
	byOwner
	byRight
)

func newQueries(d sqlstore.Dialect) *queries {
	q := common()
	q.lockRequest = q.request
	q.lockRequestAs = `SELECT record = ? FROM troth_rights_request` + thisRequest
	if d == sqlstore.Postgres {
		q.lockRequest += " FOR UPDATE"
		q.lockRequestAs = `SELECT (record = ?)::int FROM troth_rights_request` + thisRequest + " FOR UPDATE"
	}
	for _, text := range []*string{
		&q.insertRequest, &q.request, &q.lockRequest, &q.lockRequestAs, &q.putRequest, &q.moveRequest, &q.requestsOf, &q.deleteRequest, &q.deleteEvents,
		&q.deleteItems, &q.events, &q.insertItem, &q.item, &q.putItem, &q.deleteItem, &q.items, &q.dueItems,
		&q.managed, &q.setManaged,
	} {
		*text = d.Rebind(*text)
	}
	for i := range q.queue {
		q.queue[i] = d.Rebind(q.queue[i])
	}
	for i := range maxRows {
		q.insertEvents[i] = d.Rebind(`INSERT INTO troth_rights_event (tenant, request, seq, record) VALUES ` +
			rowsOf(i+1, `(?, ?, ?, ?)`) + ` ON CONFLICT DO NOTHING`)
		q.writeItems[i] = d.Rebind(`INSERT INTO troth_rights_item (` + itemPlace + `, due_at, record, sealed) VALUES ` +
			rowsOf(i+1, `(?, ?, ?, ?, ?, ?, ?)`) + ` ON CONFLICT (` + itemPlace + `) DO UPDATE SET
			due_at = excluded.due_at, record = excluded.record, sealed = excluded.sealed`)
		this := `SELECT ` + itemValues + ` FROM troth_rights_item` + thisItem
		q.itemsAt[i] = d.Rebind(this + strings.Repeat(` UNION ALL `+this, i))
		q.file[i] = file(d, i)
	}
	return q
}

// file has a part for each kind: of a list of them SQLite makes a table.
func file(d sqlstore.Dialect, kinds int) string {
	return d.Rebind(requestPart + strings.Repeat(itemPart, kinds) + eventPart)
}

// rowsOf are the values of n rows.
func rowsOf(n int, row string) string { return row + strings.Repeat(", "+row, n-1) }

func common() *queries {
	q := &queries{
		insertRequest: `INSERT INTO troth_rights_request (tenant, id, ` + requestRest + `, record)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		request: `SELECT ` + requestRest + `, ` + cutRecord + ` FROM troth_rights_request` + thisRequest,
		putRequest: `UPDATE troth_rights_request SET subject = ?, state = ?, entitlement = ?, owner = ?, due_at = ?, open = ?,
			received_at = ?, record = ?` + thisRequest,
		moveRequest: `UPDATE troth_rights_request SET state = ?, record = ?` + thisRequest + ` AND subject = ? AND entitlement = ?
			AND owner = ? AND due_at = ? AND open = ? AND received_at = ?`,
		requestsOf: `SELECT ` + requestValues + ` FROM troth_rights_request WHERE tenant = ? AND subject = ?
			ORDER BY received_at, id`,
		deleteRequest: `DELETE FROM troth_rights_request` + thisRequest,
		deleteEvents:  `DELETE FROM troth_rights_event WHERE tenant = ? AND request = ?`,
		deleteItems:   `DELETE FROM troth_rights_item WHERE tenant = ? AND owner = ?`,

		events: `SELECT seq, ` + cutRecord + ` FROM troth_rights_event WHERE tenant = ? AND request = ? ORDER BY seq`,

		insertItem: `INSERT INTO troth_rights_item (` + itemPlace + `, due_at, record, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`,
		item:       `SELECT ` + itemRest + ` FROM troth_rights_item` + thisItem,
		putItem:    `UPDATE troth_rights_item SET due_at = ?, record = ?, sealed = ?` + thisItem,
		deleteItem: `DELETE FROM troth_rights_item` + thisItem,
		items: `SELECT id, ` + itemRest + ` FROM troth_rights_item WHERE tenant = ? AND owner = ? AND kind = ? AND id > ?
			ORDER BY id LIMIT ?`,
		dueItems: `SELECT ` + itemPlace + ` FROM troth_rights_item WHERE kind = ? AND due_at <> 0 AND due_at <= ?
			ORDER BY due_at LIMIT ?`,

		managed:    `SELECT one FROM troth_rights_managed`,
		setManaged: `INSERT INTO troth_rights_managed (one) VALUES (1) ON CONFLICT DO NOTHING`,
	}
	for by := range q.queue {
		conditions := []string{`tenant = ?`, `open = ?`}
		for bit, column := range []string{"state", "owner", "entitlement"} {
			if by&(1<<bit) != 0 {
				conditions = append(conditions, column+` = ?`)
			}
		}
		where := strings.Join(conditions, ` AND `)
		q.queue[by] = `SELECT ` + requestValues + ` FROM troth_rights_request WHERE ` + where + ` AND (due_at, id) > (?, ?)
			ORDER BY due_at, id LIMIT ?`
	}
	return q
}
