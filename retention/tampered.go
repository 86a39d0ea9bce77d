package retention

import (
	"fmt"

	"github.com/trothdev/troth"
)

// ErrTampered says that rows which permit or forbid destroying are not as a keeper left
// them. Nothing of the tenant is destroyed until they are, or until counsel and the
// data-protection officer accept them, see [Keeper.AcceptControls]. The error that wraps
// it is a *[TamperedError].
var ErrTampered = fmt.Errorf("%w: control rows are not as they were left", troth.ErrNotPermitted)

// TamperedError names what is not as a keeper left it.
type TamperedError struct {
	Tenant troth.Tenant
	Found  []Tampering
}

func (e *TamperedError) Error() string {
	return fmt.Sprintf("retention: %d control rows of tenant %q are not as they were left, the first: %s", len(e.Found), string(e.Tenant), e.Found[0])
}

// Unwrap returns ErrTampered.
func (e *TamperedError) Unwrap() error { return ErrTampered }

// Tampering is one row that is not as a keeper left it.
type Tampering struct {
	What TamperingKind
	// Kind is "hold", "policy", or one of the Control constants; ID names the row.
	Kind, ID string
}

// String names the row and what is wrong with it.
func (t Tampering) String() string { return string(t.What) + ": " + t.Kind + " " + t.ID }

// TamperingKind is a way in which rows can disagree. What to do about each is in
// docs/tampering.md.
type TamperingKind string

const (
	// RowMissing: a row is gone that was there, or is closed and nobody closed it, such
	// as a hold that was released past the keeper.
	RowMissing TamperingKind = "row-missing"
	// RowChanged: a row says something else than it did.
	RowChanged TamperingKind = "row-changed"
	// RowForged: no keeper wrote the row.
	RowForged TamperingKind = "row-forged"
	// SealMissing: the list of such rows is gone.
	SealMissing TamperingKind = "seal-missing"
	// SealForged: no keeper wrote the list as it is.
	SealForged TamperingKind = "seal-forged"
	// SealBehind: the list is older than one that was seen before: an older copy of the
	// database was put back.
	SealBehind TamperingKind = "seal-behind"
	// EntryMissing: no entry of the trail tells of what the row says, see
	// [Keeper.Reconcile].
	EntryMissing TamperingKind = "entry-missing"
	// RowUnknown: an entry of the trail tells of a row that is gone.
	RowUnknown TamperingKind = "row-unknown"
)

// Stopped is a tenant of which a sweep destroyed nothing, and why.
type Stopped struct {
	Tenant troth.Tenant
	Err    error
}
