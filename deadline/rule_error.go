package deadline

import (
	"errors"
	"fmt"
)

// ErrInvalid is wrapped by every error about a rule or a set that cannot be
// used.
var ErrInvalid = errors.New("deadline: invalid rule")

// RuleError tells what is wrong with a rule.
type RuleError struct {
	// Rule is the id, or what stands in its place.
	Rule string
	// Field is the name of the field in the JSON of a set.
	Field string
	// Problem says it in a few words.
	Problem string
}

func (e *RuleError) Error() string {
	return fmt.Sprintf("deadline: rule %q: %s: %s", e.Rule, e.Field, e.Problem)
}

func (e *RuleError) Unwrap() error { return ErrInvalid }

// EventError tells what is wrong with an event.
type EventError struct {
	Event   EventType
	Problem string
}

func (e *EventError) Error() string {
	return fmt.Sprintf("deadline: event %q: %s", string(e.Event), e.Problem)
}

// NotStartedError says that the event has not happened without which the clock
// of a rule does not start.
type NotStartedError struct {
	Rule  string
	Event EventType
}

func (e *NotStartedError) Error() string {
	return fmt.Sprintf("deadline: rule %q: not started: no event %q", e.Rule, string(e.Event))
}

// NotInForceError says that a rule did not apply on the day on which its clock
// would have started.
type NotInForceError struct {
	Rule string
	// Day is that day; From and To are the first and the last one on which the
	// rule applies, To zero if it has no end.
	Day, From, To Date
}

func (e *NotInForceError) Error() string {
	until := "until further notice"
	if !e.To.IsZero() {
		until = "to " + e.To.String()
	}
	return fmt.Sprintf("deadline: rule %q: not in force on %s: it applies from %s %s", e.Rule, e.Day, e.From, until)
}

// UnknownRuleError says that no rule has an id.
type UnknownRuleError struct{ Rule string }

func (e *UnknownRuleError) Error() string { return fmt.Sprintf("deadline: no rule %q", e.Rule) }
