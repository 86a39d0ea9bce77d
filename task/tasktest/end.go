package tasktest

import (
	"time"

	"github.com/trothdev/troth/task"
)

var endChecks = []check{
	{Name: "a task ends once, at that instant, with its attempts and reason", Run: func(r *rig) {
		for to, reason := range map[task.State]string{task.Completed: "", task.Failed: "permanent", task.Cancelled: "host"} {
			row := r.running()
			r.ends(r.Context(), task.Ending{Held: held(row), To: to, Reason: reason})
			got := r.is(row.Name, to)
			want := row
			want.State, want.EndedAt, want.WakeAt, want.Reason = to, instant, 0, reason
			r.equal(got, want)
			r.loses(task.Ending{Held: held(row), To: task.Failed})
		}
		r.Advance(1000 * time.Hour)
		r.wake(10)
		same(r, 0, len(r.claim(10)), "claimed")
	}},
	{Name: "completing again under the same fence is completing once", Run: func(r *rig) {
		row := r.running()
		r.end(r.Context(), row, task.Completed)
		r.end(r.Context(), row, task.Completed)
		stale := held(row)
		stale.Fence--
		r.loses(task.Ending{Held: stale, To: task.Completed})
	}},
	{Name: "a task that is delayed is due after that long", Run: func(r *rig) {
		row := r.running()
		r.ends(r.Context(), task.Ending{Held: held(row), To: task.Delayed, By: time.Second, Reason: "error"})
		got := r.is(row.Name, task.Delayed)
		same(r, instant+1_000_000, got.WakeAt, "due")
		same(r, "error", got.Reason, "reason")
		r.Advance(time.Second - time.Microsecond)
		same(r, 0, r.wake(10).Due, "due too early")
		r.Advance(time.Microsecond)
		same(r, 1, r.wake(10).Due, "due")
		same(r, 2, r.one().Attempt, "attempts")
	}},
	{Name: "a task that is put back is due at once, and the attempt did not count", Run: func(r *rig) {
		row := r.running()
		r.end(r.Context(), row, task.Waiting)
		r.loses(task.Ending{Held: held(row), To: task.Completed})
		again := r.one()
		same(r, 1, again.Attempt, "attempts")
		if again.Fence <= row.Fence {
			r.Fatalf("fence went from %d to %d", row.Fence, again.Fence)
		}
	}},
	{Name: "endings of one call stand for themselves", Run: func(r *rig) {
		one, two, three := r.running(), r.running(), r.running()
		stale := task.Ending{Held: held(two), To: task.Completed}
		stale.Fence += 7
		out, err := r.s.End(r.Context(), []task.Ending{
			{Held: held(one), To: task.Completed}, stale, {Held: held(three), To: task.Manual, Owner: "o"},
		})
		r.OK(err, "end")
		if len(out.Lost) != 1 || out.Lost[0] != two.Name {
			r.Fatalf("lost %v", out.Lost)
		}
		r.is(one.Name, task.Completed)
		r.is(two.Name, task.Running)
		r.is(three.Name, task.Manual)
	}},
	{Name: "of two claims of one task the stale one is lost", Run: func(r *rig) {
		row := r.running()
		stale := held(row)
		stale.Fence--
		r.extends([]task.Held{stale, held(row)}, row.Name)
		out, err := r.s.End(r.Context(), []task.Ending{{Held: stale, To: task.Completed}, {Held: held(row), To: task.Completed}})
		r.OK(err, "end")
		if len(out.Lost) != 1 {
			r.Fatalf("lost %v", out.Lost)
		}
		r.is(row.Name, task.Completed)
	}},
	{Name: "an unknown task is lost", Run: func(r *rig) {
		r.loses(task.Ending{Held: task.Held{Name: task.Name{Tenant: r.A, ID: r.id()}, Fence: 1}, To: task.Completed})
	}},
	{Name: "a task is finished from outside in the states that were named, whoever runs it", Run: func(r *rig) {
		row := r.running()
		f := task.Finish{Name: row.Name, From: []task.State{task.Waiting, task.Manual}, To: task.Cancelled, Reason: "host"}
		_, done, err := r.s.Finish(r.Context(), f)
		r.Wants(false, done, err, "finish while it runs")
		r.is(row.Name, task.Running)
		f.From = append(f.From, task.Running)
		next := r.after(row.Name)
		f.Owner = "dpo"
		freed, done, err := r.s.Finish(r.Context(), f)
		r.Wants(true, done, err, "finish")
		r.frees(task.Ended{Freed: freed}, task.Freed{Name: next.Name, State: task.Manual})
		same(r, "host", r.is(row.Name, task.Cancelled).Reason, "reason")
		r.loses(task.Ending{Held: held(row), To: task.Completed})
		_, done, err = r.s.Finish(r.Context(), f)
		r.Wants(false, done, err, "finish again")
		f.From = task.States()
		_, done, err = r.s.Finish(r.Context(), f)
		r.Wants(false, done, err, "finish what has ended")
	}},
}
