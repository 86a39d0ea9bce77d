package deadline

import (
	"slices"
	"time"
)

// EventType names what happened.
type EventType string

// The events that start, pause and extend clocks.
const (
	Received              EventType = "received"               // a request reached the controller
	Sent                  EventType = "sent"                   // a request was sent
	Aware                 EventType = "aware"                  // a breach became known
	IdentityAsked         EventType = "identity-asked"         // more was asked for to identify the person
	IdentityConfirmed     EventType = "identity-confirmed"     // the person was identified
	ClarificationAsked    EventType = "clarification-asked"    // it was asked what the request means
	ClarificationAnswered EventType = "clarification-answered" // that was answered
	FeeAsked              EventType = "fee-asked"              // a fee was asked for or announced
	FeePaid               EventType = "fee-paid"               // the fee was paid
	ExtensionNoticed      EventType = "extension-noticed"      // the person was told of an extension and its reasons
	Refused               EventType = "refused"                // the person was told of a refusal
	Appealed              EventType = "appealed"               // an appeal reached the controller
	Complained            EventType = "complained"             // a complaint reached the controller
	MessageSent           EventType = "message-sent"           // a message with an opt-out link went out
	OptedOut              EventType = "opted-out"              // an opt-out took effect
	ConsentWithdrawn      EventType = "consent-withdrawn"      // consent was withdrawn
	Purchased             EventType = "purchased"              // the last purchase, or end of a contract
	Inquired              EventType = "inquired"               // the last inquiry
	AuthorityNotified     EventType = "authority-notified"     // an authority was first told of a breach
	LastActive            EventType = "last-active"            // the person was last seen
	Warned                EventType = "warned"                 // the person was warned of what comes
	Processed             EventType = "processed"              // data was processed
	Executed              EventType = "executed"               // a decision was carried out
)

var eventTypes = []EventType{
	Received, Sent, Aware, IdentityAsked, IdentityConfirmed, ClarificationAsked, ClarificationAnswered,
	FeeAsked, FeePaid, ExtensionNoticed, Refused, Appealed, Complained, MessageSent, OptedOut,
	ConsentWithdrawn, Purchased, Inquired, AuthorityNotified, LastActive, Warned, Processed, Executed,
}

// EventTypes returns every type of event.
func EventTypes() []EventType { return slices.Clone(eventTypes) }

// Event is something that happened, on a day or at an instant. Make it with
// [On] or [At].
type Event struct {
	Type EventType
	// Date is the day, where the law that applies has its days.
	Date Date
	// Instant is the time, UTC; zero if only the day is known.
	Instant time.Time
	// Location gives instants their days. It is nil if only the day is known,
	// and days are those of UTC where that matters.
	Location *time.Location
}

// On returns an event of which only the day is known.
func On(typ EventType, day Date) Event { return Event{Type: typ, Date: day} }

// At returns an event at an instant, on the day that it had in loc, which is
// where the law that applies has its days. A nil loc means UTC.
func At(typ EventType, at time.Time, loc *time.Location) Event {
	if loc == nil {
		loc = time.UTC
	}
	return Event{Type: typ, Date: DateOf(at, loc), Instant: at.UTC(), Location: loc}
}

// Validate returns an [EventError] if the event contradicts itself.
func (e Event) Validate() error {
	switch {
	case !slices.Contains(eventTypes, e.Type):
		return &EventError{Event: e.Type, Problem: "no such type"}
	case !e.Date.Valid():
		return &EventError{Event: e.Type, Problem: "no such day"}
	case !e.Instant.IsZero() && (e.Location == nil || DateOf(e.Instant, e.Location) != e.Date):
		return &EventError{Event: e.Type, Problem: "instant and day disagree"}
	}
	return nil
}

// compare orders events by time; one of which only the day is known comes
// before the instants of that day.
func (e Event) compare(o Event) int {
	if c := e.Date.Compare(o.Date); c != 0 {
		return c
	}
	return e.Instant.Compare(o.Instant)
}

// before reports whether an event is certainly earlier than another: of two on
// one day, both instants must be known.
func (e Event) before(o Event) bool {
	if e.Date != o.Date {
		return e.Date.Before(o.Date)
	}
	return !e.Instant.IsZero() && !o.Instant.IsZero() && e.Instant.Before(o.Instant)
}

// location returns where the event's day is.
func (e Event) location() *time.Location {
	if e.Location == nil {
		return time.UTC
	}
	return e.Location
}

// firstOf and lastUntil return the first event of a type in a sorted list, and
// the last one until the end of a day.
func firstOf(events []Event, typ EventType) (Event, bool) {
	for i := range events {
		if events[i].Type == typ {
			return events[i], true
		}
	}
	return Event{}, false
}

func lastUntil(events []Event, typ EventType, end Date) (Event, bool) {
	for _, e := range slices.Backward(events) {
		if e.Type == typ && !e.Date.After(end) {
			return e, true
		}
	}
	return Event{}, false
}
