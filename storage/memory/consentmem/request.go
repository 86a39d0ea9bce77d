package consentmem

import (
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/memory/internal/scan"
)

// PutRequest implements consent.Store.
func (s *Store) PutRequest(ctx context.Context, row consent.RequestRow) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		if err := s.DeleteRequest(ctx, row.Tenant, row.SubjectID, row.ID); err != nil {
			return err
		}
		row.Record = own(row.Record)
		k := requestKey{row.Tenant, row.SubjectID, row.ID}
		if err := s.tokens.Put(ctx, hashKey{row.Tenant, row.Token}, k); err != nil {
			return err
		}
		return s.requests.Put(ctx, k, row)
	})
}

// RequestByToken implements consent.Store.
func (s *Store) RequestByToken(ctx context.Context, tenant troth.Tenant, token [32]byte) (consent.RequestRow, bool, error) {
	k, found, err := s.tokens.Get(ctx, hashKey{tenant, token})
	if err != nil || !found {
		return consent.RequestRow{}, false, err
	}
	row, found, err := s.requests.Get(ctx, k)
	row.Record = own(row.Record)
	return row, found, err
}

// Requests implements consent.Store.
func (s *Store) Requests(ctx context.Context, tenant troth.Tenant, subjectID string) ([]consent.RequestRow, error) {
	rows, err := scan.Prefix(ctx, s.requests, requestKey{tenant: tenant, subject: subjectID}, func(k requestKey) bool {
		return k.tenant == tenant && k.subject == subjectID
	})
	var all []consent.RequestRow
	for _, r := range rows {
		r.Value.Record = own(r.Value.Record)
		all = append(all, r.Value)
	}
	return all, err
}

// DeleteRequest implements consent.Store.
func (s *Store) DeleteRequest(ctx context.Context, tenant troth.Tenant, subjectID, id string) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		k := requestKey{tenant, subjectID, id}
		row, found, err := s.requests.Get(ctx, k)
		if err != nil || !found {
			return err
		}
		if _, err := s.tokens.Delete(ctx, hashKey{tenant, row.Token}); err != nil {
			return err
		}
		_, err = s.requests.Delete(ctx, k)
		return err
	})
}

func keyOf(d consent.DueRow) dueKey { return dueKey{d.Tenant, d.SubjectID, d.Kind, d.Purpose, d.Ref} }

// PutDue implements consent.Store.
func (s *Store) PutDue(ctx context.Context, row consent.DueRow) error {
	return s.due.Put(ctx, keyOf(row), row)
}

// DeleteDue implements consent.Store.
func (s *Store) DeleteDue(ctx context.Context, row consent.DueRow) error {
	_, err := s.due.Delete(ctx, keyOf(row))
	return err
}

// Due implements consent.SystemStore.
func (s *Store) Due(ctx context.Context, at int64, limit int) ([]consent.DueRow, error) {
	rows, err := s.due.Scan(ctx, nil, 0, func(_ dueKey, d consent.DueRow) bool { return d.At < at })
	all := make([]consent.DueRow, len(rows))
	for i, r := range rows {
		all[i] = r.Value
	}
	slices.SortStableFunc(all, func(a, b consent.DueRow) int { return cmp.Compare(a.At, b.At) })
	return all[:min(limit, len(all))], err
}
