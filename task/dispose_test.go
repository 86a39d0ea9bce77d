package task_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/permit"
	"github.com/trothdev/troth/task"
)

// refusing is a Disposer that keeps everything.
type refusing struct{}

func (refusing) Dispose(context.Context, troth.DisposalRef, string, func(context.Context, troth.Permit) error) error {
	return fmt.Errorf("a hold: %w", troth.ErrNotPermitted)
}

// giving is a Disposer that hands out a permit which is not a keeper's.
type giving struct {
	w    *world
	p    troth.Permit
	asks *[]troth.DisposalRef
}

func (g giving) Dispose(ctx context.Context, ref troth.DisposalRef, _ string, destroy func(context.Context, troth.Permit) error) error {
	if g.asks != nil {
		*g.asks = append(*g.asks, ref)
	}
	return g.w.db.Atomically(ctx, func(ctx context.Context) error { return destroy(ctx, g.p) })
}

func undisposed(t *testing.T, e *task.Engine) (all []task.Disposal) {
	t.Helper()
	for d, err := range e.Undisposed(t.Context(), tenant) {
		require.NoError(t, err)
		all = append(all, d)
	}
	return all
}

func TestDispose_TheKeyDiesWithTheLastWorkOfTheGroup(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		require.NoError(t, w.e.Handle(task.Kind{Name: "k"}, func(context.Context, troth.Job) (troth.Outcome, error) {
			return troth.Completed, nil
		}))
		var refs []troth.WorkRef
		for i := range 3 {
			refs = append(refs, w.enqueue(troth.Work{
				Kind: "k", Group: "request-7", Payload: []byte("x"), NotBefore: time.Now().Add(time.Duration(i+1) * time.Hour),
			}))
		}
		alone := w.enqueue(troth.Work{Kind: "k", Payload: []byte("x")})
		require.Equal(t, 2, w.sealer.Living(), "one for the group, one for who stands alone")
		defer run(t, w.e)()
		pass(time.Minute)
		require.Equal(t, 1, w.sealer.Living())
		w.is(alone, task.Completed)
		pass(2 * time.Hour)
		w.is(refs[1], task.Completed)
		require.Equal(t, 1, w.sealer.Living(), "the group lives while one of its works is open")
		pass(2 * time.Hour)
		require.Zero(t, w.sealer.Living())
		for _, ref := range append(refs, alone) {
			row := w.row(ref)
			require.Nil(t, row.Payload)
			require.Equal(t, task.Completed, row.State)
		}
		require.Len(t, w.trail.Entries("task.empty"), 2)
		require.Equal(t, "destroyed", w.trail.Entries("task.empty")[0].Facts["key"].Text())
		require.Empty(t, undisposed(t, w.e))

		// Work of that name later is of another group, with another key.
		w.enqueue(troth.Work{Kind: "k", Group: "request-7", Payload: []byte("x")})
		require.Equal(t, 1, w.sealer.Living())
	})
}

func (w *world) row(ref troth.WorkRef) task.Row {
	w.t.Helper()
	n := task.Name{Tenant: ref.Tenant}
	var err error
	n.ID, err = troth.ParseEntryID(ref.ID)
	require.NoError(w.t, err)
	row, found, err := w.store.Task(w.t.Context(), n)
	require.NoError(w.t, err)
	require.True(w.t, found)
	return row
}

func TestDispose_WhatTheDisposerKeepsStaysAndIsTriedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		var held atomic.Bool
		held.Store(true)
		var mu sync.Mutex
		var asked []troth.DisposalRef
		e := w.managed(disposerFunc(func(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(context.Context, troth.Permit) error) error {
			mu.Lock()
			asked = append(asked, ref)
			mu.Unlock()
			require.Equal(t, "task-ended", ground)
			if held.Load() {
				return refusing{}.Dispose(ctx, ref, ground, destroy)
			}
			return errBroken
		}), task.WithPoll(time.Minute))
		require.NoError(t, e.Handle(task.Kind{Name: "k"}, func(context.Context, troth.Job) (troth.Outcome, error) {
			return troth.Completed, nil
		}))
		ref := w.enqueue(troth.Work{Kind: "k", Payload: []byte("x")})
		defer run(t, e)()
		pass(24 * time.Hour)
		mu.Lock()
		asks := slices.Clone(asked)
		mu.Unlock()
		row := w.row(ref)
		require.NotNil(t, row.Payload)
		require.Equal(t, 1, w.sealer.Living())
		of := task.GroupSubject(tenant, row.Group)
		require.Equal(t, troth.DisposalRef{Tenant: tenant, Kind: task.PayloadDisposal, ID: of.ID}, asks[0])
		require.Less(t, len(asks), 15, "the pauses grow")
		require.Greater(t, len(asks), 5)
		kept := undisposed(t, e)
		require.Len(t, kept, 1)
		require.Equal(t, "refused", kept[0].Reason)
		require.Equal(t, len(asks), kept[0].Tries)
		held.Store(false)
		pass(48 * time.Hour)
		require.Equal(t, "error", undisposed(t, e)[0].Reason)
	})
}

