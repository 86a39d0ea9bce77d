package suite

import (
	"context"
	"maps"
	"slices"

	"github.com/trothdev/troth"
)

// RowsRig is a rig on a store that can be filled and looked at as a whole. Each of its
// methods shows one sentence, which the suites write beside the call.
type RowsRig struct {
	*Rig
	// Fill gives a tenant one row of every kind at least, the same for each tenant
	// but for the tenant.
	Fill func(ctx context.Context, t troth.Tenant)
	// Dump is everything that the reads tell of a tenant.
	Dump func(ctx context.Context, t troth.Tenant) string
	// Writes are all calls that write, by the name of their method.
	Writes func(t troth.Tenant) map[string]func(ctx context.Context) error
	// Changing names those of them that change what a tenant that was filled has,
	// where not all do.
	Changing []string
}

// names are those of all writes in order.
func (r RowsRig) names() []string { return slices.Sorted(maps.Keys(r.Writes(r.A))) }

// changing are the names of the writes that change what is there.
func (r RowsRig) changing() []string {
	if r.Changing != nil {
		return r.Changing
	}
	return r.names()
}

// ReadWall shows that no read sees another tenant's rows.
func (r RowsRig) ReadWall() {
	ctx := r.Context()
	nothing := r.Dump(ctx, r.A)
	r.Fill(ctx, r.B)
	r.Same(r.Dump(ctx, r.A), nothing, "what a tenant without rows sees")
}

// WriteWall shows that no write touches another tenant's rows.
func (r RowsRig) WriteWall() {
	ctx := r.Context()
	r.Fill(ctx, r.B)
	before := r.Dump(ctx, r.B)
	r.Fill(ctx, r.A)
	for _, what := range r.names() {
		_ = r.Writes(r.A)[what](ctx) // some find their row gone, by those before
		r.Same(r.Dump(ctx, r.B), before, what+" of another tenant")
	}
}

// Rollback shows that a rollback leaves nothing behind.
func (r RowsRig) Rollback() {
	ctx := r.Context()
	r.Fill(ctx, r.A)
	before := r.Dump(ctx, r.A)
	for _, what := range r.changing() {
		r.Refused(ctx, func(ctx context.Context) {
			r.OK(r.Writes(r.A)[what](ctx), what)
			if r.Dump(ctx, r.A) == before {
				r.Fatalf("%s changes nothing", what)
			}
		})
		r.Same(r.Dump(ctx, r.A), before, what+", rolled back")
	}
	nothing := r.Dump(ctx, r.B)
	r.Refused(ctx, func(ctx context.Context) { r.Fill(ctx, r.B) })
	r.Same(r.Dump(ctx, r.B), nothing, "inserts, rolled back")
}

// Savepoint shows that a savepoint that is rolled back leaves nothing behind.
func (r RowsRig) Savepoint() {
	ctx := r.Context()
	r.Fill(ctx, r.A)
	before := r.Dump(ctx, r.A)
	r.Atomically(ctx, func(ctx context.Context) {
		for _, what := range r.changing() {
			r.Refused(ctx, func(ctx context.Context) { r.OK(r.Writes(r.A)[what](ctx), what) })
			r.Same(r.Dump(ctx, r.A), before, what+", rolled back")
		}
	})
	r.Same(r.Dump(ctx, r.A), before, "afterwards")
}

// Outside shows that reads outside see committed rows only, while the named writes are
// made one after the other. If none is named it is all of them, some of which find
// their row gone by those before.
func (r RowsRig) Outside(does ...string) {
	outside := r.Context()
	all := len(does) == 0
	if all {
		does = r.names()
	}
	r.Fill(outside, r.A)
	before := r.Dump(outside, r.A)
	var after string
	r.Atomically(outside, func(ctx context.Context) {
		for _, what := range does {
			if err := r.Writes(r.A)[what](ctx); !all {
				r.OK(err, what)
			}
		}
		after = r.Dump(ctx, r.A)
		r.Same(r.Dump(outside, r.A), before, "outside, before the commit")
	})
	r.Same(r.Dump(outside, r.A), after, "outside, after the commit")
}

// HostUndoes shows that everything joins the host's transaction and is undone with it.
func (r RowsRig) HostUndoes() {
	nothing := r.Dump(r.Context(), r.A)
	r.Hosted(func(ctx context.Context) {
		r.Fill(ctx, r.A)
		if r.Dump(ctx, r.A) == nothing {
			r.Fatalf("the host's transaction does not see what is written in it")
		}
	}, RollsBack)
	r.Same(r.Dump(r.Context(), r.A), nothing, "rolled back")
}

// HostCommits shows that everything joins the host's transaction and commits with it.
func (r RowsRig) HostCommits() {
	var inside string
	r.Hosted(func(ctx context.Context) {
		r.Fill(ctx, r.A)
		inside = r.Dump(ctx, r.A)
	}, Commits)
	r.Same(r.Dump(r.Context(), r.A), inside, "committed")
}

// Cancelled shows that under a cancelled context all writes, and the reads if there are
// any, end in its own error and without effect.
func (r RowsRig) Cancelled(reads func(ctx context.Context, t troth.Tenant) map[string]error) {
	r.Fill(r.Context(), r.A)
	before := r.Dump(r.Context(), r.A)
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	for what, write := range r.Writes(r.A) {
		r.Is(write(ctx), context.Canceled, what)
	}
	if reads != nil {
		for what, err := range reads(ctx, r.A) {
			r.Is(err, context.Canceled, what)
		}
	}
	r.Same(r.Dump(r.Context(), r.A), before, "afterwards")
}
