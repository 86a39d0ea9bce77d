package retentiontest

import (
	"context"
	"time"

	"github.com/trothdev/troth/retention"
)

// in runs fn in a transaction.
func (r *rig) in(ctx context.Context, fn func(ctx context.Context)) {
	r.Helper()
	r.OK(r.TX.Atomically(ctx, func(ctx context.Context) error { fn(ctx); return nil }), "atomically")
}

func (r *rig) lockPlan(ctx context.Context, of retention.PlanRow) (row retention.PlanRow, found bool) {
	r.Helper()
	r.in(ctx, func(ctx context.Context) {
		for _, wait := range []bool{false, true} {
			var err error
			row, found, err = r.s.LockPlan(ctx, of.Tenant, of.Hash, wait)
			r.OK(err, "lock plan")
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
			row, found, err = r.s.LockAllowance(ctx, r.A, id, wait)
			r.OK(err, "lock allowance")
			r.Same(found, true, "found")
		}
	})
	return row
}

// surveyed goes through a survey in pages of a size.
func (r *rig) surveyed(ctx context.Context, v retention.Survey, page int) (keys []retention.RecordKey) {
	r.Helper()
	for {
		rows, err := r.s.SurveyRecords(ctx, v, page)
		r.OK(err, "survey")
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
	{Name: "a plan comes back exactly, and is inserted once", Run: func(r *rig) {
		ctx := r.Context()
		_, found := r.lockPlan(ctx, plan(r.A, 1))
		r.Same(found, false, "found before")
		row := plan(r.A, 1)
		for _, want := range []bool{true, false} {
			inserted, err := r.s.InsertPlan(ctx, row)
			r.OK(err, "insert plan")
			r.Same(inserted, want, "inserted")
			row.Text = []byte("other")
		}
		got, found := r.lockPlan(ctx, row)
		r.Same(found, true, "found")
		r.Same(got, plan(r.A, 1), "plan")
	}},
	{Name: "a plan that is put replaces all of it, if it is there", Run: func(r *rig) {
		ctx := r.Context()
		r.Fails(r.s.PutPlan(ctx, plan(r.A, 1)), "put what is not there")
		_, err := r.s.InsertPlan(ctx, plan(r.A, 1))
		r.OK(err, "insert plan")
		next := retention.PlanRow{Tenant: r.A, Hash: plan(r.A, 1).Hash, Text: []byte("t"), Spent: []int64{7}, EndedAt: instant}
		r.OK(r.s.PutPlan(ctx, next), "put")
		got, _ := r.lockPlan(ctx, next)
		r.Same(got, next, "plan")
		next.Spent = nil
		r.OK(r.s.PutPlan(ctx, next), "put")
		got, _ = r.lockPlan(ctx, next)
		r.Same(len(got.Spent), 0, "spent")
	}},
	{Name: "open plans are those that have not ended, ordered", Run: func(r *rig) {
		ctx := r.Context()
		for _, first := range []byte{200, 3, 9} {
			row := plan(r.A, first)
			if first == 9 {
				row.EndedAt = instant
			}
			_, err := r.s.InsertPlan(ctx, row)
			r.OK(err, "insert plan")
		}
		rows, err := r.s.OpenPlans(ctx, r.A)
		r.OK(err, "open plans")
		r.Same(rows, []retention.PlanRow{plan(r.A, 3), plan(r.A, 200)}, "open plans")
	}},
	{Name: "an allowance begins with nothing spent", Run: func(r *rig) {
		ctx := r.Context()
		r.Fails(r.s.PutAllowance(ctx, retention.AllowanceRow{Tenant: r.A, ID: "a"}), "put what is not there")
		r.Same(r.lockAllowance(ctx, "a"), retention.AllowanceRow{Tenant: r.A, ID: "a"}, "allowance")
	}},
	{Name: "an allowance that is put replaces all of it", Run: func(r *rig) {
		ctx := r.Context()
		r.lockAllowance(ctx, "a")
		row := retention.AllowanceRow{Tenant: r.A, ID: "a", Since: instant, Spent: instant + 1, Old: instant + 2, Stored: instant + 4, ClosedAt: instant + 3}
		r.OK(r.s.PutAllowance(ctx, row), "put")
		r.Same(r.lockAllowance(ctx, "a"), row, "allowance")
	}},
	{Name: "allowances come ordered", Run: func(r *rig) {
		ctx := r.Context()
		for _, id := range []string{"b", "a", "B"} {
			r.lockAllowance(ctx, id)
		}
		rows, err := r.s.Allowances(ctx, r.A)
		r.OK(err, "allowances")
		r.Same(rows, []retention.AllowanceRow{{Tenant: r.A, ID: "B"}, {Tenant: r.A, ID: "a"}, {Tenant: r.A, ID: "b"}}, "allowances")
	}},
	{Name: "plans and allowances are locked in transactions only", Run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.A)
		_, _, err := r.s.LockPlan(ctx, r.A, plan(r.A, 1).Hash, true)
		r.Fails(err, "lock a plan")
		_, _, err = r.s.LockAllowance(ctx, r.A, "1", true)
		r.Fails(err, "lock an allowance")
	}},
	{Name: "a stop is inserted once, and active until it is lifted", Run: func(r *rig) {
		ctx := r.Context()
		for _, id := range []string{"b", "a", "Z"} {
			row := retention.StopRow{Tenant: r.A, ID: id, PlacedAt: instant}
			for _, want := range []bool{true, false} {
				inserted, err := r.s.InsertStop(ctx, row)
				r.OK(err, "insert stop")
				r.Same(inserted, want, "inserted")
				row.PlacedAt++
			}
		}
		r.Fails(r.s.PutStop(ctx, retention.StopRow{Tenant: r.A, ID: "x"}), "put what is not there")
		r.OK(r.s.PutStop(ctx, retention.StopRow{Tenant: r.A, ID: "a", PlacedAt: instant, LiftedAt: 1}), "put")
		rows, err := r.s.ActiveStops(ctx, r.A)
		r.OK(err, "active stops")
		r.Same(rows, []retention.StopRow{{Tenant: r.A, ID: "Z", PlacedAt: instant}, {Tenant: r.A, ID: "b", PlacedAt: instant}}, "active stops")
	}},
	{Name: "surveys find what sweeps find, page by page in an order without ties", Run: func(r *rig) {
		ctx := r.Context()
		due := func(at int64, policy uint32) func(*retention.RecordRow) {
			return func(row *retention.RecordRow) { row.DueAt, row.Policy = at, policy }
		}
		r.insert(ctx, record(r.A, "2"), record(r.B, "1"), record(r.A, "1"),
			changed(record(r.B, "0"), func(row *retention.RecordRow) { row.Since-- }),
			changed(record(r.B, "late"), func(row *retention.RecordRow) { row.Since++ }),
			changed(record(r.A, "other"), func(row *retention.RecordRow) { row.Cohort-- }),
			changed(record(r.B, "e1"), due(instant, 7)), changed(record(r.A, "d1"), due(instant, 6)),
			changed(record(r.A, "d0"), due(instant, 7)), changed(record(r.B, "d2"), due(1, 8)), changed(record(r.A, "d3"), due(instant+1, 7)),
			changed(record(r.A, "w1"), due(retention.Waiting, 7)), changed(record(r.B, "w2"), due(retention.Waiting, 8)),
			changed(record(r.A, "w0"), due(retention.Waiting, 7)), changed(record(r.A, "parked"), due(retention.Parked, 9)),
			changed(record(r.A, "w9"), func(row *retention.RecordRow) { row.DueAt, row.Class = retention.Waiting, "x" }),
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
				r.Same(ids(r.surveyed(ctx, c.survey, page)), c.want, string(c.survey.Kind))
			}
		}
		rows, err := r.s.SurveyRecords(ctx, retention.Survey{Kind: retention.SurveyCut, Cut: cut}, 2)
		r.OK(err, "survey")
		r.Same(rows[1], record(r.A, "1"), "record")
	}},
}
