package task

import (
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

var (
	// ErrNotFound says that the tenant has no task of that id.
	ErrNotFound = errors.New("task: no such task")
	// ErrState says that a task is in a state in which that cannot be done to it.
	ErrState = errors.New("task: not possible in the state of the task")
	// ErrLeaseLost says that an attempt no longer holds its task: the lease ended
	// and it was taken away. It is the cause of the handler's context then.
	ErrLeaseLost = errors.New("task: lease is lost")
	// ErrCompleted says that a job was completed already.
	ErrCompleted = errors.New("task: job was completed already")
	// ErrNotInTx says that Complete was called outside of a transaction, where it
	// could not commit together with an effect.
	ErrNotInTx = errors.New("task: complete needs a transaction")
	// ErrInTx says that a task was to run inside a transaction: a claim must
	// commit before the attempt begins.
	ErrInTx = errors.New("task: cannot run inside a transaction")
	// ErrPayload says that a payload is too large, cannot be opened, or does not
	// hold what its kind says.
	ErrPayload = errors.New("task: payload is not usable")
	// ErrNoSealer says that work has a payload and the engine was made without
	// a Sealer.
	ErrNoSealer = errors.New("task: a payload needs a sealer")
	// ErrKind says that a kind of work is not valid, or registered twice.
	ErrKind = errors.New("task: kind of work cannot be registered")
	// ErrNotOwner says that the actor has not the role that a manual task waits
	// for, or belongs to another tenant.
	ErrNotOwner = errors.New("task: actor is not the owner of the task")
	// ErrUnmanaged says that the store is managed by a retention keeper, and the
	// engine was made to work without one.
	ErrUnmanaged = errors.New("task: store is managed by a retention keeper, which alone gives leave to destroy")
	// ErrRunning says that Run was called while it runs.
	ErrRunning = errors.New("task: engine runs already")
)

// NotNowError says that a task exists and cannot run now: it is not due, is
// blocked, runs elsewhere, or a limit holds it. A queue should deliver it again.
type NotNowError struct {
	State State
	// Until is when to come back at the earliest, the zero time if that is not
	// known.
	Until time.Time
}

func (e *NotNowError) Error() string { return fmt.Sprintf("task: cannot run now: %s", e.State) }

// Retryable reports true.
func (*NotNowError) Retryable() bool { return true }

// PrerequisiteError says that a work can never run because of one that it is to
// run after.
type PrerequisiteError struct {
	ID ID
	// State is how that one ended; empty if the tenant has no such task.
	State State
}

func (e *PrerequisiteError) Error() string {
	if e.State == "" {
		return "task: prerequisite " + e.ID.String() + " does not exist"
	}
	return fmt.Sprintf("task: prerequisite %s is %s", e.ID, e.State)
}

// CycleError says that steps wait for each other.
type CycleError struct {
	// Steps are the names of those that can never run, sorted.
	Steps []string
}

func (e *CycleError) Error() string {
	return fmt.Sprintf("task: steps wait for each other: %q", e.Steps)
}

// PermanentError is what a handler returns for work that will never succeed.
type PermanentError struct{ Err error }

// Permanent makes err end the work as Failed instead of being tried again. It
// returns nil for nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &PermanentError{Err: err}
}

func (e *PermanentError) Error() string { return "task: permanent: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *PermanentError) Unwrap() error { return e.Err }

// ManualError is what a handler returns for work that needs a person.
type ManualError struct {
	// Owner is the role of that person; empty is that of the kind.
	Owner string
	// Instructions tell the person what to do. They are sealed like the payload.
	Instructions troth.Sensitive[string]
	// Due is by when; the zero time is the deadline of the work.
	Due time.Time
	// Err is why, if there is an error behind it.
	Err error
}

// ManualNeeded asks for a person in that role.
func ManualNeeded(owner string, instructions troth.Sensitive[string]) error {
	return &ManualError{Owner: owner, Instructions: instructions}
}

func (e *ManualError) Error() string {
	if e.Err != nil {
		return "task: a person is needed: " + e.Err.Error()
	}
	return "task: a person is needed"
}

// Unwrap returns the cause.
func (e *ManualError) Unwrap() error { return e.Err }

// RetryError is what a handler returns to say when to try again. Any other error may
// say so by the method RetryIn.
type RetryError struct {
	After time.Duration
	Err   error
}

// RetryAfter makes the work wait so long before the next attempt, such as a
// provider asked for, instead of the backoff of its kind. It returns nil for nil.
func RetryAfter(after time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return &RetryError{After: after, Err: err}
}

// RetryIn is how long to wait.
func (e *RetryError) RetryIn() (time.Duration, bool) { return e.After, true }

func (e *RetryError) Error() string { return "task: try again later: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *RetryError) Unwrap() error { return e.Err }
