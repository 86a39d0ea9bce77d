package consenttest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

// broken is a Backend whose methods can be replaced one by one; those that no
// defect replaces are the sound store's.
type broken struct {
	consent.Backend
	insertTerms   func(ctx context.Context, row consent.TermsRow) (bool, error)
	terms         func(ctx context.Context, t troth.Tenant) ([]consent.TermsRow, error)
	insertNotice  func(ctx context.Context, row consent.NoticeRow) (bool, error)
	text          func(ctx context.Context, t troth.Tenant, h [32]byte) ([]byte, bool, error)
	putText       func(ctx context.Context, t troth.Tenant, h [32]byte, text []byte) error
	notices       func(ctx context.Context, t troth.Tenant, id string) ([]consent.NoticeRow, error)
	lockPerson    func(ctx context.Context, row consent.PersonRow) (consent.PersonRow, error)
	person        func(ctx context.Context, t troth.Tenant, id string) (consent.PersonRow, bool, error)
	putPerson     func(ctx context.Context, row consent.PersonRow) error
	insertEvent   func(ctx context.Context, row consent.EventRow) (bool, error)
	event         func(ctx context.Context, t troth.Tenant, id string) (consent.EventRow, bool, error)
	events        func(ctx context.Context, t troth.Tenant, id string, p troth.Purpose) ([]consent.EventRow, error)
	deleteEvents  func(ctx context.Context, t troth.Tenant, id string, ids []string) error
	putState      func(ctx context.Context, row consent.StateRow) error
	deleteState   func(ctx context.Context, t troth.Tenant, id string, p troth.Purpose) error
	statesOf      func(ctx context.Context, t troth.Tenant, p troth.Purpose, ids []string) ([]consent.StateRow, error)
	statesAfter   func(ctx context.Context, t troth.Tenant, p troth.Purpose, after string, limit int) ([]consent.StateRow, error)
	insertLink    func(ctx context.Context, row consent.LinkRow) (bool, error)
	putRequest    func(ctx context.Context, row consent.RequestRow) error
	deleteRequest func(ctx context.Context, t troth.Tenant, id, request string) error
	acknowledge   func(ctx context.Context, t troth.Tenant, event, processor string, at int64) (bool, error)
	putDue        func(ctx context.Context, row consent.DueRow) error
	due           func(ctx context.Context, at int64, limit int) ([]consent.DueRow, error)
	refusals      func(ctx context.Context, t troth.Tenant, p troth.Purpose) ([]consent.RefusalRow, error)
	eraseContent  func(ctx context.Context, t troth.Tenant, id string) (int, error)
	movePerson    func(ctx context.Context, p consent.MovePerson) error
	deletePerson  func(ctx context.Context, t troth.Tenant, id string) (int, error)
	raise         func(ctx context.Context, e consent.FeedEvent) error
	follow        func(ctx context.Context, after int64) (consent.Followed, error)
	pruneFeed     func(ctx context.Context, at int64) error
	managed       func(ctx context.Context) (bool, error)
}

// whole returns a broken Backend in which everything works yet.
func whole(s consent.Backend) *broken {
	return &broken{
		Backend:       s,
		insertTerms:   s.InsertTerms,
		terms:         s.Terms,
		insertNotice:  s.InsertNotice,
		text:          s.Text,
		putText:       s.PutText,
		notices:       s.Notices,
		lockPerson:    s.LockPerson,
		person:        s.Person,
		putPerson:     s.PutPerson,
		insertEvent:   s.InsertEvent,
		event:         s.Event,
		events:        s.Events,
		deleteEvents:  s.DeleteEvents,
		putState:      s.PutState,
		deleteState:   s.DeleteState,
		statesOf:      s.StatesOf,
		statesAfter:   s.StatesAfter,
		insertLink:    s.InsertLink,
		putRequest:    s.PutRequest,
		deleteRequest: s.DeleteRequest,
		acknowledge:   s.Acknowledge,
		putDue:        s.PutDue,
		due:           s.Due,
		refusals:      s.Refusals,
		eraseContent:  s.EraseContent,
		movePerson:    s.MovePerson,
		deletePerson:  s.DeletePerson,
		raise:         s.Raise,
		follow:        s.Follow,
		pruneFeed:     s.PruneFeed,
		managed:       s.Managed,
	}
}

func (b *broken) InsertTerms(ctx context.Context, row consent.TermsRow) (bool, error) {
	return b.insertTerms(ctx, row)
}

