package task

import (
	"context"
	"errors"
	"time"

	"github.com/trothdev/troth"
)

// Evidence is what a person shows for work that they did.
type Evidence struct {
	// Name is the host's own name of it, such as the number of a ticket. It is
	// recorded as it is and must not be about a person.
	Name string
	// Digest is the SHA-256 of it, where it is a document; zero for none.
	Digest [32]byte
}

// ErrNoEvidence says that a confirmation shows nothing.
var ErrNoEvidence = errors.New("task: confirming needs evidence")

// Confirm completes a task that waits for a person: the actor of ctx, who must
// have the role that it waits for and belong to its tenant or to the platform,
// else [ErrNotOwner]. Who confirmed, in which role and with which evidence goes on
// the trail with it. It returns [ErrState] for a task that waits for nobody, or that
// goes to another role at the same moment.
func (e *Engine) Confirm(ctx context.Context, ref troth.WorkRef, ev Evidence) error {
	if ev == (Evidence{}) {
		return ErrNoEvidence
	}
	return e.change(ctx, ref, func(ctx context.Context, row Row, actor troth.Actor) error {
		if row.State != Manual {
			return ErrState
		}
		if !actor.HasRole(row.Owner) {
			return ErrNotOwner
		}
		facts := about(row.Name, row.Kind)
		facts["owner"] = troth.Word(row.Owner)
		if ev.Name != "" {
			facts["evidence"] = troth.Word(ev.Name)
		}
		if ev.Digest != ([32]byte{}) {
			facts["digest"] = troth.Digest(ev.Digest)
		}
		f := Finish{Name: row.Name, From: []State{Manual}, To: Completed, OwnedBy: row.Owner}
		return e.finish(ctx, f, troth.Entry{Act: actConfirm, Tenant: row.Tenant, Facts: facts})
	})
}

// Reassign gives a task that waits for a person to another role, by the same or
// another instant; the zero time keeps it. Here, and where work is escalated, resumed
// or cancelled, the actor of ctx must belong to its tenant or to the platform, else
// [ErrNotOwner]; who of them may is for the host to say.
func (e *Engine) Reassign(ctx context.Context, ref troth.WorkRef, owner string, due time.Time) error {
	return e.assign(ctx, ref, owner, due, "reassigned")
}

// Escalate is Reassign to somebody who stands above the owner. The trail tells the
// difference.
func (e *Engine) Escalate(ctx context.Context, ref troth.WorkRef, owner string, due time.Time) error {
	return e.assign(ctx, ref, owner, due, "escalated")
}

func (e *Engine) assign(ctx context.Context, ref troth.WorkRef, owner string, due time.Time, how string) error {
	if err := (troth.Actor{Kind: troth.Person, ID: "owner", Roles: []string{owner}}).Validate(); err != nil {
		return err
	}
	us, err := stored(due)
	if err != nil {
		return err
	}
	return e.change(ctx, ref, func(ctx context.Context, row Row, _ troth.Actor) error {
		assigned, err := e.store.Assign(ctx, Assignment{Name: row.Name, From: row.Owner, Owner: owner, Due: us})
		if err != nil {
			return wrap("assign", err)
		}
		if !assigned {
			return ErrState
		}
		facts := about(row.Name, row.Kind)
		facts["from"], facts["to"], facts["how"] = troth.Word(row.Owner), troth.Word(owner), troth.Word(how)
		if us != 0 {
			facts["due"] = troth.Instant(due)
		}
		return e.record(ctx, troth.Entry{Act: actAssign, Tenant: row.Tenant, Facts: facts})
	})
}

// Resume has a task that waits for a person tried again, from its first attempt,
// whatever it still waits for.
func (e *Engine) Resume(ctx context.Context, ref troth.WorkRef) error {
	return e.change(ctx, ref, func(ctx context.Context, row Row, _ troth.Actor) error {
		resumed, err := e.store.Resume(ctx, row.Name)
		if err != nil {
			return wrap("resume", err)
		}
		if !resumed {
			return ErrState
		}
		if err := e.dispatch(ctx, row.Name, time.Time{}); err != nil {
			return err
		}
		return e.record(ctx, troth.Entry{Act: actResume, Tenant: row.Tenant, Facts: about(row.Name, row.Kind)})
	})
}

// Cancel ends work that is no longer wanted, whatever its state; one that runs
// loses its lease, and what it has done by then is done. Work that waits for it is
// handed to a person. ground says why in the host's own words and must not be
// about a person. It returns [ErrState] for work that has ended.
func (e *Engine) Cancel(ctx context.Context, ref troth.WorkRef, ground string) error {
	if err := troth.Purpose(ground).Validate(); err != nil {
		return err
	}
	return e.change(ctx, ref, func(ctx context.Context, row Row, _ troth.Actor) error {
		facts := about(row.Name, row.Kind)
		facts["ground"] = troth.Word(ground)
		f := Finish{
			Name: row.Name, From: []State{Waiting, Delayed, Running, Blocked, Manual}, To: Cancelled,
			Reason: "cancelled", Owner: e.owner(row.Kind),
		}
		return e.finish(ctx, f, troth.Entry{Act: actCancel, Tenant: row.Tenant, Facts: facts})
	})
}

// change runs fn in a transaction, for an actor who belongs to the task's tenant
// or to the platform.
func (e *Engine) change(ctx context.Context, ref troth.WorkRef, fn func(ctx context.Context, row Row, actor troth.Actor) error) error {
	actor, err := troth.ActorFrom(ctx)
	if err != nil {
		return err
	}
	n, err := name(ref)
	if err != nil {
		return err
	}
	if home := actor.Home(); home != n.Tenant && home != troth.Platform {
		return ErrNotOwner
	}
	err = e.tx.Atomically(ctx, func(ctx context.Context) error {
		row, found, err := e.store.Task(ctx, n)
		if err != nil {
			return wrap("look at a task", err)
		}
		if !found {
			return ErrNotFound
		}
		return fn(ctx, row, actor)
	})
	if err == nil && e.tx.Scope(ctx) == nil {
		e.Nudge()
	}
	return err
}

// finish ends a task from outside, with its evidence.
func (e *Engine) finish(ctx context.Context, f Finish, entry troth.Entry) error {
	freed, done, err := e.store.Finish(ctx, f)
	if err != nil {
		return wrap("finish", err)
	}
	if !done {
		return ErrState
	}
	if err := e.record(ctx, entry); err != nil {
		return err
	}
	return e.settleFreed(ctx, freed, f.Owner)
}
