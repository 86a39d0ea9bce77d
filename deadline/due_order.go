package deadline

import (
	"cmp"
	"errors"
)

// sooner orders deadlines by safe date, legal date and id. Instants decide
// between periods of hours that end on the same day.
func sooner(a, b Deadline) int {
	c := cmp.Or(a.Safe.Compare(b.Safe), a.Legal.Compare(b.Legal))
	if c == 0 && !a.SafeAt.IsZero() && !b.SafeAt.IsZero() {
		c = a.SafeAt.Compare(b.SafeAt)
	}
	return cmp.Or(c, cmp.Compare(a.rule.ID, b.rule.ID))
}

// idle reports whether the error says that a rule has no clock running.
func idle(err error) bool {
	if err == nil {
		return false
	}
	_, notStarted := errors.AsType[*NotStartedError](err)
	_, notInForce := errors.AsType[*NotInForceError](err)
	return notStarted || notInForce
}
