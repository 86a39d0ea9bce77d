package retention_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/memory"
)

func TestHold_KeepsAndItsReleaseResumes(t *testing.T) {
	w := newKept(t, content(t))
	for _, id := range []string{"1", "2", "3"} {
		w.add(id, "p"+id)
		w.happened(id, "trashed")
	}
	w.hold(retention.Hold{ID: "h1", SubjectID: "p1"})
	w.hold(retention.Hold{ID: "h2", SubjectID: "p1", Class: "content"})
	w.hold(retention.Hold{ID: "h3", Class: "another"})
	w.hold(retention.Hold{ID: "h4", SubjectID: "p2", From: w.now.Add(time.Microsecond)})
	w.hold(retention.Hold{ID: "h5", SubjectID: "p3", From: w.now, To: w.now})
	w.after(60)
	s := w.sweep()
	require.Equal(t, 2, s.Held)
	require.Equal(t, 1, s.Destroyed, "another class, and created before")
	require.Empty(t, w.sees("2"))
	require.Equal(t, retention.VisibleNone, w.sees("1"), "hiding goes on")
	w.after(100)
	require.Zero(t, w.sweep(), "it waits, and costs nothing")

	w.release("h1")
	require.Equal(t, 2, w.sweep().Held, "another hold keeps it")
	w.release("h2")
	require.Equal(t, 1, w.sweep().Destroyed)
	w.release("h5")
	require.Equal(t, 1, w.sweep().Destroyed)
	require.Len(t, w.notes.of(t, "retention.hold"), 5)
	require.Len(t, w.notes.of(t, "retention.propose"), 3)
	require.Len(t, w.notes.of(t, "retention.release"), 3)
}

func TestHold_TakesCounselAndASecondPersonToRelease(t *testing.T) {
	w := newKept(t, content(t))
	hold := retention.Hold{Tenant: ours, ID: "h", Matter: "m", Review: w.now.AddDate(1, 0, 0)}
	lawyer := person(w.ctx, "lawyer", "counsel")
	service := troth.WithActor(w.ctx, troth.Actor{Kind: troth.Service, ID: "s", Roles: []string{"counsel"}})
	for _, ctx := range []context.Context{w.ctx, person(w.ctx, "x", "dpo"), service} {
		require.ErrorIs(t, w.k.Place(ctx, hold), retention.ErrRole)
	}
	require.ErrorIs(t, w.k.Place(t.Context(), hold), troth.ErrNoActor)
	without := hold
	without.Review = time.Time{}
	require.ErrorIs(t, w.k.Place(lawyer, without), retention.ErrHold)
	require.NoError(t, w.k.Place(lawyer, hold))
	require.NoError(t, w.k.Place(lawyer, hold), "again")
	other := hold
	other.Matter = "another"
	require.ErrorIs(t, w.k.Place(lawyer, other), retention.ErrConflict)

	both := person(w.ctx, "lawyer", "counsel", "dpo")
	require.ErrorIs(t, w.k.Release(both, ours, "h"), retention.ErrRole, "nobody proposed it")
	require.ErrorIs(t, w.k.ProposeRelease(person(w.ctx, "x", "dpo"), ours, "h"), retention.ErrRole)
	require.NoError(t, w.k.ProposeRelease(both, ours, "h"))
	require.ErrorIs(t, w.k.Release(both, ours, "h"), retention.ErrRole, "the same person")
	require.ErrorIs(t, w.k.Release(person(w.ctx, "x", "sales"), ours, "h"), retention.ErrRole)
	require.ErrorIs(t, w.k.Release(person(w.ctx, "x", "dpo"), "other", "h"), retention.ErrNotFound)
	active, err := w.k.Holds(w.ctx, ours)
	require.NoError(t, err)
	require.Len(t, active, 1)
	require.NoError(t, w.k.Release(person(w.ctx, "x", "dpo"), ours, "h"))
	require.ErrorIs(t, w.k.Release(person(w.ctx, "y", "dpo"), ours, "h"), retention.ErrNotFound)
	require.ErrorIs(t, w.k.Place(lawyer, hold), retention.ErrConflict, "an id is used once")
	row, _, err := w.store.Hold(w.ctx, ours, "h")
	require.NoError(t, err)
	require.Empty(t, row.Proposer)
}

