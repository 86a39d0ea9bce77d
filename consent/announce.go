package consent

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"time"

	"github.com/trothdev/troth"
)

// Why a person is asked or told.
type Why string

// The reasons to ask or tell, a closed list.
const (
	// WhyMaterial: what they granted changes; ask.
	WhyMaterial Why = "material"
	// WhyNewRecipient: somebody else is to get the data; ask about these alone.
	WhyNewRecipient Why = "new-recipient"
	// WhyNewPurpose: a notice that they have answered asks for something new.
	WhyNewPurpose Why = "new-purpose"
	// WhyChanged: processing that does not rest on consent changes; tell.
	WhyChanged Why = "changed"
	// WhyRefresh: their consent is old; ask again.
	WhyRefresh Why = "refresh"
	// WhyMajority: a child has come of age; ask them.
	WhyMajority Why = "majority"
)

// Asks reports whether an answer is wanted, and not only that they know.
func (w Why) Asks() bool { return w != WhyChanged }

// Notification is somebody to ask or to tell.
type Notification struct {
	Subject troth.Subject
	Purpose troth.Purpose
	// Version is the version of the purpose that it is about.
	Version uint32
	Why     Why
	// By is when the version takes effect, and what was granted before may end;
	// zero where nothing ends.
	By time.Time
}

// Notifier asks and tells people, in the host's way. It is called by [Ledger.Do]
// until it returns nil, so more than once is possible.
type Notifier interface {
	Notify(ctx context.Context, n Notification) error
}

// NotifierFunc makes a function a [Notifier].
type NotifierFunc func(ctx context.Context, n Notification) error

// Notify calls f.
func (f NotifierFunc) Notify(ctx context.Context, n Notification) error { return f(ctx, n) }

// announcement is the payload of WorkAnnounce: a publication, and how far its
// people were found.
type announcement struct {
	Tenant  troth.Tenant
	Purpose troth.Purpose
	Notice  string
	Version uint32
	After   string
}

func (a announcement) key() string {
	return fmt.Sprintf("%s/%s/%d/%s", a.Purpose, a.Notice, a.Version, a.After)
}

// shortKey keeps a key within the bounds of identifiers, and people's ids out of
// it.
func shortKey(key string) string {
	h := sha256.Sum256([]byte(key))
	return hexOf(h[:])
}

func (l *Ledger) announce(ctx context.Context, a announcement, by time.Time) error {
	return l.enqueue(ctx, a.Tenant, WorkAnnounce, a.key(), a, time.Time{}, by)
}

// affectedPage is how many people a step of an announcement looks at.
const affectedPage = 500

// Affected lists whom a version of a purpose concerns and who has not answered it
// yet: people to ask, or to tell where it does not rest on consent. Nobody is
// listed for an [Editorial] change. They come in the order of their ids, behind
// the given one.
func (l *Ledger) Affected(ctx context.Context, tenant troth.Tenant, p troth.Purpose, version uint32, after string) iter.Seq2[Notification, error] {
	return func(yield func(Notification, error) bool) {
		for {
			page, last, err := l.affected(ctx, tenant, p, version, after)
			if err != nil {
				yield(Notification{}, err)
				return
			}
			for _, n := range page {
				if !yield(n, nil) {
					return
				}
			}
			if last == "" {
				return
			}
			after = last
		}
	}
}

// affected returns those of one page, and where the next one begins; empty if
// there is none.
func (l *Ledger) affected(ctx context.Context, tenant troth.Tenant, p troth.Purpose, version uint32, after string) (page []Notification, last string, err error) {
	d, err := l.tenant(ctx, tenant)
	if err != nil {
		return nil, "", err
	}
	t := d.catalogue.Version(p, version)
	if t == nil {
		return nil, "", ErrVersion
	}
	rows, err := l.store.StatesAfter(ctx, tenant, p, after, affectedPage)
	if err != nil {
		return nil, "", fmt.Errorf("consent: read states: %w", err)
	}
	for _, row := range rows {
		s, err := d.openState(row)
		if err != nil {
			return nil, "", err
		}
		who := troth.Subject{Tenant: tenant, ID: row.SubjectID}
		if n, is := concerns(t, d.catalogue[p], &s.state, who); is {
			page = append(page, n)
		}
	}
	if len(rows) == affectedPage {
		last = rows[len(rows)-1].SubjectID
	}
	return page, last, nil
}

