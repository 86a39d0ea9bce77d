package unsubscribe

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// Live reports whether a reason stands: it was given, and the person has not come
// back since. Of one instant the reason wins.
func (r *EntryRow) Live(reason Reason) bool {
	at := r.mark(reason)
	return at != 0 && at >= r.OptInAt
}

func (r *EntryRow) mark(reason Reason) int64 {
	for i, known := range reasons {
		if known == reason {
			return r.Marks[i]
		}
	}
	return 0
}

// Effect is what the row does to messages of a class: the strongest of its live
// reasons, and the first of these in the order of reasons.
func (r *EntryRow) Effect(c Class) (effect Effect, why Reason, at int64) {
	why = ReasonClear
	for i, reason := range reasons {
		if e := reason.Effect(c); e > effect && r.Live(reason) {
			effect, why, at = e, reason, r.Marks[i]
		}
	}
	return effect, why, at
}

// Concerns reports whether the row is about messages of the campaign.
func (r *EntryRow) Concerns(c Campaign) bool {
	return r.Channel == c.Channel && (r.List == "" || r.List == c.List) && (r.Tenant == c.Tenant || r.Tenant == troth.Platform)
}

// Place is where the row stands. For everything it has no tenant of its own.
func (r *EntryRow) Place() Place {
	switch {
	case r.Tenant == troth.Platform:
		return Place{Tenant: troth.Platform, Scope: Everything}
	case r.List == "":
		return Place{Tenant: r.Tenant, Scope: Client}
	}
	return Place{Tenant: r.Tenant, Scope: List, List: r.List}
}

// Decision is whether one message may be sent, and why.
type Decision struct {
	Send   bool
	Reason Reason
	// Place is where the reason stands.
	Place Place
	// At is when the reason was given, UTC; zero where there is none.
	At time.Time
	// Event is the event that decided.
	Event string
	// Warning is a reason to be careful with a message that may be sent.
	Warning Reason
}

// String explains the decision in one line, without the address.
func (d Decision) String() string {
	verdict := "send"
	if !d.Send {
		verdict = "stop"
	}
	s := verdict + ": " + string(d.Reason)
	if d.Place.Scope != "" {
		s += ", scope " + string(d.Place.Scope)
	}
	if d.Place.List != "" {
		s += fmt.Sprintf(" %q", d.Place.List)
	}
	if !d.At.IsZero() {
		s += ", said " + d.At.Format(time.RFC3339)
	}
	if d.Event != "" {
		s += ", event " + d.Event
	}
	if d.Warning != "" {
		s += ", warning: " + string(d.Warning)
	}
	return s
}

// Decide is the rule: whatever stands in any scope stops. Rows are those of the
// address in the client's registry and in that of everything; others are passed
// over.
func Decide(c Campaign, rows []EntryRow) Decision {
	d := Decision{Send: true, Reason: ReasonClear}
	for i := range rows {
		row := &rows[i]
		if !row.Concerns(c) {
			continue
		}
		effect, why, at := row.Effect(c.Class)
		switch {
		case effect == Warns && d.Warning == "":
			d.Warning = why
		case effect == Stops && (d.Send || d.yields(row.Place().Scope, why, instant(at))):
			d.Send, d.Reason, d.Place, d.At, d.Event = false, why, row.Place(), instant(at), row.Event
		}
	}
	if !d.Send {
		d.Warning = ""
	}
	return d
}

var width = map[Scope]int{List: 1, Client: 2, Everything: 3}

// yields reports whether another reason comes before that of the decision: of a wider
// scope, or what the person said rather than what was reported, or the later one. So
// the decision does not depend on the order of rows.
func (d Decision) yields(s Scope, why Reason, at time.Time) bool {
	if c := cmp.Compare(width[s], width[d.Place.Scope]); c != 0 {
		return c > 0
	}
	if c := cmp.Compare(slices.Index(reasons[:], why), slices.Index(reasons[:], d.Reason)); c != 0 {
		return c < 0
	}
	return at.After(d.At)
}

// instant is a stored time.
func instant(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