func (b *broken) Terms(ctx context.Context, t troth.Tenant) ([]consent.TermsRow, error) {
	return b.terms(ctx, t)
}

func (b *broken) InsertNotice(ctx context.Context, row consent.NoticeRow) (bool, error) {
	return b.insertNotice(ctx, row)
}

func (b *broken) Text(ctx context.Context, t troth.Tenant, h [32]byte) ([]byte, bool, error) {
	return b.text(ctx, t, h)
}

func (b *broken) PutText(ctx context.Context, t troth.Tenant, h [32]byte, text []byte) error {
	return b.putText(ctx, t, h, text)
}

func (b *broken) Notices(ctx context.Context, t troth.Tenant, id string) ([]consent.NoticeRow, error) {
	return b.notices(ctx, t, id)
}

func (b *broken) LockPerson(ctx context.Context, row consent.PersonRow) (consent.PersonRow, error) {
	return b.lockPerson(ctx, row)
}

func (b *broken) Person(ctx context.Context, t troth.Tenant, id string) (consent.PersonRow, bool, error) {
	return b.person(ctx, t, id)
}

func (b *broken) PutPerson(ctx context.Context, row consent.PersonRow) error {
	return b.putPerson(ctx, row)
}

func (b *broken) InsertEvent(ctx context.Context, row consent.EventRow) (bool, error) {
	return b.insertEvent(ctx, row)
}

func (b *broken) Event(ctx context.Context, t troth.Tenant, id string) (consent.EventRow, bool, error) {
	return b.event(ctx, t, id)
}

func (b *broken) Events(ctx context.Context, t troth.Tenant, id string, p troth.Purpose) ([]consent.EventRow, error) {
	return b.events(ctx, t, id, p)
}

func (b *broken) DeleteEvents(ctx context.Context, t troth.Tenant, id string, ids []string) error {
	return b.deleteEvents(ctx, t, id, ids)
}

func (b *broken) PutState(ctx context.Context, row consent.StateRow) error {
	return b.putState(ctx, row)
}

func (b *broken) DeleteState(ctx context.Context, t troth.Tenant, id string, p troth.Purpose) error {
	return b.deleteState(ctx, t, id, p)
}

func (b *broken) StatesOf(ctx context.Context, t troth.Tenant, p troth.Purpose, ids []string) ([]consent.StateRow, error) {
	return b.statesOf(ctx, t, p, ids)
}

func (b *broken) StatesAfter(ctx context.Context, t troth.Tenant, p troth.Purpose, after string, limit int) ([]consent.StateRow, error) {
	return b.statesAfter(ctx, t, p, after, limit)
}

func (b *broken) InsertLink(ctx context.Context, row consent.LinkRow) (bool, error) {
	return b.insertLink(ctx, row)
}

func (b *broken) PutRequest(ctx context.Context, row consent.RequestRow) error {
	return b.putRequest(ctx, row)
}

func (b *broken) DeleteRequest(ctx context.Context, t troth.Tenant, id, request string) error {
	return b.deleteRequest(ctx, t, id, request)
}

func (b *broken) Acknowledge(ctx context.Context, t troth.Tenant, event, processor string, at int64) (bool, error) {
	return b.acknowledge(ctx, t, event, processor, at)
}

func (b *broken) PutDue(ctx context.Context, row consent.DueRow) error { return b.putDue(ctx, row) }

func (b *broken) Due(ctx context.Context, at int64, limit int) ([]consent.DueRow, error) {
	return b.due(ctx, at, limit)
}

func (b *broken) Refusals(ctx context.Context, t troth.Tenant, p troth.Purpose) ([]consent.RefusalRow, error) {
	return b.refusals(ctx, t, p)
}

func (b *broken) EraseContent(ctx context.Context, t troth.Tenant, id string) (int, error) {
	return b.eraseContent(ctx, t, id)
}

func (b *broken) MovePerson(ctx context.Context, p consent.MovePerson) error {
	return b.movePerson(ctx, p)
}

func (b *broken) DeletePerson(ctx context.Context, t troth.Tenant, id string) (int, error) {
	return b.deletePerson(ctx, t, id)
}

func (b *broken) Raise(ctx context.Context, e consent.FeedEvent) error { return b.raise(ctx, e) }

func (b *broken) Follow(ctx context.Context, after int64) (consent.Followed, error) {
	return b.follow(ctx, after)
}

func (b *broken) PruneFeed(ctx context.Context, at int64) error { return b.pruneFeed(ctx, at) }

func (b *broken) Managed(ctx context.Context) (bool, error) { return b.managed(ctx) }
