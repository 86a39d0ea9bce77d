package troth

import (
	"context"
	"time"
)

// Work is something that must happen later or elsewhere: telling a provider of
// an opt-out, erasing a copy, sending a notice.
type Work struct {
	Tenant Tenant
	// Kind chooses the handler, such as "unsubscribe.propagate".
	Kind string
	// Key makes enqueuing idempotent: the same tenant, kind and key is the same
	// work.
	Key string
	// Payload is sealed by the engine and lives as long as the work.
	Payload []byte
	// NotBefore is when it may run first; the zero time is at once.
	NotBefore time.Time
	// Deadline is when law or promise wants it done; the zero time is never.
	Deadline time.Time
}

// Enqueuer makes work durable in the caller's transaction.
type Enqueuer interface {
	// Enqueue returns the id of the work, also of equal work enqueued before.
	Enqueue(ctx context.Context, w Work) (id string, err error)
}

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
