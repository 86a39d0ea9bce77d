package retention

import (
	"errors"
	"fmt"
)

// ErrPolicy says that a policy cannot be used: it is malformed, or contradicts
// itself. The error that wraps it is a *[PolicyError].
var ErrPolicy = errors.New("retention: policy is not usable")

// PolicyError says what is wrong with a policy, and where. A policy is not about
// people; still nothing of its text is quoted but ids.
type PolicyError struct {
	// Where is the place, such as "classes.content.stages.trashed.for"; empty for
	// the whole text.
	Where string
	// Problem is a phrase such as "no such stage".
	Problem string
	// Err is the cause, where there is one: of a text that is not JSON or YAML.
	Err error
}

func (e *PolicyError) Error() string {
	text := "retention: policy"
	if e.Where != "" {
		text += ": " + e.Where
	}
	if e.Problem != "" {
		text += ": " + e.Problem
	}
	if e.Err != nil {
		text += fmt.Sprintf(": %v", e.Err)
	}
	return text
}

// Unwrap returns ErrPolicy and the cause.
func (e *PolicyError) Unwrap() []error {
	if e.Err == nil {
		return []error{ErrPolicy}
	}
	return []error{ErrPolicy, e.Err}
}
