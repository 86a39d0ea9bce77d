package storagetest

import (
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth"
)

// defect is one way to break the contract, and a check that must see it.
type defect struct {
	name   string
	caught string
	inject func(h *Harness)
}

// defects are in order of the checks that catch them.
var defects = slices.Concat(
	savepointDefects, endingDefects, misuseDefects,
	cancelDefects, scopeDefects, contextDefects, loadDefects, hostDefects,
)

var errDoomed = errors.New("an inner closure failed")

// broken is a Transactor of which single methods are replaced.
type broken struct {
	troth.Transactor
	atomically func(ctx context.Context, fn func(context.Context) error) error
	scope      func(ctx context.Context) *troth.Scope
	detach     func(ctx context.Context) context.Context
}

func (b *broken) Atomically(ctx context.Context, fn func(context.Context) error) error {
	if b.atomically == nil {
		return b.Transactor.Atomically(ctx, fn)
	}
	return b.atomically(ctx, fn)
}

func (b *broken) Scope(ctx context.Context) *troth.Scope {
	if b.scope == nil {
		return b.Transactor.Scope(ctx)
	}
	return b.scope(ctx)
}

func (b *broken) Detach(ctx context.Context) context.Context {
	if b.detach == nil {
		return b.Transactor.Detach(ctx)
	}
	return b.detach(ctx)
}

// atomically replaces Atomically; sound is the one that works.
func atomically(wrong func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error) func(*Harness) {
	return func(h *Harness) {
		sound := h.Transactor
		h.Transactor = &broken{Transactor: sound, atomically: func(ctx context.Context, fn func(context.Context) error) error {
			return wrong(sound, ctx, fn)
		}}
	}
}

// everyUse wraps all uses of a context, but for Host.
func everyUse(h *Harness, use func(ctx context.Context, once func(context.Context) error) error) {
	put, insert, get, keys, sound := h.Put, h.Insert, h.Get, h.Keys, h.Transactor
	h.Put = func(ctx context.Context, k, v string) error {
		return use(ctx, func(ctx context.Context) error { return put(ctx, k, v) })
	}
	h.Insert = func(ctx context.Context, k, v string) error {
		return use(ctx, func(ctx context.Context) error { return insert(ctx, k, v) })
	}
	h.Get = func(ctx context.Context, k string) (v string, ok bool, err error) {
		err = use(ctx, func(ctx context.Context) (err error) { v, ok, err = get(ctx, k); return err })
		return v, ok, err
	}
	h.Keys = func(ctx context.Context) (ks []string, err error) {
		err = use(ctx, func(ctx context.Context) (err error) { ks, err = keys(ctx); return err })
		return ks, err
	}
	h.Transactor = &broken{Transactor: sound, atomically: func(ctx context.Context, fn func(context.Context) error) error {
		return use(ctx, func(ctx context.Context) error { return sound.Atomically(ctx, fn) })
	}}
}

// reclassified gives one error another name.
func reclassified(from, to error) func(*Harness) {
	return func(h *Harness) {
		everyUse(h, func(ctx context.Context, once func(context.Context) error) error {
			err := once(ctx)
			if errors.Is(err, from) {
				return to
			}
			return err
		})
	}
}
