// Package consentfault puts a plan of faults between the consent ledger and its
// Store.
package consentfault

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/faultstore"
)

// New returns s under the plan; it gives out tx as its transactor, which is the
// store's own or [faultstore.Transactor] of it.
func New(s consent.Backend, tx troth.Transactor, p *faultstore.Plan) consent.Backend {
	return &store{s: s, tx: tx, p: p}
}

type store struct {
	s  consent.Backend
	tx troth.Transactor
	p  *faultstore.Plan
}

// found is what reads of one row return beside the error.
type found[T any] struct {
	row   T
	found bool
}

func (s *store) Transactor() troth.Transactor { return s.tx }

func (s *store) InsertTerms(ctx context.Context, row consent.TermsRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertTerms", func() (bool, error) { return s.s.InsertTerms(ctx, row) })
}

func (s *store) Terms(ctx context.Context, tenant troth.Tenant) ([]consent.TermsRow, error) {
	return faultstore.Do(ctx, s.p, "Terms", func() ([]consent.TermsRow, error) { return s.s.Terms(ctx, tenant) })
}

func (s *store) InsertNotice(ctx context.Context, row consent.NoticeRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertNotice", func() (bool, error) { return s.s.InsertNotice(ctx, row) })
}

func (s *store) Notices(ctx context.Context, tenant troth.Tenant, id string) ([]consent.NoticeRow, error) {
	return faultstore.Do(ctx, s.p, "Notices", func() ([]consent.NoticeRow, error) { return s.s.Notices(ctx, tenant, id) })
}

func (s *store) PutText(ctx context.Context, tenant troth.Tenant, hash [32]byte, text []byte) error {
	return faultstore.Run(ctx, s.p, "PutText", func() error { return s.s.PutText(ctx, tenant, hash, text) })
}

func (s *store) Text(ctx context.Context, tenant troth.Tenant, hash [32]byte) ([]byte, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Text", func() (r found[[]byte], err error) {
		r.row, r.found, err = s.s.Text(ctx, tenant, hash)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) LockPerson(ctx context.Context, fresh consent.PersonRow) (consent.PersonRow, error) {
	return faultstore.Do(ctx, s.p, "LockPerson", func() (consent.PersonRow, error) { return s.s.LockPerson(ctx, fresh) })
}

