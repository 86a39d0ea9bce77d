package retentiontest

import (
	"time"

	"github.com/trothdev/troth/retention"
)

// changed is a record with one change.
func changed(row retention.RecordRow, change func(row *retention.RecordRow)) retention.RecordRow {
	change(&row)
	return row
}

var findChecks = []check{
	{Name: "a cut finds what its anchor made due, the oldest first", Run: func(r *rig) {
		ctx := r.Context()
		r.insert(ctx,
			record(r.A, "now"),
			changed(record(r.B, "old"), func(row *retention.RecordRow) { row.Since = -instant }),
			changed(record(r.A, "older"), func(row *retention.RecordRow) { row.Since = -instant - 1 }),
			changed(record(r.A, "late"), func(row *retention.RecordRow) { row.Since++ }),
			changed(record(r.A, "due"), func(row *retention.RecordRow) { row.DueAt = 1 }),
			changed(record(r.A, "class"), func(row *retention.RecordRow) { row.Class = "x" }),
			changed(record(r.A, "stage"), func(row *retention.RecordRow) { row.Stage = "x" }),
			changed(record(r.A, "cohort"), func(row *retention.RecordRow) { row.Cohort-- }),
		)
		cut := retention.Cut{Class: "content", Stage: "trashed", Cohort: 4_000_000_000, Anchor: time.UnixMicro(instant)}
		keys, err := r.s.CutRecords(ctx, cut, retention.Place{}, 9)
		r.found(keys, err, "older old now")
		r.Same(keys[1], retention.Place{At: -instant, RecordKey: record(r.B, "old").RecordKey}, "place")
		keys, err = r.s.CutRecords(ctx, cut, retention.Place{}, 2)
		r.found(keys, err, "older old")
		keys, err = r.s.CutRecords(ctx, cut, keys[1], 9)
		r.found(keys, err, "now")
	}},
	{Name: "a search goes on behind a place, also among records of one instant", Run: func(r *rig) {
		ctx := r.Context()
		for _, id := range []string{"c", "a", "d", "b"} {
			r.insert(ctx, changed(record(r.B, id), func(row *retention.RecordRow) { row.DueAt, row.Since = 7, 7 }),
				changed(record(r.A, id), func(row *retention.RecordRow) { row.Since = 0 }))
		}
		at := func(after retention.Place) retention.Place {
			after.RecordKey = record(r.B, "b").RecordKey
			return after
		}
		places, err := r.s.DueRecords(ctx, 7, at(retention.Place{At: 7}), 9)
		r.found(places, err, "c d")
		places, err = r.s.DueRecords(ctx, 7, at(retention.Place{At: 8}), 9)
		r.found(places, err, "")
		places, err = r.s.DueRecords(ctx, 7, at(retention.Place{At: 6}), 1)
		r.found(places, err, "a")
		places, err = r.s.StaleRecords(ctx, 8, at(retention.Place{At: 7}), 9)
		r.found(places, err, "c d")
		cut := retention.Cut{Class: "content", Stage: "trashed", Cohort: 4_000_000_000, Anchor: time.UnixMicro(9)}
		places, err = r.s.CutRecords(ctx, cut, retention.Place{RecordKey: record(r.A, "b").RecordKey}, 9)
		r.found(places, err, "c d")
	}},
	{Name: "what has an instant of its own is found by it, the most urgent first", Run: func(r *rig) {
		ctx := r.Context()
		r.insert(ctx, record(r.A, "anchored"))
		for id, due := range map[string]int64{"b": instant, "a": 1, "late": instant + 1, "parked": retention.Parked} {
			r.insert(ctx, changed(record(r.B, id), func(row *retention.RecordRow) { row.DueAt = due }))
		}
		keys, err := r.s.DueRecords(ctx, instant, retention.Place{}, 9)
		r.found(keys, err, "a b")
		keys, err = r.s.DueRecords(ctx, instant, retention.Place{}, 1)
		r.found(keys, err, "a")
	}},
	{Name: "what was decided by an older version is found, but for what its anchor finds", Run: func(r *rig) {
		ctx := r.Context()
		r.insert(ctx, record(r.A, "anchored"),
			changed(record(r.A, "old"), func(row *retention.RecordRow) { row.DueAt = retention.Parked }),
			changed(record(r.A, "new"), func(row *retention.RecordRow) { row.DueAt, row.Policy = 1, 8 }))
		keys, err := r.s.StaleRecords(ctx, 8, retention.Place{}, 9)
		r.found(keys, err, "old")
		keys, err = r.s.StaleRecords(ctx, 9, retention.Place{}, 1)
		r.OK(err, "stale records")
		r.Same(len(keys), 1, "at most limit")
	}},
	{Name: "failing records come by how often they failed", Run: func(r *rig) {
		ctx := r.Context()
		rows := []retention.RecordRow{
			record(r.A, "fine"),
			changed(record(r.A, "twice"), func(row *retention.RecordRow) { row.Tries = 2 }),
			changed(record(r.B, "often"), func(row *retention.RecordRow) { row.Tries = 4_000_000_000 }),
		}
		r.insert(ctx, rows...)
		got, err := r.s.FailingRecords(ctx, 9)
		r.OK(err, "failing records")
		r.Same(got, []retention.RecordRow{rows[2], rows[1]}, "failing records")
		got, err = r.s.FailingRecords(ctx, 1)
		r.OK(err, "failing records")
		r.Same(len(got), 1, "at most limit")
	}},
	{Name: "records are counted between anchors, the first of which does not count", Run: func(r *rig) {
		ctx := r.Context()
		for i, id := range []string{"1", "2", "3"} {
			r.insert(ctx, changed(record(r.A, id), func(row *retention.RecordRow) { row.Since += int64(i) }))
		}
		r.insert(ctx, changed(record(r.A, "stage"), func(row *retention.RecordRow) { row.Stage = "x" }),
			changed(record(r.A, "class"), func(row *retention.RecordRow) { row.Class = "x" }))
		at := time.UnixMicro(instant)
		for _, c := range []struct {
			from, to time.Time
			want     int64
		}{{time.Time{}, time.Time{}, 3}, {at, time.Time{}, 2}, {time.Time{}, at, 1}, {at, at.Add(time.Microsecond), 1}} {
			n, err := r.s.CountRecords(ctx, retention.Count{Class: "content", Stage: "trashed", From: c.from, To: c.to})
			r.OK(err, "count records")
			r.Same(n, c.want, "records")
		}
	}},
	{Name: "records are counted in any stage and cohort, or in one, up to a limit", Run: func(r *rig) {
		ctx := r.Context()
		r.insert(ctx, record(r.A, "1"), record(r.B, "2"),
			changed(record(r.A, "stage"), func(row *retention.RecordRow) { row.Stage = "x" }),
			changed(record(r.A, "cohort"), func(row *retention.RecordRow) { row.Cohort = 1 }),
			changed(record(r.A, "due"), func(row *retention.RecordRow) { row.DueAt = 5 }),
			changed(record(r.A, "both"), func(row *retention.RecordRow) { row.DueAt, row.Stage, row.Cohort = 5, "x", 1 }),
			changed(record(r.A, "class"), func(row *retention.RecordRow) { row.Class = "x" }))
		for _, c := range []struct {
			count retention.Count
			want  int64
		}{
			{retention.Count{}, 6},
			{retention.Count{Stage: "trashed"}, 4},
			{retention.Count{Cohort: 1}, 2},
			{retention.Count{Stage: "x", Cohort: 1}, 1},
			{retention.Count{Limit: 2}, 2},
			{retention.Count{Limit: 9}, 6},
		} {
			c.count.Class = "content"
			n, err := r.s.CountRecords(ctx, c.count)
			r.OK(err, "count records")
			if c.count.Limit != 2 { // one that stops there may have come further
				r.Same(n, c.want, "records")
			} else if n < c.want {
				r.Fatalf("records: %d, want %d at least", n, c.want)
			}
		}
	}},
	{Name: "a release wakes what is held, and nothing else", Run: func(r *rig) {
		ctx := r.Context()
		parked := changed(record(r.A, "parked"), func(row *retention.RecordRow) { row.DueAt = retention.Parked })
		held := changed(record(r.A, "held"), func(row *retention.RecordRow) { row.DueAt, row.Held = retention.Parked, true })
		staged := changed(record(r.A, "staged"), func(row *retention.RecordRow) { row.Held = true })
		r.insert(ctx, parked, held, staged)
		n, err := r.s.WakeHeld(ctx, r.A, 5)
		r.OK(err, "wake")
		r.Same(n, 2, "records woken")
		for _, want := range []retention.RecordRow{
			parked,
			changed(held, func(row *retention.RecordRow) { row.DueAt, row.Held = 5, false }),
			changed(staged, func(row *retention.RecordRow) { row.DueAt, row.Held = 5, false }),
		} {
			got, _, err := r.s.Record(ctx, want.RecordKey)
			r.OK(err, "record")
			r.Same(got, want, "record")
		}
	}},
}
