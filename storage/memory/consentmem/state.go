package consentmem

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/memory/internal/scan"
)

func copyState(r consent.StateRow) consent.StateRow {
	r.Record = own(r.Record)
	return r
}

// PutState implements consent.Store.
func (s *Store) PutState(ctx context.Context, row consent.StateRow) error {
	return s.states.Put(ctx, stateKey{row.Tenant, row.SubjectID, row.Purpose}, copyState(row))
}

// DeleteState implements consent.Store.
func (s *Store) DeleteState(ctx context.Context, tenant troth.Tenant, subjectID string, p troth.Purpose) error {
	_, err := s.states.Delete(ctx, stateKey{tenant, subjectID, p})
	return err
}

// States implements consent.Store.
func (s *Store) States(ctx context.Context, tenant troth.Tenant, subjectID string) ([]consent.StateRow, error) {
	rows, err := scan.Prefix(ctx, s.states, stateKey{tenant: tenant, subject: subjectID}, func(k stateKey) bool {
		return k.tenant == tenant && k.subject == subjectID
	})
	var all []consent.StateRow
	for _, r := range rows {
		all = append(all, copyState(r.Value))
	}
	return all, err
}

// StatesOf implements consent.Store.
func (s *Store) StatesOf(ctx context.Context, tenant troth.Tenant, p troth.Purpose, subjectIDs []string) ([]consent.StateRow, error) {
	var all []consent.StateRow
	seen := make(map[string]bool, len(subjectIDs))
	for _, id := range subjectIDs {
		if seen[id] {
			continue
		}
		seen[id] = true
		row, found, err := s.states.Get(ctx, stateKey{tenant, id, p})
		if err != nil {
			return nil, err
		}
		if found {
			all = append(all, copyState(row))
		}
	}
	return all, nil
}

// StatesAfter implements consent.Store.
func (s *Store) StatesAfter(ctx context.Context, tenant troth.Tenant, p troth.Purpose, after string, limit int) ([]consent.StateRow, error) {
	rows, err := s.states.Scan(ctx, nil, limit, func(k stateKey, _ consent.StateRow) bool {
		return k.tenant == tenant && k.purpose == p && k.subject > after
	})
	var all []consent.StateRow
	for _, r := range rows {
		all = append(all, copyState(r.Value))
	}
	return all, err
}

// InsertLink implements consent.Store.
func (s *Store) InsertLink(ctx context.Context, row consent.LinkRow) (bool, error) {
	row.Record = own(row.Record)
	return s.links.Insert(ctx, textKey{row.Tenant, row.Device}, row)
}

// Link implements consent.Store.
func (s *Store) Link(ctx context.Context, tenant troth.Tenant, device string) (consent.LinkRow, bool, error) {
	row, found, err := s.links.Get(ctx, textKey{tenant, device})
	row.Record = own(row.Record)
	return row, found, err
}

// Links implements consent.Store.
func (s *Store) Links(ctx context.Context, tenant troth.Tenant, account string) ([]consent.LinkRow, error) {
	all, err := s.linksWith(ctx, tenant, account)
	var of []consent.LinkRow
	for _, l := range all {
		if l.Account == account {
			l.Record = own(l.Record)
			of = append(of, l)
		}
	}
	return of, err
}

// linksWith returns the links in which a person is on either side.
func (s *Store) linksWith(ctx context.Context, tenant troth.Tenant, subject string) ([]consent.LinkRow, error) {
	rows, err := scan.Prefix(ctx, s.links, textKey{tenant: tenant}, func(k textKey) bool { return k.tenant == tenant })
	var with []consent.LinkRow
	for _, r := range rows {
		if r.Value.Device == subject || r.Value.Account == subject {
			with = append(with, r.Value)
		}
	}
	return with, err
}
