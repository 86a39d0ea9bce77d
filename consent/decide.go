package consent

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// Decision is whether personal data of a person may be processed for a purpose.
// Its zero value denies.
type Decision struct { //nolint:recvcheck // the value is what people print; only deciding changes one
	Allowed bool
	Reason  Reason
	Purpose troth.Purpose
	// Version and Basis are those that decided: of a grant, the version that was
	// granted; else the one in force. Zero where there is none.
	Version uint32
	Basis   Basis
	// Event is the event that decided; empty where none did.
	Event string
	// Requires is the purpose that was denied, for [ReasonDependency].
	Requires troth.Purpose
	// At is the instant decided for, KnownAt the state of knowledge; zero is all
	// that is known.
	At, KnownAt time.Time
	// Ends is when an allowed decision ends if nothing else happens; zero is
	// never.
	Ends time.Time
}

// String is the decision in one line. It names no person.
func (d Decision) String() string {
	var b strings.Builder
	word := "denied"
	if d.Allowed {
		word = "allowed"
	}
	fmt.Fprintf(&b, "%s: %s for %s", word, cmpOr(string(d.Reason), "no decision"), cmpOr(string(d.Purpose), "no purpose"))
	if d.Version != 0 {
		fmt.Fprintf(&b, ", version %d", d.Version)
	}
	if a := d.Basis.Article(); a != "" {
		fmt.Fprintf(&b, ", Article %s", a)
	}
	if d.Requires != "" {
		fmt.Fprintf(&b, ", requires %s", d.Requires)
	}
	if d.Event != "" {
		fmt.Fprintf(&b, ", by event %s", d.Event)
	}
	if !d.At.IsZero() {
		fmt.Fprintf(&b, ", at %s", plainInstant(d.At))
	}
	if !d.KnownAt.IsZero() {
		fmt.Fprintf(&b, ", as known at %s", plainInstant(d.KnownAt))
	}
	if !d.Ends.IsZero() {
		fmt.Fprintf(&b, ", ends %s", plainInstant(d.Ends))
	}
	return b.String()
}