type disposerFunc func(context.Context, troth.DisposalRef, string, func(context.Context, troth.Permit) error) error

func (f disposerFunc) Dispose(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(context.Context, troth.Permit) error) error {
	return f(ctx, ref, ground, destroy)
}

func TestDispose_APermitThatDoesNotCoverItDestroysNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		for name, p := range map[string]troth.Permit{"none": {}, "unmanaged": troth.UnmanagedPermit("x")} {
			e := w.managed(giving{w: w, p: p})
			ref := w.finished(t, e, name)
			_, err := e.Dispose(t.Context())
			require.NoError(t, err)
			require.NotNil(t, w.row(ref).Payload, name)
			require.Equal(t, "refused", undisposed(t, e)[0].Reason)
			pass(100 * 24 * time.Hour)
			n, err := e.Sweep(t.Context())
			require.ErrorIs(t, err, troth.ErrNotPermitted)
			require.Zero(t, n)
			w.is(ref, task.Completed)
		}
		require.Empty(t, w.trail.Entries("task.empty"))
	})
}

// finished enqueues and completes work with a payload.
func (w *world) finished(t *testing.T, e *task.Engine, key string) troth.WorkRef {
	t.Helper()
	_ = e.Handle(task.Kind{Name: "k"}, func(context.Context, troth.Job) (troth.Outcome, error) { return troth.Completed, nil })
	id, err := e.Enqueue(t.Context(), troth.Work{Tenant: tenant, Kind: "k", Key: key, Payload: []byte("x")})
	require.NoError(t, err)
	ref := troth.WorkRef{Tenant: tenant, ID: id}
	require.NoError(t, e.RunOne(t.Context(), ref))
	return ref
}

func TestEngine_UnmanagedIsRecordedAndRefusedOnceThereIsAKeeper(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		es := w.trail.Entries("task.unmanaged")
		require.Len(t, es, 1)
		require.Equal(t, "test", es[0].Facts["ground"].Text())
		require.Equal(t, troth.Platform, es[0].Tenant)
		ref := w.finished(t, w.e, "1")
		require.NoError(t, w.store.SetManaged(t.Context()))
		_, err := w.e.Dispose(t.Context())
		require.NoError(t, err)
		require.NotNil(t, w.row(ref).Payload)
		require.Equal(t, "refused", undisposed(t, w.e)[0].Reason)
		_, err = task.New(t.Context(), w.config(), task.Unmanaged("again"))
		require.ErrorIs(t, err, task.ErrUnmanaged)
	})
}

func TestSweep_ForgetsWhatEndedLongAgo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, task.WithKeep(24*time.Hour))
		other := troth.WorkRef{Tenant: "other", ID: ""}
		open := w.enqueue(troth.Work{Kind: "never"})
		old := w.finished(t, w.e, "old")
		id, err := w.e.Enqueue(t.Context(), troth.Work{Tenant: "other", Kind: "k"})
		require.NoError(t, err)
		other.ID = id
		require.NoError(t, w.e.RunOne(t.Context(), other))
		pass(25 * time.Hour)
		young := w.finished(t, w.e, "young")
		n, err := w.e.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n, "what has a payload yet stays")
		_, err = w.e.Task(t.Context(), other)
		require.ErrorIs(t, err, task.ErrNotFound)
		_, err = w.e.Dispose(t.Context())
		require.NoError(t, err)
		n, err = w.e.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		_, err = w.e.Task(t.Context(), old)
		require.ErrorIs(t, err, task.ErrNotFound)
		w.is(young, task.Completed)
		w.is(open, task.Waiting)
		es := w.trail.Entries("task.forget")
		require.Len(t, es, 2)
		require.EqualValues(t, 1, es[0].Facts["tasks"].Number())
		n, err = w.e.Sweep(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
		require.Len(t, w.trail.Entries("task.forget"), 2, "nothing is recorded of nothing")
	})
}

func TestEngine_APayloadWhoseKeyIsGoneFails(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		require.NoError(t, w.e.Handle(task.Kind{Name: "k"}, func(context.Context, troth.Job) (troth.Outcome, error) {
			return troth.Completed, errors.New("it ran")
		}))
		ref := w.enqueue(troth.Work{Kind: "k", Payload: []byte("x")})
		row := w.row(ref)
		require.NoError(t, w.sealer.Destroy(t.Context(), troth.Permit{}, task.GroupSubject(tenant, row.Group), task.Compartment))
		defer run(t, w.e)()
		pass(time.Minute)
		require.Equal(t, task.ReasonPayload, w.is(ref, task.Failed).Reason)
	})
}

