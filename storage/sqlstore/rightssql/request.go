package rightssql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

func scanRequest(rows *sqlstore.Rows) (r rights.RequestRow, err error) {
	var tenant string
	err = scanState(rows, &r, &tenant, &r.ID)
	r.Tenant = troth.Tenant(tenant)
	return r, err
}

// scanState scans what comes before, and then what a request is beside its key.
func scanState(rows *sqlstore.Rows, r *rights.RequestRow, before ...any) error {
	var state, right string
	var open int64
	if err := rows.Scan(append(before, &r.SubjectID, &state, &right, &r.Owner, &r.DueAt, &open, &r.ReceivedAt, &r.Record)...); err != nil {
		return err
	}
	r.State, r.Right, r.Open = rights.State(state), rights.Right(right), open != 0
	if len(r.Record) > rights.MaxRecord {
		return rights.ErrRecord
	}
	return nil
}

// one finds a request by its key.
func (s *Store) one(ctx context.Context, query string, tenant troth.Tenant, id string) (rights.RequestRow, bool, error) {
	scan := func(rows *sqlstore.Rows) (r rights.RequestRow, err error) {
		r.Tenant, r.ID = tenant, id
		err = scanState(rows, &r)
		return r, err
	}
	return statement.One(ctx, s.db, scan, query, string(tenant), id)
}

func flag(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// blob is bytes for a column that is never null.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func restOf(r *rights.RequestRow) []any {
	return []any{
		r.SubjectID, string(r.State), string(r.Right), r.Owner, r.DueAt, flag(r.Open), r.ReceivedAt, blob(r.Record),
	}
}

// InsertRequest implements rights.Store.
func (s *Store) InsertRequest(ctx context.Context, row rights.RequestRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertRequest, append([]any{string(row.Tenant), row.ID}, restOf(&row)...)...)
}

// Request implements rights.Store.
func (s *Store) Request(ctx context.Context, tenant troth.Tenant, id string) (rights.RequestRow, bool, error) {
	return s.one(ctx, s.q.request, tenant, id)
}

// LockRequest implements rights.Store. On SQLite the writer is alone.
func (s *Store) LockRequest(ctx context.Context, tenant troth.Tenant, id string) (rights.RequestRow, bool, error) {
	if err := s.db.Locking(ctx); err != nil {
		return rights.RequestRow{}, false, err
	}
	return s.one(ctx, s.q.lockRequest, tenant, id)
}

// LockRequestAs implements rights.Store.
func (s *Store) LockRequestAs(ctx context.Context, tenant troth.Tenant, id string, record []byte) (same bool, err error) {
	if err := s.db.Locking(ctx); err != nil {
		return false, err
	}
	is, _, err := statement.One(ctx, s.db, scanNumber, s.q.lockRequestAs, blob(record), string(tenant), id)
	return is == 1, err
}

// PutRequest implements rights.Store. SQLite writes an entry anew in every index of which a
// statement sets a column, also to what it is. Most of what happens to a request moves its
// state alone, so that is tried first.
func (s *Store) PutRequest(ctx context.Context, row rights.RequestRow) error {
	if !s.db.Postgres() {
		moved, err := s.db.Affects(ctx, s.q.moveRequest, string(row.State), blob(row.Record), string(row.Tenant), row.ID,
			row.SubjectID, string(row.Right), row.Owner, row.DueAt, flag(row.Open), row.ReceivedAt)
		if err != nil || moved {
			return err
		}
	}
	return s.db.Must(ctx, s.q.putRequest, append(restOf(&row), string(row.Tenant), row.ID)...)
}

// DeleteRequest implements rights.Store.
func (s *Store) DeleteRequest(ctx context.Context, tenant troth.Tenant, id string) (deleted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		if deleted, err = s.db.Affects(ctx, s.q.deleteRequest, string(tenant), id); err != nil || !deleted {
			return err
		}
		if _, err := s.db.Exec(ctx, s.q.deleteEvents, string(tenant), id); err != nil {
			return err
		}
		_, err := s.db.Exec(ctx, s.q.deleteItems, string(tenant), id)
		return err
	})
	return deleted && err == nil, err
}

// Requests implements rights.Store.
func (s *Store) Requests(ctx context.Context, l rights.Listing) ([]rights.RequestRow, error) {
	by, args := 0, []any{string(l.Tenant), flag(!l.Closed)}
	if l.State != "" {
		by, args = by|byState, append(args, string(l.State))
	}
	if l.Owner != "" {
		by, args = by|byOwner, append(args, l.Owner)
	}
	if l.Right != "" {
		by, args = by|byRight, append(args, string(l.Right))
	}
	return statement.Query(ctx, s.db, scanRequest, s.q.queue[by], append(args, l.After.DueAt, l.After.ID, max(l.Limit, 0))...)
}

// RequestsOf implements rights.Store.
func (s *Store) RequestsOf(ctx context.Context, tenant troth.Tenant, subjectID string) ([]rights.RequestRow, error) {
	return statement.Query(ctx, s.db, scanRequest, s.q.requestsOf, string(tenant), subjectID)
}

func scanEvent(rows *sqlstore.Rows, e rights.EventRow) (rights.EventRow, error) {
	var seq int64
	if err := rows.Scan(&seq, &e.Record); err != nil {
		return e, err
	}
	if !statement.Small(seq, &e.Seq) || len(e.Record) > rights.MaxRecord {
		return rights.EventRow{}, rights.ErrRecord
	}
	return e, nil
}

// InsertEvents implements rights.Store.
func (s *Store) InsertEvents(ctx context.Context, rows []rights.EventRow) (int, error) {
	return many(ctx, s, s.q.insertEvents[:], rows, func(args []any, row *rights.EventRow) []any {
		return append(args, string(row.Tenant), row.Request, int64(row.Seq), blob(row.Record))
	})
}

// Events implements rights.Store.
func (s *Store) Events(ctx context.Context, tenant troth.Tenant, request string) ([]rights.EventRow, error) {
	scan := func(rows *sqlstore.Rows) (rights.EventRow, error) {
		return scanEvent(rows, rights.EventRow{Tenant: tenant, Request: request})
	}
	return statement.Query(ctx, s.db, scan, s.q.events, string(tenant), request)
}
