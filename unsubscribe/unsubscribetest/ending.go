package unsubscribetest

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/unsubscribe"
)

// rows are the store with all that it keeps.
func (r *rig) rows() suite.RowsRig {
	return suite.RowsRig{Rig: &r.Rig, Fill: r.fill, Dump: r.dump, Writes: r.writes}
}

var wallChecks = []check{
	{Name: "no read sees another tenant's rows", Run: func(r *rig) { r.rows().ReadWall() }},
	{Name: "no write touches another tenant's rows", Run: func(r *rig) { r.rows().WriteWall() }},
	{Name: "a store is not managed until it is, and then for ever", Run: func(r *rig) {
		ctx := r.Context()
		for _, want := range []bool{false, true, true} {
			managed, err := r.s.Managed(ctx)
			r.OK(err, "managed")
			r.Same(managed, want, "managed")
			r.OK(r.s.SetManaged(ctx), "set managed")
		}
	}},
}

var endingChecks = []check{
	{Name: "a rollback leaves nothing behind", Run: func(r *rig) { r.rows().Rollback() }},
	{Name: "a savepoint that is rolled back leaves nothing behind", Run: func(r *rig) { r.rows().Savepoint() }},
	{Name: "reads outside see committed rows only", Run: func(r *rig) { r.rows().Outside("PutEntry", "InsertEvent") }},
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
		r.OK(err, "managed")
		r.Same(managed, true, "managed")
		r.feed().Raise(ctx, event(r.B, "2", instant))
		r.feed().Happened(r.feed().Follow(ctx, head), event(r.B, "2", instant))
	}},
	{Name: "a cancelled context ends in its own error and without effect", Run: func(r *rig) { r.rows().Cancelled(r.reads) }},
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
	{Name: "what is due is found among ten thousand idle tenants", Run: func(r *rig) {
		ctx := r.Context()
		r.Atomically(ctx, func(ctx context.Context) {
			for i := range 10_000 {
				row := delivery(troth.Tenant(fmt.Sprintf("%s-%d", r.A, i)), "a")
				row.NextAlarm = instant + int64(i)
				_, err := r.s.InsertDelivery(ctx, row)
				r.OK(err, "insert delivery")
			}
		})
		row := delivery(r.B, "a")
		row.NextAlarm = 5
		_, err := r.s.InsertDelivery(ctx, row)
		r.OK(err, "insert delivery")
		got, err := r.s.DueDeliveries(ctx, instant-1, 10)
		r.OK(err, "due deliveries")
		r.Same(got, []unsubscribe.DeliveryRow{row}, "due")
	}},
}
