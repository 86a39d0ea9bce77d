package retentionsql

import (
	"strconv"

	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
)

const thisControl = ` WHERE tenant = ? AND kind = ? AND id = ?`

// holdValues and controlValues cut what is longer than any keeper writes, likewise.
var (
	holdValues    = holdPlace + ", substr(condition, 1, " + strconv.Itoa(retention.MaxDetail+1) + "), told_at"
	controlValues = "tenant, kind, id, open, due_at, substr(body, 1, " + strconv.Itoa(retention.MaxControl+1) +
		"), substr(state, 1, " + strconv.Itoa(retention.MaxControl+1) + "), substr(mac, 1, 33)"
)

// controlQueries are the statements about control rows.
type controlQueries struct {
	insertControl, putControl, control, lockControl, openControls, controls, dueControls, toReview string
}

func newControlQueries(d sqlstore.Dialect) controlQueries {
	q := controlQueries{
		insertControl: `INSERT INTO troth_retention_control (tenant, kind, id, open, due_at, body, state, mac)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		putControl:   `UPDATE troth_retention_control SET open = ?, due_at = ?, body = ?, state = ?, mac = ?` + thisControl,
		control:      `SELECT ` + controlValues + ` FROM troth_retention_control` + thisControl,
		openControls: `SELECT ` + controlValues + ` FROM troth_retention_control WHERE tenant = ? AND kind = ? AND open <> 0 ORDER BY id`,
		controls: `SELECT ` + controlValues + ` FROM troth_retention_control
			WHERE tenant = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?`,
		dueControls: `SELECT ` + controlValues + ` FROM troth_retention_control
			WHERE kind = ? AND due_at <> 0 AND due_at <= ? ORDER BY due_at LIMIT ?`,
		toReview: `SELECT ` + holdValues + ` FROM troth_retention_hold
			WHERE released_at = 0 AND review_at <= ? AND review_at > told_at ORDER BY review_at LIMIT ?`,
	}
	q.lockControl = q.control
	if d == sqlstore.Postgres {
		q.lockControl += " FOR UPDATE"
	}
	for _, text := range []*string{
		&q.insertControl, &q.putControl, &q.control, &q.lockControl, &q.openControls, &q.controls, &q.dueControls, &q.toReview,
	} {
		*text = d.Rebind(*text)
	}
	return q
}
