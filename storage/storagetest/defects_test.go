package storagetest

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/trothdev/troth"
)

// defect is one way to break the contract, and a check that must see it.
type defect struct {
	name   string
	caught string
	inject func(h *Harness)
}

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

type doomKey struct{}

var errDoomed = errors.New("an inner closure failed")

var defects = []defect{
	{
		"an inner error rolls back the outer", "an inner error undoes the inner work and no more",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			if doomed, inner := ctx.Value(doomKey{}).(*atomic.Bool); inner {
				err := fn(ctx)
				if err != nil {
					doomed.Store(true)
				}
				return err
			}
			var doomed atomic.Bool
			return sound.Atomically(ctx, func(ctx context.Context) error {
				err := fn(context.WithValue(ctx, doomKey{}, &doomed))
				if err == nil && doomed.Load() {
					return errDoomed
				}
				return err
			})
		}),
	},
	{
		"the work of a swallowed inner error stays", "a refused statement in a savepoint leaves the transaction whole",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			if sound.Scope(ctx) != nil {
				return fn(ctx)
			}
			return sound.Atomically(ctx, fn)
		}),
	},
	{
		"a panic commits", "a panic undoes the work and goes on",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			var recovered any
			err := sound.Atomically(ctx, func(ctx context.Context) error {
				defer func() { recovered = recover() }()
				return fn(ctx)
			})
			if recovered != nil {
				panic(recovered)
			}
			return err
		}),
	},
	{
		"a panic becomes an error", "a panic undoes the work and goes on",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) (err error) {
			defer func() {
				if recover() != nil {
					err = errRefused
				}
			}()
			return sound.Atomically(ctx, fn)
		}),
	},
	{
		"a goroutine that exits commits", "a goroutine that exits undoes its work",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			exited := true
			err := sound.Atomically(ctx, func(ctx context.Context) (err error) {
				done := make(chan struct{})
				go func() {
					defer close(done)
					defer func() {
						if recover() != nil {
							exited, err = false, errRefused
						}
					}()
					err = fn(ctx)
					exited = false
				}()
				<-done
				return err
			})
			if exited && err == nil {
				runtime.Goexit()
			}
			return err
		}),
	},
	{
		"a context lives on after its transaction", "a context is done after its commit",
		func(h *Harness) {
			sound := h.Transactor
			everyUse(h, func(ctx context.Context, once func(context.Context) error) error {
				err := once(ctx)
				if errors.Is(err, troth.ErrTxDone) {
					return once(sound.Detach(ctx))
				}
				return err
			})
		},
	},
	{
		"closures are retried", "closures are run once, whatever they return",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			err := sound.Atomically(ctx, fn)
			if troth.Retryable(err) {
				err = sound.Atomically(ctx, fn)
			}
			return err
		}),
	},
	{"a rollback keeps the scope's values", "values vanish when a scope is undone", outermostScope},
	{
		"errors are swallowed", "a closure that returns an error is undone, and the error comes back",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			_ = sound.Atomically(ctx, fn)
			return nil
		}),
	},
	{
		"a transaction is acknowledged and lost", "a closure that returns nil is kept",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			err := sound.Atomically(ctx, func(ctx context.Context) error {
				return errors.Join(fn(ctx), errDoomed)
			})
			if errors.Is(err, errRefused) {
				return err
			}
			return nil
		}),
	},
	{
		"some transactions are acknowledged and lost",
		"of 64 goroutines, what was acknowledged is there and what was refused is not", losesSome,
	},
	{
		"a refused transaction stays", "a closure that returns an error is undone, and the error comes back",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			var refusal error
			err := sound.Atomically(ctx, func(ctx context.Context) error {
				refusal = fn(ctx)
				return nil
			})
			return errors.Join(err, refusal)
		}),
	},
	{
		"detaching does nothing", "a detached context sees what is committed",
		func(h *Harness) {
			h.Transactor = &broken{
				Transactor: h.Transactor,
				detach:     func(ctx context.Context) context.Context { return ctx },
			}
		},
	},
	{
		"detaching loses values and cancellation", "a detached context keeps values and cancellation",
		func(h *Harness) {
			h.Transactor = &broken{
				Transactor: h.Transactor,
				detach:     func(context.Context) context.Context { return context.Background() },
			}
		},
	},
	{
		"detaching outside gives a dead context", "detaching outside of transactions changes nothing",
		func(h *Harness) {
			h.Transactor = &broken{
				Transactor: h.Transactor,
				detach: func(ctx context.Context) context.Context {
					ctx, cancel := context.WithCancel(ctx)
					cancel()
					return ctx
				},
			}
		},
	},
	{"cancellation is called busy", "a cancelled context begins nothing", reclassified(context.Canceled, troth.ErrBusy)},
	{
		"a deadline is called busy", "a context past its deadline begins nothing",
		reclassified(context.DeadlineExceeded, troth.ErrBusy),
	},
	{
		"busy has a name of its own", "a closure that begins another transaction from outside is busy, not dead",
		reclassified(troth.ErrBusy, errDoomed),
	},
	{
		"misuse by two has a name of its own", "a second goroutine is refused while the first is in a savepoint",
		reclassified(troth.ErrTxConcurrent, errDoomed),
	},
	{
		"contexts are not looked at", "cancelled in the middle, the work is undone",
		func(h *Harness) {
			everyUse(h, func(ctx context.Context, once func(context.Context) error) error {
				return once(context.WithoutCancel(ctx))
			})
		},
	},
	{
		"a cancelled savepoint spoils the transaction", "a cancelled savepoint leaves the transaction whole",
		atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
			err := sound.Atomically(ctx, fn)
			if errors.Is(err, context.Canceled) && sound.Scope(ctx) != nil {
				panic(err)
			}
			return err
		}),
	},
	{
		"an outer context reaches into the inner transaction", "an outer context is refused while an inner one is open",
		reachesInner,
	},
	{"uncommitted rows are seen by all", "a transaction sees its own writes and nobody else does", dirtyReads},
	{
		"there is always a scope", "there is no scope outside of transactions",
		func(h *Harness) {
			sound, always := h.Transactor, troth.NewScope(nil, true)
			h.Transactor = &broken{Transactor: sound, scope: func(ctx context.Context) *troth.Scope {
				if s := sound.Scope(ctx); s != nil {
					return s
				}
				return always
			}}
		},
	},
	{
		"scopes are never ended", "a scope tells of its commit",
		func(h *Harness) {
			h.Transactor = &broken{Transactor: h.Transactor, scope: func(context.Context) *troth.Scope {
				return troth.NewScope(nil, true)
			}}
		},
	},
	{
		"a taken key is taken again", "a statement outside of transactions stands alone",
		func(h *Harness) { h.Insert = h.Put },
	},
	{
		"the host's transaction is not joined", "work joins the host's transaction and commits with it",
		func(h *Harness) {
			sound, host := h.Transactor, h.Host
			h.Host = func(ctx context.Context) (context.Context, func() error, func() error, error) {
				in, commit, rollback, err := host(ctx)
				return sound.Detach(in), commit, rollback, err
			}
		},
	},
	{
		"the host's commit is heard", "nobody hears the host's commit",
		func(h *Harness) {
			sound, host := h.Transactor, h.Host
			h.Host = func(ctx context.Context) (context.Context, func() error, func() error, error) {
				in, commit, rollback, err := host(ctx)
				return in, func() error {
					sound.Scope(in).End(troth.ScopeCommitted)
					return commit()
				}, rollback, err
			}
		},
	},
	{
		"the host's rollback commits", "work is undone with the host's transaction",
		func(h *Harness) {
			host := h.Host
			h.Host = func(ctx context.Context) (context.Context, func() error, func() error, error) {
				in, commit, _, err := host(ctx)
				return in, commit, commit, err
			}
		},
	},
}

