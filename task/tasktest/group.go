package tasktest

import (
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// join adds a task with a payload to the group "g" of tenant a.
func (r *rig) join() task.NewTask {
	r.Helper()
	n := r.fresh()
	r.atomically(r.Context(), func(ctx context.Context) {
		var err error
		n.Group, err = r.s.JoinGroup(ctx, task.Joining{Tenant: r.a, Name: "g", Fresh: r.id(), Tasks: 1})
		r.ok(err, "join group")
		n.Payload = []byte("sealed")
		r.add(ctx, n)
	})
	return n
}

// disposals demands that these groups are due for disposal.
func (r *rig) disposals(want ...task.ID) []task.Disposal {
	r.Helper()
	got, err := r.s.Disposals(r.Context(), 10, time.Minute)
	r.ok(err, "disposals")
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
	r.atomically(r.Context(), func(ctx context.Context) {
		gotSpent, gotSealed, err := r.s.Spent(ctx, tenant, group)
		r.ok(err, "spent")
		same(r, spent, gotSpent, "spent")
		same(r, sealed, gotSealed, "sealed")
	})
}

var groupChecks = []check{
	{name: "tasks that join a group together are counted, each", run: func(r *rig) {
		r.atomically(r.Context(), func(ctx context.Context) {
			group, err := r.s.JoinGroup(ctx, task.Joining{Tenant: r.a, Name: "g", Fresh: r.id(), Tasks: 2})
			r.ok(err, "join group")
			for range 2 {
				n := r.fresh()
				n.Group, n.Payload = group, []byte("sealed")
				r.add(ctx, n)
			}
		})
		three := r.join()
		for left, row := range r.claim(10) {
			same(r, three.Group, row.Group, "group")
			r.spent(r.a, three.Group, false, true)
			r.end(r.Context(), row, task.Completed)
			if left < 2 {
				r.disposals()
			}
		}
		r.disposals(three.Group)
		r.spent(r.a, three.Group, true, true)
	}},
	{name: "tasks of one group have one id of it, and the next group of that name another", run: func(r *rig) {
		one, two := r.join(), r.join()
		same(r, one.Group, two.Group, "group")
		for _, row := range r.claim(10) {
			r.end(r.Context(), row, task.Completed)
		}
		r.ok(r.s.Empty(r.Context(), r.a, one.Group), "empty")
		if three := r.join(); three.Group == one.Group {
			r.Fatalf("the next group has the id of the one before")
		}
	}},
	{name: "a group is due for disposal when its last task has ended, however it ends", run: func(r *rig) {
		one := r.join()
		r.join()
		r.join()
		rows := r.claim(10)
		r.end(r.Context(), rows[0], task.Completed)
		r.disposals()
		r.end(r.Context(), rows[1], task.Failed)
		r.disposals()
		_, done, err := r.s.Finish(r.Context(), task.Finish{Name: rows[2].Name, From: task.States(), To: task.Cancelled})
		r.wants(true, done, err, "finish")
		d := r.disposals(one.Group)[0]
		same(r, r.a, d.Tenant, "tenant")
		r.spent(r.a, one.Group, true, true)
	}},
	{name: "a task that stands alone is due for disposal if it has something to dispose of", run: func(r *rig) {
		bare := r.running()
		r.end(r.Context(), bare, task.Completed)
		r.disposals()
		n := r.adds(func(n *task.NewTask) { n.Payload = everyByte() })
		r.end(r.Context(), r.one(), task.Completed)
		r.disposals(n.ID)
		r.spent(r.a, n.ID, true, true)
		instructed := r.manual()
		_, done, err := r.s.Finish(r.Context(), task.Finish{Name: instructed.Name, From: task.States(), To: task.Completed})
		r.wants(true, done, err, "finish")
		r.disposals(instructed.ID)
	}},
	{name: "a group that was joined again is not spent, and its disposal comes back with its end", run: func(r *rig) {
		one := r.join()
		r.end(r.Context(), r.one(), task.Completed)
		two := r.join()
		same(r, one.Group, two.Group, "group")
		r.disposals(one.Group)
		r.spent(r.a, one.Group, false, true)
		r.Advance(time.Hour)
		r.disposals()
		r.end(r.Context(), r.one(), task.Completed)
		r.disposals(one.Group)
		r.spent(r.a, one.Group, true, true)
	}},
	{name: "nothing sealed is told", run: func(r *rig) {
		row := r.running()
		r.spent(r.a, row.ID, false, false)
		r.end(r.Context(), row, task.Completed)
		r.spent(r.a, row.ID, true, false)
	}},
	{name: "a disposal that was handed out is due again after the hold", run: func(r *rig) {
		r.adds(func(n *task.NewTask) { n.Payload = everyByte() })
		row := r.one()
		r.end(r.Context(), row, task.Completed)
		r.disposals(row.ID)
		r.disposals()
		r.Advance(time.Minute - time.Microsecond)
		r.disposals()
		r.Advance(time.Microsecond)
		r.disposals(row.ID)
	}},
	{name: "a disposal is put off, and tells how often and why", run: func(r *rig) {
		r.adds(func(n *task.NewTask) { n.Payload = everyByte() })
		row := r.one()
		r.end(r.Context(), row, task.Completed)
		for range 2 {
			p := task.Postponement{Tenant: r.a, Group: row.ID, By: time.Hour, Reason: "refused"}
			r.ok(r.s.Postpone(r.Context(), p), "postpone")
		}
		r.disposals()
		r.Advance(time.Hour)
		d := r.disposals(row.ID)[0]
		same(r, 2, d.Tries, "tries")
		same(r, "refused", d.Reason, "reason")
		got, err := r.s.Undisposed(r.Context(), task.DisposalPage{Tenant: r.a, Limit: 10})
		r.ok(err, "undisposed")
		if len(got) != 1 || got[0] != d {
			r.Fatalf("undisposed: got %+v, want %+v", got, d)
		}
		got, err = r.s.Undisposed(r.Context(), task.DisposalPage{Tenant: r.a, After: d.Group, Limit: 10})
		if err != nil || len(got) != 0 {
			r.Fatalf("undisposed behind the last: got %+v, %v", got, err)
		}
	}},
	{name: "no more disposals than were asked for, the earliest first", run: func(r *rig) {
		var ids []task.ID
		for range 3 {
			r.adds(func(n *task.NewTask) { n.Payload = everyByte() })
			row := r.one()
			r.end(r.Context(), row, task.Completed)
			r.Advance(time.Microsecond)
			ids = append(ids, row.ID)
		}
		for i, n := range []int{2, 1} {
			got, err := r.s.Disposals(r.Context(), 2, time.Minute)
			r.ok(err, "disposals")
			same(r, n, len(got), "disposals")
			same(r, ids[2*i], got[0].Group, "the first")
		}
	}},
	{name: "emptying takes what is sealed from every task of the group and leaves the tasks", run: func(r *rig) {
		one, two := r.join(), r.join()
		rows := r.claim(10)
		r.ends(r.Context(), task.Ending{Held: held(rows[0]), To: task.Manual, Owner: "o", Instructions: []byte("i")})
		_, done, err := r.s.Finish(r.Context(), task.Finish{Name: rows[0].Name, From: task.States(), To: task.Completed})
		r.wants(true, done, err, "finish")
		r.end(r.Context(), rows[1], task.Completed)
		r.ok(r.s.Empty(r.Context(), r.a, one.Group), "empty")
		for _, n := range []task.NewTask{one, two} {
			row := r.is(n.Name, task.Completed)
			if row.Payload != nil || row.Instructions != nil {
				r.Fatalf("still sealed: %+v", row)
			}
		}
		r.Advance(time.Hour)
		r.disposals()
		r.spent(r.a, one.Group, true, false)
	}},
	{name: "spent needs a transaction", run: func(r *rig) {
		if _, _, err := r.s.Spent(r.Context(), r.a, r.id()); err == nil {
			r.Fatalf("spent outside of a transaction")
		}
	}},
}
