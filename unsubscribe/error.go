package unsubscribe

import (
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

var (
	// ErrAddress says that an address cannot be read for its channel.
	ErrAddress = errors.New("unsubscribe: not an address of the channel")
	// ErrChannel says that a channel is not known.
	ErrChannel = errors.New("unsubscribe: no such channel")
	// ErrClass says that a class of messages is not known.
	ErrClass = errors.New("unsubscribe: no such class of messages")
	// ErrKind says that an event of that kind is recorded by another call.
	ErrKind = errors.New("unsubscribe: not an event of that kind")
	// ErrMethod says that a method is not known, or cannot say what it was given for.
	ErrMethod = errors.New("unsubscribe: cannot be said in that way")
	// ErrScope says that scope and list do not fit.
	ErrScope = errors.New("unsubscribe: scope and list do not fit")
	// ErrFuture says that an opt-in was said after now.
	ErrFuture = errors.New("unsubscribe: the instant lies in the future")
	// ErrConflict says that the id was used for something else.
	ErrConflict = errors.New("unsubscribe: the id was used for something else")
	// ErrEvidence says that an opt-in has no evidence, or one that is not dated after
	// what it would lift.
	ErrEvidence = errors.New("unsubscribe: no evidence that is newer than the opt-out")
	// ErrNewerConsent says that a link is older than the person's consent, and so
	// old that it does not end it silently: ask on a page.
	ErrNewerConsent = errors.New("unsubscribe: the link is older than the consent")
	// ErrRecord says that a stored row is not what the registry wrote.
	ErrRecord = errors.New("unsubscribe: stored record is not usable")
	// ErrEpoch says that a key was made under keys that were changed since.
	ErrEpoch = errors.New("unsubscribe: the key belongs to another epoch")
	// ErrKeys says that stored keys were made for another client.
	ErrKeys = errors.New("unsubscribe: the keys belong to another client")
	// ErrNeeds says that the registry was made without something that this call
	// needs; the error names the option.
	ErrNeeds = errors.New("unsubscribe: an option is missing")
	// ErrUnmanaged says that the store is managed by a retention keeper, and destroys
	// nothing without it.
	ErrUnmanaged = errors.New("unsubscribe: store is managed by a retention keeper, which alone gives leave to destroy")
	// ErrStale says that what is known here is not loaded or too old.
	ErrStale = errors.New("unsubscribe: what is known here is too old")
)

func needs(option string) error { return fmt.Errorf("%w: %s", ErrNeeds, option) }

// checkName checks an identifier of the host's as the root package checks purposes.
func checkName(kind, id string) error {
	err := troth.Purpose(id).Validate()
	if bad, ok := errors.AsType[*troth.IdentifierError](err); ok {
		return &troth.IdentifierError{Kind: kind, Reason: bad.Reason}
	}
	return err
}
