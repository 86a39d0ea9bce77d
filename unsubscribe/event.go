package unsubscribe

import (
	"net/netip"
	"time"

	"github.com/trothdev/troth"
)

// Event is one thing that was said or learnt about an address. It names nobody.
type Event struct {
	ID   string
	Kind Kind
	// Place is where it counts.
	Place   Place
	Channel Channel
	Method  Method
	// At is when it was said, RecordedAt when the registry learnt of it; UTC.
	At, RecordedAt time.Time
	// Claimed is when it was said to have been said, where that cannot be: after it was
	// recorded, by a clock that is ahead, or before 1970. Else it is zero.
	Claimed time.Time
	// Origin is the event of another ledger that it came from, Reference what proves
	// an opt-in, or the opt-out that an undo takes back: opaque ids.
	Origin, Reference string
	// Provider is who was told, or who reported.
	Provider string
	// Generation is the entry's after the event.
	Generation uint32
	// HasEvidence says whether sealed evidence was kept with it.
	HasEvidence bool
}

// Evidence is what shows that the person said it. It is sealed under a key of its
// own, and goes when the person is erased.
type Evidence struct {
	IP        troth.Sensitive[netip.Addr]
	UserAgent troth.Sensitive[string]
	Note      troth.Sensitive[string]
}

// Link is what an unsubscribe link carries of the time when it was made.
type Link struct {
	// Generation is the entry's then, see [Registry.Generation].
	Generation uint32
	SentAt     time.Time
}

// OptOutParams is a person's no.
type OptOutParams struct {
	// ID makes saying it again harmless; one is made where it is empty.
	ID string
	// Tenant is the client through whom it came; also for [Everything].
	Tenant  troth.Tenant
	Channel Channel
	Address troth.Sensitive[string]
	Scope   Scope
	List    string
	// At is when it was said; now if zero, or if it cannot be: a no is not lost for a
	// clock that is ahead, see [Event.Claimed].
	At     time.Time
	Method Method
	// Link is set where a link alone said it, as one-click does: an older consent
	// does not end a newer one silently. A page that asked leaves it nil.
	Link     *Link
	Evidence Evidence
	// SubjectID is the person as the client knows them, if the host knows; else the
	// directory is asked.
	SubjectID string
}

// OptInParams is a person's way back.
type OptInParams struct {
	ID      string
	Tenant  troth.Tenant
	Channel Channel
	Address troth.Sensitive[string]
	Scope   Scope
	List    string
	// At is when the person said it; it must lie after everything that it is to
	// lift, and not in the future.
	At     time.Time
	Method Method
	// Reference names what proves it: the event of a consent ledger, a receipt, a
	// message. For [ByUndo] it is the id of the opt-out.
	Reference string
	Evidence  Evidence
	SubjectID string
}

// ReportParams is what a mail provider tells: a hard bounce or a complaint.
type ReportParams struct {
	ID      string
	Tenant  troth.Tenant
	Channel Channel
	Address troth.Sensitive[string]
	// Kind is [KindBounce] or [KindComplaint].
	Kind  Kind
	Scope Scope
	List  string
	// At is when it was; now if zero, or if it cannot be.
	At       time.Time
	Provider string
}
