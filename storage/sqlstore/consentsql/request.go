package consentsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

func scanRequest(rows *sqlstore.Rows) (r consent.RequestRow, err error) {
	var token []byte
	err = rows.Scan(&r.Tenant, &r.SubjectID, &r.ID, &token, &r.Record)
	if err == nil && !statement.Fill(r.Token[:], token) {
		err = consent.ErrRecord
	}
	return r, firstError(err, within(maxSealed, r.Record))
}

// PutRequest implements consent.Store.
func (s *Store) PutRequest(ctx context.Context, row consent.RequestRow) error {
	return s.db.Must(ctx, s.q.putRequest, string(row.Tenant), row.SubjectID, row.ID, row.Token[:], bytesOf(row.Record))
}

// RequestByToken implements consent.Store.
func (s *Store) RequestByToken(ctx context.Context, tenant troth.Tenant, token [32]byte) (consent.RequestRow, bool, error) {
	return statement.One(ctx, s.db, scanRequest, s.q.requestByToken, string(tenant), token[:])
}

// Requests implements consent.Store.
func (s *Store) Requests(ctx context.Context, tenant troth.Tenant, subjectID string) ([]consent.RequestRow, error) {
	return statement.Query(ctx, s.db, scanRequest, s.q.requests, string(tenant), subjectID)
}

// DeleteRequest implements consent.Store.
func (s *Store) DeleteRequest(ctx context.Context, tenant troth.Tenant, subjectID, id string) error {
	_, err := s.db.Exec(ctx, s.q.deleteRequest, string(tenant), subjectID, id)
	return err
}

// PutDue implements consent.Store.
func (s *Store) PutDue(ctx context.Context, row consent.DueRow) error {
	return s.db.Must(ctx, s.q.putDue, string(row.Tenant), row.SubjectID, string(row.Kind), string(row.Purpose), row.Ref, row.At)
}

// DeleteDue implements consent.Store.
func (s *Store) DeleteDue(ctx context.Context, row consent.DueRow) error {
	_, err := s.db.Exec(ctx, s.q.deleteDue, string(row.Tenant), row.SubjectID, string(row.Kind), string(row.Purpose), row.Ref)
	return err
}

// Due implements consent.SystemStore.
func (s *Store) Due(ctx context.Context, at int64, limit int) ([]consent.DueRow, error) {
	return statement.Query(ctx, s.db, func(rows *sqlstore.Rows) (r consent.DueRow, err error) {
		err = rows.Scan(&r.Tenant, &r.SubjectID, &r.Kind, &r.Purpose, &r.Ref, &r.At)
		return r, err
	}, s.q.due, at, limit)
}
