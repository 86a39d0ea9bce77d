package retentiontest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// event is a row in which every column says something of its own.
func event(t troth.Tenant, id string) retention.EventRow {
	return retention.EventRow{
		EventKey: retention.EventKey{
			Tenant: t, Many: retention.Many{Scope: retention.OfSubject, ID: id}, Event: "opted-out", At: instant,
		},
		Handle: "h-" + id, ReportedAt: instant + 1, Horizon: instant + 2, Last: true, AfterType: "file", AfterID: "f",
		Reached: 4_000_000_000,
	}
}

var manyChecks = []check{
	{Name: "an event comes back exactly, and is inserted once", Run: func(r *rig) {
		ctx := r.Context()
		row := event(r.A, "1")
		for _, want := range []bool{true, false} {
			inserted, err := r.s.InsertEvent(ctx, row)
			r.OK(err, "insert event")
			r.Same(inserted, want, "inserted")
			row.Handle = "other"
		}
		rows, err := r.s.EventsOf(ctx, r.A, []retention.Many{row.Many})
		r.OK(err, "events")
		r.Same(rows, []retention.EventRow{event(r.A, "1")}, "events")
	}},
	{Name: "an event that is put replaces all of it, if it is there", Run: func(r *rig) {
		ctx := r.Context()
		row := event(r.A, "1")
		r.Fails(r.s.PutEvent(ctx, row), "put what is not there")
		_, err := r.s.InsertEvent(ctx, row)
		r.OK(err, "insert event")
		next := retention.EventRow{EventKey: row.EventKey, Handle: "n", DoneAt: instant}
		r.OK(r.s.PutEvent(ctx, next), "put")
		r.OK(r.TX.Atomically(ctx, func(ctx context.Context) error {
			got, found, err := r.s.LockEvent(ctx, row.EventKey)
			r.OK(err, "lock event")
			r.Same(found, true, "found")
			r.Same(got, next, "event")
			return nil
		}), "atomically")
		_, _, err = r.s.LockEvent(ctx, row.EventKey)
		r.Fails(err, "lock without a transaction")
	}},
	{Name: "events of several are found by what they are about, in the order of their instants", Run: func(r *rig) {
		ctx := r.Context()
		var of []retention.Many
		for _, e := range []struct {
			scope retention.Scope
			id    string
			event string
			at    int64
		}{
			{retention.OfSubject, `p"\`, "late", 3},
			{retention.OfAccount, "", "b", 2},
			{retention.OfAccount, "a", "a", 2},
			{retention.OfPurpose, "u", "first", -1},
			{retention.OfPurpose, "other", "not asked for", 0},
			{retention.OfSubject, "u", "neither", 0},
		} {
			row := event(r.A, "")
			row.Many, row.Event, row.At = retention.Many{Scope: e.scope, ID: e.id}, e.event, e.at
			_, err := r.s.InsertEvent(ctx, row)
			r.OK(err, "insert event")
			of = append(of, row.Many)
		}
		rows, err := r.s.EventsOf(ctx, r.A, of[:4])
		r.OK(err, "events")
		var names []string
		for _, row := range rows {
			names = append(names, row.Event)
		}
		r.Same(names, []string{"first", "a", "b", "late"}, "events")
		rows, err = r.s.EventsOf(ctx, r.A, nil)
		r.OK(err, "events of nothing")
		r.Same(len(rows), 0, "events of nothing")
	}},
	{Name: "events are deleted by what they are about", Run: func(r *rig) {
		ctx := r.Context()
		subject := event(r.A, "1")
		later := subject
		later.At++
		account := subject
		account.Scope = retention.OfAccount
		for _, row := range []retention.EventRow{subject, later, account, event(r.A, "2"), event(r.B, "1")} {
			_, err := r.s.InsertEvent(ctx, row)
			r.OK(err, "insert event")
		}
		for _, want := range []int{2, 0} {
			n, err := r.s.DeleteEvents(ctx, r.A, subject.Many)
			r.OK(err, "delete events")
			r.Same(n, want, "events deleted")
		}
		rows, err := r.s.EventsOf(ctx, r.A, []retention.Many{subject.Many, account.Many, event(r.A, "2").Many})
		r.OK(err, "events")
		r.Same(len(rows), 2, "events left")
		rows, err = r.s.EventsOf(ctx, r.B, []retention.Many{subject.Many})
		r.OK(err, "events")
		r.Same(rows, []retention.EventRow{event(r.B, "1")}, "another tenant's")
	}},
	{Name: "records are found by what they belong to, in order behind a key", Run: func(r *rig) {
		ctx := r.Context()
		own := func(id string, change func(row *retention.RecordRow)) {
			row := record(r.A, id)
			row.AccountID, row.SubjectID, row.Purpose = "", "", ""
			change(&row)
			r.insert(ctx, row)
		}
		own("b", func(row *retention.RecordRow) { row.AccountID = "x" })
		own("a", func(row *retention.RecordRow) { row.AccountID, row.SubjectID = "x", "y" })
		own("c", func(row *retention.RecordRow) { row.Purpose = "x" })
		own("d", func(row *retention.RecordRow) { row.Type, row.AccountID = "avatar", "x" })
		r.insert(ctx, record(r.B, "a"))
		for _, c := range []struct {
			of    retention.Many
			after string
			limit int
			want  string
		}{
			{retention.Many{Scope: retention.OfAccount}, "", 9, "d a b c"},
			{retention.Many{Scope: retention.OfAccount}, "a", 1, "b"},
			{retention.Many{Scope: retention.OfAccount, ID: "x"}, "", 9, "d a b"},
			{retention.Many{Scope: retention.OfAccount, ID: "x"}, "a", 9, "b"},
			{retention.Many{Scope: retention.OfAccount, ID: "x"}, "", 1, "d"},
			{retention.Many{Scope: retention.OfSubject, ID: "y"}, "", 9, "a"},
			{retention.Many{Scope: retention.OfSubject}, "", 9, ""},
			{retention.Many{Scope: retention.OfPurpose, ID: "x"}, "", 9, "c"},
			{retention.Many{Scope: retention.OfPurpose}, "", 9, ""},
			{retention.Many{Scope: retention.OfRecord, ID: "x"}, "", 9, ""},
		} {
			after := retention.RecordKey{Tenant: r.A}
			if c.after != "" {
				after = record(r.A, c.after).RecordKey
			}
			rows, err := r.s.RecordsOf(ctx, after, c.of, c.limit)
			var places []retention.Place
			for _, row := range rows {
				places = append(places, retention.Place{RecordKey: row.RecordKey})
			}
			r.found(places, err, c.want)
		}
		rows, err := r.s.RecordsOf(ctx, retention.RecordKey{Tenant: r.B}, retention.Many{Scope: retention.OfAccount, ID: "a-a"}, 9)
		r.OK(err, "records")
		r.Same(rows, []retention.RecordRow{record(r.B, "a")}, "records")
	}},
	{Name: "open events are those that are not done, the first reported first", Run: func(r *rig) {
		ctx := r.Context()
		for id, at := range map[string]int64{"2": -2, "1": -3, "done": -4} {
			row := event(r.A, id)
			if row.ReportedAt = at; id == "done" {
				row.DoneAt = instant
			}
			_, err := r.s.InsertEvent(ctx, row)
			r.OK(err, "insert event")
		}
		rows, err := r.s.OpenEvents(ctx, 2)
		r.OK(err, "open events")
		r.Same([]string{rows[0].ID, rows[1].ID}, []string{"1", "2"}, "open events")
		rows, err = r.s.OpenEvents(ctx, 1)
		r.OK(err, "open events")
		r.Same(len(rows), 1, "at most limit")
	}},
	{Name: "what is written before a horizon is made is settled when its transaction has ended", Run: func(r *rig) {
		ctx := r.Context()
		var horizon int64
		mark := func(ctx context.Context) (err error) { horizon, err = r.s.Horizon(ctx); return err }
		r.OK(r.TX.Atomically(ctx, mark), "horizon")
		if horizon <= 0 {
			r.Fatalf("horizon: %d", horizon)
		}
		is, err := r.s.Settled(ctx, horizon)
		r.OK(err, "settled")
		for !is && ctx.Err() == nil { // others write in the same database
			is, err = r.s.Settled(ctx, horizon)
			r.OK(err, "settled")
		}
		r.Same(is, true, "settled when all have ended")
	}},
}
