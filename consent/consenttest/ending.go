package consenttest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
)

var wallChecks = []check{
	{name: "no read sees another tenant's rows", run: func(r *rig) {
		ctx := r.Context()
		nothing := r.dump(ctx, r.a)
		r.fill(ctx, r.b)
		r.ok(r.writes(r.b)["MovePerson"](ctx), "move person")
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
}

// changing are writes that change what a tenant that was filled has: those that insert
// what is there do not.
var changing = []string{
	"PutPerson", "DeleteEvents", "DeleteState", "DeleteRequest", "Acknowledge", "DeleteDue", "CountRefusal", "EraseContent",
	"MovePerson", "DeletePerson",
}

var endingChecks = []check{
	{name: "a rollback leaves nothing behind", run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		before := r.dump(ctx, r.a)
		for _, what := range changing {
			r.refused(ctx, func(ctx context.Context) {
				r.ok(r.writes(r.a)[what](ctx), what)
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
			for _, what := range changing {
				r.refused(ctx, func(ctx context.Context) { r.ok(r.writes(r.a)[what](ctx), what) })
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
			r.ok(r.writes(r.a)["MovePerson"](ctx), "move person")
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
		r.wants(true, managed, err, "managed")
		r.raise(ctx, event(r.b, "2", instant))
		r.happened(r.follow(ctx, head), event(r.b, "2", instant))
	}},
	{name: "a cancelled context ends in its own error and without effect", run: func(r *rig) {
		r.fill(r.Context(), r.a)
		before := r.dump(r.Context(), r.a)
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		for what, fn := range r.writes(r.a) {
			if err := fn(ctx); !errors.Is(err, context.Canceled) {
				r.Fatalf("%s: got %v, want context.Canceled", what, err)
			}
		}
		for what, err := range r.reads(ctx, r.a) {
			if !errors.Is(err, context.Canceled) {
				r.Fatalf("%s: got %v, want context.Canceled", what, err)
			}
		}
		r.same(r.dump(r.Context(), r.a), before, "rows")
	}},
}

// reads makes every call that reads, and returns their errors.
func (r *rig) reads(ctx context.Context, t troth.Tenant) map[string]error {
	s, errs := r.s, map[string]error{}
	_, errs["Terms"] = s.Terms(ctx, t)
	_, errs["Notices"] = s.Notices(ctx, t, "n")
	_, _, errs["Text"] = s.Text(ctx, t, hash(9))
	_, _, errs["Person"] = s.Person(ctx, t, "42")
	_, _, errs["ErasedPerson"] = s.ErasedPerson(ctx, t, hash(42))
	_, _, errs["Event"] = s.Event(ctx, t, "e1")
	_, errs["Events"] = s.Events(ctx, t, "42", "")
	_, errs["States"] = s.States(ctx, t, "42")
	_, errs["StatesOf"] = s.StatesOf(ctx, t, "p", []string{"42"})
	_, errs["StatesAfter"] = s.StatesAfter(ctx, t, "p", "", 1)
	_, _, errs["Link"] = s.Link(ctx, t, "d1")
	_, errs["Links"] = s.Links(ctx, t, "42")
	_, _, errs["RequestByToken"] = s.RequestByToken(ctx, t, hash(6))
	_, errs["Requests"] = s.Requests(ctx, t, "42")
	_, errs["Deliveries"] = s.Deliveries(ctx, t, "e1")
	_, errs["Refusals"] = s.Refusals(ctx, t, "p")
	_, errs["Due"] = s.Due(ctx, instant, 1)
	_, errs["Follow"] = s.Follow(ctx, 0)
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
				t := troth.Tenant(fmt.Sprintf("%s-%d", r.a, i))
				r.ok(r.s.PutDue(ctx, dueOf(t, "1", consent.DueRefresh, instant+int64(i))), "put due")
			}
		})
		r.ok(r.s.PutDue(ctx, dueOf(r.b, "1", consent.DueProof, 5)), "put due")
		got, err := r.s.Due(ctx, instant, 10)
		r.ok(err, "due")
		r.same(got, []consent.DueRow{dueOf(r.b, "1", consent.DueProof, 5)}, "due")
	}},
}
