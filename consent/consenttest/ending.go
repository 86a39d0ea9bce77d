package consenttest

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/internal/suite"
)

// rows are the store with all that it keeps.
func (r *rig) rows() suite.RowsRig {
	return suite.RowsRig{Rig: &r.Rig, Fill: r.fill, Dump: r.dump, Writes: r.writes, Changing: []string{
		// Those that insert what is there do not.
		"PutPerson", "DeleteEvents", "DeleteState", "DeleteRequest", "Acknowledge", "DeleteDue", "CountRefusal", "EraseContent",
		"MovePerson", "DeletePerson",
	}}
}

var wallChecks = []check{
	{Name: "no read sees another tenant's rows", Run: func(r *rig) {
		ctx := r.Context()
		nothing := r.dump(ctx, r.A)
		r.fill(ctx, r.B)
		r.OK(r.writes(r.B)["MovePerson"](ctx), "move person")
		r.Same(r.dump(ctx, r.A), nothing, "what a tenant without rows sees")
	}},
	{Name: "no write touches another tenant's rows", Run: func(r *rig) { r.rows().WriteWall() }},
}

var endingChecks = []check{
	{Name: "a rollback leaves nothing behind", Run: func(r *rig) { r.rows().Rollback() }},
	{Name: "a savepoint that is rolled back leaves nothing behind", Run: func(r *rig) { r.rows().Savepoint() }},
	{Name: "reads outside see committed rows only", Run: func(r *rig) { r.rows().Outside("MovePerson") }},
	{Name: "everything joins the host's transaction and is undone with it", Needs: suite.Host, Run: func(r *rig) { r.rows().HostUndoes() }},
	{Name: "everything joins the host's transaction and commits with it", Needs: suite.Host, Run: func(r *rig) { r.rows().HostCommits() }},
	{Name: "a store that is opened again finds everything", Needs: suite.Reopen, Run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.A)
		before := r.dump(ctx, r.A)
		r.OK(r.s.SetManaged(ctx), "set managed")
		r.feed().Raise(ctx, event(r.A, "1", instant))
		head := r.feed().Follow(ctx, 0).Head
		r.s = r.Reopen()
		r.TX = r.s.Transactor()
		r.Same(r.dump(ctx, r.A), before, "rows")
		managed, err := r.s.Managed(ctx)
		r.Wants(true, managed, err, "managed")
		r.feed().Raise(ctx, event(r.B, "2", instant))
		r.feed().Happened(r.feed().Follow(ctx, head), event(r.B, "2", instant))
	}},
	{Name: "a cancelled context ends in its own error and without effect", Run: func(r *rig) { r.rows().Cancelled(r.reads) }},
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
	{Name: "what is due is found among ten thousand idle tenants", Run: func(r *rig) {
		ctx := r.Context()
		r.Atomically(ctx, func(ctx context.Context) {
			for i := range 10_000 {
				t := troth.Tenant(fmt.Sprintf("%s-%d", r.A, i))
				r.OK(r.s.PutDue(ctx, dueOf(t, "1", consent.DueRefresh, instant+int64(i))), "put due")
			}
		})
		r.OK(r.s.PutDue(ctx, dueOf(r.B, "1", consent.DueProof, 5)), "put due")
		got, err := r.s.Due(ctx, instant, 10)
		r.OK(err, "due")
		r.Same(got, []consent.DueRow{dueOf(r.B, "1", consent.DueProof, 5)}, "due")
	}},
}
