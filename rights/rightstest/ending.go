package rightstest

import (
	"context"
	"errors"
	"maps"
	"slices"
)

// refused runs fn in a transaction that is then undone.
func (r *rig) refused(ctx context.Context, fn func(ctx context.Context)) {
	r.Helper()
	err := r.tx.Atomically(ctx, func(ctx context.Context) error { fn(ctx); return errRefused })
	if !errors.Is(err, errRefused) {
		r.Fatalf("atomically: got %v, want the closure's own error", err)
	}
}

var endingChecks = []check{
	{name: "no read sees another tenant's rows", run: func(r *rig) {
		ctx := r.Context()
		nothing := r.dump(ctx, r.a)
		r.fill(ctx, r.b)
		r.same(r.dump(ctx, r.a), nothing, "what a tenant without rows sees")
	}},
	{name: "no write touches another tenant's rows", run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.b)
		before := r.dump(ctx, r.b)
		r.fill(ctx, r.a)
		for _, what := range slices.Sorted(maps.Keys(r.writes(r.a))) {
			_ = r.writes(r.a)[what](ctx) // some find their row gone, by those before
			r.same(r.dump(ctx, r.b), before, what+" of another tenant")
		}
	}},
	{name: "a rollback leaves nothing behind", run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		before := r.dump(ctx, r.a)
		for what, write := range r.writes(r.a) {
			r.refused(ctx, func(ctx context.Context) {
				r.ok(write(ctx), what)
				if r.dump(ctx, r.a) == before {
					r.Fatalf("%s changes nothing", what)
				}
			})
			r.same(r.dump(ctx, r.a), before, what+", rolled back")
		}
	}},
	{name: "reads outside see committed rows only", run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		before := r.dump(ctx, r.a)
		r.refused(ctx, func(in context.Context) {
			for _, what := range slices.Sorted(maps.Keys(r.writes(r.a))) {
				_ = r.writes(r.a)[what](in)
			}
			r.same(r.dump(ctx, r.a), before, "outside, meanwhile")
		})
	}},
	{name: "rows are there when the store is opened again", needs: reopen, run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		before := r.dump(ctx, r.a)
		r.s = r.Reopen()
		r.same(r.dump(ctx, r.a), before, "opened again")
	}},
	{name: "what is written in the host's transaction shares its fate", needs: host, run: func(r *rig) {
		for _, commits := range []bool{false, true} {
			ctx, commit, rollback, err := r.Host(r.Context())
			r.ok(err, "host: begin")
			r.fill(ctx, r.a)
			end := rollback
			if commits {
				end = commit
			}
			r.ok(end(), "host: end")
			_, found, err := r.s.Request(r.Context(), r.a, "1")
			r.ok(err, "request")
			r.same(found, commits, "found")
		}
	}},
	{name: "a cancelled context does nothing", run: func(r *rig) {
		ctx, cancel := context.WithCancel(r.Context())
		r.fill(ctx, r.a)
		before := r.dump(r.Context(), r.a)
		cancel()
		for what, write := range r.writes(r.a) {
			if err := write(ctx); !errors.Is(err, context.Canceled) {
				r.Fatalf("%s: got %v, want context.Canceled", what, err)
			}
		}
		r.same(r.dump(r.Context(), r.a), before, "afterwards")
	}},
}
