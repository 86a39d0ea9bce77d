package rights

import (
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

var (
	// ErrNotFound says that the tenant has no such request.
	ErrNotFound = errors.New("rights: no such request")
	// ErrRight says that something is no right, or not one that the call is about.
	ErrRight = errors.New("rights: no such right")
	// ErrConflict says that the id was used for another request before.
	ErrConflict = errors.New("rights: the id was used for something else")
	// ErrFuture says that something was said to have happened after now, or before the
	// request was received.
	ErrFuture = errors.New("rights: the instant lies in the future, or before the request")
	// ErrUnproven says that nobody has shown who asks, or not well enough, or that an
	// agent's authority is not confirmed.
	ErrUnproven = errors.New("rights: identity or authority is not proven")
	// ErrCode says that a code proves nothing: it is wrong, was used, is too old, was
	// tried too often, or nobody is known under the address. Which of these is not told.
	ErrCode = errors.New("rights: the code proves nothing")
	// ErrOften says that too many codes were asked for.
	ErrOften = errors.New("rights: too many codes were asked for")
	// ErrSameField says that identity was to be shown by what the request wants
	// corrected (11 CCR §7060(h)).
	ErrSameField = errors.New("rights: identity cannot be shown by what is to be corrected")
	// ErrExtension says that no law that applies lets the answer come later, or not any
	// more.
	ErrExtension = errors.New("rights: no extension is open")
	// ErrRefusal says that a refusal lacks what the person must be told, or what shows
	// that it is right.
	ErrRefusal = errors.New("rights: refusal is not complete")
	// ErrRecord says that a stored record is not what the desk wrote there: it was
	// changed, moved or forged. Nothing is decided on it.
	ErrRecord = errors.New("rights: stored record is not usable")
	// ErrNeeds says that the desk was made without something that this call needs; the
	// error names the option.
	ErrNeeds = errors.New("rights: an option is missing")
	// ErrUnmanaged says that the store is managed by a retention keeper, and destroys
	// nothing without it.
	ErrUnmanaged = errors.New("rights: store is managed by a retention keeper, which alone gives leave to destroy")
	// ErrGone says that the personal data of the request was destroyed.
	ErrGone = errors.New("rights: the personal data of the request is gone")
	// ErrTooMuch says that something is longer or more than is kept.
	ErrTooMuch = errors.New("rights: too long or too many")
)

// StateError says that a request in that state cannot have the event. Its text says what
// comes first.
type StateError struct {
	State State
	Event Kind
}

func (e *StateError) Error() string {
	text := fmt.Sprintf("rights: a request that is %s cannot be %s", e.State, e.Event)
	if next := e.next(); next != "" {
		text += ": " + next
	}
	return text
}

// next says what comes first.
func (e *StateError) next() string {
	switch e.State {
	case StateReceived, StateVerifying:
		return "it waits for Desk.Accept"
	case StateClarifying:
		return "it waits for Desk.Clarify"
	case StateAccepted:
		if e.Event == Approved {
			return "Desk.Run or Desk.Step find what there is, then somebody approves"
		}
		return "Desk.Run or Desk.Step carry it on"
	case StateCollecting, StateExecuting:
		return "Desk.Run or Desk.Step carry it on"
	case StateReviewing:
		return "it waits for Desk.Approve"
	case StateCoolingOff:
		return "it waits until the time to cool off is over"
	case StateDelivering:
		if e.Event == Delivered {
			return "Desk.Export comes first"
		}
		return "it waits for Desk.Deliver"
	default: // it is closed
		return ""
	}
}

// unproven says why nothing is proven: what the host gets wrong, and nothing of a person.
func unproven(why string) error { return fmt.Errorf("%w: %s", ErrUnproven, why) }

func needs(option string) error { return fmt.Errorf("%w: %s", ErrNeeds, option) }

// identifierError gives the fault of an identifier the kind that it has here.
func identifierError(kind string, err error) error {
	if bad, ok := errors.AsType[*troth.IdentifierError](err); ok {
		return &troth.IdentifierError{Kind: kind, Reason: bad.Reason}
	}
	return err
}

// maxID is the longest id that hosts give, in bytes.
const maxID = 128

// checkID holds an identifier of the host's to the rules of all identifiers, and
// keeps names that begin with "~" for the desk.
func checkID(kind, id string) error {
	if err := troth.Purpose(id).Validate(); err != nil {
		return identifierError(kind, err)
	}
	if len(id) > maxID {
		return &troth.IdentifierError{Kind: kind, Reason: "is too long"}
	}
	return nil
}

// wrap names a call of the store that failed.
func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("rights: %s: %w", what, err)
}
