package consentsql

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

func scanState(rows *sqlstore.Rows) (r consent.StateRow, err error) {
	err = rows.Scan(&r.Tenant, &r.SubjectID, &r.Purpose, &r.Record)
	return r, firstError(err, within(maxState, r.Record))
}

// PutState implements consent.Store.
func (s *Store) PutState(ctx context.Context, row consent.StateRow) error {
	return s.db.Must(ctx, s.q.putState, string(row.Tenant), row.SubjectID, string(row.Purpose), bytesOf(row.Record))
}

// DeleteState implements consent.Store.
func (s *Store) DeleteState(ctx context.Context, tenant troth.Tenant, subjectID string, p troth.Purpose) error {
	_, err := s.db.Exec(ctx, s.q.deleteState, string(tenant), subjectID, string(p))
	return err
}

// States implements consent.Store.
func (s *Store) States(ctx context.Context, tenant troth.Tenant, subjectID string) ([]consent.StateRow, error) {
	return statement.Query(ctx, s.db, scanState, s.q.states, string(tenant), subjectID)
}

// StatesOf implements consent.Store.
func (s *Store) StatesOf(ctx context.Context, tenant troth.Tenant, p troth.Purpose, subjectIDs []string) ([]consent.StateRow, error) {
	if len(subjectIDs) == 0 {
		return nil, nil
	}
	// In the order of the index, each once.
	ids := slices.Compact(slices.Sorted(slices.Values(subjectIDs)))
	if s.db.Postgres() {
		return s.statesInBulk(ctx, tenant, p, ids)
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, fmt.Errorf("consentsql: states of: %w", err)
	}
	return statement.Query(ctx, s.db, scanState, s.q.statesOf, string(tenant), string(p), string(list))
}

// StatesAfter implements consent.Store.
func (s *Store) StatesAfter(ctx context.Context, tenant troth.Tenant, p troth.Purpose, after string, limit int) ([]consent.StateRow, error) {
	return statement.Query(ctx, s.db, scanState, s.q.statesAfter, string(tenant), string(p), after, limit)
}

func scanLink(rows *sqlstore.Rows) (r consent.LinkRow, err error) {
	err = rows.Scan(&r.Tenant, &r.Device, &r.Account, &r.Record)
	return r, firstError(err, within(maxSealed, r.Record))
}

// InsertLink implements consent.Store.
func (s *Store) InsertLink(ctx context.Context, row consent.LinkRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertLink, string(row.Tenant), row.Device, row.Account, bytesOf(row.Record))
}

// Link implements consent.Store.
func (s *Store) Link(ctx context.Context, tenant troth.Tenant, device string) (consent.LinkRow, bool, error) {
	return statement.One(ctx, s.db, scanLink, s.q.link, string(tenant), device)
}

// Links implements consent.Store.
func (s *Store) Links(ctx context.Context, tenant troth.Tenant, account string) ([]consent.LinkRow, error) {
	return statement.Query(ctx, s.db, scanLink, s.q.links, string(tenant), account)
}
