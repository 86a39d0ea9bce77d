package vaultsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// PersonKeys implements vault.Store.
func (s *Store) PersonKeys(ctx context.Context, tenant troth.Tenant, subjectID string) ([]vault.KeyRow, error) {
	return statement.Query(ctx, s.db, scanKey, s.q.personKeys, string(tenant), subjectID)
}

// ResealKey implements vault.Store.
func (s *Store) ResealKey(ctx context.Context, r vault.Reseal) (resealed bool, err error) {
	return s.db.Affects(ctx, s.q.resealKey, blob(r.Sealed), blob(r.Flag),
		string(r.Tenant), r.SubjectID, string(r.Compartment), int64(r.Generation), r.Was)
}

// SetEvidence implements vault.Store.
func (s *Store) SetEvidence(ctx context.Context, e vault.ShredEvidence) (named int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		text, args := s.q.keysNamed, []any{e.Entry[:], string(e.Tenant), e.SubjectID, e.At}
		if e.SubjectID == "" {
			text, args = s.q.rootsNamed, []any{e.Entry[:], string(e.Tenant), e.At}
		}
		res, err := s.db.Querier(ctx).Exec(ctx, text, args...)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		named = int(n)
		if err == nil && e.Closed {
			_, err = s.db.Affects(ctx, s.q.personNamed, e.Entry[:], string(e.Tenant), e.SubjectID, e.At)
		}
		return err
	})
	return named, err
}

// TombstonesOf implements vault.Store.
func (s *Store) TombstonesOf(ctx context.Context, tenant troth.Tenant, entry troth.EntryID) (t vault.Tombstones, err error) {
	if t.Keys, err = statement.Query(ctx, s.db, scanKey, s.q.stonesOfKeys, string(tenant), entry[:]); err != nil {
		return t, err
	}
	if t.Roots, err = statement.Query(ctx, s.db, scanRoot, s.q.stonesOfRoots, string(tenant), entry[:]); err != nil {
		return t, err
	}
	t.Persons, err = statement.Query(ctx, s.db, scanPerson, s.q.closed, string(tenant), entry[:])
	return t, err
}

// RetiredOf implements vault.Store.
func (s *Store) RetiredOf(ctx context.Context, tenant troth.Tenant, entry troth.EntryID) ([]vault.KeyRow, error) {
	return statement.Query(ctx, s.db, scanKey, s.q.retiredOf, string(tenant), entry[:])
}

// KeysPage implements vault.Store.
func (s *Store) KeysPage(ctx context.Context, p vault.KeysPage) ([]vault.KeyRow, error) {
	text := s.q.controlPage
	if p.Living {
		text = s.q.livingPage
	}
	return statement.Query(ctx, s.db, scanKey, text, string(p.Tenant), p.SubjectID, string(p.Compartment), int64(p.Generation), p.Limit)
}

// PersonsPage implements vault.Store.
func (s *Store) PersonsPage(ctx context.Context, tenant troth.Tenant, after string, limit int) ([]vault.PersonRow, error) {
	return statement.Query(ctx, s.db, scanPerson, s.q.personsPage, string(tenant), after, limit)
}

func scanPerson(rows *sqlstore.Rows) (p vault.PersonRow, err error) {
	var evidence []byte
	var restricted int64
	err = rows.Scan(&p.Tenant, &p.SubjectID, &p.ClosedAt, &evidence, &restricted)
	if err != nil || !fillOrNone(p.Evidence[:], evidence) {
		return p, errRecord
	}
	p.Restricted = int(restricted)
	return p, nil
}
