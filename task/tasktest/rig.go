package tasktest

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/task"
)

// rig is a harness with the vocabulary of the checks: the store, its
// transactor, two tenants that nobody else uses, and a kind.
type rig struct {
	suite.Rig
	Harness
	s    task.Backend
	kind string
	made int
}

func newRig(t suite.TB, h Harness) *rig {
	return &rig{Rig: suite.NewRig(t, h.Backend.Transactor(), h.Host), Harness: h, s: h.Backend, kind: "kind-" + rand.Text()}
}

// instant is a time whose last microsecond matters.
const instant = suite.Instant

// lease is the length of leases of the checks.
const lease = 30 * time.Second

// same demands that two values are equal.
func same[T comparable](r *rig, want, got T, what string) {
	r.Helper()
	if got != want {
		r.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// id returns ids in ascending order.
func (r *rig) id() task.ID {
	r.made++
	return troth.NewEntryID(time.UnixMicro(instant).Add(time.Duration(r.made) * time.Millisecond))
}

// fresh is a task of tenant a that stands alone.
func (r *rig) fresh() task.NewTask {
	n := task.NewTask{Name: task.Name{Tenant: r.A, ID: r.id()}, Kind: r.kind, CreatedAt: instant + int64(r.made)}
	n.Group = n.ID
	return n
}

// add inserts a task that must be new.
func (r *rig) add(ctx context.Context, n task.NewTask) task.NewTask {
	r.Helper()
	id, inserted, err := r.s.Insert(ctx, n)
	r.Wants(true, inserted, err, "insert")
	same(r, n.ID, id, "id of an insertion")
	return n
}

// adds inserts a task after changing it.
func (r *rig) adds(change func(n *task.NewTask)) task.NewTask {
	r.Helper()
	n := r.fresh()
	change(&n)
	return r.add(r.Context(), n)
}

// row returns a task that must be there.
func (r *rig) row(ctx context.Context, n task.Name) task.Row {
	r.Helper()
	row, found, err := r.s.Task(ctx, n)
	r.Wants(true, found, err, "task")
	return row
}

// is demands that the task is in that state.
func (r *rig) is(n task.Name, want task.State) task.Row {
	r.Helper()
	row := r.row(r.Context(), n)
	same(r, want, row.State, "state")
	return row
}

// claim claims tasks of the rig's kind.
func (r *rig) claim(limit int) []task.Row {
	r.Helper()
	return r.claims(task.KindClaim{Kind: r.kind, Limit: limit})
}

func (r *rig) claims(k task.KindClaim) []task.Row {
	r.Helper()
	rows, err := r.s.Claim(r.Context(), task.Claim{Lease: lease, Limit: 100, Kinds: []task.KindClaim{k}})
	r.OK(err, "claim")
	return rows
}

// one claims the only task there is to claim.
func (r *rig) one() task.Row {
	r.Helper()
	rows := r.claim(10)
	if len(rows) != 1 {
		r.Fatalf("claimed %d tasks, want 1", len(rows))
	}
	return rows[0]
}

// running adds a task and claims it.
func (r *rig) running() task.Row {
	r.Helper()
	n := r.add(r.Context(), r.fresh())
	row, claimed, err := r.s.ClaimOne(r.Context(), n.Name, task.KindClaim{Kind: r.kind}, lease)
	r.Wants(true, claimed, err, "claim one")
	return row
}

func held(row task.Row) task.Held {
	return task.Held{Name: row.Name, Fence: row.Fence, Place: row.Place}
}

// end ends a claim that must be held.
func (r *rig) end(ctx context.Context, row task.Row, to task.State) task.Ended {
	r.Helper()
	return r.ends(ctx, task.Ending{Held: held(row), To: to})
}

func (r *rig) ends(ctx context.Context, e task.Ending) task.Ended {
	r.Helper()
	out, err := r.s.End(ctx, []task.Ending{e})
	r.OK(err, "end")
	if len(out.Lost) > 0 {
		r.Fatalf("end: the claim is lost")
	}
	return out
}

// loses demands that the ending finds its claim lost.
func (r *rig) loses(e task.Ending) {
	r.Helper()
	out, err := r.s.End(r.Context(), []task.Ending{e})
	r.OK(err, "end")
	if !slices.Equal(out.Lost, []task.Name{e.Name}) || len(out.Freed) > 0 {
		r.Fatalf("end: lost %v, freed %v; want it lost", out.Lost, out.Freed)
	}
}

func (r *rig) wake(limit int) task.Woken {
	r.Helper()
	w, err := r.s.Wake(r.Context(), limit)
	r.OK(err, "wake")
	return w
}

// names demands these tasks in this order.
func (r *rig) names(rows []task.Row, want ...task.NewTask) {
	r.Helper()
	got := make([]task.ID, len(rows))
	for i, row := range rows {
		got[i] = row.ID
	}
	ids := make([]task.ID, len(want))
	for i, n := range want {
		ids[i] = n.ID
	}
	if !slices.Equal(got, ids) {
		r.Fatalf("got tasks %v, want %v", got, ids)
	}
}

func sameRow(x, y task.Row) bool {
	equal := bytes.Equal(x.Payload, y.Payload) && bytes.Equal(x.Instructions, y.Instructions)
	x.Payload, y.Payload, x.Instructions, y.Instructions = nil, nil, nil, nil
	return equal && x.Name == y.Name && x.Kind == y.Kind && x.Key == y.Key && x.Line == y.Line && x.Group == y.Group &&
		x.State == y.State && x.CreatedAt == y.CreatedAt && x.Deadline == y.Deadline && x.EndedAt == y.EndedAt &&
		x.Attempt == y.Attempt && x.Fence == y.Fence && x.WakeAt == y.WakeAt && x.Blocked == y.Blocked &&
		x.Reason == y.Reason && x.Owner == y.Owner && x.ManualDue == y.ManualDue
}

// rows demands that a row is as it should be.
func (r *rig) equal(got, want task.Row) {
	r.Helper()
	if !sameRow(got, want) {
		r.Fatalf("row: got %+v, want %+v", got, want)
	}
}
