package consent

import (
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

var (
	// ErrVersion says that a purpose has no such version, or none that was in force,
	// or published, when something was said.
	ErrVersion = errors.New("consent: no such version of the purpose")
	// ErrNotice says that there is no such notice, version or language.
	ErrNotice = errors.New("consent: no such notice")
	// ErrBundled says that one control asked for several purposes at once (GDPR
	// Article 7(2) and Recital 43).
	ErrBundled = errors.New("consent: one control asks for several purposes")
	// ErrPreticked says that a control was on before the person touched it
	// (Recital 32).
	ErrPreticked = errors.New("consent: a control is on by default")
	// ErrUnconfirmed says that the purpose needs a confirmation: see
	// [Ledger.Request].
	ErrUnconfirmed = errors.New("consent: the purpose needs double opt-in")
	// ErrAge says that the purpose has an age rule, and nothing was said of the
	// person's age.
	ErrAge = errors.New("consent: the person's age is not known")
	// ErrTooYoung says that the purpose is not for children, and that nothing of
	// this one was kept.
	ErrTooYoung = errors.New("consent: not for children of that age")
	// ErrSignal says that a signal was to give what it cannot: Global Privacy
	// Control objects and nothing else.
	ErrSignal = errors.New("consent: a signal can only object")
	// ErrBasis says that the purpose does not rest on consent.
	ErrBasis = errors.New("consent: the purpose does not rest on consent")
	// ErrMarketing says that nothing overrules an objection to direct marketing
	// (Article 21(3)).
	ErrMarketing = errors.New("consent: nothing overrules an objection to direct marketing")
	// ErrFuture says that something was said after now.
	ErrFuture = errors.New("consent: the instant lies in the future")
	// ErrConflict says that the id of a form or version was used for something
	// else before.
	ErrConflict = errors.New("consent: the id was used for something else")
	// ErrErased says that the person was erased; their id cannot be used again.
	ErrErased = errors.New("consent: the person is erased")
	// ErrEvent says that a person has no such event.
	ErrEvent = errors.New("consent: no such event")
	// ErrLinked says that the device was linked before, to another account, or that
	// one of the two is linked in the other role.
	ErrLinked = errors.New("consent: the device or the account is linked to another")
	// ErrToken says that a token confirms nothing: it is unknown, was used, is too
	// old, or the person said no since. Which of these is not told.
	ErrToken = errors.New("consent: the token confirms nothing")
	// ErrResend says that a confirmation was sent too often, or a moment ago.
	ErrResend = errors.New("consent: too many confirmations were sent")
	// ErrRecord says that a stored record is not what the ledger wrote there: it
	// was changed, moved or forged. Nothing is decided on it.
	ErrRecord = errors.New("consent: stored record is not usable")
	// ErrStale says that this process could not learn in time what others
	// recorded, and refuses rather than allow what was withdrawn.
	ErrStale = errors.New("consent: cache is too old")
	// ErrNeeds says that the ledger was made without something that this call
	// needs; the error names the option.
	ErrNeeds = errors.New("consent: an option is missing")
	// ErrUnmanaged says that the store is managed by a retention keeper, and
	// destroys nothing without it.
	ErrUnmanaged = errors.New("consent: store is managed by a retention keeper, which alone gives leave to destroy")
	// ErrHeld says that the proof of an erased person must stay until later.
	ErrHeld = errors.New("consent: the limitation period is not over")
	// ErrReceipt says that bytes cannot be read as a receipt: they say nothing,
	// for or against.
	ErrReceipt = errors.New("consent: not a receipt")
	// ErrReceiptProof says that a receipt was read and is not what the trail
	// recorded.
	ErrReceiptProof = errors.New("consent: receipt does not hold")
)

// TermsError says why a version of a purpose is refused.
type TermsError struct {
	Purpose troth.Purpose
	Version uint32
	// Reason is a phrase such as "has no lawful basis".
	Reason string
}

func (e *TermsError) Error() string {
	return fmt.Sprintf("consent: purpose %q, version %d: %s", e.Purpose, e.Version, e.Reason)
}

// ChoiceError says which choice of a form is refused.
type ChoiceError struct {
	// Index is its position in the form, from 0.
	Index   int
	Purpose troth.Purpose
	Err     error
}

func (e *ChoiceError) Error() string {
	return fmt.Sprintf("consent: choice %d, purpose %q: %v", e.Index, e.Purpose, e.Err)
}

// Unwrap returns why the choice was refused.
func (e *ChoiceError) Unwrap() error { return e.Err }

// identifierError gives the fault of an identifier the kind that it has here.
func identifierError(kind string, err error) error {
	if bad, ok := errors.AsType[*troth.IdentifierError](err); ok {
		return &troth.IdentifierError{Kind: kind, Reason: bad.Reason}
	}
	return err
}

func needs(option string) error { return fmt.Errorf("%w: %s", ErrNeeds, option) }
