package vaultsql

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// Person implements vault.Store.
func (s *Store) Person(ctx context.Context, tenant troth.Tenant, subjectID string) (state vault.PersonState, err error) {
	var shreddedAt int64
	_, err = sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.person,
		[]any{string(tenant), subjectID, string(tenant), string(vault.WrapLineage), string(tenant), subjectID},
		&state.ClosedAt, &shreddedAt, &state.Restricted)
	state.TenantShredded = shreddedAt != 0
	return state, err
}

var errNoTransaction = errors.New("vaultsql: lock person: not in a transaction")

// LockPerson implements vault.Store. On PostgreSQL it holds the tenant's newest
// wrap root, which ShredRoots changes, and the person's row, in this order. Each
// statement sees what was committed while the one before it waited.
func (s *Store) LockPerson(ctx context.Context, tenant troth.Tenant, subjectID string, lock vault.Lock) (vault.PersonState, error) {
	var state vault.PersonState
	if s.db.Scope(ctx) == nil {
		return state, errNoTransaction
	}
	if lock == vault.Exclusive {
		if err := s.db.Lockable(ctx); err != nil {
			return state, err
		}
	}
	q := s.db.Querier(ctx)
	shreddedAt, err := s.lockNewest(ctx, tenant, &state)
	if err != nil {
		return state, err
	}
	if _, err := q.Exec(ctx, s.q.insertPerson, string(tenant), subjectID); err != nil {
		return state, err
	}
	text := s.q.lockShared
	if lock == vault.Exclusive {
		text = s.q.lockExclusive
	}
	_, err = sqlstore.QueryRow(ctx, q, text, []any{string(tenant), subjectID}, &state.ClosedAt, &state.Restricted)
	if err != nil {
		return state, err
	}
	state.TenantShredded = shreddedAt != 0
	if lock == vault.Exclusive {
		err = s.hold(ctx, vault.KeyName{Tenant: tenant, SubjectID: subjectID})
	}
	return state, err
}

// newestTries bounds how often a tenant's newest root is looked for: each time
// it must have been superseded while it was waited for.
const newestTries = 5

// lockNewest holds the tenant's newest wrap root. One that was superseded while
// it was waited for is not the newest any more.
func (s *Store) lockNewest(ctx context.Context, tenant troth.Tenant, state *vault.PersonState) (shreddedAt int64, err error) {
	for range newestTries {
		var epoch, supersededAt int64
		_, err = sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.lockRoot,
			[]any{string(tenant), string(vault.WrapLineage)}, &shreddedAt, &epoch, &supersededAt)
		if err == nil && !statement.Small(epoch, &state.Epoch) {
			err = errRecord
		}
		if err != nil || shreddedAt != 0 || supersededAt == 0 {
			return shreddedAt, err
		}
	}
	return shreddedAt, nil
}

// ClosePerson implements vault.Store.
func (s *Store) ClosePerson(ctx context.Context, tenant troth.Tenant, subjectID string, at int64) error {
	_, err := s.db.Querier(ctx).Exec(ctx, s.q.closePerson, string(tenant), subjectID, at)
	return err
}
