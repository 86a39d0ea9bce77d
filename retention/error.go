package retention

import (
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
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

var (
	// ErrNoPolicy says that no version of a policy is in force: nothing is kept or
	// destroyed by it.
	ErrNoPolicy = errors.New("retention: no policy is in force: Keeper.Activate puts one in force")
	// ErrVersion says that a version does not follow those that were activated.
	ErrVersion = errors.New("retention: the version does not follow the ones before")
	// ErrUnregistered says that a record type has no handler, or no class.
	ErrUnregistered = errors.New("retention: no such record type")
	// ErrNotKept says that nothing of a class is kept: its records are destroyed after
	// use and never registered.
	ErrNotKept = errors.New("retention: nothing of that class is kept")
	// ErrConflict says that the id was used for something else.
	ErrConflict = errors.New("retention: the id was used for something else")
	// ErrNotFound says that there is no such record, hold or proposal. Handlers return
	// it for what is gone already, which is success.
	ErrNotFound = errors.New("retention: not found")
	// ErrEvent says that an event is not declared by the policy.
	ErrEvent = errors.New("retention: no such event")
	// ErrFull says that a record has as many events and labels as a row holds: one more is
	// not taken.
	ErrFull = errors.New("retention: the record has too many events and labels")
	// ErrPanic says that a handler panicked.
	ErrPanic = errors.New("retention: a handler panicked")
	// ErrNotOver says that not everything is over that belongs to an account, a person or a
	// purpose: records of it are left, or something has not come to all of them.
	ErrNotOver = errors.New("retention: records of it are left, or something has not come to all of them")
	// ErrFuture says that something happened after now.
	ErrFuture = errors.New("retention: the instant lies in the future")
	// ErrRole says that the person may not do that, or not alone.
	ErrRole = errors.New("retention: this takes another person or role")
	// ErrHold says that a hold is not usable: without matter, or without review.
	ErrHold = errors.New("retention: hold is not usable")
	// ErrExtent says that what a decision is to be about contradicts itself.
	ErrExtent = errors.New("retention: extent is not usable")
	// ErrCondition says that a condition has too many words.
	ErrCondition = errors.New("retention: condition is not usable")
	// ErrException says that an exception is not usable: without reason, or without an
	// end that lies ahead.
	ErrException = errors.New("retention: exception is not usable")
	// ErrRecord says that a stored row is not what the keeper wrote.
	ErrRecord = errors.New("retention: stored record is not usable")
	// ErrHeld says that a legal hold stands against it. The error that wraps it is a
	// *[HeldError].
	ErrHeld = fmt.Errorf("%w: held", troth.ErrNotPermitted)
	// ErrStopped says that somebody stopped all destruction. The error that wraps it is a
	// *[StoppedError].
	ErrStopped = fmt.Errorf("%w: stopped", troth.ErrNotPermitted)
	// ErrManaged says that a permit was asked for a record of the policy: those go by sweeps,
	// when they are due.
	ErrManaged = fmt.Errorf("%w: records of the policy are destroyed by sweeps alone", troth.ErrNotPermitted)
	// ErrApproval says that something waits until two people approve a plan. The error
	// that wraps it is an *[ApprovalError].
	ErrApproval = errors.New("retention: this needs an approved plan")
	// ErrStale says that a plan is not about what is any more. The error that wraps it is
	// a *[StaleError].
	ErrStale = errors.New("retention: the plan is stale")
)

// HeldError names the hold that keeps something.
type HeldError struct {
	Hold, Matter string
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("retention: hold %q of matter %q keeps it", e.Hold, e.Matter)
}

// Unwrap returns ErrHeld.
func (e *HeldError) Unwrap() error { return ErrHeld }

// LintError says what speaks against activating a policy.
type LintError struct {
	Findings []Finding
}

func (e *LintError) Error() string {
	return fmt.Sprintf("retention: the policy has %d findings, the first: %s", len(e.Findings), e.Findings[0])
}

// Unwrap returns ErrPolicy.
func (e *LintError) Unwrap() error { return ErrPolicy }

// ApprovalError says what waits until two people approve a plan, see [Keeper.Preview],
// [Keeper.Propose] and [Keeper.Approve].
type ApprovalError struct {
	Why Awaits
	// Class is the class that waits; empty for all of them.
	Class string
	// Since is when the first of it began to wait.
	Since time.Time
}

// Awaits is why something waits to be approved.
type Awaits string

const (
	// AwaitsFirst is that nothing was ever approved: the first records to go.
	AwaitsFirst Awaits = "first"
	// AwaitsCeiling is that as many went as may, or more than were approved.
	AwaitsCeiling Awaits = "ceiling"
	// AwaitsShortening is that a version makes records go earlier.
	AwaitsShortening Awaits = "shortening"
)

// means says what to do about it.
func (a Awaits) means() string {
	if a == AwaitsShortening {
		return "see Keeper.PreviewActivation"
	}
	return "see Keeper.Preview"
}

func (e *ApprovalError) Error() string {
	text := fmt.Sprintf("%v: %s", ErrApproval, e.Why)
	if e.Class != "" {
		text += fmt.Sprintf(" of class %q", e.Class)
	}
	return text + "; " + e.Why.means()
}

// Unwrap returns ErrApproval.
func (e *ApprovalError) Unwrap() error { return ErrApproval }

// StaleError says why a plan cannot be used.
type StaleError struct {
	Plan [32]byte
	Why  Stale
}

// Stale is what makes a plan stale.
type Stale string

const (
	// StalePolicy is that the policy is another one.
	StalePolicy Stale = "policy"
	// StaleAge is that the plan is too old, or was carried out.
	StaleAge Stale = "age"
)

func (e *StaleError) Error() string {
	return fmt.Sprintf("retention: plan %x is stale: %s", e.Plan[:8], e.Why)
}

// Unwrap returns ErrStale.
func (e *StaleError) Unwrap() error { return ErrStale }
