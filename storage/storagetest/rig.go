package storagetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
)

// rig is a harness with the vocabulary of the checks.
type rig struct {
	suite.Rig
	Harness
	another func() Harness
}

// newRig returns a rig on what open returns, which it may call again.
func newRig(t suite.TB, open func() Harness) *rig {
	h := open()
	return &rig{Rig: suite.NewRig(t, h.Transactor, h.Host), Harness: h, another: open}
}

// slack is how much later than its bound a wait may end on a busy machine.
const slack = 10 * time.Second

func (r *rig) put(ctx context.Context, key, value string) {
	r.Helper()
	if err := r.Put(ctx, key, value); err != nil {
		r.Fatalf("put %q: %v", key, err)
	}
}

// value demands that ctx sees value under key.
func (r *rig) value(ctx context.Context, key, value string) {
	r.Helper()
	got, ok, err := r.Get(ctx, key)
	if err != nil || !ok || got != value {
		r.Fatalf("get %q: got %q, %v, %v; want %q", key, got, ok, err, value)
	}
}

// absent demands that ctx sees nothing under key.
func (r *rig) absent(ctx context.Context, key string) {
	r.Helper()
	got, ok, err := r.Get(ctx, key)
	if err != nil || ok {
		r.Fatalf("get %q: got %q, %v, %v; want nothing", key, got, ok, err)
	}
}

// keys demands that ctx sees these keys and no others.
func (r *rig) keys(ctx context.Context, want ...string) {
	r.Helper()
	got, err := r.Keys(ctx)
	if err != nil || !slices.Equal(got, want) {
		r.Fatalf("keys: got %q, %v; want %q", got, err, want)
	}
}

// is demands that err is all of the targets.
func (r *rig) is(err error, targets ...error) {
	r.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			r.Fatalf("got error %v, want %v", err, target)
		}
	}
}

// usable demands that the handle still reads and writes.
func (r *rig) usable() {
	r.Helper()
	ctx := r.Context()
	r.Atomically(ctx, func(ctx context.Context) { r.put(ctx, "~usable", "yes") })
	r.value(ctx, "~usable", "yes")
}

// truthful demands that the key is there if err is nil, and is not otherwise.
func (r *rig) truthful(err error, key string) {
	r.Helper()
	if err == nil {
		r.value(r.Context(), key, "kept")
		return
	}
	r.absent(r.Context(), key)
}

// uses are all ways to use a context.
func (r *rig) uses(ctx context.Context) map[string]error {
	_, _, getErr := r.Get(ctx, "used")
	_, keysErr := r.Keys(ctx)
	return map[string]error{
		"get":  getErr,
		"keys": keysErr,
		"put":  r.Put(ctx, "used", "yes"),
		"atomically": r.Transactor.Atomically(ctx, func(context.Context) error {
			r.Errorf("the closure ran")
			return nil
		}),
	}
}

// useless demands that every use of ctx ends in an error that is all targets.
func (r *rig) useless(ctx context.Context, targets ...error) {
	r.Helper()
	for use, err := range r.uses(ctx) {
		for _, target := range targets {
			if !errors.Is(err, target) {
				r.Fatalf("%s: got %v, want %v", use, err, target)
			}
		}
	}
}

// busy demands that fn ends in [troth.ErrBusy] within the bound.
func (r *rig) busy(fn func() error) {
	r.Helper()
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- fn() }()
	select {
	case err := <-done:
		r.is(err, troth.ErrBusy)
		if !troth.Retryable(err) {
			r.Fatalf("not retryable: %v", err)
		}
	case <-time.After(r.WaitBound + slack):
		r.Fatalf("still waiting after %v, bound %v", time.Since(began), r.WaitBound)
	}
}