// concerns reports whether a version is of concern to who has the state.
func concerns(t *Terms, versions []Terms, s *state, who troth.Subject) (Notification, bool) {
	n := Notification{Subject: who, Purpose: t.Purpose, Version: t.Version, By: t.EffectiveAt}
	if t.Basis != Consent {
		n.Why = WhyChanged
		o := s.last(objectionTrack)
		return n, (t.Change == Material || t.Change == NewRecipient) && (!o.exists() || o.kind() != Objected)
	}
	choice := s.last(choiceTrack)
	if !choice.exists() || choice.code.nature().no || choice.version >= t.Version {
		return n, false
	}
	if notice := s.last(noticeTrack); notice.exists() && notice.kind() == Declined && notice.version >= t.Version {
		return n, false
	}
	for i := int(choice.version); i < int(t.Version) && i < len(versions); i++ {
		switch versions[i].Change {
		case Material:
			n.Why = WhyMaterial
			return n, true
		case NewRecipient:
			n.Why = WhyNewRecipient
		case NewPurpose, Editorial: // nothing to ask
		}
	}
	return n, n.Why != ""
}

// doAnnounce finds a page of people and enqueues a notification for each, and the
// next page, in one transaction: a step that fails is done again as a whole.
func (l *Ledger) doAnnounce(ctx context.Context, a announcement) error {
	return l.tx.Atomically(ctx, func(ctx context.Context) error {
		page, last, err := l.announced(ctx, a)
		if err != nil {
			return err
		}
		for _, n := range page {
			if err := l.enqueueNotify(ctx, n, a.key()); err != nil {
				return err
			}
		}
		if last == "" {
			return nil
		}
		a.After = last
		return l.announce(ctx, a, time.Time{})
	})
}

func (l *Ledger) announced(ctx context.Context, a announcement) ([]Notification, string, error) {
	if a.Notice == "" {
		return l.affected(ctx, a.Tenant, a.Purpose, a.Version, a.After)
	}
	return l.newlyAsked(ctx, a)
}

// newlyAsked returns people who have answered the version before of a notice, and
// not what the new one asks.
func (l *Ledger) newlyAsked(ctx context.Context, a announcement) (page []Notification, last string, err error) {
	d, err := l.tenant(ctx, a.Tenant)
	if err != nil {
		return nil, "", err
	}
	versions, err := l.notices(ctx, d, a.Notice)
	if err != nil {
		return nil, "", err
	}
	if a.Version < 2 || int(a.Version) > len(versions) {
		return nil, "", ErrNotice
	}
	n, before := &versions[a.Version-1], &versions[a.Version-2]
	// People are found by each purpose that was asked before, one after the other;
	// After says which one and how far.
	at, after := splitAfter(a.After)
	if at >= len(before.Asks) {
		return nil, "", nil
	}
	rows, err := l.store.StatesAfter(ctx, a.Tenant, before.Asks[at].Purpose, after, affectedPage)
	if err != nil {
		return nil, "", fmt.Errorf("consent: read states: %w", err)
	}
	for _, row := range rows {
		who := troth.Subject{Tenant: a.Tenant, ID: row.SubjectID}
		all, err := l.readStates(ctx, d, who)
		if err != nil {
			return nil, "", err
		}
		for _, p := range added(n, before) {
			if t := inForce(d.catalogue[p], forever, forever); t != nil && !all.has(p) {
				page = append(page, Notification{Subject: who, Purpose: p, Version: t.Version, Why: WhyNewPurpose})
			}
		}
	}
	switch {
	case len(rows) == affectedPage:
		last = joinAfter(at, rows[len(rows)-1].SubjectID)
	case at+1 < len(before.Asks):
		last = joinAfter(at+1, "")
	}
	return page, last, nil
}

func (all states) has(p troth.Purpose) bool {
	for i := range all {
		if all[i].purpose == p {
			return true
		}
	}
	return false
}

func joinAfter(purpose int, subject string) string { return fmt.Sprintf("%d/%s", purpose, subject) }

func splitAfter(s string) (purpose int, subject string) {
	for i := range len(s) {
		if s[i] == '/' {
			return purpose, s[i+1:]
		}
		purpose = purpose*10 + int(s[i]-'0')
	}
	return 0, ""
}
