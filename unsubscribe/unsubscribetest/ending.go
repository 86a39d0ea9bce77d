package unsubscribetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// is demands an error of a kind.
func (r *rig) is(err, want error, what string) {
	r.Helper()
	if !errors.Is(err, want) {
		r.Fatalf("%s: got %v, want %v", what, err, want)
	}
}

var wallChecks = []check{
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
	{name: "a store is not managed until it is, and then for ever", run: func(r *rig) {
		ctx := r.Context()
		for _, want := range []bool{false, true, true} {
			managed, err := r.s.Managed(ctx)
			r.ok(err, "managed")
			r.same(managed, want, "managed")
			r.ok(r.s.SetManaged(ctx), "set managed")
		}
	}},
}

var endingChecks = []check{
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
		nothing := r.dump(ctx, r.b)
		r.refused(ctx, func(ctx context.Context) { r.fill(ctx, r.b) })
		r.same(r.dump(ctx, r.b), nothing, "inserts, rolled back")
	}},
	{name: "a savepoint that is rolled back leaves nothing behind", run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		before := r.dump(ctx, r.a)
		r.atomically(ctx, func(ctx context.Context) {
			for what, write := range r.writes(r.a) {
				r.refused(ctx, func(ctx context.Context) { r.ok(write(ctx), what) })
				r.same(r.dump(ctx, r.a), before, what+", rolled back")
			}
		})
		r.same(r.dump(ctx, r.a), before, "afterwards")
	}},
	{name: "reads outside see committed rows only", run: func(r *rig) {
		outside := r.Context()
		r.fill(outside, r.a)
		before := r.dump(outside, r.a)
		var after string
		r.atomically(outside, func(ctx context.Context) {
			r.ok(r.writes(r.a)["PutEntry"](ctx), "put entry")
			r.ok(r.writes(r.a)["InsertEvent"](ctx), "insert event")
			after = r.dump(ctx, r.a)
			r.same(r.dump(outside, r.a), before, "outside, before the commit")
		})
		r.same(r.dump(outside, r.a), after, "outside, after the commit")
	}},
	{name: "everything joins the host's transaction and is undone with it", needs: host, run: func(r *rig) {
		nothing := r.dump(r.Context(), r.a)
		r.hosted(func(ctx context.Context) { r.fill(ctx, r.a) }, rollsBack)
		r.same(r.dump(r.Context(), r.a), nothing, "rolled back")
	}},
	{name: "everything joins the host's transaction and commits with it", needs: host, run: func(r *rig) {
		var inside string
		r.hosted(func(ctx context.Context) {
			r.fill(ctx, r.a)
			inside = r.dump(ctx, r.a)
		}, commits)
		r.same(r.dump(r.Context(), r.a), inside, "committed")
	}},
	{name: "a store that is opened again finds everything", needs: reopen, run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		before := r.dump(ctx, r.a)
		r.ok(r.s.SetManaged(ctx), "set managed")
		r.raise(ctx, event(r.a, "1", instant))
		head := r.follow(ctx, 0).Head
		r.s = r.Reopen()
		r.tx = r.s.Transactor()
		r.same(r.dump(ctx, r.a), before, "rows")
		managed, err := r.s.Managed(ctx)
		r.ok(err, "managed")
		r.same(managed, true, "managed")
		r.raise(ctx, event(r.b, "2", instant))
		r.happened(r.follow(ctx, head), event(r.b, "2", instant))
	}},
	{name: "a cancelled context ends in its own error and without effect", run: func(r *rig) {
		r.fill(r.Context(), r.a)
		before := r.dump(r.Context(), r.a)
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		for what, fn := range r.writes(r.a) {
			r.is(fn(ctx), context.Canceled, what)
		}
		for what, err := range r.reads(ctx, r.a) {
			r.is(err, context.Canceled, what)
		}
		r.same(r.dump(r.Context(), r.a), before, "rows")
	}},
}

// reads makes every call that reads, and returns their errors.
func (r *rig) reads(ctx context.Context, t troth.Tenant) map[string]error {
	s, errs := r.s, map[string]error{}
	_, errs["Epoch"] = s.Epoch(ctx, t)
	_, errs["Entries"] = s.Entries(ctx, t, []unsubscribe.Key{keyOf("42")})
	_, errs["EntriesOf"] = s.EntriesOf(ctx, t, unsubscribe.Cursor{}, 1)
	_, errs["EntriesAfter"] = s.EntriesAfter(ctx, unsubscribe.Cursor{}, 1)
	_, _, errs["Event"] = s.Event(ctx, t, "e1")
	_, errs["Events"] = s.Events(ctx, t, keyOf("42"))
	_, errs["Deliveries"] = s.Deliveries(ctx, t, "e1")
	_, errs["DueDeliveries"] = s.DueDeliveries(ctx, instant, 1)
	_, errs["Follow"] = s.Follow(ctx, 0, 1)
	_, errs["Managed"] = s.Managed(ctx)
	errs["SetManaged"], errs["PruneFeed"] = s.SetManaged(ctx), s.PruneFeed(ctx, instant)
	errs["Raise"] = s.Raise(ctx, event(t, "1", instant))
	return errs
}

var manyChecks = []check{
	{name: "what is due is found among ten thousand idle tenants", run: func(r *rig) {
		ctx := r.Context()
		r.atomically(ctx, func(ctx context.Context) {
			for i := range 10_000 {
				row := delivery(troth.Tenant(fmt.Sprintf("%s-%d", r.a, i)), "a")
				row.NextAlarm = instant + int64(i)
				_, err := r.s.InsertDelivery(ctx, row)
				r.ok(err, "insert delivery")
			}
		})
		row := delivery(r.b, "a")
		row.NextAlarm = 5
		_, err := r.s.InsertDelivery(ctx, row)
		r.ok(err, "insert delivery")
		got, err := r.s.DueDeliveries(ctx, instant-1, 10)
		r.ok(err, "due deliveries")
		r.same(got, []unsubscribe.DeliveryRow{row}, "due")
	}},
}
