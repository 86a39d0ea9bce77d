package faultstore

import (
	"context"

	"github.com/trothdev/troth"
)

// The calls that [Transactor] makes known to its plan.
const (
	Begin     = "Begin"     // a transaction
	Commit    = "Commit"    // of a transaction whose closure returned nil
	Savepoint = "Savepoint" // a transaction inside another
	Release   = "Release"   // of a savepoint whose closure returned nil
)

// Transactor returns t under the plan. Services compare transactors by
// identity, so wrap once, and let all wrapped stores give out the result.
func Transactor(t troth.Transactor, p *Plan) troth.Transactor {
	return &transactor{Transactor: t, plan: p}
}

type transactor struct {
	troth.Transactor
	plan *Plan
}

func (t *transactor) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	begin, end := Begin, Commit
	if t.Scope(ctx) != nil {
		begin, end = Savepoint, Release
	}
	begun, ended := t.plan.call(begin), strike{}
	if err := begun.before(ctx); err != nil {
		return err
	}
	err := t.Transactor.Atomically(ctx, func(ctx context.Context) error {
		if err := begun.after(); err != nil {
			return err
		}
		if err := fn(ctx); err != nil {
			return err
		}
		ended = t.plan.call(end)
		return ended.before(ctx)
	})
	if err != nil {
		return err
	}
	return ended.after()
}
