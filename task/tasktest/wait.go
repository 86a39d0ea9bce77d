package tasktest

import (
	"errors"
	"slices"
	"time"

	"github.com/trothdev/troth/task"
)

// frees demands that an ending freed these tasks.
func (r *rig) frees(out task.Ended, want ...task.Freed) {
	r.Helper()
	if !slices.Equal(out.Freed, want) {
		r.Fatalf("freed %+v, want %+v", out.Freed, want)
	}
}

// after adds a task that waits for others.
func (r *rig) after(before ...task.Name) task.NewTask {
	r.Helper()
	return r.adds(func(n *task.NewTask) {
		for _, b := range before {
			n.After = append(n.After, b.ID)
		}
	})
}

// badPrerequisite demands that an insertion is refused.
func (r *rig) badPrerequisite(n task.NewTask, id task.ID, state task.State) {
	r.Helper()
	_, inserted, err := r.s.Insert(r.Context(), n)
	bad, ok := errors.AsType[*task.PrerequisiteError](err)
	if inserted || !ok || bad.ID != id || bad.State != state {
		r.Fatalf("insert: got %v, %v; want a PrerequisiteError that tells %q", inserted, err, state)
	}
	_, found, err := r.s.Task(r.Context(), n.Name)
	r.Wants(false, found, err, "task")
}

var waitChecks = []check{
	{Name: "a task is blocked while prerequisites are open", Run: func(r *rig) {
		one, two := r.running(), r.running()
		n := r.after(one.Name, two.Name)
		same(r, 2, r.is(n.Name, task.Blocked).Blocked, "prerequisites")
		same(r, 0, len(r.claim(10)), "claimed")
		r.frees(r.end(r.Context(), one, task.Completed))
		same(r, 1, r.is(n.Name, task.Blocked).Blocked, "prerequisites")
		r.frees(r.end(r.Context(), two, task.Completed), task.Freed{Name: n.Name, State: task.Waiting, WakeAt: instant})
		r.names(r.claim(10), n)
	}},
	{Name: "an attempt that failed frees nobody", Run: func(r *rig) {
		one := r.running()
		n := r.after(one.Name)
		r.frees(r.ends(r.Context(), task.Ending{Held: held(one), To: task.Delayed, By: time.Second}))
		r.is(n.Name, task.Blocked)
	}},
	{Name: "a prerequisite that is completed holds up nobody", Run: func(r *rig) {
		one := r.running()
		r.end(r.Context(), one, task.Completed)
		r.is(r.after(one.Name).Name, task.Waiting)
	}},
	{Name: "a prerequisite named twice counts once", Run: func(r *rig) {
		one := r.running()
		n := r.after(one.Name, one.Name)
		r.end(r.Context(), one, task.Completed)
		r.is(n.Name, task.Waiting)
	}},
	{Name: "a task that is freed before it may run is delayed", Run: func(r *rig) {
		one := r.running()
		n := r.adds(func(n *task.NewTask) { n.After, n.NotBefore = []task.ID{one.ID}, instant+5 })
		r.is(n.Name, task.Blocked)
		r.frees(r.end(r.Context(), one, task.Completed), task.Freed{Name: n.Name, State: task.Delayed, WakeAt: instant + 5})
		r.Advance(5 * time.Microsecond)
		r.wake(10)
		r.names(r.claim(10), n)
	}},
	{Name: "an unknown prerequisite is refused", Run: func(r *rig) {
		n := r.fresh()
		n.After, n.Key = []task.ID{r.id()}, "k"
		r.badPrerequisite(n, n.After[0], "")
		n.After = nil
		r.add(r.Context(), n) // the key is free
	}},
	{Name: "a prerequisite that ended without success is refused", Run: func(r *rig) {
		for _, to := range []task.State{task.Failed, task.Cancelled} {
			one := r.running()
			r.end(r.Context(), one, to)
			n := r.fresh()
			n.After = []task.ID{one.ID}
			r.badPrerequisite(n, one.ID, to)
		}
	}},
	{Name: "who waits for a task that failed is handed to a person", Run: func(r *rig) {
		one, two := r.running(), r.running()
		n := r.after(one.Name, two.Name)
		out := r.ends(r.Context(), task.Ending{Held: held(one), To: task.Failed, Owner: "dpo"})
		r.frees(out, task.Freed{Name: n.Name, State: task.Manual})
		row := r.is(n.Name, task.Manual)
		same(r, "dpo", row.Owner, "owner")
		same(r, task.ReasonPrerequisite, row.Reason, "reason")
		r.frees(r.end(r.Context(), two, task.Completed)) // a person has it
		r.is(n.Name, task.Manual)
	}},
	{Name: "several who wait are freed together, and chains one by one", Run: func(r *rig) {
		one := r.running()
		a, b := r.after(one.Name), r.after(one.Name)
		c := r.after(a.Name, b.Name)
		out := r.end(r.Context(), one, task.Completed)
		same(r, 2, len(out.Freed), "freed")
		rows := r.claim(10)
		r.names(rows, a, b)
		es := []task.Ending{{Held: held(rows[0]), To: task.Completed}, {Held: held(rows[1]), To: task.Completed}}
		out, err := r.s.End(r.Context(), es)
		r.OK(err, "end")
		r.frees(out, task.Freed{Name: c.Name, State: task.Waiting, WakeAt: instant})
	}},
	{Name: "a task that waited and was cancelled is not freed", Run: func(r *rig) {
		one := r.running()
		n := r.after(one.Name)
		_, done, err := r.s.Finish(r.Context(), task.Finish{Name: n.Name, From: []task.State{task.Blocked}, To: task.Cancelled})
		r.Wants(true, done, err, "finish")
		r.frees(r.end(r.Context(), one, task.Completed))
		r.is(n.Name, task.Cancelled)
	}},
}
