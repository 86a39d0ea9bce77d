// Package clearance is how the packages that destroy find out whether they may: by the permit of a
// retention keeper, minted in the transaction that uses it, or by the host's word that there is
// none, as long as no keeper has taken the store over. It is also how their evidence says so.
package clearance

import (
	"context"

	"github.com/trothdev/troth"
)

// Way is how one part of a host gets leave.
type Way struct {
	// Tx is the one whose transactions the part joins.
	Tx troth.Transactor
	// Keeper gives permits; nil where there is none.
	Keeper troth.Disposer
	// Ground is the host's word that there is none; empty where it did not say so.
	Ground string
	// Managed reports whether a keeper has taken the part's store over.
	Managed func(ctx context.Context) (bool, error)
	// ErrManaged says that one has, ErrAlone that there is a permit of nobody and no such word,
	// and ErrNone that there is neither keeper nor word.
	ErrManaged, ErrAlone, ErrNone error
}

// Free returns ErrManaged if a keeper has taken the store over.
func (w *Way) Free(ctx context.Context) error {
	managed, err := w.Managed(ctx)
	if err == nil && managed {
		err = w.ErrManaged
	}
	return err
}

// Check checks that a permit is for one of the refs, in the transaction of ctx.
func (w *Way) Check(ctx context.Context, p troth.Permit, refs ...troth.PermitRef) error {
	if p.IsUnmanaged() {
		if w.Ground == "" {
			return w.ErrAlone
		}
		return w.Free(ctx)
	}
	within := Within(w.Tx.Scope(ctx))
	for _, ref := range refs {
		if p.Check(ref, within) == nil {
			return nil
		}
	}
	return troth.ErrNotPermitted
}

// Within reports whether a permit was minted in the transaction of a scope; nil is none.
func Within(scope *troth.Scope) func(minted any) bool {
	return func(minted any) bool {
		s, ok := minted.(*troth.Scope)
		return ok && s != nil && scope.Within(s)
	}
}

// Dispose destroys what ref names, in one transaction, with leave for what permit names: the
// keeper's, or the host's word for ground.
func (w *Way) Dispose(ctx context.Context, ref troth.DisposalRef, permit troth.PermitRef, ground string, destroy func(ctx context.Context, p troth.Permit) error) error {
	checked := func(ctx context.Context, p troth.Permit) error {
		return w.Tx.Atomically(ctx, func(ctx context.Context) error {
			if err := w.Check(ctx, p, permit); err != nil {
				return err
			}
			return destroy(ctx, p)
		})
	}
	switch {
	case w.Keeper != nil:
		return w.Keeper.Dispose(ctx, ref, ground, func(ctx context.Context, p troth.Permit) error {
			if w.Tx.Scope(ctx) == nil {
				return troth.ErrNotShared
			}
			return checked(ctx, p)
		})
	case w.Ground == "":
		return w.ErrNone
	}
	return checked(ctx, troth.UnmanagedPermit(ground))
}
