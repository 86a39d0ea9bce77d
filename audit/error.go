package audit

import (
	"errors"

	"github.com/trothdev/troth"
)

var (
	// ErrEnvelope says that bytes are not an envelope, or not the one that
	// belongs in their place.
	ErrEnvelope = errors.New("audit: not an envelope")
	// ErrLeaf says that bytes are not a leaf of the log, or not the one that
	// belongs in their place.
	ErrLeaf = errors.New("audit: not a leaf")
	// ErrPart says that a stored part of a payload is not the one that its entry
	// commits to: it was changed, or is missing and no entry tells why; or that
	// its salt or box has a length that is not allowed.
	ErrPart = errors.New("audit: not a part of a payload")
	// ErrNote says that bytes are not a signed note of a checkpoint.
	ErrNote = errors.New("audit: not a signed note")
	// ErrNoEntry says that the tenant has no entry of that id.
	ErrNoEntry = errors.New("audit: no such entry")
	// ErrNoPart says that the payload of the entry has no part of that number.
	ErrNoPart = errors.New("audit: no such part")
	// ErrOtherSubject says that a part concerns another person than was named.
	ErrOtherSubject = errors.New("audit: part concerns somebody else")
	// ErrStructure says that an entry is part of the log's own structure, such
	// as the one that opens it, and stays.
	ErrStructure = errors.New("audit: entry belongs to the structure of the log")
	// ErrNoLog says that there is no such log, or none at all yet.
	ErrNoLog = errors.New("audit: there is no such log, or none yet")
	// ErrNoCheckpoint says that no signed checkpoint is kept behind which the log
	// could be pruned so far.
	ErrNoCheckpoint = errors.New("audit: no checkpoint is kept behind that entry")
	// ErrDuplicate says that the tenant already has an entry of that id.
	// Nothing was recorded.
	ErrDuplicate = errors.New("audit: entry id is taken")
	// ErrPseudonym says that the stored link between a person and a pseudonym is
	// not one that the trail made with these keys: it was changed, or put there.
	// Nothing is recorded under it.
	ErrPseudonym = errors.New("audit: pseudonym was tampered with")
	// ErrNoPseudonym says that the person has no pseudonym, or no longer.
	ErrNoPseudonym = errors.New("audit: person has no pseudonym")
	// ErrOpening says that bytes are not the opening of a pseudonym, or not of
	// that one.
	ErrOpening = errors.New("audit: not the opening of the pseudonym")
	// ErrUnmanaged says that the store is managed by a retention keeper, and
	// the trail was constructed to work without one.
	ErrUnmanaged = errors.New("audit: store is managed by a retention keeper, which alone gives leave to destroy")
)

// EntryError says that a stored entry cannot be read: it was changed, cut off,
// or moved here from another place.
type EntryError struct {
	ID  troth.EntryID
	Err error
}

func (e *EntryError) Error() string { return "audit: entry " + e.ID.String() + ": " + e.Err.Error() }

func (e *EntryError) Unwrap() error { return e.Err }

// isShredded reports whether err says that the person's key is destroyed for
// ever. A shredding that may still be undone answers false, and is a failure
// like any other. The package that seals cannot be imported from here, so its error says
// so by a method.
func isShredded(err error) bool {
	s, ok := errors.AsType[interface {
		error
		Shredded() bool
	}](err)
	return ok && s.Shredded()
}

// errOldParts says that parts were chosen by no age, or by a limit that is none.
var errOldParts = errors.New("no instant before which, or a negative limit")
