package tasksql

import (
	"database/sql"
	"errors"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/task"
)

// How states are stored: as the phase of the turn.
var codes = map[task.State]int64{
	task.Waiting: 1, task.Delayed: 2, task.Running: 3, task.Blocked: 4, task.Manual: 5,
	task.Completed: 6, task.Failed: 7, task.Cancelled: 8,
}

var states = func() map[int64]task.State {
	out := make(map[int64]task.State, len(codes))
	for s, c := range codes {
		out[c] = s
	}
	return out
}()

// errRow says no more: a stored value is not quoted, whatever it is.
var errRow = errors.New("tasksql: stored task has values out of range")

// fill copies an id; false if it has another length.
func fill(to *task.ID, from []byte) bool {
	return len(from) == copy(to[:], from) && len(from) == len(to)
}

// scanID reads one id.
func scanID(rows *sqlstore.Rows) (id task.ID, err error) {
	var raw []byte
	if err = rows.Scan(&raw); err == nil && !fill(&id, raw) {
		err = errRow
	}
	return id, err
}

// scanName reads a tenant and an id.
func scanName(rows *sqlstore.Rows) (n task.Name, err error) {
	var raw []byte
	if err = rows.Scan(&n.Tenant, &raw); err == nil && !fill(&n.ID, raw) {
		err = errRow
	}
	return n, err
}

// scanHeld reads a claim.
func scanHeld(rows *sqlstore.Rows) (h task.Held, err error) {
	var raw sql.RawBytes
	if err = rows.Scan(&h.Tenant, &raw, &h.Fence); err == nil && !fill(&h.ID, raw) {
		err = errRow
	}
	return h, err
}

// scanRow reads a whole task, in the order of the columns of taskValues.
func scanRow(rows *sqlstore.Rows) (r task.Row, err error) {
	var id, group []byte
	var key sql.NullString
	var state, attempt, blocked int64
	err = rows.Scan(&r.Tenant, &id, &r.Kind, &key, &r.Line, &group, &r.Payload, &r.Instructions, &r.CreatedAt, &r.Deadline,
		&r.EndedAt, &state, &attempt, &r.Fence, &r.Reason, &r.WakeAt, &blocked, &r.Owner, &r.ManualDue)
	if err != nil {
		return r, err
	}
	r.Key, r.State, r.Attempt, r.Blocked = key.String, states[state], int(attempt), int(blocked)
	if r.State == "" || !fill(&r.ID, id) || !fill(&r.Group, group) {
		return r, errRow
	}
	return r, nil
}

// orNull keeps an empty value from being stored as one.
func orNull(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// takenScan reads tasks of a kind that are claimed.
type takenScan struct {
	r         task.Row
	id, group sql.RawBytes
	key       sql.NullString
	dest      []any
}

// scanTaken reads them in the order of the columns of turnValues.
func scanTaken(kind string) func(rows *sqlstore.Rows) (task.Row, error) {
	t := &takenScan{}
	t.dest = t.behind(&t.r.Tenant, &t.r.Line, &t.r.WakeAt)
	return func(rows *sqlstore.Rows) (task.Row, error) { return t.scan(rows, task.Row{Kind: kind}) }
}

// behind returns what listValues are read into, behind others.
func (t *takenScan) behind(others ...any) []any {
	return append(others, &t.id, &t.key, &t.group, &t.r.Payload, &t.r.Instructions, &t.r.CreatedAt, &t.r.Deadline,
		&t.r.Attempt, &t.r.Fence, &t.r.Reason)
}

// scan reads a task of which something is known.
func (t *takenScan) scan(rows *sqlstore.Rows, known task.Row) (task.Row, error) {
	t.r = known
	t.r.State = task.Running
	if err := rows.Scan(t.dest...); err != nil {
		return t.r, err
	}
	t.r.Key = t.key.String
	if !fill(&t.r.ID, t.id) || t.group != nil && !fill(&t.r.Group, t.group) {
		return t.r, errRow
	}
	if t.group == nil {
		t.r.Group = t.r.ID
	}
	return t.r, nil
}
