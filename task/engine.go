package task

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

// Config is what an engine cannot do without.
type Config struct {
	Store Backend
	// Recorder keeps the evidence. It must share the store's Transactor.
	Recorder troth.Recorder
	// Sealer seals payloads, each group's under a person of its own, see
	// [GroupSubject]. Nil refuses work that has a payload.
	Sealer troth.Sealer
	// Disposer is asked before a group's key is destroyed and before finished
	// tasks are forgotten, see [PayloadDisposal] and [FinishedDisposal]. Nil goes
	// with the option [Unmanaged] only.
	Disposer troth.Disposer
	// DestroyKey destroys the key of a group, with that permit, in the
	// transaction of ctx. Nil empties the rows and destroys no key, for sealers
	// that cannot.
	DestroyKey func(ctx context.Context, p troth.Permit, of troth.Subject, c troth.Compartment) error
}

// Engine keeps work until it is done. Make it with [New], tell it what to do
// with [Register] and its like, and drive it with [Engine.Run]. It is safe for
// concurrent use.
type Engine struct {
	store Backend
	tx    troth.Transactor
	rec   troth.Recorder
	c     Config
	opt   options
	log   *zap.Logger

	mu    sync.RWMutex
	kinds map[string]*handled
	// order is the order of kinds in claims, which turns.
	order []string

	running atomic.Bool
	// busy says that the last claim found something.
	busy atomic.Bool
	// nudged wakes an idle engine.
	nudged chan struct{}
}

var _ troth.Enqueuer = (*Engine)(nil)

// self acts when the engine does something.
var self = troth.Actor{Kind: troth.Service, ID: "troth.task"}

func acting(ctx context.Context) context.Context { return troth.WithActor(ctx, self) }

// New returns an engine on the store. It starts no goroutine. It returns
// [troth.ErrNotShared] if store and recorder do not share a Transactor, and
// [ErrUnmanaged] if it was to work without a keeper on a store that has one.
func New(ctx context.Context, c Config, opts ...Option) (*Engine, error) {
	if c.Store == nil || c.Recorder == nil {
		return nil, errors.New("task: new: store and recorder are required")
	}
	if c.Recorder.Transactor() != c.Store.Transactor() {
		return nil, troth.ErrNotShared
	}
	o := defaults()
	for _, opt := range opts {
		if err := opt(&o); err != nil {
			return nil, err
		}
	}
	if (c.Disposer == nil) == (o.unmanaged == "") {
		return nil, errors.New("task: new: either a Disposer or the option Unmanaged is required")
	}
	e := &Engine{
		store: c.Store, tx: c.Store.Transactor(), rec: c.Recorder, c: c, opt: o, log: o.log,
		kinds: make(map[string]*handled), nudged: make(chan struct{}, 1),
	}
	if c.Disposer == nil {
		e.c.Disposer = unmanaged{e}
		if err := e.admitUnmanaged(ctx); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// admitUnmanaged records that nobody keeps watch.
func (e *Engine) admitUnmanaged(ctx context.Context) error {
	return e.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := e.checkUnmanaged(ctx); err != nil {
			return err
		}
		return e.record(acting(ctx), clearance.Alone(actUnmanaged, e.opt.unmanaged))
	})
}

// Transactor is the one whose transactions the engine joins.
func (e *Engine) Transactor() troth.Transactor { return e.tx }

// Nudge makes an idle Run look for work at once: after the host's commit, for
// example, of which it hears nothing.
func (e *Engine) Nudge() {
	select {
	case e.nudged <- struct{}{}:
	default:
	}
}

func (e *Engine) record(ctx context.Context, entry troth.Entry) error {
	if _, err := e.rec.Record(ctx, entry); err != nil {
		return fmt.Errorf("task: record %s: %w", entry.Act.Name, err)
	}
	return nil
}

// name reads a reference. One that no engine gave out names nothing.
func name(ref troth.WorkRef) (Name, error) {
	if err := ref.Tenant.Validate(); err != nil {
		return Name{}, err
	}
	id, err := troth.ParseEntryID(ref.ID)
	if err != nil {
		return Name{}, ErrNotFound
	}
	return Name{Tenant: ref.Tenant, ID: id}, nil
}

// instant returns stored microseconds as a time; 0 is the zero time.
func instant(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
