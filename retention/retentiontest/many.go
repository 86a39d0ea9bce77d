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
	{name: "an event comes back exactly, and is inserted once", run: func(r *rig) {
		ctx := r.Context()
		row := event(r.a, "1")
		for _, want := range []bool{true, false} {
			inserted, err := r.s.InsertEvent(ctx, row)
			r.ok(err, "insert event")
			r.same(inserted, want, "inserted")
			row.Handle = "other"
		}
		rows, err := r.s.EventsOf(ctx, r.a, []retention.Many{row.Many})
		r.ok(err, "events")
		r.same(rows, []retention.EventRow{event(r.a, "1")}, "events")
	}},
	{name: "an event that is put replaces all of it, if it is there", run: func(r *rig) {
		ctx := r.Context()
		row := event(r.a, "1")
		r.fails(r.s.PutEvent(ctx, row), "put what is not there")
		_, err := r.s.InsertEvent(ctx, row)
		r.ok(err, "insert event")
		next := retention.EventRow{EventKey: row.EventKey, Handle: "n", DoneAt: instant}
		r.ok(r.s.PutEvent(ctx, next), "put")
		r.ok(r.tx.Atomically(ctx, func(ctx context.Context) error {
			got, found, err := r.s.LockEvent(ctx, row.EventKey)
			r.ok(err, "lock event")
			r.same(found, true, "found")
			r.same(got, next, "event")
			return nil
		}), "atomically")
		_, _, err = r.s.LockEvent(ctx, row.EventKey)
		r.fails(err, "lock without a transaction")
	}},
	{name: "events of several are found by what they are about, in the order of their instants", run: func(r *rig) {
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
			row := event(r.a, "")
			row.Many, row.Event, row.At = retention.Many{Scope: e.scope, ID: e.id}, e.event, e.at
			_, err := r.s.InsertEvent(ctx, row)
			r.ok(err, "insert event")
			of = append(of, row.Many)
		}
		rows, err := r.s.EventsOf(ctx, r.a, of[:4])
		r.ok(err, "events")
		var names []string
		for _, row := range rows {
			names = append(names, row.Event)
		}
		r.same(names, []string{"first", "a", "b", "late"}, "events")
		rows, err = r.s.EventsOf(ctx, r.a, nil)
		r.ok(err, "events of nothing")
		r.same(len(rows), 0, "events of nothing")
	}},
	{name: "events are deleted by what they are about", run: func(r *rig) {
		ctx := r.Context()
		subject := event(r.a, "1")
		later := subject
		later.At++
		account := subject
		account.Scope = retention.OfAccount
		for _, row := range []retention.EventRow{subject, later, account, event(r.a, "2"), event(r.b, "1")} {
			_, err := r.s.InsertEvent(ctx, row)
			r.ok(err, "insert event")
		}
		for _, want := range []int{2, 0} {
			n, err := r.s.DeleteEvents(ctx, r.a, subject.Many)
			r.ok(err, "delete events")
			r.same(n, want, "events deleted")
		}
		rows, err := r.s.EventsOf(ctx, r.a, []retention.Many{subject.Many, account.Many, event(r.a, "2").Many})
		r.ok(err, "events")
		r.same(len(rows), 2, "events left")
		rows, err = r.s.EventsOf(ctx, r.b, []retention.Many{subject.Many})
		r.ok(err, "events")
		r.same(rows, []retention.EventRow{event(r.b, "1")}, "another tenant's")
	}},
	{name: "records are found by what they belong to, in order behind a key", run: func(r *rig) {
		ctx := r.Context()
		own := func(id string, change func(row *retention.RecordRow)) {
			row := record(r.a, id)
			row.AccountID, row.SubjectID, row.Purpose = "", "", ""
			change(&row)
			r.insert(ctx, row)
		}
		own("b", func(row *retention.RecordRow) { row.AccountID = "x" })
		own("a", func(row *retention.RecordRow) { row.AccountID, row.SubjectID = "x", "y" })
		own("c", func(row *retention.RecordRow) { row.Purpose = "x" })
		own("d", func(row *retention.RecordRow) { row.Type, row.AccountID = "avatar", "x" })
		r.insert(ctx, record(r.b, "a"))
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
			after := retention.RecordKey{Tenant: r.a}
			if c.after != "" {
				after = record(r.a, c.after).RecordKey
			}
			rows, err := r.s.RecordsOf(ctx, after, c.of, c.limit)
			var places []retention.Place
			for _, row := range rows {
				places = append(places, retention.Place{RecordKey: row.RecordKey})
			}
			r.found(places, err, c.want)
		}
		rows, err := r.s.RecordsOf(ctx, retention.RecordKey{Tenant: r.b}, retention.Many{Scope: retention.OfAccount, ID: "a-a"}, 9)
		r.ok(err, "records")
		r.same(rows, []retention.RecordRow{record(r.b, "a")}, "records")
	}},
	{name: "open events are those that are not done, the first reported first", run: func(r *rig) {
		ctx := r.Context()
		for id, at := range map[string]int64{"2": -2, "1": -3, "done": -4} {
			row := event(r.a, id)
			if row.ReportedAt = at; id == "done" {
				row.DoneAt = instant
			}
			_, err := r.s.InsertEvent(ctx, row)
			r.ok(err, "insert event")
		}
		rows, err := r.s.OpenEvents(ctx, 2)
		r.ok(err, "open events")
		r.same([]string{rows[0].ID, rows[1].ID}, []string{"1", "2"}, "open events")
		rows, err = r.s.OpenEvents(ctx, 1)
		r.ok(err, "open events")
		r.same(len(rows), 1, "at most limit")
	}},
	{name: "what is written before a horizon is made is settled when its transaction has ended", run: func(r *rig) {
		ctx := r.Context()
		var horizon int64
		mark := func(ctx context.Context) (err error) { horizon, err = r.s.Horizon(ctx); return err }
		r.ok(r.tx.Atomically(ctx, mark), "horizon")
		if horizon <= 0 {
			r.Fatalf("horizon: %d", horizon)
		}
		is, err := r.s.Settled(ctx, horizon)
		r.ok(err, "settled")
		for !is && ctx.Err() == nil { // others write in the same database
			is, err = r.s.Settled(ctx, horizon)
			r.ok(err, "settled")
		}
		r.same(is, true, "settled when all have ended")
	}},
}
