package tasktest

import (
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/task"
)

// join adds a task with a payload to the group "g" of tenant a.
func (r *rig) join() task.NewTask {
	r.Helper()
	n := r.fresh()
	r.Atomically(r.Context(), func(ctx context.Context) {
		var err error
		n.Group, err = r.s.JoinGroup(ctx, task.Joining{Tenant: r.A, Name: "g", Fresh: r.id(), Tasks: 1})
		r.OK(err, "join group")
		n.Payload = []byte("sealed")
		r.add(ctx, n)
	})
	return n
}

// disposals demands that these groups are due for disposal.
func (r *rig) disposals(want ...task.ID) []task.Disposal {
	r.Helper()
	got, err := r.s.Disposals(r.Context(), 10, time.Minute)
	r.OK(err, "disposals")
	var ids []task.ID
	for _, d := range got {
		ids = append(ids, d.Group)
	}
	if !slices.Equal(ids, want) {
		r.Fatalf("disposals: got %v, want %v", ids, want)
	}
	return got
}

// spent demands an answer of Spent.
func (r *rig) spent(tenant troth.Tenant, group task.ID, spent, sealed bool) {
	r.Helper()
	r.Atomically(r.Context(), func(ctx context.Context) {
		gotSpent, gotSealed, err := r.s.Spent(ctx, tenant, group)
		r.OK(err, "spent")
		same(r, spent, gotSpent, "spent")
		same(r, sealed, gotSealed, "sealed")
	})
}