// A hold that is placed while a sweep runs either comes first and keeps everything, or
// waits until what was under way is committed.
func TestHold_WinsOverARunningSweep(t *testing.T) {
	for n := range 20 {
		w := newKept(t, content(t))
		w.k = w.keeper(retention.WithBatch(1))
		w.files.keeper = w.k
		const total = 6
		for i := range total {
			id := string(rune('a' + i))
			w.add(id, "p")
			w.happened(id, "trashed")
		}
		w.after(60)
		begun := make(chan struct{})
		w.files.on = func(context.Context, retention.Order) error {
			if len(w.files.orders) == 1+n%total {
				close(begun)
			}
			return nil
		}
		placed := make(chan int, 1)
		go func() {
			<-begun
			hold := retention.Hold{Tenant: ours, ID: "h", Matter: "m", Review: w.now.AddDate(1, 0, 0)}
			if err := w.k.Place(person(w.ctx, "lawyer", "counsel"), hold); err != nil {
				t.Error(err)
			}
			rows, err := w.files.rows.Scan(w.ctx, nil, 0, nil)
			if err != nil {
				t.Error(err)
			}
			placed <- len(rows)
		}()
		s := w.sweep()
		left := <-placed
		rows, err := w.files.rows.Scan(w.ctx, nil, 0, nil)
		require.NoError(t, err)
		require.Len(t, rows, left, "nothing went after the hold was there")
		require.Equal(t, total-left, s.Destroyed)
		w.files.on = nil
		require.Zero(t, w.sweep().Destroyed)
	}
}

func TestPermit_IsForOneOrderInItsTransaction(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	w.happened("1", "trashed")
	w.after(60)
	var old retention.Order
	w.files.on = func(ctx context.Context, o retention.Order) error {
		old = o
		require.NoError(t, w.k.Check(ctx, o))
		inner := w.db.Atomically(ctx, func(ctx context.Context) error { return w.k.Check(ctx, o) })
		require.NoError(t, inner, "a savepoint is within")
		for name, forge := range map[string]func(o *retention.Order){
			"record":  func(o *retention.Order) { o.ID = "2" },
			"version": func(o *retention.Order) { o.Version++ },
			"stage":   func(o *retention.Order) { o.Stage = "active" },
			"tenant":  func(o *retention.Order) { o.Tenant = "other" },
			"policy":  func(o *retention.Order) { o.Policy[0]++ },
			"forged":  func(o *retention.Order) { o.Permit = troth.Permit{} },
			"nobody":  func(o *retention.Order) { o.Permit = troth.UnmanagedPermit("x") },
		} {
			wrong := o
			forge(&wrong)
			require.ErrorIs(t, w.k.Check(ctx, wrong), troth.ErrNotPermitted, name)
		}
		require.ErrorIs(t, w.k.Check(w.ctx, o), troth.ErrNotPermitted, "outside of the transaction")
		return nil
	}
	require.Equal(t, 1, w.sweep().Destroyed)
	require.ErrorIs(t, w.k.Check(w.ctx, old), troth.ErrNotPermitted, "after commit")
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		require.ErrorIs(t, w.k.Check(ctx, old), troth.ErrNotPermitted, "in another transaction")
		return nil
	}))
}

func TestPermit_EndsWithAHoldAndWithItsUse(t *testing.T) {
	w := newKept(t, content(t))
	ref := troth.PermitRef{Tenant: string(ours), Subject: "p", Compartment: "profile"}
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		in := w.db.Scope(ctx)
		within := func(minted any) bool { s, ok := minted.(*troth.Scope); return ok && s.Within(in) }
		var kept troth.Permit
		err := w.k.Permit(ctx, retention.Leave{Ref: ref, SubjectID: "p", Ground: "erasure"}, func(_ context.Context, p troth.Permit) error {
			require.NoError(t, p.Check(ref, within))
			kept = p
			return nil
		})
		require.NoError(t, err)
		require.ErrorIs(t, kept.Check(ref, within), troth.ErrNotPermitted, "used twice")
		err = w.k.Permit(ctx, retention.Leave{Ref: ref, SubjectID: "p", Ground: "erasure"}, func(ctx context.Context, p troth.Permit) error {
			hold := retention.Hold{Tenant: ours, ID: "h", Matter: "m", Review: w.now}
			require.NoError(t, w.k.Place(person(ctx, "lawyer", "counsel"), hold))
			return p.Check(ref, within)
		})
		require.ErrorIs(t, err, troth.ErrNotPermitted, "after a hold")
		return nil
	}))
}

// managed is a store of another package.
type managed struct {
	tx troth.Transactor
	is bool
}

func (m *managed) Transactor() troth.Transactor          { return m.tx }
func (m *managed) Managed(context.Context) (bool, error) { return m.is, nil }
func (m *managed) SetManaged(context.Context) error      { m.is = true; return nil }

func TestNew_TakesStoresOverForEver(t *testing.T) {
	w := newKept(t, nil)
	other := &managed{tx: w.db}
	for range 2 {
		_, err := retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes, Manages: []retention.Managed{other}})
		require.NoError(t, err)
		require.True(t, other.is)
		require.Len(t, w.notes.of(t, "retention.manage"), 1)
	}
	far := &managed{tx: memory.Open()}
	_, err := retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes, Manages: []retention.Managed{far}})
	require.ErrorIs(t, err, troth.ErrNotShared)
	require.False(t, far.is)
}

