package consentsql

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

func scanPerson(rows *sqlstore.Rows) (r consent.PersonRow, err error) {
	err = rows.Scan(&r.Tenant, &r.SubjectID, &r.Record)
	return r, firstError(err, within(maxSealed, r.Record))
}

var errNoTransaction = errors.New("consentsql: lock person: not in a transaction")

// LockPerson implements consent.Store. The row is read after it was waited for, by
// a statement of its own, which sees what was committed meanwhile.
func (s *Store) LockPerson(ctx context.Context, fresh consent.PersonRow) (consent.PersonRow, error) {
	if s.db.Scope(ctx) == nil {
		return consent.PersonRow{}, errNoTransaction
	}
	if err := s.db.Lockable(ctx); err != nil {
		return consent.PersonRow{}, err
	}
	tenant := string(fresh.Tenant)
	for range 8 {
		// The person may be erased between the two: then there is a fresh one.
		if _, err := s.db.Exec(ctx, s.q.insertPerson, tenant, fresh.SubjectID, bytesOf(fresh.Record)); err != nil {
			return consent.PersonRow{}, err
		}
		row, found, err := statement.One(ctx, s.db, scanPerson, s.q.lockPerson, tenant, fresh.SubjectID)
		if err != nil || found {
			return row, err
		}
	}
	return consent.PersonRow{}, s.db.ErrLost
}

// Person implements consent.Store.
func (s *Store) Person(ctx context.Context, tenant troth.Tenant, subjectID string) (consent.PersonRow, bool, error) {
	return statement.One(ctx, s.db, scanPerson, s.q.person, string(tenant), subjectID)
}

// ErasedPerson implements consent.Store.
func (s *Store) ErasedPerson(ctx context.Context, tenant troth.Tenant, mark [32]byte) (consent.PersonRow, bool, error) {
	return statement.One(ctx, s.db, scanPerson, s.q.erasedPerson, string(tenant), mark[:])
}

// PutPerson implements consent.Store.
func (s *Store) PutPerson(ctx context.Context, row consent.PersonRow) error {
	return s.db.Must(ctx, s.q.putPerson, bytesOf(row.Record), string(row.Tenant), row.SubjectID)
}

// EraseContent implements consent.Store.
func (s *Store) EraseContent(ctx context.Context, tenant troth.Tenant, subjectID string) (int, error) {
	return s.db.Exec(ctx, s.q.eraseContent, string(tenant), subjectID)
}

// MovePerson implements consent.Store.
func (s *Store) MovePerson(ctx context.Context, p consent.MovePerson) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		tenant := string(p.Tenant)
		moved, err := s.db.Affects(ctx, s.q.movePerson, p.To, p.Mark[:], bytesOf(p.Record), tenant, p.From)
		if err != nil {
			return err
		}
		if !moved {
			return errNobody
		}
		if err := s.run(ctx, []any{p.To, tenant, p.From}, s.q.moveEvents, s.q.moveDevices, s.q.moveAccounts); err != nil {
			return err
		}
		return s.run(ctx, []any{tenant, p.From}, s.q.dropStates, s.q.dropRequests, s.q.dropDue)
	})
}

// DeletePerson implements consent.Store.
func (s *Store) DeletePerson(ctx context.Context, tenant troth.Tenant, subjectID string) (events int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		if _, err := s.db.Exec(ctx, s.q.dropDeliveries, string(tenant), string(tenant), subjectID); err != nil {
			return err
		}
		if _, err := s.db.Exec(ctx, s.q.dropLinks, string(tenant), subjectID, subjectID); err != nil {
			return err
		}
		if events, err = s.db.Exec(ctx, s.q.dropEvents, string(tenant), subjectID); err != nil {
			return err
		}
		return s.run(ctx, []any{string(tenant), subjectID}, s.q.dropStates, s.q.dropRequests, s.q.dropDue, s.q.dropPerson)
	})
	return events, err
}