var groupChecks = []check{
	{Name: "tasks that join a group together are counted, each", Run: func(r *rig) {
		r.Atomically(r.Context(), func(ctx context.Context) {
			group, err := r.s.JoinGroup(ctx, task.Joining{Tenant: r.A, Name: "g", Fresh: r.id(), Tasks: 2})
			r.OK(err, "join group")
			for range 2 {
				n := r.fresh()
				n.Group, n.Payload = group, []byte("sealed")
				r.add(ctx, n)
			}
		})
		three := r.join()
		for left, row := range r.claim(10) {
			same(r, three.Group, row.Group, "group")
			r.spent(r.A, three.Group, false, true)
			r.end(r.Context(), row, task.Completed)
			if left < 2 {
				r.disposals()
			}
		}
		r.disposals(three.Group)
		r.spent(r.A, three.Group, true, true)
	}},
	{Name: "tasks of one group have one id of it, and the next group of that name another", Run: func(r *rig) {
		one, two := r.join(), r.join()
		same(r, one.Group, two.Group, "group")
		for _, row := range r.claim(10) {
			r.end(r.Context(), row, task.Completed)
		}
		r.OK(r.s.Empty(r.Context(), r.A, one.Group), "empty")
		if three := r.join(); three.Group == one.Group {
			r.Fatalf("the next group has the id of the one before")
		}
	}},
	{Name: "a group is due for disposal when its last task has ended, however it ends", Run: func(r *rig) {
		one := r.join()
		r.join()
		r.join()
		rows := r.claim(10)
		r.end(r.Context(), rows[0], task.Completed)
		r.disposals()
		r.end(r.Context(), rows[1], task.Failed)
		r.disposals()
		_, done, err := r.s.Finish(r.Context(), task.Finish{Name: rows[2].Name, From: task.States(), To: task.Cancelled})
		r.Wants(true, done, err, "finish")
		d := r.disposals(one.Group)[0]
		same(r, r.A, d.Tenant, "tenant")
		r.spent(r.A, one.Group, true, true)
	}},
	{Name: "a task that stands alone is due for disposal if it has something to dispose of", Run: func(r *rig) {
		bare := r.running()
		r.end(r.Context(), bare, task.Completed)
		r.disposals()
		n := r.adds(func(n *task.NewTask) { n.Payload = suite.EveryByte() })
		r.end(r.Context(), r.one(), task.Completed)
		r.disposals(n.ID)
		r.spent(r.A, n.ID, true, true)
		instructed := r.manual()
		_, done, err := r.s.Finish(r.Context(), task.Finish{Name: instructed.Name, From: task.States(), To: task.Completed})
		r.Wants(true, done, err, "finish")
		r.disposals(instructed.ID)
	}},
	{Name: "a group that was joined again is not spent, and its disposal comes back with its end", Run: func(r *rig) {
		one := r.join()
		r.end(r.Context(), r.one(), task.Completed)
		two := r.join()
		same(r, one.Group, two.Group, "group")
		r.disposals(one.Group)
		r.spent(r.A, one.Group, false, true)
		r.Advance(time.Hour)
		r.disposals()
		r.end(r.Context(), r.one(), task.Completed)
		r.disposals(one.Group)
		r.spent(r.A, one.Group, true, true)
	}},
	{Name: "nothing sealed is told", Run: func(r *rig) {
		row := r.running()
		r.spent(r.A, row.ID, false, false)
		r.end(r.Context(), row, task.Completed)
		r.spent(r.A, row.ID, true, false)
	}},
	{Name: "a disposal that was handed out is due again after the hold", Run: func(r *rig) {
		r.adds(func(n *task.NewTask) { n.Payload = suite.EveryByte() })
		row := r.one()
		r.end(r.Context(), row, task.Completed)
		r.disposals(row.ID)
		r.disposals()
		r.Advance(time.Minute - time.Microsecond)
		r.disposals()
		r.Advance(time.Microsecond)
		r.disposals(row.ID)
	}},
	{Name: "a disposal is put off, and tells how often and why", Run: func(r *rig) {
		r.adds(func(n *task.NewTask) { n.Payload = suite.EveryByte() })
		row := r.one()
		r.end(r.Context(), row, task.Completed)
		for range 2 {
			p := task.Postponement{Tenant: r.A, Group: row.ID, By: time.Hour, Reason: "refused"}
			r.OK(r.s.Postpone(r.Context(), p), "postpone")
		}
		r.disposals()
		r.Advance(time.Hour)
		d := r.disposals(row.ID)[0]
		same(r, 2, d.Tries, "tries")
		same(r, "refused", d.Reason, "reason")
		got, err := r.s.Undisposed(r.Context(), task.DisposalPage{Tenant: r.A, Limit: 10})
		r.OK(err, "undisposed")
		if len(got) != 1 || got[0] != d {
			r.Fatalf("undisposed: got %+v, want %+v", got, d)
		}
		got, err = r.s.Undisposed(r.Context(), task.DisposalPage{Tenant: r.A, After: d.Group, Limit: 10})
		if err != nil || len(got) != 0 {
			r.Fatalf("undisposed behind the last: got %+v, %v", got, err)
		}
	}},
	{Name: "no more disposals than were asked for, the earliest first", Run: func(r *rig) {
		var ids []task.ID
		for range 3 {
			r.adds(func(n *task.NewTask) { n.Payload = suite.EveryByte() })
			row := r.one()
			r.end(r.Context(), row, task.Completed)
			r.Advance(time.Microsecond)
			ids = append(ids, row.ID)
		}
		for i, n := range []int{2, 1} {
			got, err := r.s.Disposals(r.Context(), 2, time.Minute)
			r.OK(err, "disposals")
			same(r, n, len(got), "disposals")
			same(r, ids[2*i], got[0].Group, "the first")
		}
	}},
	{Name: "a task is due for disposal since its own end", Run: func(r *rig) {
		for range 3 {
			r.adds(func(n *task.NewTask) { n.Payload = suite.EveryByte() })
		}
		rows := r.claim(10)
		late := held(rows[0])
		late.Fence++ // nobody's
		out, err := r.s.End(r.Context(), []task.Ending{{Held: late, To: task.Completed}, {Held: held(rows[1]), To: task.Completed}})
		r.OK(err, "end")
		if !slices.Equal(out.Lost, []task.Name{rows[0].Name}) {
			r.Fatalf("end: lost %v", out.Lost)
		}
		for _, row := range []task.Row{rows[2], rows[0]} {
			r.Advance(time.Microsecond)
			r.end(r.Context(), row, task.Completed)
		}
		r.disposals(rows[1].ID, rows[2].ID, rows[0].ID)
	}},
	{Name: "emptying takes what is sealed from every task of the group and leaves the tasks", Run: func(r *rig) {
		one, two := r.join(), r.join()
		rows := r.claim(10)
		r.ends(r.Context(), task.Ending{Held: held(rows[0]), To: task.Manual, Owner: "o", Instructions: []byte("i")})
		_, done, err := r.s.Finish(r.Context(), task.Finish{Name: rows[0].Name, From: task.States(), To: task.Completed})
		r.Wants(true, done, err, "finish")
		r.end(r.Context(), rows[1], task.Completed)
		r.OK(r.s.Empty(r.Context(), r.A, one.Group), "empty")
		for _, n := range []task.NewTask{one, two} {
			row := r.is(n.Name, task.Completed)
			if row.Payload != nil || row.Instructions != nil {
				r.Fatalf("still sealed: %+v", row)
			}
		}
		r.Advance(time.Hour)
		r.disposals()
		r.spent(r.A, one.Group, true, false)
	}},
	{Name: "spent needs a transaction", Run: func(r *rig) {
		if _, _, err := r.s.Spent(r.Context(), r.A, r.id()); err == nil {
			r.Fatalf("spent outside of a transaction")
		}
	}},
}
