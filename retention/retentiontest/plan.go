package retentiontest

import (
	"context"
	"time"

	"github.com/trothdev/troth/retention"
)

// in runs fn in a transaction.
func (r *rig) in(ctx context.Context, fn func(ctx context.Context)) {
	r.Helper()
	r.ok(r.tx.Atomically(ctx, func(ctx context.Context) error { fn(ctx); return nil }), "atomically")
}

func (r *rig) lockPlan(ctx context.Context, of retention.PlanRow) (row retention.PlanRow, found bool) {
	r.Helper()
	r.in(ctx, func(ctx context.Context) {
		for _, wait := range []bool{false, true} {
			var err error
			row, found, err = r.s.LockPlan(ctx, of.Tenant, of.Hash, wait)
			r.ok(err, "lock plan")
		}
	})
	return row, found
}

func (r *rig) lockAllowance(ctx context.Context, id string) (row retention.AllowanceRow) {
	r.Helper()
	r.in(ctx, func(ctx context.Context) {
		for _, wait := range []bool{false, true} {
			var found bool
			var err error
			row, found, err = r.s.LockAllowance(ctx, r.a, id, wait)
			r.ok(err, "lock allowance")
			r.same(found, true, "found")
		}
	})
	return row
}

// surveyed goes through a survey in pages of a size.
func (r *rig) surveyed(ctx context.Context, v retention.Survey, page int) (keys []retention.RecordKey) {
	r.Helper()
	for {
		rows, err := r.s.SurveyRecords(ctx, v, page)
		r.ok(err, "survey")
		if len(rows) > page || len(keys) > 20 {
			r.Fatalf("survey: more than asked for")
		}
		for _, row := range rows {
			keys = append(keys, row.RecordKey)
		}
		if len(rows) == 0 {
			return keys
		}
		v.After = &rows[len(rows)-1]
	}
}

