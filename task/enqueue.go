package task

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// Enqueue makes work durable in the transaction of ctx, or in one of its own, and
// returns its id, also of equal work that was enqueued before and is remembered,
// however that ended. Its kind need not be registered here.
//
// It returns a *[troth.IdentifierError] for names that are not valid,
// [ErrPayload] for a payload that is too large, [ErrNoSealer] where it has one
// and the engine no sealer, and a *[PrerequisiteError] for work that could never
// run. It implements [troth.Enqueuer].
func (e *Engine) Enqueue(ctx context.Context, w troth.Work) (id string, err error) {
	n, err := e.prepare(w)
	if err != nil {
		return "", err
	}
	got, err := e.enqueue(ctx, w, n)
	if err != nil {
		return "", err
	}
	if e.tx.Scope(ctx) == nil {
		e.Nudge()
	}
	return got.String(), nil
}

// prepare checks work and gives it an id.
func (e *Engine) prepare(w troth.Work) (n NewTask, err error) {
	if err := w.Validate(); err != nil {
		return n, err
	}
	if len(w.Payload) > MaxPayload {
		return n, fmt.Errorf("%w: it is longer than %d bytes", ErrPayload, MaxPayload)
	}
	if len(w.Payload) > 0 && e.c.Sealer == nil {
		return n, ErrNoSealer
	}
	now := e.opt.now()
	n = NewTask{
		Name: Name{Tenant: w.Tenant, ID: troth.NewEntryID(now)},
		Kind: w.Kind, Key: w.Key, Line: w.Line, CreatedAt: now.UnixMicro(),
	}
	n.Group = n.ID
	if n.NotBefore, err = stored(w.NotBefore); err != nil {
		return n, err
	}
	if n.Deadline, err = stored(w.Deadline); err != nil {
		return n, err
	}
	n.Alarm = nextAlarm(0, n.CreatedAt, n.Deadline, n.CreatedAt)
	for _, text := range w.After {
		id, err := troth.ParseEntryID(text)
		if err != nil {
			return n, fmt.Errorf("task: prerequisite: %w", err)
		}
		n.After = append(n.After, id)
	}
	return n, nil
}

// lastInstant is where calendars end.
var lastInstant = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// stored returns an instant as it is stored; the zero time is 0.
func stored(t time.Time) (int64, error) {
	switch {
	case t.IsZero():
		return 0, nil
	case t.UnixMicro() <= 0 || t.After(lastInstant):
		return 0, errors.New("task: instant is before 1970 or after 9999")
	}
	return t.UnixMicro(), nil
}

// errKnown undoes what was prepared for work that turns out to be there.
var errKnown = errors.New("task: work is known")

func (e *Engine) enqueue(ctx context.Context, w troth.Work, n NewTask) (id ID, err error) {
	if plainWork(w) && e.opt.dispatcher == nil {
		if id, _, err = e.store.Insert(ctx, n); err != nil {
			return id, wrap("insert", err)
		}
		return id, nil
	}
	err = e.tx.Atomically(ctx, func(ctx context.Context) error {
		if id, err = e.known(ctx, n); err != nil {
			return err
		}
		if id != (ID{}) {
			return errKnown
		}
		if err := e.outfit(ctx, w, &n); err != nil {
			return err
		}
		var inserted bool
		if id, inserted, err = e.store.Insert(ctx, n); err != nil {
			return wrap("insert", err)
		}
		if !inserted {
			return errKnown // somebody was faster
		}
		return e.dispatchNew(ctx, n)
	})
	if errors.Is(err, errKnown) {
		return id, nil
	}
	return id, err
}

// plainWork reports whether adding work needs nothing but the store.
func plainWork(w troth.Work) bool { return w.Group == "" && len(w.Payload) == 0 }

// known returns the id of equal work, the zero ID if there is none.
func (e *Engine) known(ctx context.Context, n NewTask) (ID, error) {
	if n.Key == "" {
		return ID{}, nil
	}
	id, found, err := e.store.Find(ctx, n.Tenant, n.Kind, n.Key)
	if err != nil || !found {
		return ID{}, wrap("find", err)
	}
	return id, nil
}

// outfit gives new work its group and its sealed payload.
func (e *Engine) outfit(ctx context.Context, w troth.Work, n *NewTask) (err error) {
	if w.Group != "" {
		j := Joining{Tenant: n.Tenant, Name: w.Group, Fresh: troth.NewEntryID(e.opt.now()), Tasks: 1}
		if n.Group, err = e.store.JoinGroup(ctx, j); err != nil {
			return wrap("join group", err)
		}
	}
	return e.sealPayload(ctx, w, n)
}

// sealPayload seals the payload of work whose group is known.
func (e *Engine) sealPayload(ctx context.Context, w troth.Work, n *NewTask) (err error) {
	if len(w.Payload) > 0 {
		n.Payload, err = e.seal(ctx, place(n.Ref(), n.Kind, payloadColumn, n.Group), w.Payload)
	}
	return err
}

// wrap adds the verb to what the store reported.
func wrap(verb string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("task: %s: %w", verb, err)
}