// outermostScope gives one scope to a transaction and its savepoints.
func outermostScope(h *Harness) {
	type key struct{}
	sound := h.Transactor
	h.Transactor = &broken{
		Transactor: sound,
		atomically: func(ctx context.Context, fn func(context.Context) error) error {
			return sound.Atomically(ctx, func(ctx context.Context) error {
				if ctx.Value(key{}) == nil {
					ctx = context.WithValue(ctx, key{}, sound.Scope(ctx))
				}
				return fn(ctx)
			})
		},
		scope: func(ctx context.Context) *troth.Scope {
			s, _ := ctx.Value(key{}).(*troth.Scope)
			return s
		},
	}
}

// losesSome acknowledges every fiftieth transaction and undoes it.
func losesSome(h *Harness) {
	var count atomic.Int64
	atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
		lost := false
		err := sound.Atomically(ctx, func(ctx context.Context) error {
			if err := fn(ctx); err != nil {
				return err
			}
			if lost = count.Add(1)%50 == 0; lost {
				return errDoomed
			}
			return nil
		})
		if lost {
			return nil
		}
		return err
	})(h)
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

// reachesInner runs what is asked of an outer context in the innermost one.
func reachesInner(h *Harness) {
	var mu sync.Mutex
	var newest context.Context
	everyUse(h, func(ctx context.Context, once func(context.Context) error) error {
		err := once(ctx)
		if !errors.Is(err, troth.ErrTxConcurrent) || !errors.Is(err, troth.ErrBusy) {
			return err
		}
		mu.Lock()
		inner := newest
		mu.Unlock()
		return once(inner)
	})
	atomically(func(sound troth.Transactor, ctx context.Context, fn func(context.Context) error) error {
		return sound.Atomically(ctx, func(ctx context.Context) error {
			mu.Lock()
			newest = ctx
			mu.Unlock()
			return fn(ctx)
		})
	})(h)
}

// dirtyReads shows to everybody what was written last.
func dirtyReads(h *Harness) {
	var written sync.Map
	put, get := h.Put, h.Get
	h.Put = func(ctx context.Context, key, value string) error {
		err := put(ctx, key, value)
		if err == nil {
			written.Store(key, value)
		}
		return err
	}
	h.Get = func(ctx context.Context, key string) (string, bool, error) {
		value, ok, err := get(ctx, key)
		if dirty, there := written.Load(key); there && err == nil {
			return dirty.(string), true, nil
		}
		return value, ok, err
	}
}
