package retentiontest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/retention"
)

// control is a row in which every column says something of its own.
func control(t troth.Tenant, kind, id string) retention.ControlRow {
	return retention.ControlRow{
		ControlKey: retention.ControlKey{Tenant: t, Kind: kind, ID: id},
		Open:       true, DueAt: instant, Body: suite.EveryByte(), State: suite.EveryByte()[1:], MAC: suite.EveryByte()[:32],
	}
}

func (r *rig) insertControls(ctx context.Context, rows ...retention.ControlRow) {
	r.Helper()
	for _, row := range rows {
		inserted, err := r.s.InsertControl(ctx, row)
		r.OK(err, "insert control")
		r.Same(inserted, true, "inserted")
	}
}

func controlIDs(rows []retention.ControlRow) (ids []string) {
	for _, row := range rows {
		ids = append(ids, row.ID)
	}
	return ids
}

var controlChecks = []check{
	{Name: "a control row comes back exactly, and is inserted once", Run: func(r *rig) {
		ctx := r.Context()
		r.insertControls(ctx, control(r.A, "exception", "1"))
		other := control(r.A, "exception", "1")
		other.Body = []byte("other")
		inserted, err := r.s.InsertControl(ctx, other)
		r.OK(err, "insert control")
		r.Same(inserted, false, "inserted again")
		got, found, err := r.s.Control(ctx, other.ControlKey)
		r.OK(err, "control")
		r.Same(found, true, "found")
		r.Same(got, control(r.A, "exception", "1"), "control")
		r.OK(r.TX.Atomically(ctx, func(ctx context.Context) error {
			locked, found, err := r.s.LockControl(ctx, other.ControlKey)
			r.OK(err, "lock control")
			r.Same(found, true, "found")
			r.Same(locked, got, "locked")
			_, found, err = r.s.LockControl(ctx, control(r.A, "erasure", "1").ControlKey)
			r.OK(err, "lock control")
			r.Same(found, false, "found under another kind")
			return nil
		}), "atomically")
		_, _, err = r.s.LockControl(ctx, other.ControlKey)
		r.Fails(err, "lock without a transaction")
	}},
	{Name: "a control row that is put replaces all of it, if it is there", Run: func(r *rig) {
		ctx := r.Context()
		row := control(r.A, "exception", "1")
		r.Fails(r.s.PutControl(ctx, row), "put what is not there")
		r.insertControls(ctx, row)
		next := retention.ControlRow{ControlKey: row.ControlKey, Body: []byte{1}}
		r.OK(r.s.PutControl(ctx, next), "put")
		got, _, err := r.s.Control(ctx, row.ControlKey)
		r.OK(err, "control")
		r.Same(got, next, "control")
	}},
	{Name: "open control rows are those of a kind that are open, ordered", Run: func(r *rig) {
		ctx := r.Context()
		closed := control(r.A, "exception", "c")
		closed.Open = false
		r.insertControls(ctx, control(r.A, "exception", "b"), control(r.A, "exception", "Z"), control(r.A, "erasure", "a"), closed,
			control(r.B, "exception", "0"))
		rows, err := r.s.OpenControls(ctx, r.A, "exception")
		r.OK(err, "open controls")
		r.Same(rows, []retention.ControlRow{control(r.A, "exception", "Z"), control(r.A, "exception", "b")}, "open controls")
	}},
	{Name: "control rows of a kind are listed behind an id, closed ones too", Run: func(r *rig) {
		ctx := r.Context()
		closed := control(r.A, "exception", "b")
		closed.Open = false
		r.insertControls(ctx, control(r.A, "exception", "a"), closed, control(r.A, "exception", "c"), control(r.A, "exception", "d"),
			control(r.A, "seal", "e"), control(r.B, "exception", "f"))
		for _, page := range []struct {
			after string
			limit int
			want  []string
		}{{"", 2, []string{"a", "b"}}, {"a", 2, []string{"b", "c"}}, {"c", 5, []string{"d"}}, {"d", 5, nil}} {
			rows, err := r.s.Controls(ctx, retention.ControlKey{Tenant: r.A, Kind: "exception", ID: page.after}, page.limit)
			r.OK(err, "controls")
			r.Same(controlIDs(rows), page.want, "behind "+page.after)
		}
	}},
	{Name: "due control rows come by their instant, the most urgent first", Run: func(r *rig) {
		ctx := r.Context()
		kind := "kind-" + string(r.A) // nobody else's
		at := func(t troth.Tenant, id string, due int64) retention.ControlRow {
			row := control(t, kind, id)
			row.DueAt = due
			row.Open = id != "closed"
			return row
		}
		r.insertControls(ctx, at(r.A, "now", instant), at(r.B, "closed", instant-5), at(r.A, "later", instant+1), at(r.A, "never", 0),
			at(r.B, "old", instant-9), control(r.A, "exception", "x"))
		for limit, want := range map[int][]string{1: {"old"}, 9: {"old", "closed", "now"}} {
			rows, err := r.s.DueControls(ctx, kind, instant, limit)
			r.OK(err, "due controls")
			r.Same(controlIDs(rows), want, "due")
		}
	}},
	{Name: "holds to review are told of once for each date", Run: func(r *rig) {
		ctx := r.Context()
		at := func(t troth.Tenant, id string, review, told int64) retention.HoldRow {
			row := hold(t, id)
			row.ReviewAt, row.ToldAt = review, told
			return row
		}
		released := at(r.A, "released", instant-9, 0)
		released.ReleasedAt = instant
		for _, row := range []retention.HoldRow{
			at(r.A, "now", instant, instant-1), at(r.A, "told", instant-3, instant-3), at(r.A, "later", instant+1, 0),
			at(r.B, "old", instant-2, 0), released,
		} {
			_, err := r.s.InsertHold(ctx, row)
			r.OK(err, "insert hold")
		}
		rows, err := r.s.HoldsToReview(ctx, instant, 1_000_000)
		r.OK(err, "holds to review")
		var mine []string
		for _, row := range rows {
			if row.Tenant == r.A || row.Tenant == r.B {
				mine = append(mine, row.ID)
			}
		}
		r.Same(mine, []string{"old", "now"}, "holds")
		one, err := r.s.HoldsToReview(ctx, instant, 1)
		r.OK(err, "holds to review")
		r.Same(len(one), 1, "at most")
	}},
}
