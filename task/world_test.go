package task_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/taskmem"
	"github.com/trothdev/troth/task"
	"github.com/trothdev/troth/task/tasktest"
)

const tenant troth.Tenant = "acme"

// world is an engine on memory, with a table for effects in the same database.
type world struct {
	t       *testing.T
	db      *memory.DB
	store   task.Backend
	sealer  *tasktest.Sealer
	trail   *tasktest.Recorder
	e       *task.Engine
	effects *memory.Table[string, int]
	log     *lockedBuffer
	opts    []task.Option
	resumed bool
}

// lockedBuffer is a log that goroutines may write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func logTo(w *lockedBuffer) *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(w), zap.DebugLevel))
}

// newWorld returns a world whose engine is unmanaged unless a Disposer is given
// with open.
func newWorld(t *testing.T, opts ...task.Option) *world {
	t.Helper()
	db := memory.Open()
	w := &world{
		t: t, db: db, store: taskmem.New(db), sealer: tasktest.NewSealer(db), trail: tasktest.NewRecorder(db),
		effects: memory.NewTable[string, int](db, strings.Compare), log: &lockedBuffer{}, opts: opts,
	}
	w.e = w.engine()
	return w
}

// config is that of the world's engines.
func (w *world) config() task.Config {
	return task.Config{Store: w.store, Recorder: w.trail, Sealer: w.sealer, DestroyKey: w.sealer.Destroy}
}

// engine returns another engine on the same rows, as another process has it.
func (w *world) engine(opts ...task.Option) *task.Engine {
	w.t.Helper()
	all := append([]task.Option{task.Unmanaged("test"), task.WithLogger(logTo(w.log))}, w.opts...)
	e, err := task.New(w.t.Context(), w.config(), append(all, opts...)...)
	require.NoError(w.t, err)
	return e
}

// managed returns an engine with a Disposer.
func (w *world) managed(d troth.Disposer, opts ...task.Option) *task.Engine {
	w.t.Helper()
	c := w.config()
	c.Disposer = d
	e, err := task.New(w.t.Context(), c, append([]task.Option{task.WithLogger(logTo(w.log))}, opts...)...)
	require.NoError(w.t, err)
	return e
}

// run drives engines until the returned function is called.
func run(t *testing.T, engines ...*task.Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, e := range engines {
		all.Go(func() {
			if err := e.Run(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("run: %v", err)
			}
		})
	}
	once := sync.OnceFunc(func() { cancel(); all.Wait() })
	t.Cleanup(once)
	return once
}

// effect counts an effect of the key in the transaction of ctx.
func (w *world) effect(ctx context.Context, key string) error {
	return w.db.Atomically(ctx, func(ctx context.Context) error {
		n, _, err := w.effects.Get(ctx, key)
		if err != nil {
			return err
		}
		return w.effects.Put(ctx, key, n+1)
	})
}

// effected demands how often the effect of each key happened.
func (w *world) effected(want map[string]int) {
	w.t.Helper()
	rows, err := w.effects.Scan(w.t.Context(), nil, 0, nil)
	require.NoError(w.t, err)
	got := map[string]int{}
	for _, r := range rows {
		got[r.Key] = r.Value
	}
	require.Equal(w.t, want, got)
}

func (w *world) enqueue(work troth.Work) troth.WorkRef {
	w.t.Helper()
	if work.Tenant == "" {
		work.Tenant = tenant
	}
	id, err := w.e.Enqueue(w.t.Context(), work)
	require.NoError(w.t, err)
	return troth.WorkRef{Tenant: work.Tenant, ID: id}
}

func (w *world) task(ref troth.WorkRef) task.Task {
	w.t.Helper()
	got, err := w.e.Task(w.t.Context(), ref)
	require.NoError(w.t, err)
	return got
}

func (w *world) is(ref troth.WorkRef, want task.State) task.Task {
	w.t.Helper()
	got := w.task(ref)
	require.Equal(w.t, want, got.State)
	return got
}

// person acts as somebody with roles.
func person(ctx context.Context, home troth.Tenant, roles ...string) context.Context {
	return troth.WithActor(ctx, troth.Actor{Kind: troth.Person, ID: "kim", Tenant: home, Roles: roles})
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// pass lets virtual time pass, and everything that happens meanwhile.
func pass(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // virtual
	synctest.Wait()
}

// nothing is a handler that succeeds.
func nothing(context.Context, task.Job[struct{}]) error { return nil }

var errBroken = errors.New("broken on purpose")
