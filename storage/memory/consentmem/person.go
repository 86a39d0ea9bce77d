package consentmem

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/memory/internal/scan"
)

var (
	errNoTransaction = errors.New("consentmem: lock person: not in a transaction")
	errNobody        = errors.New("consentmem: the person has no row")
	errTaken         = errors.New("consentmem: move person: the new id has a row")
)

// LockPerson implements consent.Store. There is one writer, so any transaction
// that writes holds everybody.
func (s *Store) LockPerson(ctx context.Context, fresh consent.PersonRow) (consent.PersonRow, error) {
	if s.db.Scope(ctx) == nil {
		return consent.PersonRow{}, errNoTransaction
	}
	fresh.Record = own(fresh.Record)
	if _, err := s.people.Insert(ctx, personKey{fresh.Tenant, fresh.SubjectID}, fresh); err != nil {
		return consent.PersonRow{}, err
	}
	row, _, err := s.Person(ctx, fresh.Tenant, fresh.SubjectID)
	return row, err
}

// Person implements consent.Store.
func (s *Store) Person(ctx context.Context, tenant troth.Tenant, subjectID string) (consent.PersonRow, bool, error) {
	row, found, err := s.people.Get(ctx, personKey{tenant, subjectID})
	row.Record = own(row.Record)
	return row, found, err
}

// ErasedPerson implements consent.Store.
func (s *Store) ErasedPerson(ctx context.Context, tenant troth.Tenant, mark [32]byte) (consent.PersonRow, bool, error) {
	subject, found, err := s.marks.Get(ctx, hashKey{tenant, mark})
	if err != nil || !found {
		return consent.PersonRow{}, false, err
	}
	return s.Person(ctx, tenant, subject)
}

// PutPerson implements consent.Store.
func (s *Store) PutPerson(ctx context.Context, row consent.PersonRow) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		k := personKey{row.Tenant, row.SubjectID}
		if _, found, err := s.people.Get(ctx, k); err != nil || !found {
			return errors.Join(errNobody, err)
		}
		row.Record = own(row.Record)
		return s.people.Put(ctx, k, row)
	})
}

// MovePerson implements consent.Store.
func (s *Store) MovePerson(ctx context.Context, p consent.MovePerson) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		if _, found, err := s.people.Get(ctx, personKey{p.Tenant, p.To}); err != nil || found {
			return errors.Join(errTaken, err)
		}
		deleted, err := s.people.Delete(ctx, personKey{p.Tenant, p.From})
		if err != nil || !deleted {
			return errors.Join(errNobody, err)
		}
		row := consent.PersonRow{Tenant: p.Tenant, SubjectID: p.To, Record: own(p.Record)}
		if err := s.people.Put(ctx, personKey{p.Tenant, p.To}, row); err != nil {
			return err
		}
		if err := s.marks.Put(ctx, hashKey{p.Tenant, p.Mark}, p.To); err != nil {
			return err
		}
		return errors.Join(s.moveEvents(ctx, p), s.moveLinks(ctx, p), s.dropPassing(ctx, p.Tenant, p.From))
	})
}

func (s *Store) moveEvents(ctx context.Context, p consent.MovePerson) error {
	rows, err := s.eventsOf(ctx, p.Tenant, p.From)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if _, err := s.events.Delete(ctx, r.Key); err != nil {
			return err
		}
		r.Key.subject, r.Value.SubjectID = p.To, p.To
		if err := s.events.Put(ctx, r.Key, r.Value); err != nil {
			return err
		}
		if err := s.ids.Put(ctx, textKey{p.Tenant, r.Key.id}, r.Key); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) moveLinks(ctx context.Context, p consent.MovePerson) error {
	links, err := s.linksWith(ctx, p.Tenant, p.From)
	if err != nil {
		return err
	}
	for _, l := range links {
		if _, err := s.links.Delete(ctx, textKey{p.Tenant, l.Device}); err != nil {
			return err
		}
		if l.Device == p.From {
			l.Device = p.To
		}
		if l.Account == p.From {
			l.Account = p.To
		}
		if err := s.links.Put(ctx, textKey{p.Tenant, l.Device}, l); err != nil {
			return err
		}
	}
	return nil
}

// dropPassing removes what a person has beside events and links: states, requests
// and what is due.
func (s *Store) dropPassing(ctx context.Context, tenant troth.Tenant, subject string) error {
	states, err := s.States(ctx, tenant, subject)
	for _, st := range states {
		_, err = s.states.Delete(ctx, stateKey{tenant, subject, st.Purpose})
		if err != nil {
			return err
		}
	}
	requests, err2 := s.Requests(ctx, tenant, subject)
	for _, r := range requests {
		if err := s.DeleteRequest(ctx, tenant, subject, r.ID); err != nil {
			return err
		}
	}
	due, err3 := scan.Prefix(ctx, s.due, dueKey{tenant: tenant, subject: subject}, func(k dueKey) bool {
		return k.tenant == tenant && k.subject == subject
	})
	for _, d := range due {
		if _, err := s.due.Delete(ctx, d.Key); err != nil {
			return err
		}
	}
	return errors.Join(err, err2, err3)
}

// DeletePerson implements consent.Store.
func (s *Store) DeletePerson(ctx context.Context, tenant troth.Tenant, subjectID string) (n int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		rows, err := s.eventsOf(ctx, tenant, subjectID)
		if err != nil {
			return err
		}
		n = len(rows)
		ids := make([]string, len(rows))
		for i, r := range rows {
			ids[i] = r.Key.id
		}
		if err := s.DeleteEvents(ctx, tenant, subjectID, ids); err != nil {
			return err
		}
		links, err := s.linksWith(ctx, tenant, subjectID)
		if err != nil {
			return err
		}
		for _, l := range links {
			if _, err := s.links.Delete(ctx, textKey{tenant, l.Device}); err != nil {
				return err
			}
		}
		if err := s.dropPassing(ctx, tenant, subjectID); err != nil {
			return err
		}
		return errors.Join(s.dropMark(ctx, tenant, subjectID), s.dropRow(ctx, tenant, subjectID))
	})
	return n, err
}

func (s *Store) dropRow(ctx context.Context, tenant troth.Tenant, subject string) error {
	_, err := s.people.Delete(ctx, personKey{tenant, subject})
	return err
}

func (s *Store) dropMark(ctx context.Context, tenant troth.Tenant, subject string) error {
	marks, err := scan.Prefix(ctx, s.marks, hashKey{tenant: tenant}, func(k hashKey) bool { return k.tenant == tenant })
	for _, m := range marks {
		if m.Value == subject {
			_, err = s.marks.Delete(ctx, m.Key)
		}
	}
	return err
}
