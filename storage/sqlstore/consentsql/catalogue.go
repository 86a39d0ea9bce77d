package consentsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

// InsertTerms implements consent.Store.
func (s *Store) InsertTerms(ctx context.Context, row consent.TermsRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertTerms, string(row.Tenant), string(row.Purpose), int64(row.Version), bytesOf(row.Record))
}

// Terms implements consent.Store.
func (s *Store) Terms(ctx context.Context, tenant troth.Tenant) ([]consent.TermsRow, error) {
	return statement.Query(ctx, s.db, func(rows *sqlstore.Rows) (r consent.TermsRow, err error) {
		var version int64
		if err = rows.Scan(&r.Tenant, &r.Purpose, &version, &r.Record); err == nil && !statement.Small(version, &r.Version) {
			err = consent.ErrRecord
		}
		return r, firstError(err, within(maxSealed, r.Record))
	}, s.q.terms, string(tenant))
}

// InsertNotice implements consent.Store.
func (s *Store) InsertNotice(ctx context.Context, row consent.NoticeRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertNotice, string(row.Tenant), row.ID, int64(row.Version), bytesOf(row.Record))
}

// Notices implements consent.Store.
func (s *Store) Notices(ctx context.Context, tenant troth.Tenant, id string) ([]consent.NoticeRow, error) {
	return statement.Query(ctx, s.db, func(rows *sqlstore.Rows) (r consent.NoticeRow, err error) {
		var version int64
		if err = rows.Scan(&r.Tenant, &r.ID, &version, &r.Record); err == nil && !statement.Small(version, &r.Version) {
			err = consent.ErrRecord
		}
		return r, firstError(err, within(maxSealed, r.Record))
	}, s.q.notices, string(tenant), id)
}

// PutText implements consent.Store.
func (s *Store) PutText(ctx context.Context, tenant troth.Tenant, hash [32]byte, text []byte) error {
	_, err := s.db.Exec(ctx, s.q.putText, string(tenant), hash[:], bytesOf(text))
	return err
}

// Text implements consent.Store.
func (s *Store) Text(ctx context.Context, tenant troth.Tenant, hash [32]byte) ([]byte, bool, error) {
	return statement.One(ctx, s.db, func(rows *sqlstore.Rows) (b []byte, err error) {
		err = rows.Scan(&b)
		return b, firstError(err, within(maxText, b))
	}, s.q.text, string(tenant), hash[:])
}

// CountRefusal implements consent.Store.
func (s *Store) CountRefusal(ctx context.Context, tenant troth.Tenant, p troth.Purpose, day int64) error {
	return s.db.Must(ctx, s.q.countRefusal, string(tenant), string(p), day)
}

// Refusals implements consent.Store.
func (s *Store) Refusals(ctx context.Context, tenant troth.Tenant, p troth.Purpose) ([]consent.RefusalRow, error) {
	return statement.Query(ctx, s.db, func(rows *sqlstore.Rows) (r consent.RefusalRow, err error) {
		err = rows.Scan(&r.Day, &r.Count)
		return r, err
	}, s.q.refusals, string(tenant), string(p))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
