package retentionsql

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

const (
	eventPlace  = `tenant, scope, scoped, at, event`
	eventRest   = `handle, reported_at, horizon, last, after_type, after_id, reached, done_at`
	eventValues = eventPlace + ", " + eventRest
	thisEvent   = ` WHERE tenant = ? AND scope = ? AND scoped = ? AND at = ? AND event = ?`
)

// manyQueries are the statements about what many records share, and about leases.
type manyQueries struct {
	insertEvent, eventsOf, lockEvent, putEvent, deleteEvents, openEvents string

	recordsOfTenant string
	recordsOf       map[retention.Scope]string

	horizon, settled string

	claimLease, fence, keepLease, endLease string
}

func newManyQueries(d sqlstore.Dialect) manyQueries {
	now, lock, elements := "CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) * 1000", "", "SELECT value ->> 0, value ->> 1 FROM json_each(?)"
	if d == sqlstore.Postgres {
		now, lock = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint", " FOR UPDATE SKIP LOCKED"
		elements = "SELECT value ->> 0, value ->> 1 FROM json_array_elements(?::json)"
	}
	sql := func(text string) string { return d.Rebind(strings.ReplaceAll(text, "{now}", now)) }
	const records = ` FROM troth_retention_record WHERE tenant = ? AND (type, id) > (?, ?)`
	recordsOf := func(where string) string {
		return sql(`SELECT ` + recordValues + records + where + ` ORDER BY type, id LIMIT ?`)
	}
	return manyQueries{
		insertEvent: sql(`INSERT INTO troth_retention_event (` + eventValues + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`),
		eventsOf: sql(`SELECT ` + eventValues + ` FROM troth_retention_event WHERE tenant = ? AND (scope, scoped) IN (` + elements + `)
			ORDER BY at, event, scope, scoped`),
		lockEvent: sql(`SELECT ` + eventValues + ` FROM troth_retention_event` + thisEvent + lock),
		putEvent: sql(`UPDATE troth_retention_event SET handle = ?, reported_at = ?, horizon = ?, last = ?, after_type = ?, after_id = ?,
			reached = ?, done_at = ?` + thisEvent),
		deleteEvents: sql(`DELETE FROM troth_retention_event WHERE tenant = ? AND scope = ? AND scoped = ?`),
		openEvents:   sql(`SELECT ` + eventValues + ` FROM troth_retention_event WHERE done_at = 0 ORDER BY reported_at LIMIT ?`),

		// The second condition is what the index is limited to.
		recordsOfTenant: recordsOf(""),
		recordsOf: map[retention.Scope]string{
			retention.OfAccount: recordsOf(` AND account = ? AND account <> ''`),
			retention.OfSubject: recordsOf(` AND subject = ? AND subject <> ''`),
			retention.OfPurpose: recordsOf(` AND purpose = ? AND purpose <> ''`),
		},

		// The transaction's own number is above all that wrote before. Where the highest
		// that has ended is below a mark, the mark is of another server, before a restore.
		horizon: `SELECT pg_current_xact_id()::text::bigint`,
		settled: sql(`SELECT CASE WHEN pg_snapshot_xmin(s)::text::bigint >= ? OR pg_snapshot_xmax(s)::text::bigint < ?
			THEN 1 ELSE 0 END FROM pg_current_snapshot() s`),

		claimLease: sql(`INSERT INTO troth_retention_lease (name, holder, fence, length, ends_at) VALUES (?, ?, 1, ?, {now} + ?)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = troth_retention_lease.fence + 1, length = excluded.length, ends_at = excluded.ends_at
			WHERE troth_retention_lease.holder = excluded.holder
				OR troth_retention_lease.ends_at <= {now} OR troth_retention_lease.ends_at > {now} + troth_retention_lease.length`),
		fence: sql(`SELECT fence FROM troth_retention_lease WHERE name = ?`),
		keepLease: sql(`UPDATE troth_retention_lease SET length = ?, ends_at = {now} + ?
			WHERE name = ? AND fence = ? AND ends_at > {now} AND ends_at <= {now} + length`),
		endLease: sql(`UPDATE troth_retention_lease SET ends_at = 0 WHERE name = ? AND fence = ?`),
	}
}

func scanEvent(rows *sqlstore.Rows) (e retention.EventRow, err error) {
	var tenant, scope string
	var last int64
	err = rows.Scan(&tenant, &scope, &e.ID, &e.At, &e.Event, &e.Handle, &e.ReportedAt, &e.Horizon, &last,
		&e.AfterType, &e.AfterID, &e.Reached, &e.DoneAt)
	e.Tenant, e.Scope, e.Last = troth.Tenant(tenant), retention.Scope(scope), last != 0
	return e, err
}

func eventKey(k retention.EventKey) []any {
	return []any{string(k.Tenant), string(k.Scope), k.ID, k.At, k.Event}
}

func eventFields(e *retention.EventRow) []any {
	last := int64(0)
	if e.Last {
		last = 1
	}
	return []any{e.Handle, e.ReportedAt, e.Horizon, last, e.AfterType, e.AfterID, e.Reached, e.DoneAt}
}

// InsertEvent implements retention.Store.
func (s *Store) InsertEvent(ctx context.Context, row retention.EventRow) (bool, error) {
	return s.db.Affects(ctx, s.q.many.insertEvent, append(eventKey(row.EventKey), eventFields(&row)...)...)
}

// EventsOf implements retention.Store.
func (s *Store) EventsOf(ctx context.Context, tenant troth.Tenant, of []retention.Many) ([]retention.EventRow, error) {
	if len(of) == 0 {
		return nil, ctx.Err()
	}
	pairs := make([][2]string, len(of))
	for i, m := range of {
		pairs[i] = [2]string{string(m.Scope), m.ID}
	}
	list, err := json.Marshal(pairs)
	if err != nil {
		return nil, err
	}
	return statement.Query(ctx, s.db, scanEvent, s.q.many.eventsOf, string(tenant), string(list))
}

// LockEvent implements retention.Store.
func (s *Store) LockEvent(ctx context.Context, key retention.EventKey) (retention.EventRow, bool, error) {
	if err := s.db.Locking(ctx); err != nil {
		return retention.EventRow{}, false, err
	}
	return statement.One(ctx, s.db, scanEvent, s.q.many.lockEvent, eventKey(key)...)
}

// PutEvent implements retention.Store.
func (s *Store) PutEvent(ctx context.Context, row retention.EventRow) error {
	return s.db.Must(ctx, s.q.many.putEvent, append(eventFields(&row), eventKey(row.EventKey)...)...)
}

// DeleteEvents implements retention.Store.
func (s *Store) DeleteEvents(ctx context.Context, tenant troth.Tenant, of retention.Many) (int, error) {
	return s.db.Exec(ctx, s.q.many.deleteEvents, string(tenant), string(of.Scope), of.ID)
}

// RecordsOf implements retention.Store.
func (s *Store) RecordsOf(ctx context.Context, after retention.RecordKey, of retention.Many, limit int) ([]retention.RecordRow, error) {
	args := []any{string(after.Tenant), after.Type, after.ID}
	if of.Scope == retention.OfAccount && of.ID == "" {
		return statement.Query(ctx, s.db, scanRecord, s.q.many.recordsOfTenant, append(args, limit)...)
	}
	text, known := s.q.many.recordsOf[of.Scope]
	if !known {
		return nil, ctx.Err()
	}
	return statement.Query(ctx, s.db, scanRecord, text, append(args, of.ID, limit)...)
}

// OpenEvents implements retention.SystemStore.
func (s *Store) OpenEvents(ctx context.Context, limit int) ([]retention.EventRow, error) {
	return statement.Query(ctx, s.db, scanEvent, s.q.many.openEvents, limit)
}

// Horizon implements retention.SystemStore. On SQLite there is one writer, so who writes
// has seen what others wrote.
func (s *Store) Horizon(ctx context.Context) (int64, error) {
	if !s.db.Postgres() {
		return 1, ctx.Err()
	}
	n, _, err := statement.One(ctx, s.db, scanNumber, s.q.many.horizon)
	return n, err
}

// Settled implements retention.SystemStore.
func (s *Store) Settled(ctx context.Context, horizon int64) (bool, error) {
	if !s.db.Postgres() {
		return true, ctx.Err()
	}
	n, _, err := statement.One(ctx, s.db, scanNumber, s.q.many.settled, horizon, horizon)
	return n == 1 && err == nil, err
}

// ClaimLease implements retention.SystemStore.
func (s *Store) ClaimLease(ctx context.Context, name, holder string, length time.Duration) (fence int64, claimed bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		var err error
		if claimed, err = s.db.Affects(ctx, s.q.many.claimLease, name, holder, length.Microseconds(), length.Microseconds()); err != nil || !claimed {
			return err
		}
		fence, _, err = statement.One(ctx, s.db, scanNumber, s.q.many.fence, name)
		return err
	})
	return fence, claimed && err == nil, err
}

// KeepLease implements retention.SystemStore.
func (s *Store) KeepLease(ctx context.Context, name string, fence int64, length time.Duration) (bool, error) {
	return s.db.Affects(ctx, s.q.many.keepLease, length.Microseconds(), length.Microseconds(), name, fence)
}

// EndLease implements retention.SystemStore.
func (s *Store) EndLease(ctx context.Context, name string, fence int64) error {
	_, err := s.db.Exec(ctx, s.q.many.endLease, name, fence)
	return err
}
