package troth

import (
	"context"

	"github.com/trothdev/troth/internal/permit"
)

// Permit is leave to destroy one thing. It is opaque: only a retention keeper
// mints permits, inside the transaction that uses them and after checking that
// no hold forbids it; see [UnmanagedPermit] for hosts that have none.
type Permit = permit.Permit

// PermitRef names what a permit is for. An empty Compartment names all of a
// person's, an empty Subject a whole tenant. Record names one record of a package
// instead, such as an entry of the trail; packages say how they name theirs.
type PermitRef = permit.Ref

// ErrNotPermitted says that a permit does not cover what was to be destroyed,
// or was minted without a keeper where one is required.
var ErrNotPermitted = permit.ErrNotCovered

// UnmanagedPermit is leave to destroy without any keeper: nobody has checked
// legal holds, retention minima or promises. Only services that were
// constructed for it accept it, that construction is recorded as evidence, and
// a store that a keeper has taken over refuses it for ever.
//
// ground says why in the host's own words, such as "erasure-request". It is
// recorded and must not be about a person.
func UnmanagedPermit(ground string) Permit { return permit.Unmanaged(ground) }

// DisposalRef names one expired thing of a package.
type DisposalRef struct {
	Tenant Tenant
	// Kind is what it is, such as "task.payload"; ID which one.
	Kind, ID string
}

// Disposer is how every package destroys its own expired data: the keeper
// checks holds and policy, and calls back with a permit.
type Disposer interface {
	// Dispose calls destroy with a permit inside one transaction, or returns
	// why the thing must stay.
	Dispose(ctx context.Context, ref DisposalRef, ground string,
		destroy func(ctx context.Context, p Permit) error) error
}
