package tasktest

import (
	"context"

	"github.com/trothdev/troth/task"
)

var txChecks = []check{
	{name: "what a transaction wrote goes with it", run: func(r *rig) {
		ctx := r.Context()
		n := r.fresh()
		n.Key = "k"
		r.refused(ctx, func(ctx context.Context) { r.add(ctx, n) })
		_, found, err := r.s.Task(ctx, n.Name)
		r.wants(false, found, err, "task")
		same(r, 0, len(r.claim(10)), "claimed")
		r.add(ctx, n)

		row := r.one()
		next := r.after(row.Name)
		r.refused(ctx, func(ctx context.Context) { r.end(ctx, row, task.Completed) })
		r.is(row.Name, task.Running)
		r.is(next.Name, task.Blocked)
		r.disposals()
		r.refused(ctx, func(ctx context.Context) {
			_, err := r.s.Claim(ctx, task.Claim{Lease: lease, Limit: 100, Kinds: []task.KindClaim{{Kind: r.kind, Limit: 5}}})
			r.ok(err, "claim")
		})
		r.atomically(ctx, func(ctx context.Context) { r.end(ctx, row, task.Completed) })
		r.is(row.Name, task.Completed)
		r.is(next.Name, task.Waiting)
	}},
	{name: "a savepoint that is undone takes its task along and leaves the rest", run: func(r *rig) {
		one, two := r.fresh(), r.fresh()
		r.atomically(r.Context(), func(ctx context.Context) {
			r.add(ctx, one)
			r.refused(ctx, func(ctx context.Context) { r.add(ctx, two) })
		})
		r.names(r.claim(10), one)
	}},
	{name: "a refused prerequisite leaves the transaction usable", run: func(r *rig) {
		bad, good := r.fresh(), r.fresh()
		bad.After = []task.ID{r.id()}
		r.atomically(r.Context(), func(ctx context.Context) {
			if _, _, err := r.s.Insert(ctx, bad); err == nil {
				r.Fatalf("inserted behind nothing")
			}
			r.add(ctx, good)
		})
		r.names(r.claim(10), good)
	}},
	{name: "a task is part of the host's transaction", needs: host, run: func(r *rig) {
		for _, commits := range []bool{false, true} {
			n := r.fresh()
			ctx, commit, rollback, err := r.Host(r.Context())
			r.ok(err, "host: begin")
			r.add(ctx, n)
			end := rollback
			if commits {
				end = commit
			}
			r.ok(end(), "host: end")
			_, found, err := r.s.Task(r.Context(), n.Name)
			r.wants(commits, found, err, "task")
		}
		same(r, 1, len(r.claim(10)), "claimed")
	}},
	{name: "a store that no keeper took over is not managed", run: func(r *rig) {
		managed, err := r.s.Managed(r.Context())
		r.wants(false, managed, err, "managed")
		r.ok(r.s.SetManaged(r.Context()), "set managed")
		r.ok(r.s.SetManaged(r.Context()), "set managed again")
		managed, err = r.s.Managed(r.Context())
		r.wants(true, managed, err, "managed")
	}},
}
