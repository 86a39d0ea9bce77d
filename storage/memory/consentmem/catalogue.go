package consentmem

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/memory/internal/scan"
)

// InsertTerms implements consent.Store.
func (s *Store) InsertTerms(ctx context.Context, row consent.TermsRow) (bool, error) {
	row.Record = own(row.Record)
	return s.terms.Insert(ctx, versionKey{row.Tenant, string(row.Purpose), row.Version}, row)
}

// Terms implements consent.Store.
func (s *Store) Terms(ctx context.Context, tenant troth.Tenant) ([]consent.TermsRow, error) {
	rows, err := scan.Prefix(ctx, s.terms, versionKey{tenant: tenant}, func(k versionKey) bool { return k.tenant == tenant })
	var all []consent.TermsRow
	for _, r := range rows {
		r.Value.Record = own(r.Value.Record)
		all = append(all, r.Value)
	}
	return all, err
}

// InsertNotice implements consent.Store.
func (s *Store) InsertNotice(ctx context.Context, row consent.NoticeRow) (bool, error) {
	row.Record = own(row.Record)
	return s.notices.Insert(ctx, versionKey{row.Tenant, row.ID, row.Version}, row)
}

// Notices implements consent.Store.
func (s *Store) Notices(ctx context.Context, tenant troth.Tenant, id string) ([]consent.NoticeRow, error) {
	rows, err := scan.Prefix(ctx, s.notices, versionKey{tenant: tenant, name: id}, func(k versionKey) bool {
		return k.tenant == tenant && k.name == id
	})
	var all []consent.NoticeRow
	for _, r := range rows {
		r.Value.Record = own(r.Value.Record)
		all = append(all, r.Value)
	}
	return all, err
}

// PutText implements consent.Store.
func (s *Store) PutText(ctx context.Context, tenant troth.Tenant, hash [32]byte, text []byte) error {
	_, err := s.texts.Insert(ctx, hashKey{tenant, hash}, own(text))
	return err
}

// Text implements consent.Store.
func (s *Store) Text(ctx context.Context, tenant troth.Tenant, hash [32]byte) ([]byte, bool, error) {
	text, found, err := s.texts.Get(ctx, hashKey{tenant, hash})
	return own(text), found, err
}

// CountRefusal implements consent.Store.
func (s *Store) CountRefusal(ctx context.Context, tenant troth.Tenant, p troth.Purpose, day int64) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		k := dayKey{tenant, p, day}
		n, _, err := s.refusals.Get(ctx, k)
		if err != nil {
			return err
		}
		return s.refusals.Put(ctx, k, n+1)
	})
}

// Refusals implements consent.Store.
func (s *Store) Refusals(ctx context.Context, tenant troth.Tenant, p troth.Purpose) ([]consent.RefusalRow, error) {
	rows, err := scan.Prefix(ctx, s.refusals, dayKey{tenant, p, -1 << 62}, func(k dayKey) bool {
		return k.tenant == tenant && k.purpose == p
	})
	var all []consent.RefusalRow
	for _, r := range rows {
		all = append(all, consent.RefusalRow{Day: r.Key.day, Count: r.Value})
	}
	return all, err
}
