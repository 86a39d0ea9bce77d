package consent

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// Kinds of what the ledger destroys, by [troth.DisposalRef].
const (
	// DisposeContent is what goes when a person is erased; ID is their subject id.
	DisposeContent = "consent.content"
	// DisposeProof is the proof of an erased person; ID is their pseudonym.
	DisposeProof = "consent.proof"
	// DisposeRequest is a request that was not confirmed; ID is that of its form.
	DisposeRequest = "consent.request"
)

// PermitFor names in a permit what a disposal is of: a permit that a keeper mints
// for the ledger's disposals is for this.
func PermitFor(ref troth.DisposalRef) troth.PermitRef {
	return troth.PermitRef{Tenant: string(ref.Tenant), Record: ref.Kind + "/" + ref.ID}
}

// dispose destroys with leave: the keeper's, or, where there is none and the host
// said so, without.
func (l *Ledger) dispose(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(ctx context.Context, p troth.Permit) error) error {
	checked := func(ctx context.Context, p troth.Permit) error {
		if err := l.permits(ctx, p, ref); err != nil {
			return err
		}
		return destroy(ctx, p)
	}
	if l.opt.disposer != nil {
		return l.opt.disposer.Dispose(ctx, ref, ground, func(ctx context.Context, p troth.Permit) error {
			if l.tx.Scope(ctx) == nil {
				return troth.ErrNotShared
			}
			return l.tx.Atomically(ctx, func(ctx context.Context) error { return checked(ctx, p) })
		})
	}
	if l.opt.unmanaged == "" {
		return needs("WithDisposer, or Unmanaged, to destroy")
	}
	return l.tx.Atomically(ctx, func(ctx context.Context) error { return checked(ctx, troth.UnmanagedPermit(ground)) })
}

// permits checks the permit inside the transaction that uses it.
func (l *Ledger) permits(ctx context.Context, p troth.Permit, ref troth.DisposalRef) error {
	if p.IsUnmanaged() {
		if l.opt.unmanaged == "" {
			return fmt.Errorf("%w: no keeper minted it, and the ledger was made without consent.Unmanaged", troth.ErrNotPermitted)
		}
		return l.unmanaged(ctx)
	}
	scope := l.tx.Scope(ctx)
	return p.Check(PermitFor(ref), func(minted any) bool {
		s, ok := minted.(*troth.Scope)
		return ok && s != nil && scope.Within(s)
	})
}