func (s *store) Person(ctx context.Context, tenant troth.Tenant, subjectID string) (consent.PersonRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Person", func() (r found[consent.PersonRow], err error) {
		r.row, r.found, err = s.s.Person(ctx, tenant, subjectID)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) ErasedPerson(ctx context.Context, tenant troth.Tenant, mark [32]byte) (consent.PersonRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "ErasedPerson", func() (r found[consent.PersonRow], err error) {
		r.row, r.found, err = s.s.ErasedPerson(ctx, tenant, mark)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) PutPerson(ctx context.Context, row consent.PersonRow) error {
	return faultstore.Run(ctx, s.p, "PutPerson", func() error { return s.s.PutPerson(ctx, row) })
}

func (s *store) InsertEvent(ctx context.Context, row consent.EventRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertEvent", func() (bool, error) { return s.s.InsertEvent(ctx, row) })
}

func (s *store) Event(ctx context.Context, tenant troth.Tenant, id string) (consent.EventRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Event", func() (r found[consent.EventRow], err error) {
		r.row, r.found, err = s.s.Event(ctx, tenant, id)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) Events(ctx context.Context, tenant troth.Tenant, subjectID string, p troth.Purpose) ([]consent.EventRow, error) {
	return faultstore.Do(ctx, s.p, "Events", func() ([]consent.EventRow, error) { return s.s.Events(ctx, tenant, subjectID, p) })
}

func (s *store) DeleteEvents(ctx context.Context, tenant troth.Tenant, subjectID string, ids []string) error {
	return faultstore.Run(ctx, s.p, "DeleteEvents", func() error { return s.s.DeleteEvents(ctx, tenant, subjectID, ids) })
}

func (s *store) PutState(ctx context.Context, row consent.StateRow) error {
	return faultstore.Run(ctx, s.p, "PutState", func() error { return s.s.PutState(ctx, row) })
}

func (s *store) DeleteState(ctx context.Context, tenant troth.Tenant, subjectID string, p troth.Purpose) error {
	return faultstore.Run(ctx, s.p, "DeleteState", func() error { return s.s.DeleteState(ctx, tenant, subjectID, p) })
}

func (s *store) States(ctx context.Context, tenant troth.Tenant, subjectID string) ([]consent.StateRow, error) {
	return faultstore.Do(ctx, s.p, "States", func() ([]consent.StateRow, error) { return s.s.States(ctx, tenant, subjectID) })
}

func (s *store) StatesOf(ctx context.Context, tenant troth.Tenant, p troth.Purpose, subjectIDs []string) ([]consent.StateRow, error) {
	return faultstore.Do(ctx, s.p, "StatesOf", func() ([]consent.StateRow, error) { return s.s.StatesOf(ctx, tenant, p, subjectIDs) })
}

func (s *store) StatesAfter(ctx context.Context, tenant troth.Tenant, p troth.Purpose, after string, limit int) ([]consent.StateRow, error) {
	return faultstore.Do(ctx, s.p, "StatesAfter", func() ([]consent.StateRow, error) { return s.s.StatesAfter(ctx, tenant, p, after, limit) })
}

func (s *store) InsertLink(ctx context.Context, row consent.LinkRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertLink", func() (bool, error) { return s.s.InsertLink(ctx, row) })
}

func (s *store) Link(ctx context.Context, tenant troth.Tenant, device string) (consent.LinkRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Link", func() (r found[consent.LinkRow], err error) {
		r.row, r.found, err = s.s.Link(ctx, tenant, device)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) Links(ctx context.Context, tenant troth.Tenant, account string) ([]consent.LinkRow, error) {
	return faultstore.Do(ctx, s.p, "Links", func() ([]consent.LinkRow, error) { return s.s.Links(ctx, tenant, account) })
}

func (s *store) PutRequest(ctx context.Context, row consent.RequestRow) error {
	return faultstore.Run(ctx, s.p, "PutRequest", func() error { return s.s.PutRequest(ctx, row) })
}

func (s *store) RequestByToken(ctx context.Context, tenant troth.Tenant, token [32]byte) (consent.RequestRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "RequestByToken", func() (r found[consent.RequestRow], err error) {
		r.row, r.found, err = s.s.RequestByToken(ctx, tenant, token)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) Requests(ctx context.Context, tenant troth.Tenant, subjectID string) ([]consent.RequestRow, error) {
	return faultstore.Do(ctx, s.p, "Requests", func() ([]consent.RequestRow, error) { return s.s.Requests(ctx, tenant, subjectID) })
}

func (s *store) DeleteRequest(ctx context.Context, tenant troth.Tenant, subjectID, id string) error {
	return faultstore.Run(ctx, s.p, "DeleteRequest", func() error { return s.s.DeleteRequest(ctx, tenant, subjectID, id) })
}

func (s *store) InsertDelivery(ctx context.Context, row consent.DeliveryRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertDelivery", func() (bool, error) { return s.s.InsertDelivery(ctx, row) })
}

func (s *store) Acknowledge(ctx context.Context, tenant troth.Tenant, eventID, processor string, at int64) (bool, error) {
	return faultstore.Do(ctx, s.p, "Acknowledge", func() (bool, error) { return s.s.Acknowledge(ctx, tenant, eventID, processor, at) })
}

func (s *store) Deliveries(ctx context.Context, tenant troth.Tenant, eventID string) ([]consent.DeliveryRow, error) {
	return faultstore.Do(ctx, s.p, "Deliveries", func() ([]consent.DeliveryRow, error) { return s.s.Deliveries(ctx, tenant, eventID) })
}

func (s *store) PutDue(ctx context.Context, row consent.DueRow) error {
	return faultstore.Run(ctx, s.p, "PutDue", func() error { return s.s.PutDue(ctx, row) })
}

func (s *store) DeleteDue(ctx context.Context, row consent.DueRow) error {
	return faultstore.Run(ctx, s.p, "DeleteDue", func() error { return s.s.DeleteDue(ctx, row) })
}

func (s *store) CountRefusal(ctx context.Context, tenant troth.Tenant, p troth.Purpose, day int64) error {
	return faultstore.Run(ctx, s.p, "CountRefusal", func() error { return s.s.CountRefusal(ctx, tenant, p, day) })
}

func (s *store) Refusals(ctx context.Context, tenant troth.Tenant, p troth.Purpose) ([]consent.RefusalRow, error) {
	return faultstore.Do(ctx, s.p, "Refusals", func() ([]consent.RefusalRow, error) { return s.s.Refusals(ctx, tenant, p) })
}

func (s *store) EraseContent(ctx context.Context, tenant troth.Tenant, subjectID string) (int, error) {
	return faultstore.Do(ctx, s.p, "EraseContent", func() (int, error) { return s.s.EraseContent(ctx, tenant, subjectID) })
}

func (s *store) MovePerson(ctx context.Context, p consent.MovePerson) error {
	return faultstore.Run(ctx, s.p, "MovePerson", func() error { return s.s.MovePerson(ctx, p) })
}

func (s *store) DeletePerson(ctx context.Context, tenant troth.Tenant, subjectID string) (int, error) {
	return faultstore.Do(ctx, s.p, "DeletePerson", func() (int, error) { return s.s.DeletePerson(ctx, tenant, subjectID) })
}

func (s *store) Raise(ctx context.Context, e consent.FeedEvent) error {
	return faultstore.Run(ctx, s.p, "Raise", func() error { return s.s.Raise(ctx, e) })
}

func (s *store) Follow(ctx context.Context, after int64) (consent.Followed, error) {
	return faultstore.Do(ctx, s.p, "Follow", func() (consent.Followed, error) { return s.s.Follow(ctx, after) })
}

func (s *store) PruneFeed(ctx context.Context, at int64) error {
	return faultstore.Run(ctx, s.p, "PruneFeed", func() error { return s.s.PruneFeed(ctx, at) })
}

func (s *store) Due(ctx context.Context, at int64, limit int) ([]consent.DueRow, error) {
	return faultstore.Do(ctx, s.p, "Due", func() ([]consent.DueRow, error) { return s.s.Due(ctx, at, limit) })
}

func (s *store) Managed(ctx context.Context) (bool, error) {
	return faultstore.Do(ctx, s.p, "Managed", func() (bool, error) { return s.s.Managed(ctx) })
}

func (s *store) SetManaged(ctx context.Context) error {
	return faultstore.Run(ctx, s.p, "SetManaged", func() error { return s.s.SetManaged(ctx) })
}
