package consent

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

// Kinds of what the ledger destroys, by [troth.DisposalRef]. A hold on a person is a
// hold on the first two, whose ID is the person's.
const (
	// DisposeContent is what goes when a person is erased, and the keys of
	// [ContentCompartment]; ID is their subject id. Devices that are theirs are asked
	// about each by its own.
	DisposeContent = "consent.content"
	// DisposeProof is the proof of an erased person, and the keys of
	// [ProofCompartment]; ID is the subject id that they had.
	DisposeProof = "consent.proof"
	// DisposeRequest is a request that was not confirmed; ID is that of its form.
	DisposeRequest = "consent.request"
)

// PermitFor names in a permit what a disposal is of: a permit that a keeper mints
// for the ledger's disposals is for this. Content and proof are named by their keys,
// as a vault names them, so that the permit is good for [WithShredder] too; what has
// no keys of its own, by kind and ID. A ref of another kind names nothing that the
// ledger would destroy.
func PermitFor(ref troth.DisposalRef) troth.PermitRef {
	key := troth.PermitRef{Tenant: string(ref.Tenant), Subject: ref.ID}
	switch ref.Kind {
	case DisposeContent:
		key.Compartment = string(ContentCompartment)
	case DisposeProof:
		key.Compartment = string(ProofCompartment)
	default:
		return troth.PermitRef{Tenant: string(ref.Tenant), Record: ref.Kind + "/" + ref.ID}
	}
	return key
}

// dispose destroys with leave: the keeper's, or, where there is none and the host said
// so, without.
func (l *Ledger) dispose(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(ctx context.Context, p troth.Permit) error) error {
	return l.way().Dispose(ctx, ref, PermitFor(ref), ground, destroy)
}

// way is how the ledger gets leave.
func (l *Ledger) way() *clearance.Way {
	return &clearance.Way{
		Tx: l.tx, Keeper: l.opt.disposer, Ground: l.opt.unmanaged, Managed: l.managed,
		ErrManaged: ErrUnmanaged, ErrNone: needs("WithDisposer, or Unmanaged, to destroy"),
		ErrAlone: fmt.Errorf("%w: no keeper minted it, and the ledger was made without consent.Unmanaged", troth.ErrNotPermitted),
	}
}
