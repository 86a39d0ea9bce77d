package suite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trothdev/troth"
)

// TB is what the checks need of *testing.T, so that a suite's own tests can watch it
// fail.
type TB interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Begin begins a transaction as the host does, and returns ctx with it. Commit and
// rollback end it.
type Begin = func(ctx context.Context) (in context.Context, commit, rollback func() error, err error)

// Rig is the vocabulary of the checks, on a store's transactor and two tenants that
// nobody else uses.
type Rig struct {
	TB
	TX    troth.Transactor
	A, B  troth.Tenant
	begin Begin
}

// NewRig returns a rig. Begin is nil if the store cannot join a host's transaction.
func NewRig(t TB, tx troth.Transactor, begin Begin) Rig {
	name := troth.Tenant(rand.Text())
	return Rig{TB: t, TX: tx, A: name + "-a", B: name + "-b", begin: begin}
}

// ErrRefused is what closures of the checks return to have their work undone.
var ErrRefused = errors.New("suite: refused on purpose")

// Instant is a time whose last microsecond matters.
const Instant int64 = 1_763_776_391_123_457

// Crowd is how many goroutines race.
const Crowd = 8

// Patience is how long a check watches that something does not happen.
const Patience = 150 * time.Millisecond

// OK demands that there is no error.
func (r *Rig) OK(err error, what string) {
	r.Helper()
	if err != nil {
		r.Fatalf("%s: %v", what, err)
	}
}

// Fails demands that there is an error.
func (r *Rig) Fails(err error, what string) {
	r.Helper()
	if err == nil {
		r.Fatalf("%s: it succeeds", what)
	}
}

// Is demands an error of a kind.
func (r *Rig) Is(err, want error, what string) {
	r.Helper()
	if !errors.Is(err, want) {
		r.Fatalf("%s: got %v, want %v", what, err, want)
	}
}

// Wants demands that a yes-or-no answer came without an error.
func (r *Rig) Wants(want, got bool, err error, what string) {
	r.Helper()
	if err != nil || got != want {
		r.Fatalf("%s: got %v, %v; want %v", what, got, err, want)
	}
}

// Same demands that two values print alike, bytes included.
func (r *Rig) Same(got, want any, what string) {
	r.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		r.Fatalf("%s: got\n%s\nwant\n%s", what, g, w)
	}
}

// Atomically demands that the transaction succeeds.
func (r *Rig) Atomically(ctx context.Context, fn func(ctx context.Context)) {
	r.Helper()
	r.OK(r.TX.Atomically(ctx, func(ctx context.Context) error { fn(ctx); return nil }), "atomically")
}

// Refused runs fn in a transaction that is then undone.
func (r *Rig) Refused(ctx context.Context, fn func(ctx context.Context)) {
	r.Helper()
	err := r.TX.Atomically(ctx, func(ctx context.Context) error { fn(ctx); return ErrRefused })
	if !errors.Is(err, ErrRefused) {
		r.Fatalf("atomically: got %v, want the closure's own error", err)
	}
}

// Hosted runs fn in a transaction of the host's, and then end, unless fn fails.
func (r *Rig) Hosted(fn func(ctx context.Context), end func(commit, rollback func() error) error) {
	r.Helper()
	ctx, commit, rollback, err := r.begin(r.Context())
	r.OK(err, "host: begin")
	ended := false
	defer func() {
		if !ended {
			_ = rollback()
		}
	}()
	fn(ctx)
	ended = true
	r.OK(end(commit, rollback), "host: end")
}

// Commits ends a transaction of the host's.
func Commits(commit, _ func() error) error { return commit() }

// RollsBack undoes one.
func RollsBack(_, rollback func() error) error { return rollback() }

// Race runs fn in a crowd that starts together.
func (r *Rig) Race(fn func(i int) error) {
	r.Helper()
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range Crowd {
		wg.Go(func() {
			<-start
			if err := fn(i); err != nil {
				r.Errorf("goroutine %d: %v", i, err)
			}
		})
	}
	close(start)
	wg.Wait()
}

// EveryByte is 256 bytes, all of which differ, so that a column of text would spoil
// them.
func EveryByte() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(255 - i)
	}
	return b
}
