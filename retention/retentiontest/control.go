package retentiontest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// control is a row in which every column says something of its own.
func control(t troth.Tenant, kind, id string) retention.ControlRow {
	return retention.ControlRow{
		ControlKey: retention.ControlKey{Tenant: t, Kind: kind, ID: id},
		Open:       true, DueAt: instant, Body: everyByte(), State: everyByte()[1:], MAC: everyByte()[:32],
	}
}

func (r *rig) insertControls(ctx context.Context, rows ...retention.ControlRow) {
	r.Helper()
	for _, row := range rows {
		inserted, err := r.s.InsertControl(ctx, row)
		r.ok(err, "insert control")
		r.same(inserted, true, "inserted")
	}
}

func controlIDs(rows []retention.ControlRow) (ids []string) {
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	return ids
}

var controlChecks = []check{
	{name: "a control row comes back exactly, and is inserted once", run: func(r *rig) {
		ctx := r.Context()
		r.insertControls(ctx, control(r.a, "exception", "1"))
		other := control(r.a, "exception", "1")
		other.Body = []byte("other")
		inserted, err := r.s.InsertControl(ctx, other)
		r.ok(err, "insert control")
		r.same(inserted, false, "inserted again")
		got, found, err := r.s.Control(ctx, other.ControlKey)
		r.ok(err, "control")
		r.same(found, true, "found")
		r.same(got, control(r.a, "exception", "1"), "control")
		r.ok(r.tx.Atomically(ctx, func(ctx context.Context) error {
			locked, found, err := r.s.LockControl(ctx, other.ControlKey)
			r.ok(err, "lock control")
			r.same(found, true, "found")
			r.same(locked, got, "locked")
			_, found, err = r.s.LockControl(ctx, control(r.a, "erasure", "1").ControlKey)
			r.ok(err, "lock control")
			r.same(found, false, "found under another kind")
			return nil
		}), "atomically")
		_, _, err = r.s.LockControl(ctx, other.ControlKey)
		r.fails(err, "lock without a transaction")
	}},
	{name: "a control row that is put replaces all of it, if it is there", run: func(r *rig) {
		ctx := r.Context()
		row := control(r.a, "exception", "1")
		r.fails(r.s.PutControl(ctx, row), "put what is not there")
		r.insertControls(ctx, row)
		next := retention.ControlRow{ControlKey: row.ControlKey, Body: []byte{1}}
		r.ok(r.s.PutControl(ctx, next), "put")
		got, _, err := r.s.Control(ctx, row.ControlKey)
		r.ok(err, "control")
		r.same(got, next, "control")
	}},
	{name: "open control rows are those of a kind that are open, ordered", run: func(r *rig) {
		ctx := r.Context()
		closed := control(r.a, "exception", "c")
		closed.Open = false
		r.insertControls(ctx, control(r.a, "exception", "b"), control(r.a, "exception", "Z"), control(r.a, "erasure", "a"), closed,
			control(r.b, "exception", "0"))
		rows, err := r.s.OpenControls(ctx, r.a, "exception")
		r.ok(err, "open controls")
		r.same(rows, []retention.ControlRow{control(r.a, "exception", "Z"), control(r.a, "exception", "b")}, "open controls")
	}},
	{name: "control rows of a kind are listed behind an id, closed ones too", run: func(r *rig) {
		ctx := r.Context()
		closed := control(r.a, "exception", "b")
		closed.Open = false
		r.insertControls(ctx, control(r.a, "exception", "a"), closed, control(r.a, "exception", "c"), control(r.a, "exception", "d"),
			control(r.a, "seal", "e"), control(r.b, "exception", "f"))
		for _, page := range []struct {
			after string
			limit int
			want  []string
		}{{"", 2, []string{"a", "b"}}, {"a", 2, []string{"b", "c"}}, {"c", 5, []string{"d"}}, {"d", 5, nil}} {
			rows, err := r.s.Controls(ctx, retention.ControlKey{Tenant: r.a, Kind: "exception", ID: page.after}, page.limit)
			r.ok(err, "controls")
			r.same(controlIDs(rows), page.want, "behind "+page.after)
		}
	}},
	{name: "due control rows come by their instant, the most urgent first", run: func(r *rig) {
		ctx := r.Context()
		kind := "kind-" + string(r.a) // nobody else's
		at := func(t troth.Tenant, id string, due int64) retention.ControlRow {
			row := control(t, kind, id)
			row.DueAt = due
			row.Open = id != "closed"
			return row
		}
		r.insertControls(ctx, at(r.a, "now", instant), at(r.b, "closed", instant-5), at(r.a, "later", instant+1), at(r.a, "never", 0),
			at(r.b, "old", instant-9), control(r.a, "exception", "x"))
		for limit, want := range map[int][]string{1: {"old"}, 9: {"old", "closed", "now"}} {
			rows, err := r.s.DueControls(ctx, kind, instant, limit)
			r.ok(err, "due controls")
			r.same(controlIDs(rows), want, "due")
		}
	}},
	{name: "holds to review are told of once for each date", run: func(r *rig) {
		ctx := r.Context()
		at := func(t troth.Tenant, id string, review, told int64) retention.HoldRow {
			row := hold(t, id)
			row.ReviewAt, row.ToldAt = review, told
			return row
		}
		released := at(r.a, "released", instant-9, 0)
		released.ReleasedAt = instant
		for _, row := range []retention.HoldRow{
			at(r.a, "now", instant, instant-1), at(r.a, "told", instant-3, instant-3), at(r.a, "later", instant+1, 0),
			at(r.b, "old", instant-2, 0), released,
		} {
			_, err := r.s.InsertHold(ctx, row)
			r.ok(err, "insert hold")
		}
		rows, err := r.s.HoldsToReview(ctx, instant, 1_000_000)
		r.ok(err, "holds to review")
		var mine []string
		for _, row := range rows {
			if row.Tenant == r.a || row.Tenant == r.b {
				mine = append(mine, row.ID)
			}
		}
		r.same(mine, []string{"old", "now"}, "holds")
		one, err := r.s.HoldsToReview(ctx, instant, 1)
		r.ok(err, "holds to review")
		r.same(len(one), 1, "at most")
	}},
}
