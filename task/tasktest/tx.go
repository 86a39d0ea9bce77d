package tasktest

import (
	"context"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/task"
)

var txChecks = []check{
	{Name: "what a transaction wrote goes with it", Run: func(r *rig) {
		ctx := r.Context()
		n := r.fresh()
		n.Key = "k"
		r.Refused(ctx, func(ctx context.Context) { r.add(ctx, n) })
		_, found, err := r.s.Task(ctx, n.Name)
		r.Wants(false, found, err, "task")
		same(r, 0, len(r.claim(10)), "claimed")
		r.add(ctx, n)

		row := r.one()
		next := r.after(row.Name)
		r.Refused(ctx, func(ctx context.Context) { r.end(ctx, row, task.Completed) })
		r.is(row.Name, task.Running)
		r.is(next.Name, task.Blocked)
		r.disposals()
		r.Refused(ctx, func(ctx context.Context) {
			_, err := r.s.Claim(ctx, task.Claim{Lease: lease, Limit: 100, Kinds: []task.KindClaim{{Kind: r.kind, Limit: 5}}})
			r.OK(err, "claim")
		})
		r.Atomically(ctx, func(ctx context.Context) { r.end(ctx, row, task.Completed) })
		r.is(row.Name, task.Completed)
		r.is(next.Name, task.Waiting)
	}},
	{Name: "a savepoint that is undone takes its task along and leaves the rest", Run: func(r *rig) {
		one, two := r.fresh(), r.fresh()
		r.Atomically(r.Context(), func(ctx context.Context) {
			r.add(ctx, one)
			r.Refused(ctx, func(ctx context.Context) { r.add(ctx, two) })
		})
		r.names(r.claim(10), one)
	}},
	{Name: "a refused prerequisite leaves the transaction usable", Run: func(r *rig) {
		bad, good := r.fresh(), r.fresh()
		bad.After = []task.ID{r.id()}
		r.Atomically(r.Context(), func(ctx context.Context) {
			if _, _, err := r.s.Insert(ctx, bad); err == nil {
				r.Fatalf("inserted behind nothing")
			}
			r.add(ctx, good)
		})
		r.names(r.claim(10), good)
	}},
	{Name: "a task is part of the host's transaction", Needs: suite.Host, Run: func(r *rig) {
		for _, commits := range []bool{false, true} {
			n := r.fresh()
			ctx, commit, rollback, err := r.Host(r.Context())
			r.OK(err, "host: begin")
			r.add(ctx, n)
			end := rollback
			if commits {
				end = commit
			}
			r.OK(end(), "host: end")
			_, found, err := r.s.Task(r.Context(), n.Name)
			r.Wants(commits, found, err, "task")
		}
		same(r, 1, len(r.claim(10)), "claimed")
	}},
	{Name: "a store that no keeper took over is not managed", Run: func(r *rig) {
		managed, err := r.s.Managed(r.Context())
		r.Wants(false, managed, err, "managed")
		r.OK(r.s.SetManaged(r.Context()), "set managed")
		r.OK(r.s.SetManaged(r.Context()), "set managed again")
		managed, err = r.s.Managed(r.Context())
		r.Wants(true, managed, err, "managed")
	}},
}
