package tasktest

import (
	"context"
	"time"

	"github.com/trothdev/troth/task"
)

// twin adds a task of the same id and key to both tenants.
func (r *rig) twin() (a, b task.NewTask) {
	r.Helper()
	a = r.adds(func(n *task.NewTask) { n.Key, n.Payload = "k", []byte("of a") })
	b = a
	b.Tenant, b.Payload = r.B, []byte("of b")
	return a, r.add(r.Context(), b)
}

var wallChecks = []check{
	{Name: "the same id and key under another tenant is another task", Run: func(r *rig) {
		a, b := r.twin()
		same(r, "of a", string(r.row(r.Context(), a.Name).Payload), "payload")
		same(r, "of b", string(r.row(r.Context(), b.Name).Payload), "payload")
		row, claimed, err := r.s.ClaimOne(r.Context(), a.Name, task.KindClaim{Kind: r.kind}, lease)
		r.Wants(true, claimed, err, "claim one")
		r.is(b.Name, task.Waiting)
		r.loses(task.Ending{Held: task.Held{Name: b.Name, Fence: row.Fence}, To: task.Completed})
		r.end(r.Context(), row, task.Completed)
		r.is(b.Name, task.Waiting)
		rows, err := r.s.Tasks(r.Context(), task.Page{Tenant: r.B, Limit: 10})
		r.OK(err, "tasks")
		r.names(rows, b)
		same(r, r.B, rows[0].Tenant, "tenant")
		counts, err := r.s.Counts(r.Context(), task.CountSince{Tenant: r.B})
		r.OK(err, "counts")
		if len(counts) != 1 || counts[0].State != task.Waiting || counts[0].N != 1 {
			r.Fatalf("counts of the other tenant: %+v", counts)
		}
	}},
	{Name: "a prerequisite of another tenant is unknown", Run: func(r *rig) {
		one := r.running()
		n := r.fresh()
		n.Tenant, n.After = r.B, []task.ID{one.ID}
		r.badPrerequisite(n, one.ID, "")
	}},
	{Name: "an end frees nobody of another tenant", Run: func(r *rig) {
		a, b := r.twin()
		waits := r.adds(func(n *task.NewTask) { n.Tenant, n.After = r.B, []task.ID{b.ID} })
		row, claimed, err := r.s.ClaimOne(r.Context(), a.Name, task.KindClaim{Kind: r.kind}, lease)
		r.Wants(true, claimed, err, "claim one")
		r.frees(r.end(r.Context(), row, task.Completed))
		r.is(waits.Name, task.Blocked)
	}},
	{Name: "groups of one name under two tenants are two", Run: func(r *rig) {
		one := r.join()
		r.Atomically(r.Context(), func(ctx context.Context) {
			id, err := r.s.JoinGroup(ctx, task.Joining{Tenant: r.B, Name: "g", Fresh: task.ID{7}, Tasks: 1})
			r.OK(err, "join group")
			same(r, task.ID{7}, id, "group of the other tenant")
		})
		r.end(r.Context(), r.one(), task.Completed)
		r.disposals(one.Group)
	}},
	{Name: "nothing is emptied, postponed, removed or changed under another tenant's name", Run: func(r *rig) {
		a, b := r.twin()
		for _, row := range r.claim(10) {
			r.end(r.Context(), row, task.Completed)
		}
		r.OK(r.s.Empty(r.Context(), r.A, a.ID), "empty")
		same(r, "of b", string(r.row(r.Context(), b.Name).Payload), "payload")
		r.OK(r.s.Postpone(r.Context(), task.Postponement{Tenant: r.A, Group: b.ID, By: time.Hour}), "postpone")
		r.disposals(b.ID)
		got, err := r.s.Undisposed(r.Context(), task.DisposalPage{Tenant: r.A, Limit: 10})
		if err != nil || len(got) != 0 {
			r.Fatalf("undisposed of the other tenant: %v, %v", got, err)
		}
		r.removes(instant+1, 1, a)
		r.is(b.Name, task.Completed)

		m := r.manual()
		other := task.Name{Tenant: r.B, ID: m.ID}
		assigned, err := r.s.Assign(r.Context(), task.Assignment{Name: other, Owner: "x"})
		r.Wants(false, assigned, err, "assign")
		resumed, err := r.s.Resume(r.Context(), other)
		r.Wants(false, resumed, err, "resume")
		_, done, err := r.s.Finish(r.Context(), task.Finish{Name: other, From: task.States(), To: task.Cancelled})
		r.Wants(false, done, err, "finish")
		r.extends([]task.Held{{Name: other, Fence: m.Fence}}, other)
		n := r.alarmed(0)
		r.OK(r.s.SetAlarm(r.Context(), task.Name{Tenant: r.B, ID: n.ID}, task.Alarm{}), "remove alarm")
		r.alarms(10, n.Name)
		r.is(m.Name, task.Manual)
	}},
}