// keeper mints permits as a retention keeper does.
type keeper struct {
	w   *world
	ref func(troth.DisposalRef) troth.PermitRef
}

func (k keeper) Dispose(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(context.Context, troth.Permit) error) error {
	return k.w.db.Atomically(ctx, func(ctx context.Context) error {
		return destroy(ctx, permit.Managed(k.ref(ref), ground, [32]byte{1}, k.w.db.Scope(ctx)))
	})
}

// holding is a keeper under whom a hold forbids what it names until it is released.
type holding struct {
	keeper
	mu    *sync.Mutex
	holds map[string]bool
}

func (h holding) set(kind string, held bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holds[kind] = held
}

func (h holding) Dispose(ctx context.Context, ref troth.DisposalRef, ground string, destroy func(context.Context, troth.Permit) error) error {
	h.mu.Lock()
	held := h.holds[ref.Kind]
	h.mu.Unlock()
	if held {
		return refusing{}.Dispose(ctx, ref, ground, destroy)
	}
	return h.keeper.Dispose(ctx, ref, ground, destroy)
}

// While a hold stands nothing goes; when it is released, everything does, once and
// within a day, without anybody's doing.
func TestDispose_WhatAHoldKeptGoesWhenItIsReleased(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		h := holding{keeper{w, task.PermitFor}, &sync.Mutex{}, map[string]bool{}}
		h.set(task.PayloadDisposal, true)
		h.set(task.FinishedDisposal, true)
		e := w.managed(h, task.WithPoll(time.Minute), task.WithKeep(24*time.Hour))
		ref := w.finished(t, e, "1")
		defer run(t, e)()
		pass(100 * 24 * time.Hour)
		require.NotNil(t, w.row(ref).Payload)
		require.Equal(t, 1, w.sealer.Living())
		require.Empty(t, w.trail.Entries("task.empty"))

		h.set(task.PayloadDisposal, false)
		pass(25 * time.Hour)
		require.Nil(t, w.row(ref).Payload)
		require.Zero(t, w.sealer.Living())
		require.Empty(t, undisposed(t, e))
		require.Len(t, w.trail.Entries("task.empty"), 1)
		require.Empty(t, w.trail.Entries("task.forget"), "that is another hold")
		again, err := e.Enqueue(t.Context(), troth.Work{Tenant: tenant, Kind: "k", Key: "1"})
		require.NoError(t, err)
		require.Equal(t, ref.ID, again, "what is held is remembered by its key")

		h.set(task.FinishedDisposal, false)
		pass(2 * time.Hour)
		_, err = e.Task(t.Context(), ref)
		require.ErrorIs(t, err, task.ErrNotFound)
		es := w.trail.Entries("task.forget")
		require.Len(t, es, 1)
		require.Equal(t, "managed", es[0].Facts["permit"].Text())
	})
}

func TestPermitFor_NothingElseIsDestroyedWithIt(t *testing.T) {
	seen := map[troth.PermitRef]bool{}
	for _, ref := range []troth.DisposalRef{
		{Tenant: "a", Kind: task.PayloadDisposal, ID: "x"},
		{Tenant: "b", Kind: task.PayloadDisposal, ID: "x"},
		{Tenant: "a", Kind: task.PayloadDisposal, ID: "y"},
		{Tenant: "a", Kind: task.FinishedDisposal, ID: "finished"},
		{Tenant: "a", Kind: "other", ID: "x"},
	} {
		p := task.PermitFor(ref)
		require.False(t, seen[p])
		seen[p] = true
	}
}

func TestDispose_WithAKeepersPermit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		e := w.managed(keeper{w, task.PermitFor})
		ref := w.finished(t, e, "1")
		n, err := e.Dispose(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Nil(t, w.row(ref).Payload)
		pass(100 * 24 * time.Hour)
		n, err = e.Sweep(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		for _, act := range []string{"task.empty", "task.forget"} {
			es := w.trail.Entries(act)
			require.Len(t, es, 1)
			require.Equal(t, "managed", es[0].Facts["permit"].Text())
			require.Equal(t, string(append([]byte{1}, make([]byte, 31)...)), es[0].Facts["policy"].Text())
		}

		// A permit for something else is none for this.
		wrong := w.managed(keeper{w, func(ref troth.DisposalRef) troth.PermitRef {
			return task.PermitFor(troth.DisposalRef{Tenant: "other", Kind: ref.Kind, ID: ref.ID})
		}})
		ref = w.finished(t, wrong, "2")
		n, err = wrong.Dispose(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
		require.NotNil(t, w.row(ref).Payload)
	})
}
