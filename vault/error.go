package vault

import (
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

var (
	// ErrOpen says that a value does not open here: it was changed, moved from
	// another place, belongs to somebody else, or was never sealed. Which of
	// these it was is not told, on purpose.
	ErrOpen = errors.New("vault: value does not open")
	// ErrShredded says that the key is destroyed, for ever.
	ErrShredded error = shredded{}
	// ErrShredPending says that this process shredded the key in a transaction
	// whose end is not known yet. It becomes [ErrShredded], or, if the
	// transaction is rolled back, the data opens again. The end of the host's
	// own transaction is learnt from committed rows: by the next call about the
	// person outside of any transaction, or by [Vault.Run], which looks each
	// third of the fence's age. Calls inside another transaction on SQLite cannot look, and get this
	// error until then.
	ErrShredPending = errors.New("vault: shredding is not decided yet")
	// ErrFenceStale says that this process could not learn in time what other
	// processes shredded, and refuses rather than open what may be destroyed.
	ErrFenceStale = errors.New("vault: fence is too old")
	// ErrOpenInTx says that a person tried to open data inside a transaction:
	// a rollback would take back the evidence and not what was seen.
	ErrOpenInTx = errors.New("vault: a person cannot open data inside a transaction")
	// ErrKeyRecord says that a stored key or root does not unwrap: it was
	// changed or moved, or belongs to another key-encryption key.
	ErrKeyRecord = errors.New("vault: key record is not usable")
	// ErrKEK says that the key-encryption key could not be asked.
	ErrKEK = errors.New("vault: key-encryption key failed")
	// ErrUnmanaged says that the store is managed by a retention keeper, and
	// the vault was constructed to work without one.
	ErrUnmanaged = errors.New("vault: store is managed by a retention keeper, which alone gives leave to destroy")
	// ErrNoPurpose says that a handle made without a purpose was asked to open.
	ErrNoPurpose = errors.New("vault: opening needs a purpose")
	// ErrRestricted says that a restriction leaves the purpose no room, see
	// [RestrictedError].
	ErrRestricted = errors.New("vault: data is restricted")
	// ErrRestriction says that a restriction asks for too much.
	ErrRestriction = errors.New("vault: restriction is not possible")
	// ErrGrant says that a grant names no restriction that it could lift.
	ErrGrant = errors.New("vault: grant lifts nothing")
	// ErrUnannounced says that the person must be told before a restriction is
	// lifted, and has not been.
	ErrUnannounced = errors.New("vault: lifting is not announced")
	// ErrForged says that a row was not written by a vault, see [ForgedError].
	ErrForged = errors.New("vault: control row is forged")
	// ErrNoReader says that the vault was opened without a way to read evidence.
	ErrNoReader = errors.New("vault: no evidence to compare with")
	// ErrTarget says that a shredding names no or contradictory things.
	ErrTarget = errors.New("vault: unclear what to shred")
	// ErrClosed says that the vault was closed.
	ErrClosed = errors.New("vault: closed")
)

// ErrNotPermitted is [troth.ErrNotPermitted].
var ErrNotPermitted = troth.ErrNotPermitted

// shredded answers Shredded, by which packages that cannot import this one
// recognise the state.
type shredded struct{}

func (shredded) Error() string { return "vault: key is shredded" }

// Shredded reports true.
func (shredded) Shredded() bool { return true }

// windowError is [troth.ErrBusy] where waiting will not help: the transaction
// that opens holds what its own window waits for.
type windowError struct{ err error }

func (e *windowError) Error() string {
	return "vault: no window can begin beside the caller's transaction, call OpenWindow before it: " + e.err.Error()
}

func (e *windowError) Unwrap() error { return e.err }

// Retryable reports false.
func (e *windowError) Retryable() bool { return false }

// RestrictedError says for which purpose data does not open because the person
// is under a restriction. It unwraps to [ErrRestricted].
type RestrictedError struct{ Purpose troth.Purpose }

func (e *RestrictedError) Error() string {
	return fmt.Sprintf("vault: data is restricted and does not open for the purpose %q", string(e.Purpose))
}

// Unwrap returns ErrRestricted.
func (e *RestrictedError) Unwrap() error { return ErrRestricted }

// ForgedError names a row that somebody else wrote, changed or removed. It
// unwraps to [ErrForged].
type ForgedError struct {
	// Kind is "restriction" or "grant".
	Kind string
	// Entry is the evidence that the row names; zero if a row is gone.
	Entry troth.EntryID
}

func (e *ForgedError) Error() string {
	return fmt.Sprintf("vault: %s %s was changed past the vault", e.Kind, e.Entry)
}

// Unwrap returns ErrForged.
func (e *ForgedError) Unwrap() error { return ErrForged }

// BatchError says which item of a batch failed.
type BatchError struct {
	// Index is the item's position, from 0.
	Index int
	Err   error
}

func (e *BatchError) Error() string { return fmt.Sprintf("vault: item %d: %v", e.Index, e.Err) }

// Unwrap returns why the item failed.
func (e *BatchError) Unwrap() error { return e.Err }
