package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// WithTasks is what later work is enqueued with, in the transaction that makes it
// necessary: a task engine, or the host's own queue. [Keeper.Do] does that work. If it
// has a method Transactor it must share the store's. Without it the keeper refuses what
// must be done later or by a person, and says so where.
func WithTasks(e troth.Enqueuer) Option {
	return func(o *options) error { o.tasks = e; return present("enqueuer", e != nil) }
}

// ErrNoTasks says that something must be done later or by a person, and the keeper was
// made without [WithTasks].
var ErrNoTasks = errors.New("retention: this needs the option WithTasks")

// workKind is one kind of work that the keeper enqueues, and what does it.
type workKind struct {
	name string
	do   func(ctx context.Context, k *Keeper, j troth.Job) (troth.Outcome, error)
}

// Kinds of work.
const (
	// WorkCopy has a copy outside of the database let go of a record.
	WorkCopy = "retention.copy"
	// WorkPaper waits for a person who destroys a copy on paper: see
	// [Keeper.ConfirmCopy].
	WorkPaper = "retention.paper"
)

// workKinds are all kinds, in the order of [Works].
func workKinds() []workKind {
	return []workKind{
		{WorkConflict, doConflict},
		{WorkCopy, doCopy},
		{WorkPaper, doPaper},
	}
}

// Works are the kinds of work that [Keeper.Do] does.
func Works() (names []string) {
	for _, w := range workKinds() {
		names = append(names, w.name)
	}
	return names
}

var errPayload = errors.New("retention: not work of the keeper's")

// Do does one piece of work that the keeper enqueued, of one of the kinds of [Works]: it
// is a [troth.WorkHandler]. Doing the same again has no other effect. The context carries
// the actor of the queue, or none: then the keeper itself acts.
//
// [troth.Failed] comes with work that is not the keeper's, or cannot be read.
func (k *Keeper) Do(ctx context.Context, j troth.Job) (troth.Outcome, error) {
	if _, err := troth.ActorFrom(ctx); errors.Is(err, troth.ErrNoActor) {
		ctx = troth.WithActor(ctx, self)
	}
	for _, w := range workKinds() {
		if w.name == j.Kind {
			return w.do(ctx, k, j)
		}
	}
	return troth.Failed, errPayload
}

// enqueue enqueues work in the transaction of ctx, in a savepoint: nothing is left of
// what the queue refused. The payload is encoded as JSON. It returns the work's id.
func (k *Keeper) enqueue(ctx context.Context, w troth.Work, payload any) (id string, err error) {
	if k.opt.tasks == nil {
		return "", ErrNoTasks
	}
	if w.Payload, err = json.Marshal(payload); err != nil {
		return "", fmt.Errorf("retention: enqueue: %w", err)
	}
	err = k.tx.Atomically(ctx, func(ctx context.Context) (err error) {
		if id, err = k.opt.tasks.Enqueue(ctx, w); err != nil {
			return fmt.Errorf("retention: enqueue %s: %w", w.Kind, err)
		}
		return nil
	})
	return id, err
}