func cmpOr(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

// DecideParams are what a decision depends on, and all of it.
type DecideParams struct {
	Catalogue Catalogue
	// Events are those of one person, of all purposes, in any order; those of
	// linked devices with their Link.
	Events  []Event
	Purpose troth.Purpose
	// Recipient, if it is given, must be among those of the granted version.
	Recipient string
	// At is the instant that is asked about. KnownAt leaves out what the ledger
	// learnt later; the zero time leaves out nothing.
	At, KnownAt time.Time
}

// Decide decides, and does nothing else: it reads no clock and no store.
func Decide(p DecideParams) Decision {
	knownAt := forever
	if !p.KnownAt.IsZero() {
		knownAt = p.KnownAt.UnixMicro()
	}
	byPurpose := make(map[troth.Purpose][]Event)
	for _, e := range p.Events {
		byPurpose[e.Purpose] = append(byPurpose[e.Purpose], e)
	}
	q := question{purpose: p.Purpose, recipient: p.Recipient, at: p.At.UnixMicro(), knownAt: knownAt}
	var all states
	for purpose, events := range byPurpose {
		all = append(all, purposeState{purpose, fold(events, q.at, q.knownAt)})
	}
	d := decide(p.Catalogue, all, q)
	d.KnownAt = p.KnownAt
	return d
}

// question is one decision that is asked for.
type question struct {
	purpose     troth.Purpose
	recipient   string
	at, knownAt int64
}

// maxDepth bounds purposes that require one another; Publish refuses circles.
const maxDepth = 16

// decide is the decision on states that are those of the question's instants.
func decide(c Catalogue, all states, q question) Decision {
	return decideAt(c, all, q, 0)
}

func decideAt(c Catalogue, all states, q question, depth int) Decision {
	d := Decision{Purpose: q.purpose, At: instant(q.at)}
	versions := c[q.purpose]
	current := d.settle(versions, all.of(q.purpose), q)
	if !d.Allowed {
		return d
	}
	for _, required := range current.Requires {
		q.purpose, q.recipient = required, ""
		if depth >= maxDepth {
			d.deny(ReasonDependency)
			d.Requires = required
			return d
		}
		inner := decideAt(c, all, q, depth+1)
		if !inner.Allowed {
			d.deny(ReasonDependency)
			d.Requires, d.Event = required, inner.Event
			return d
		}
		d.endBy(micros(inner.Ends))
	}
	return d
}

// settle decides without what the purpose requires, and returns the version in
// force.
func (d *Decision) settle(versions []Terms, s *state, q question) *Terms {
	current := inForce(versions, q.at, q.knownAt)
	if current == nil {
		d.deny(ReasonUnknownPurpose)
		return nil
	}
	d.Version, d.Basis = current.Version, current.Basis
	if current.Retired {
		d.deny(ReasonRetired)
		return current
	}
	if current.Basis == Consent {
		d.settleConsent(versions, current, s, q)
	} else {
		d.settleOther(current, s, q)
	}
	if d.Allowed {
		d.endBy(retirement(versions, current, q))
	}
	return current
}

func (d *Decision) deny(r Reason) { d.Allowed, d.Reason, d.Ends = false, r, time.Time{} }

func (d *Decision) allow(r Reason) { d.Allowed, d.Reason = true, r }

// endBy lets an allowed decision end at an instant, if that is earlier.
func (d *Decision) endBy(at int64) {
	if at != 0 && at != forever && (d.Ends.IsZero() || at < d.Ends.UnixMicro()) {
		d.Ends = instant(at)
	}
}

// retirement is when a version that is already published ends the purpose.
func retirement(versions []Terms, current *Terms, q question) int64 {
	for i := int(current.Version); i < len(versions); i++ {
		if t := &versions[i]; t.Retired && t.PublishedAt.UnixMicro() <= q.knownAt {
			return t.EffectiveAt.UnixMicro()
		}
	}
	return 0
}

// settleOther decides on processing that does not rest on consent.
func (d *Decision) settleOther(current *Terms, s *state, q question) {
	o := s.last(objectionTrack)
	if o.exists() && (current.Basis.objectable() || current.DirectMarketing) && objects(o, current) {
		d.Event = o.id
		d.deny(ReasonObjected)
		return
	}
	if current.DirectMarketing && d.saidNo(s.last(choiceTrack)) {
		// A withdrawal from direct marketing is an objection to it, whatever it
		// rests on.
		return
	}
	if q.recipient != "" && !slices.Contains(current.Recipients, q.recipient) {
		d.deny(ReasonRecipient)
		return
	}
	d.allow(ReasonBasis)
}

func (d *Decision) saidNo(m *mark) bool {
	if !m.exists() || !m.code.nature().no {
		return false
	}
	d.Event = m.id
	d.deny(ReasonObjected)
	return true
}

// objects reports whether the last word on the objection track stops processing.
// No ground of the controller's outweighs an objection to direct marketing.
func objects(o *mark, t *Terms) bool {
	switch o.kind() {
	case Objected:
		return true
	case ObjectionOverruled:
		return t.DirectMarketing
	default:
		return false
	}
}

func (d *Decision) settleConsent(versions []Terms, current *Terms, s *state, q question) {
	choice, objection := s.last(choiceTrack), s.last(objectionTrack)
	if objection.exists() && objects(objection, current) && (!choice.exists() || objection.compare(choice) > 0) {
		// An opt-out is worth a withdrawal; consent given after it counts.
		d.Event = objection.id
		d.deny(ReasonObjected)
		return
	}
	if !choice.exists() || choice.code.nature().no {
		d.settleNo(choice, s.last(requestTrack))
		return
	}
	d.Event, d.Version = choice.id, choice.version
	if choice.version == 0 || int(choice.version) > len(versions) {
		d.deny(ReasonUnknown)
		return
	}
	granted := &versions[choice.version-1]
	switch {
	case choice.kind() == Granted && granted.DoubleOptIn:
		d.deny(ReasonPending)
		return
	case choice.until != 0 && q.at >= choice.until:
		d.deny(ReasonExpired)
		return
	case choice.minor && !d.guarded(versions, choice, s.last(guardianTrack), q):
		return
	}
	d.supersede(versions, current, choice, q)
	if d.Allowed && q.recipient != "" && !slices.Contains(granted.Recipients, q.recipient) {
		d.deny(ReasonRecipient)
	}
}

// settleNo tells why there is no consent.
func (d *Decision) settleNo(choice, request *mark) {
	if request.exists() && (!choice.exists() || request.compare(choice) > 0) {
		d.Event = request.id
		d.deny(ReasonPending)
		return
	}
	if !choice.exists() {
		d.deny(ReasonUnknown)
		return
	}
	d.Event = choice.id
	switch choice.kind() {
	case Refused:
		d.deny(ReasonRefused)
	case Expired:
		d.deny(ReasonExpired)
	case Invalidated:
		d.deny(ReasonInvalidated)
	default:
		d.deny(ReasonWithdrawn)
	}
}

// guarded reports whether a child's consent has a guardian's leave at the
// instant: of the version that was granted, or one that no material change
// separates from it. Guardians are moved to a new version as little as anybody.
func (d *Decision) guarded(versions []Terms, choice, guardian *mark, q question) bool {
	granted := &versions[choice.version-1]
	if !guardian.exists() || guardian.code.nature().no || changed(versions[:choice.version], guardian.version) {
		if guardian.exists() {
			d.Event = guardian.id
		}
		d.deny(ReasonGuardianMissing)
		return false
	}
	if choice.comesOfAge == 0 {
		return true
	}
	end := after(choice.comesOfAge, granted.AfterMajority)
	if q.at >= end {
		d.deny(ReasonCameOfAge)
		return false
	}
	d.endBy(end)
	return true
}

// changed reports whether a material change follows a version.
func changed(versions []Terms, after uint32) bool {
	for i := range versions {
		if versions[i].Version > after && versions[i].Change == Material {
			return true
		}
	}
	return false
}

// supersede allows a grant for as long as no material change ends it. A grant of
// a version that has not taken effect yet was given ahead, and counts.
func (d *Decision) supersede(versions []Terms, current *Terms, choice *mark, q question) {
	d.endBy(choice.until)
	d.allow(ReasonGranted)
	for i := int(choice.version); i < len(versions); i++ {
		t := &versions[i]
		if t.PublishedAt.UnixMicro() > q.knownAt || t.Change != Material {
			continue
		}
		end := after(t.EffectiveAt.UnixMicro(), t.Grace)
		if q.at >= end {
			d.deny(ReasonSuperseded)
			return
		}
		d.endBy(end)
		if t.Version <= current.Version {
			d.allow(ReasonGrace)
		}
	}
}
