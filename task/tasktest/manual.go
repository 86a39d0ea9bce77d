package tasktest

import (
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/task"
)

// manual adds a task that waits for a person.
func (r *rig) manual() task.Row {
	r.Helper()
	row := r.running()
	r.ends(r.Context(), task.Ending{
		Held: held(row), To: task.Manual, Owner: "legal", Due: instant + 5, Instructions: suite.EveryByte(), Reason: task.ReasonManual,
	})
	return r.is(row.Name, task.Manual)
}

var manualChecks = []check{
	{Name: "a task that needs a person waits for its owner and nobody else", Run: func(r *rig) {
		row := r.manual()
		want := row
		want.Owner, want.ManualDue, want.Instructions, want.Reason, want.WakeAt = "legal", instant+5, suite.EveryByte(), task.ReasonManual, 0
		r.equal(row, want)
		r.Advance(1000 * lease)
		r.wake(10)
		same(r, 0, len(r.claim(10)), "claimed")
	}},
	{Name: "a task that needs a person goes to another owner", Run: func(r *rig) {
		row := r.manual()
		assigned, err := r.s.Assign(r.Context(), task.Assignment{Name: row.Name, Owner: "dpo"})
		r.Wants(true, assigned, err, "assign")
		got := r.is(row.Name, task.Manual)
		same(r, "dpo", got.Owner, "owner")
		same(r, instant+5, got.ManualDue, "due")
		assigned, err = r.s.Assign(r.Context(), task.Assignment{Name: row.Name, Owner: "dpo", Due: instant + 9})
		r.Wants(true, assigned, err, "assign with a due")
		same(r, instant+9, r.is(row.Name, task.Manual).ManualDue, "due")
	}},
	{Name: "a task that has another owner by now is neither assigned nor finished", Run: func(r *rig) {
		row := r.manual()
		assigned, err := r.s.Assign(r.Context(), task.Assignment{Name: row.Name, From: "dpo", Owner: "ceo"})
		r.Wants(false, assigned, err, "assign what is not theirs")
		f := task.Finish{Name: row.Name, From: task.States(), To: task.Completed, OwnedBy: "dpo"}
		_, done, err := r.s.Finish(r.Context(), f)
		r.Wants(false, done, err, "finish what is not theirs")
		same(r, "legal", r.is(row.Name, task.Manual).Owner, "owner")
		assigned, err = r.s.Assign(r.Context(), task.Assignment{Name: row.Name, From: "legal", Owner: "dpo"})
		r.Wants(true, assigned, err, "assign")
		_, done, err = r.s.Finish(r.Context(), f)
		r.Wants(true, done, err, "finish")
	}},
	{Name: "only a task that needs a person is assigned or resumed", Run: func(r *rig) {
		row := r.running()
		ended := r.running()
		r.end(r.Context(), ended, task.Completed)
		for _, n := range []task.Name{row.Name, ended.Name, {Tenant: r.A, ID: r.id()}} {
			assigned, err := r.s.Assign(r.Context(), task.Assignment{Name: n, Owner: "dpo"})
			r.Wants(false, assigned, err, "assign")
			resumed, err := r.s.Resume(r.Context(), n)
			r.Wants(false, resumed, err, "resume")
		}
		same(r, "", r.is(row.Name, task.Running).Owner, "owner")
	}},
	{Name: "a task that is resumed begins anew", Run: func(r *rig) {
		row := r.manual()
		resumed, err := r.s.Resume(r.Context(), row.Name)
		r.Wants(true, resumed, err, "resume")
		got := r.is(row.Name, task.Waiting)
		same(r, "", got.Owner, "owner")
		same(r, 0, got.Attempt, "attempts")
		again := r.one()
		same(r, 1, again.Attempt, "attempts")
		if again.Fence <= row.Fence {
			r.Fatalf("fence went from %d to %d", row.Fence, again.Fence)
		}
	}},
}
