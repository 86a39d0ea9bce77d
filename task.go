package troth

import (
	"context"
	"time"
)

// Work is something that must happen later or elsewhere: telling a provider of
// an opt-out, erasing a copy, sending a notice. But for the payload nothing in it
// may be about a person: it is stored in the clear.
type Work struct {
	Tenant Tenant
	// Kind chooses the handler, such as "unsubscribe.propagate".
	Kind string
	// Key makes enqueuing idempotent: the same tenant, kind and key is the same
	// work, for as long as it is remembered. Without one every call is new work.
	Key string
	// Group names works of the tenant whose payloads share one fate: sealed
	// under one key, which is destroyed when the last of them has ended. Without
	// one the work stands alone.
	Group string
	// Line names works of the tenant and kind that limits are counted for
	// together, such as those that call one provider.
	Line string
	// After are ids of the tenant's works that must be completed before.
	After []string
	// Payload is sealed by the engine and lives as long as the work and its
	// group.
	Payload []byte
	// NotBefore is when it may run first; the zero time is at once.
	NotBefore time.Time
	// Deadline is when law or promise wants it done; the zero time is never.
	Deadline time.Time
}

// Validate returns an *[IdentifierError] unless the tenant and the kind are
// valid, and key, group and line are where they are given.
func (w Work) Validate() error {
	if err := w.Tenant.Validate(); err != nil {
		return err
	}
	if err := checkName("kind of work", w.Kind); err != nil {
		return err
	}
	for _, optional := range []struct{ what, id string }{
		{"key of work", w.Key}, {"group of work", w.Group}, {"line of work", w.Line},
	} {
		if optional.id == "" {
			continue
		}
		if err := checkIdentifier(optional.what, optional.id); err != nil {
			return err
		}
	}
	return nil
}

// WorkRef names one work that was enqueued. It gives no right to anything.
type WorkRef struct {
	Tenant Tenant `json:"tenant"`
	ID     string `json:"id"`
}

// Enqueuer makes work durable in the caller's transaction.
type Enqueuer interface {
	// Enqueue returns the id of the work, also of equal work enqueued before.
	Enqueue(ctx context.Context, w Work) (id string, err error)
}

// Dispatcher is a host's own queue, which carries references to work and hands
// each to an engine at least once.
type Dispatcher interface {
	// Dispatch puts the reference into the queue, to be delivered not before
	// the given instant, or at once if that is zero. It works in the transaction
	// of ctx. The same reference may come more than once.
	Dispatch(ctx context.Context, ref WorkRef, notBefore time.Time) error
}

// Job is one attempt at a work, as its handler gets it.
type Job struct {
	Ref  WorkRef
	Kind string
	// Key is that of the work; empty if it had none.
	Key     string
	Payload []byte
	// Attempt counts from 1.
	Attempt int
	// EffectKey is the same for every attempt at this work and for no other.
	// Hand it to whatever carries out the effect, as its idempotency key.
	EffectKey string
	// Deadline is that of the work; the zero time is never.
	Deadline time.Time
	// Complete ends the work as [Completed] in the transaction of ctx, so that an
	// effect in the same database commits together with it or not at all. It
	// fails if the attempt has lost its lease; then the transaction must fail
	// too. A handler that has no use for it need not call it.
	Complete func(ctx context.Context) error
}

// WorkHandler carries out work of one kind. ctx ends with the lease of the
// attempt and carries an actor. The error explains any outcome but [Completed];
// an outcome that is none of those below is [Retry], and so is [Completed] with an
// error.
type WorkHandler func(ctx context.Context, j Job) (Outcome, error)

// Outcome is what a handler made of its work.
type Outcome string

const (
	// Completed: done, its effect durable.
	Completed Outcome = "completed"
	// Retry: failed in a way that may pass.
	Retry Outcome = "retry"
	// Failed: will never succeed as it is.
	Failed Outcome = "failed"
	// Manual: a person must do it.
	Manual Outcome = "manual"
)
