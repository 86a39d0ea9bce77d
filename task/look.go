package task

import (
	"context"
	"iter"
	"time"

	"github.com/trothdev/troth"
)

// Task is a task as the host sees it.
type Task struct {
	Ref       troth.WorkRef
	Kind, Key string
	State     State
	Attempts  int
	// Reason is one word about the last thing that went wrong, see the constants
	// whose names begin so.
	Reason string
	// Blocked counts the works that it still waits for.
	Blocked int
	// Created is by the service's clock; Deadline is the zero time for none.
	Created, Deadline time.Time
	// Due is since when or when it may run; Ended when it ended. The zero time
	// where that has no meaning.
	Due, Ended time.Time
	// Owner is the role that it waits for, OwnerDue by when, if it is [Manual].
	Owner    string
	OwnerDue time.Time
}

func seen(r Row) Task {
	t := Task{
		Ref: r.Ref(), Kind: r.Kind, Key: r.Key, State: r.State, Attempts: r.Attempt, Reason: r.Reason, Blocked: r.Blocked,
		Created: instant(r.CreatedAt), Deadline: instant(r.Deadline), Ended: instant(r.EndedAt),
		Owner: r.Owner, OwnerDue: instant(r.ManualDue),
	}
	if r.State == Waiting || r.State == Delayed {
		t.Due = instant(r.WakeAt)
	}
	return t
}

// Task returns one task, or [ErrNotFound].
func (e *Engine) Task(ctx context.Context, ref troth.WorkRef) (Task, error) {
	n, err := name(ref)
	if err != nil {
		return Task{}, err
	}
	row, found, err := e.store.Task(ctx, n)
	if err != nil {
		return Task{}, wrap("look at a task", err)
	}
	if !found {
		return Task{}, ErrNotFound
	}
	return seen(row), nil
}

// Query chooses tasks of one tenant.
type Query struct {
	Tenant troth.Tenant
	// State and Owner choose those only, where they are given.
	State State
	Owner string
}

// page is how many tasks are read at once.
const page = 200

// Tasks walks over tasks in the order in which they were enqueued. No row is held
// open meanwhile: the loop's body may write.
func (e *Engine) Tasks(ctx context.Context, q Query) iter.Seq2[Task, error] {
	return func(yield func(Task, error) bool) {
		if err := q.Tenant.Validate(); err != nil {
			yield(Task{}, err)
			return
		}
		p := Page{Tenant: q.Tenant, State: q.State, Owner: q.Owner, Limit: page}
		for {
			rows, err := e.store.Tasks(ctx, p)
			if err != nil {
				yield(Task{}, wrap("tasks", err))
				return
			}
			for _, r := range rows {
				if !yield(seen(r), nil) {
					return
				}
			}
			if len(rows) < page {
				return
			}
			p.After = rows[len(rows)-1].ID
		}
	}
}

// Contents is what a person needs to do work by hand.
type Contents struct {
	Payload      troth.Sensitive[[]byte]
	Instructions troth.Sensitive[string]
}

// Open opens the payload and the instructions of a task that has not ended, for a
// purpose. The sealer records who opened it, before it is returned; the actor must
// belong to the task's tenant or to the platform.
func (e *Engine) Open(ctx context.Context, ref troth.WorkRef, p troth.Purpose) (Contents, error) {
	actor, err := troth.ActorFrom(ctx)
	if err != nil {
		return Contents{}, err
	}
	n, err := name(ref)
	if err != nil {
		return Contents{}, err
	}
	if home := actor.Home(); home != n.Tenant && home != troth.Platform {
		return Contents{}, ErrNotOwner
	}
	row, found, err := e.store.Task(ctx, n)
	switch {
	case err != nil:
		return Contents{}, wrap("look at a task", err)
	case !found:
		return Contents{}, ErrNotFound
	case !row.State.Open():
		return Contents{}, ErrState
	}
	payload, err := e.open(ctx, place(row.Ref(), row.Kind, payloadColumn, row.Group), p, row.Payload)
	if err != nil {
		return Contents{}, err
	}
	text, err := e.open(ctx, place(row.Ref(), row.Kind, instructionsColumn, row.Group), p, row.Instructions)
	if err != nil {
		return Contents{}, err
	}
	return Contents{Payload: troth.Protect(payload), Instructions: troth.Protect(string(text))}, nil
}

// Undisposed walks over a tenant's groups whose last work has ended and whose key
// has not been destroyed yet.
func (e *Engine) Undisposed(ctx context.Context, tenant troth.Tenant) iter.Seq2[Disposal, error] {
	return func(yield func(Disposal, error) bool) {
		p := DisposalPage{Tenant: tenant, Limit: page}
		for {
			rows, err := e.store.Undisposed(ctx, p)
			if err != nil {
				yield(Disposal{}, wrap("undisposed", err))
				return
			}
			for _, d := range rows {
				if !yield(d, nil) {
					return
				}
			}
			if len(rows) < page {
				return
			}
			p.After = rows[len(rows)-1].Group
		}
	}
}
