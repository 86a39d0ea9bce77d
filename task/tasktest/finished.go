package tasktest

import (
	"time"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/task"
)

// finishedPages demands these tasks, in pages of two.
func (r *rig) finishedPages(before int64, want ...task.NewTask) {
	r.Helper()
	var all []task.Row
	p := task.FinishedPage{Before: before, Limit: 2}
	for {
		rows, err := r.s.Finished(r.Context(), p)
		r.OK(err, "finished")
		if len(rows) == 0 {
			break
		}
		if len(rows) > 2 {
			r.Fatalf("%d rows on a page of 2", len(rows))
		}
		all = append(all, rows...)
		last := rows[len(rows)-1]
		p.AfterCreated, p.AfterID = last.CreatedAt, last.ID
	}
	r.names(all, want...)
}

// removes demands that so many of the tasks are removed.
func (r *rig) removes(before int64, want int, tasks ...task.NewTask) {
	r.Helper()
	p := task.Removal{Tenant: r.A, Before: before}
	for _, n := range tasks {
		p.IDs = append(p.IDs, n.ID)
	}
	n, err := r.s.Remove(r.Context(), p)
	r.OK(err, "remove")
	same(r, want, n, "removed")
}

var finishedChecks = []check{
	{Name: "what ended before an instant is listed in order, page by page", Run: func(r *rig) {
		var all []task.NewTask
		for i := range 5 {
			all = append(all, r.adds(func(n *task.NewTask) {
				n.CreatedAt = instant + int64(i/2) // some at the same instant
			}))
		}
		rows := r.claim(10)
		for _, row := range rows[:4] {
			r.end(r.Context(), row, task.Completed)
		}
		r.finishedPages(instant)
		r.finishedPages(instant+1, all[:4]...)
		r.Advance(time.Second)
		r.end(r.Context(), rows[4], task.Failed)
		r.finishedPages(instant+1, all[:4]...)
		r.finishedPages(instant+1_000_001, all...)
	}},
	{Name: "only what ended before the instant is removed", Run: func(r *rig) {
		open := r.add(r.Context(), r.fresh())
		r.one()
		early := r.add(r.Context(), r.fresh())
		r.end(r.Context(), r.one(), task.Completed)
		r.Advance(time.Second)
		late := r.add(r.Context(), r.fresh())
		r.end(r.Context(), r.one(), task.Completed)
		r.removes(instant+1_000_000, 1, open, early, late)
		r.is(open.Name, task.Running)
		r.is(late.Name, task.Completed)
		_, found, err := r.s.Task(r.Context(), early.Name)
		r.Wants(false, found, err, "task")
		r.removes(instant+1_000_000, 0, early)
	}},
	{Name: "what has something sealed left is not removed", Run: func(r *rig) {
		n := r.adds(func(n *task.NewTask) { n.Payload = suite.EveryByte() })
		r.end(r.Context(), r.one(), task.Completed)
		r.removes(instant+1, 0, n)
		r.OK(r.s.Empty(r.Context(), r.A, n.ID), "empty")
		r.removes(instant+1, 1, n)
	}},
	{Name: "a task that was removed is forgotten, its key too", Run: func(r *rig) {
		n := r.adds(func(n *task.NewTask) { n.Key = "k" })
		r.end(r.Context(), r.one(), task.Failed)
		r.removes(instant+1, 1, n)
		again := r.adds(func(n *task.NewTask) { n.Key = "k" })
		r.names(r.claim(10), again)
	}},
}