func TestDispose_ChecksHolds(t *testing.T) {
	w := newKept(t, content(t))
	used := errors.New("used")
	dispose := func(kind, id string) error {
		return w.k.Dispose(w.ctx, troth.DisposalRef{Tenant: ours, Kind: kind, ID: id}, "over", func(ctx context.Context, p troth.Permit) error {
			want := troth.PermitRef{Tenant: string(ours), Record: kind + "/" + id}
			switch kind {
			case "task.payload":
				want = troth.PermitRef{Tenant: string(ours), Subject: id, Compartment: "task"}
			case "task.finished":
				want = troth.PermitRef{Tenant: string(ours), Record: kind}
			}
			in := w.db.Scope(ctx)
			require.NoError(t, p.Check(want, func(minted any) bool { s, ok := minted.(*troth.Scope); return ok && in.Within(s) }))
			return used
		})
	}
	kinds := []string{"consent.content", "consent.proof", "unsubscribe.person", "task.payload", "task.finished"}
	for _, kind := range kinds {
		require.ErrorIs(t, dispose(kind, "p"), used, kind)
	}
	w.hold(retention.Hold{ID: "h", SubjectID: "q"})
	for kind, held := range map[string]bool{
		"consent.content": false, "unsubscribe.person": false,
		"consent.proof": true, "task.payload": true, "task.finished": true, // nobody knows that they are not about q
	} {
		if held {
			require.ErrorIs(t, dispose(kind, "p"), retention.ErrHeld, kind)
			require.ErrorIs(t, dispose(kind, "p"), troth.ErrNotPermitted, kind)
		} else {
			require.ErrorIs(t, dispose(kind, "p"), used, kind)
			require.ErrorIs(t, dispose(kind, "q"), retention.ErrHeld, kind)
		}
	}
	w.release("h")
	for _, kind := range kinds {
		require.ErrorIs(t, dispose(kind, "q"), used, kind)
	}
	without := newKept(t, nil)
	err := without.k.Dispose(w.ctx, troth.DisposalRef{Tenant: ours, Kind: "task.finished", ID: "x"}, "over", nil)
	require.ErrorIs(t, err, retention.ErrNoPolicy)
}

// The cases that no other test has: a handler that is called without a permit, one of
// another keeper, and asking outside of every transaction.
func TestPermit_NothingGoesWithoutOne(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	w.happened("1", "trashed")
	w.after(60)
	row, _, err := w.store.Record(w.ctx, fileKey("1"))
	require.NoError(t, err)
	h, err := w.k.History(w.ctx)
	require.NoError(t, err)
	_, policy, _ := h.Active(w.now)
	by := retention.Order{
		RecordKey: row.RecordKey, Handle: row.Handle, SubjectID: row.SubjectID, Class: row.Class, Stage: row.Stage,
		Version: row.Version, Policy: policy,
	}
	calls := map[string]func(ctx context.Context) error{
		"destroy":   func(ctx context.Context) error { return w.files.Destroy(ctx, by) },
		"anonymise": func(ctx context.Context) error { return w.files.Anonymise(ctx, by) },
	}
	for name, call := range calls {
		require.ErrorIs(t, call(w.ctx), troth.ErrNotPermitted, name)
		require.ErrorIs(t, w.db.Atomically(w.ctx, call), troth.ErrNotPermitted, name)
	}
	by.Permit = troth.UnmanagedPermit("x")
	for name, call := range calls {
		require.ErrorIs(t, w.db.Atomically(w.ctx, call), troth.ErrNotPermitted, name+", unmanaged")
	}

	// A permit for something else is minted in a transaction, also where the caller has
	// none; and nobody but a sweep has one for a record of the policy.
	ref := troth.PermitRef{Tenant: string(ours), Record: "file/1"}
	leave := retention.Leave{Ref: ref, SubjectID: "p", Ground: "x"}
	require.NoError(t, w.k.Permit(w.ctx, leave, func(ctx context.Context, p troth.Permit) error {
		require.NotNil(t, w.db.Scope(ctx))
		by.Permit = p
		require.ErrorIs(t, w.k.Check(w.ctx, by), troth.ErrNotPermitted, "outside of it")
		require.ErrorIs(t, w.k.Check(ctx, by), troth.ErrNotPermitted, "for a record of the policy")
		return nil
	}))
	require.ErrorIs(t, w.db.Atomically(w.ctx, calls["destroy"]), troth.ErrNotPermitted, "used again")
	for _, named := range []troth.PermitRef{
		{Tenant: ref.Tenant, Record: ref.Record, Version: row.Version, Stage: row.Stage},
		{Tenant: ref.Tenant, Record: ref.Record, Version: row.Version}, {Tenant: ref.Tenant, Record: ref.Record, Stage: row.Stage},
	} {
		leave.Ref = named
		require.ErrorIs(t, w.k.Permit(w.ctx, leave, func(context.Context, troth.Permit) error {
			t.Error("a record that a sweep alone destroys")
			return nil
		}), retention.ErrManaged)
	}
	require.NotEmpty(t, w.sees("1"))
}