var planChecks = []check{
	{name: "a plan comes back exactly, and is inserted once", run: func(r *rig) {
		ctx := r.Context()
		_, found := r.lockPlan(ctx, plan(r.a, 1))
		r.same(found, false, "found before")
		row := plan(r.a, 1)
		for _, want := range []bool{true, false} {
			inserted, err := r.s.InsertPlan(ctx, row)
			r.ok(err, "insert plan")
			r.same(inserted, want, "inserted")
			row.Text = []byte("other")
		}
		got, found := r.lockPlan(ctx, row)
		r.same(found, true, "found")
		r.same(got, plan(r.a, 1), "plan")
	}},
	{name: "a plan that is put replaces all of it, if it is there", run: func(r *rig) {
		ctx := r.Context()
		r.fails(r.s.PutPlan(ctx, plan(r.a, 1)), "put what is not there")
		_, err := r.s.InsertPlan(ctx, plan(r.a, 1))
		r.ok(err, "insert plan")
		next := retention.PlanRow{Tenant: r.a, Hash: plan(r.a, 1).Hash, Text: []byte("t"), Spent: []int64{7}, EndedAt: instant}
		r.ok(r.s.PutPlan(ctx, next), "put")
		got, _ := r.lockPlan(ctx, next)
		r.same(got, next, "plan")
		next.Spent = nil
		r.ok(r.s.PutPlan(ctx, next), "put")
		got, _ = r.lockPlan(ctx, next)
		r.same(len(got.Spent), 0, "spent")
	}},
	{name: "open plans are those that have not ended, ordered", run: func(r *rig) {
		ctx := r.Context()
		for _, first := range []byte{200, 3, 9} {
			row := plan(r.a, first)
			if first == 9 {
				row.EndedAt = instant
			}
			_, err := r.s.InsertPlan(ctx, row)
			r.ok(err, "insert plan")
		}
		rows, err := r.s.OpenPlans(ctx, r.a)
		r.ok(err, "open plans")
		r.same(rows, []retention.PlanRow{plan(r.a, 3), plan(r.a, 200)}, "open plans")
	}},
	{name: "an allowance begins with nothing spent", run: func(r *rig) {
		ctx := r.Context()
		r.fails(r.s.PutAllowance(ctx, retention.AllowanceRow{Tenant: r.a, ID: "a"}), "put what is not there")
		r.same(r.lockAllowance(ctx, "a"), retention.AllowanceRow{Tenant: r.a, ID: "a"}, "allowance")
	}},
	{name: "an allowance that is put replaces all of it", run: func(r *rig) {
		ctx := r.Context()
		r.lockAllowance(ctx, "a")
		row := retention.AllowanceRow{Tenant: r.a, ID: "a", Since: instant, Spent: instant + 1, Old: instant + 2, Stored: instant + 4, ClosedAt: instant + 3}
		r.ok(r.s.PutAllowance(ctx, row), "put")
		r.same(r.lockAllowance(ctx, "a"), row, "allowance")
	}},
	{name: "allowances come ordered", run: func(r *rig) {
		ctx := r.Context()
		for _, id := range []string{"b", "a", "B"} {
			r.lockAllowance(ctx, id)
		}
		rows, err := r.s.Allowances(ctx, r.a)
		r.ok(err, "allowances")
		r.same(rows, []retention.AllowanceRow{{Tenant: r.a, ID: "B"}, {Tenant: r.a, ID: "a"}, {Tenant: r.a, ID: "b"}}, "allowances")
	}},
	{name: "plans and allowances are locked in transactions only", run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		_, _, err := r.s.LockPlan(ctx, r.a, plan(r.a, 1).Hash, true)
		r.fails(err, "lock a plan")
		_, _, err = r.s.LockAllowance(ctx, r.a, "1", true)
		r.fails(err, "lock an allowance")
	}},
	{name: "a stop is inserted once, and active until it is lifted", run: func(r *rig) {
		ctx := r.Context()
		for _, id := range []string{"b", "a", "Z"} {
			row := retention.StopRow{Tenant: r.a, ID: id, PlacedAt: instant}
			for _, want := range []bool{true, false} {
				inserted, err := r.s.InsertStop(ctx, row)
				r.ok(err, "insert stop")
				r.same(inserted, want, "inserted")
				row.PlacedAt++
			}
		}
		r.fails(r.s.PutStop(ctx, retention.StopRow{Tenant: r.a, ID: "x"}), "put what is not there")
		r.ok(r.s.PutStop(ctx, retention.StopRow{Tenant: r.a, ID: "a", PlacedAt: instant, LiftedAt: 1}), "put")
		rows, err := r.s.ActiveStops(ctx, r.a)
		r.ok(err, "active stops")
		r.same(rows, []retention.StopRow{{Tenant: r.a, ID: "Z", PlacedAt: instant}, {Tenant: r.a, ID: "b", PlacedAt: instant}}, "active stops")
	}},
	{name: "surveys find what sweeps find, page by page in an order without ties", run: func(r *rig) {
		ctx := r.Context()
		due := func(at int64, policy uint32) func(*retention.RecordRow) {
			return func(row *retention.RecordRow) { row.DueAt, row.Policy = at, policy }
		}
		r.insert(ctx, record(r.a, "2"), record(r.b, "1"), record(r.a, "1"),
			changed(record(r.b, "0"), func(row *retention.RecordRow) { row.Since-- }),
			changed(record(r.b, "late"), func(row *retention.RecordRow) { row.Since++ }),
			changed(record(r.a, "other"), func(row *retention.RecordRow) { row.Cohort-- }),
			changed(record(r.b, "e1"), due(instant, 7)), changed(record(r.a, "d1"), due(instant, 6)),
			changed(record(r.a, "d0"), due(instant, 7)), changed(record(r.b, "d2"), due(1, 8)), changed(record(r.a, "d3"), due(instant+1, 7)),
			changed(record(r.a, "w1"), due(retention.Waiting, 7)), changed(record(r.b, "w2"), due(retention.Waiting, 8)),
			changed(record(r.a, "w0"), due(retention.Waiting, 7)), changed(record(r.a, "parked"), due(retention.Parked, 9)),
			changed(record(r.a, "w9"), func(row *retention.RecordRow) { row.DueAt, row.Class = retention.Waiting, "x" }),
		)
		cut := retention.Cut{Class: "content", Stage: "trashed", Cohort: 4_000_000_000, Anchor: time.UnixMicro(instant)}
		for page := 1; page < 9; page += 3 {
			for _, c := range []struct {
				survey retention.Survey
				want   string
			}{
				{retention.Survey{Kind: retention.SurveyCut, Cut: cut}, "0 1 2 1"},
				{retention.Survey{Kind: retention.SurveyDue, At: instant}, "d2 d0 d1 e1"},
				{retention.Survey{Kind: retention.SurveyStale, Below: 8}, "d1 d0 d3 w0 w1 w9 e1"},
				{retention.Survey{Kind: retention.SurveyWaiting, Class: "content"}, "w0 w1 w2"},
			} {
				r.same(ids(r.surveyed(ctx, c.survey, page)), c.want, string(c.survey.Kind))
			}
		}
		rows, err := r.s.SurveyRecords(ctx, retention.Survey{Kind: retention.SurveyCut, Cut: cut}, 2)
		r.ok(err, "survey")
		r.same(rows[1], record(r.a, "1"), "record")
	}},
}
