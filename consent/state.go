package consent

import (
	"cmp"
	"strings"

	"github.com/trothdev/troth"
)

// mark is one event as far as decisions need it.
type mark struct {
	id                     string
	code                   code
	version                uint32
	given, recorded, until int64
	minor                  bool
	comesOfAge             int64
}

func (m *mark) exists() bool { return m.id != "" }

// consents reports whether there is a mark, and one that makes consent.
func (m *mark) consents() bool { return m.exists() && m.kind().consents() }

func (m *mark) kind() Kind { return m.code.nature().kind }

// compare orders events of a track by when they were said. Of two of one instant
// what denies comes last, and so wins; of two that say the same, the later
// recorded.
func (m *mark) compare(o *mark) int {
	if c := cmp.Compare(m.given, o.given); c != 0 {
		return c
	}
	if a, b := m.code.nature().no, o.code.nature().no; a != b {
		if a {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(m.recorded, o.recorded), strings.Compare(m.id, o.id))
}

// latest is the last mark of each track.
type latest [tracks]mark

func (l *latest) add(m mark) {
	if at := &l[m.code.nature().track]; !at.exists() || m.compare(at) > 0 {
		*at = m
	}
}

// state is what the events of one person about one purpose come to. It is a fold:
// the order in which events are added does not matter.
type state struct {
	// own are the person's events, linked those of devices that became theirs.
	own, linked latest
	// given is the latest instant that any event or link speaks of: from there on
	// the state decides, before it the events do.
	given int64
	// recorded is when the ledger learnt of the latest of them.
	recorded int64
}

// states are those of one person, by purpose.
type states []purposeState

type purposeState struct {
	purpose troth.Purpose
	state   state
}

var nothing state

// of returns the state of a purpose, an empty one if there is none. It must not
// be changed.
func (all states) of(p troth.Purpose) *state {
	for i := range all {
		if all[i].purpose == p {
			return &all[i].state
		}
	}
	return &nothing
}

// add folds one event in.
func (s *state) add(m mark) {
	s.own.add(m)
	s.given, s.recorded = max(s.given, m.given), max(s.recorded, m.recorded)
}

// adopt folds in what a device has said, from the instant of the link on.
func (s *state) adopt(device *state, at, recorded int64) {
	for i := range device.own {
		if m := device.own[i]; m.exists() {
			s.linked.add(m)
			s.given = max(s.given, m.given)
		}
	}
	s.given, s.recorded = max(s.given, at), max(s.recorded, recorded)
}

// last returns what counts on a track. A device's yes never lifts a no of the
// person's own: nobody is upgraded by logging in.
func (s *state) last(t track) *mark {
	own, linked := &s.own[t], &s.linked[t]
	switch {
	case !linked.exists():
		return own
	case !own.exists():
		return linked
	case own.code.nature().no && !linked.code.nature().no:
		return own
	case linked.compare(own) > 0:
		return linked
	}
	return own
}

// markOf reduces an event.
func markOf(e *Event) mark {
	c, _ := codeOf(e.Kind)
	return mark{
		id: e.ID, code: c, version: e.Version,
		given: micros(e.GivenAt), recorded: micros(e.RecordedAt), until: micros(e.Until),
		minor: e.Age.Minor, comesOfAge: micros(e.Age.ComesOfAge),
	}
}

// fold makes the state of the events that count at an instant, as it was known
// then.
func fold(events []Event, at, knownAt int64) (s state) {
	for i := range events {
		e := &events[i]
		m := markOf(e)
		if m.given > at || m.recorded > knownAt {
			continue
		}
		if e.Link == (Link{}) {
			s.add(m)
			continue
		}
		linkAt, linked := micros(e.Link.At), micros(e.Link.RecordedAt)
		if linkAt <= at && linked <= knownAt && m.recorded <= linked {
			s.linked.add(m)
			s.given = max(s.given, m.given, linkAt)
			s.recorded = max(s.recorded, linked)
		}
	}
	return s
}
