package tasktest

import (
	"time"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/task"
)

var claimChecks = []check{
	{Name: "a claim counts the attempt, raises the fence and begins the lease", Run: func(r *rig) {
		n := r.adds(func(n *task.NewTask) { n.Payload, n.Line, n.Key, n.Deadline = suite.EveryByte(), "l", "k", instant+9 })
		row := r.one()
		r.equal(row, task.Row{
			Name: n.Name, Kind: n.Kind, Key: n.Key, Line: n.Line, Group: n.Group, State: task.Running, Payload: n.Payload,
			CreatedAt: n.CreatedAt, Deadline: n.Deadline, Attempt: 1, Fence: row.Fence,
			WakeAt: instant + lease.Microseconds(),
		})
		if row.Fence < 1 {
			r.Fatalf("fence %d", row.Fence)
		}
		r.equal(r.row(r.Context(), n.Name), row)
		r.ends(r.Context(), task.Ending{Held: held(row), To: task.Delayed, By: 0, Reason: "x"})
		r.wake(10)
		again := r.one()
		same(r, 2, again.Attempt, "attempts")
		same(r, "x", again.Reason, "reason")
		if again.Fence <= row.Fence {
			r.Fatalf("fence went from %d to %d", row.Fence, again.Fence)
		}
	}},
	{Name: "no task is claimed twice", Run: func(r *rig) {
		r.add(r.Context(), r.fresh())
		r.one()
		same(r, 0, len(r.claim(10)), "claimed again")
	}},
	{Name: "no more are claimed than were asked for, those due longest first", Run: func(r *rig) {
		var all []task.NewTask
		for range 5 {
			all = append(all, r.add(r.Context(), r.fresh()))
			r.Advance(time.Microsecond)
		}
		r.names(r.claim(2), all[:2]...)
		r.names(r.claim(2), all[2:4]...)
		same(r, 0, len(r.claim(0)), "claimed with a limit of 0")
		r.names(r.claim(2), all[4:]...)
	}},
	{Name: "only tasks of the kinds that were asked for are claimed", Run: func(r *rig) {
		other := r.adds(func(n *task.NewTask) { n.Kind += "-other" })
		third := r.adds(func(n *task.NewTask) { n.Kind += "-third" })
		n := r.add(r.Context(), r.fresh())
		r.names(r.claim(10), n)
		rows, err := r.s.Claim(r.Context(), task.Claim{Lease: lease, Limit: 100, Kinds: []task.KindClaim{
			{Kind: other.Kind, Limit: 5}, {Kind: third.Kind, Limit: 5}, {Kind: r.kind, Limit: 5},
		}})
		r.OK(err, "claim")
		r.names(rows, other, third)
	}},
	{Name: "a claim is shared out among the kinds that have tasks waiting", Run: func(r *rig) {
		kinds := []task.KindClaim{{Kind: r.kind, Limit: 10}, {Kind: "idle", Limit: 10}, {Kind: r.kind + "-b", Limit: 10}, {Kind: r.kind + "-c", Limit: 1}}
		for _, k := range kinds {
			for range 6 {
				if k.Kind != "idle" {
					r.adds(func(n *task.NewTask) { n.Kind = k.Kind })
				}
			}
		}
		rows, err := r.s.Claim(r.Context(), task.Claim{Lease: lease, Limit: 7, Kinds: kinds})
		r.OK(err, "claim")
		got := map[string]int{}
		for _, row := range rows {
			got[row.Kind]++
		}
		for i, want := range []int{3, 0, 2, 1} {
			same(r, want, got[kinds[i].Kind], "claimed of one kind")
		}
	}},
	{Name: "one task is claimed by its name", Run: func(r *rig) {
		r.add(r.Context(), r.fresh())
		n := r.adds(func(n *task.NewTask) { n.Payload = suite.EveryByte() })
		k := task.KindClaim{Kind: r.kind}
		row, claimed, err := r.s.ClaimOne(r.Context(), n.Name, k, lease)
		r.Wants(true, claimed, err, "claim one")
		r.equal(row, r.row(r.Context(), n.Name))
		same(r, task.Running, row.State, "state")
		same(r, 1, row.Attempt, "attempts")
		_, claimed, err = r.s.ClaimOne(r.Context(), n.Name, k, lease)
		r.Wants(false, claimed, err, "claim it again")
		_, claimed, err = r.s.ClaimOne(r.Context(), task.Name{Tenant: r.A, ID: r.id()}, k, lease)
		r.Wants(false, claimed, err, "claim an unknown one")
	}},
	{Name: "a task that is delayed, blocked, manual or ended is not claimed by its name", Run: func(r *rig) {
		k := task.KindClaim{Kind: r.kind}
		not := func(n task.Name, what string) {
			r.Helper()
			_, claimed, err := r.s.ClaimOne(r.Context(), n, k, lease)
			r.Wants(false, claimed, err, what)
		}
		delayed := r.adds(func(n *task.NewTask) { n.NotBefore = instant + 1 })
		not(delayed.Name, "delayed")
		one := r.running()
		not(r.after(one.Name).Name, "blocked")
		r.ends(r.Context(), task.Ending{Held: held(one), To: task.Manual, Owner: "x"})
		not(one.Name, "manual")
		two := r.running()
		r.end(r.Context(), two, task.Completed)
		not(two.Name, "completed")
		r.Advance(time.Microsecond)
		_, claimed, err := r.s.ClaimOne(r.Context(), delayed.Name, k, lease)
		r.Wants(true, claimed, err, "due, though nobody woke it")
	}},
	{Name: "a task whose lease has ended is claimed by its name", Run: func(r *rig) {
		one := r.running()
		r.Advance(lease - time.Microsecond)
		_, claimed, err := r.s.ClaimOne(r.Context(), one.Name, task.KindClaim{Kind: r.kind}, lease)
		r.Wants(false, claimed, err, "before the lease ends")
		r.Advance(time.Microsecond)
		row, claimed, err := r.s.ClaimOne(r.Context(), one.Name, task.KindClaim{Kind: r.kind}, lease)
		r.Wants(true, claimed, err, "when the lease has ended")
		if row.Fence <= one.Fence {
			r.Fatalf("fence went from %d to %d", one.Fence, row.Fence)
		}
		r.loses(task.Ending{Held: held(one), To: task.Completed})
	}},
}
