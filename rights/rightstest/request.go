package rightstest

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

var requestChecks = []check{
	{Name: "a request comes back exactly, and is inserted once", Run: func(r *rig) {
		ctx := r.Context()
		row := request(r.A, "1")
		r.insertRequests(ctx, row)
		inserted, err := r.s.InsertRequest(ctx, changed(row, func(row *rights.RequestRow) { row.Owner = "other" }))
		r.OK(err, "insert request")
		r.Same(inserted, false, "inserted again")
		got, found, err := r.s.Request(ctx, r.A, "1")
		r.OK(err, "request")
		r.Same(found, true, "found")
		r.Same(got, row, "request")
		_, found, err = r.s.Request(ctx, r.A, "2")
		r.OK(err, "request")
		r.Same(found, false, "found another")
	}},
	{Name: "a request that is put replaces all of it, if it is there", Run: func(r *rig) {
		ctx := r.Context()
		r.Fails(r.s.PutRequest(ctx, request(r.A, "1")), "put what is not there")
		r.insertRequests(ctx, request(r.A, "1"))
		next := rights.RequestRow{
			Tenant: r.A, ID: "1", State: rights.StateRefused, Right: rights.Know, DueAt: rights.Parked, ReceivedAt: 7, Record: []byte{1},
		}
		r.OK(r.s.PutRequest(ctx, next), "put")
		r.OK(r.TX.Atomically(ctx, func(ctx context.Context) error {
			got, found, err := r.s.LockRequest(ctx, r.A, "1")
			r.OK(err, "lock request")
			r.Same(found, true, "found")
			r.Same(got, next, "request")
			return nil
		}), "atomically")
	}},
	{Name: "a request that is put replaces whatever changed", Run: func(r *rig) {
		ctx := r.Context()
		row := request(r.A, "1")
		r.insertRequests(ctx, row, request(r.A, "2"))
		for what, change := range map[string]func(){
			"record": func() { row.Record = []byte{2} }, "state": func() { row.State = rights.StateRefused },
			"subject": func() { row.SubjectID += "x" }, "right": func() { row.Right = rights.Know }, "owner": func() { row.Owner += "x" },
			"due": func() { row.DueAt++ }, "open": func() { row.Open = !row.Open }, "received": func() { row.ReceivedAt++ },
		} {
			change()
			r.OK(r.s.PutRequest(ctx, row), what)
			got, _, err := r.s.Request(ctx, r.A, "1")
			r.OK(err, what)
			r.Same(got, row, what)
		}
		got, _, err := r.s.Request(ctx, r.A, "2")
		r.OK(err, "request")
		r.Same(got, request(r.A, "2"), "its neighbour")
	}},
	{Name: "a lock needs a transaction", Run: func(r *rig) {
		ctx := r.Context()
		r.insertRequests(ctx, request(r.A, "1"))
		_, _, err := r.s.LockRequest(ctx, r.A, "1")
		r.Fails(err, "lock a request")
		r.OK(r.TX.Atomically(ctx, func(ctx context.Context) error {
			_, found, err := r.s.LockRequest(ctx, r.A, "2")
			r.Same(found, false, "found")
			return err
		}), "lock what is not there")
		_, err = r.s.LockRequestAs(ctx, r.A, "1", request(r.A, "1").Record)
		r.Fails(err, "lock a request of which is known what it was")
	}},
	{Name: "who locks a request as it was learns whether it is", Run: func(r *rig) {
		ctx := r.Context()
		row := request(r.A, "1")
		longer := append(slices.Clone(row.Record), 0)
		r.insertRequests(ctx, row, request(r.B, "1"))
		other := changed(request(r.A, "2"), func(row *rights.RequestRow) { row.Record = longer })
		r.insertRequests(ctx, other)
		as := func(t troth.Tenant, id string, record []byte, want bool, what string) {
			r.OK(r.TX.Atomically(ctx, func(ctx context.Context) error {
				same, err := r.s.LockRequestAs(ctx, t, id, record)
				r.Same(same, want, what)
				return err
			}), what)
		}
		as(r.A, "1", row.Record, true, "as it is")
		as(r.A, "2", longer, true, "another as it is")
		as(r.A, "1", longer, false, "as another is")
		as(r.A, "1", row.Record[:1], false, "as a part of it")
		as(r.A, "1", nil, false, "as nothing")
		as(r.A, "3", row.Record, false, "none")
		row.Record = longer
		r.OK(r.s.PutRequest(ctx, row), "put")
		as(r.A, "1", request(r.A, "1").Record, false, "as it was")
		as(r.B, "1", longer, false, "as another tenant's is")
	}},
	{Name: "a request that is deleted is gone, with all that is its own", Run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.A)
		deleted, err := r.s.DeleteRequest(ctx, r.A, "1")
		r.OK(err, "delete request")
		r.Same(deleted, true, "deleted")
		_, found, err := r.s.Request(ctx, r.A, "1")
		r.OK(err, "request")
		r.Same(found, false, "found")
		events, err := r.s.Events(ctx, r.A, "1")
		r.OK(err, "events")
		r.Same(len(events), 0, "events")
		for owner, want := range map[string]int{"1": 0, "3": 1, "~other": 1} {
			items, err := r.s.Items(ctx, rights.ItemQuery{Tenant: r.A, Owner: owner, Kind: r.kind, Limit: 10})
			r.OK(err, "items")
			r.Same(len(items), want, "items of "+owner)
		}
		deleted, err = r.s.DeleteRequest(ctx, r.A, "1")
		r.OK(err, "delete request again")
		r.Same(deleted, false, "deleted again")
	}},
	{Name: "the queue is ordered by what is due and id, and cut into pages", Run: func(r *rig) {
		ctx := r.Context()
		due := func(id string, at int64) rights.RequestRow {
			return changed(request(r.A, id), func(row *rights.RequestRow) { row.DueAt = at })
		}
		r.insertRequests(ctx, due("c", 5), due("b", 7), due("Z", 7), due("a", rights.Parked), due("d", 1))
		l := rights.Listing{Tenant: r.A, Limit: 2}
		for _, want := range []string{"d c", "Z b", "a", ""} {
			rows, err := r.s.Requests(ctx, l)
			r.OK(err, "requests")
			r.Same(ids(rows), want, "page")
			if len(rows) > 0 {
				last := rows[len(rows)-1]
				l.After = rights.Cursor{DueAt: last.DueAt, ID: last.ID}
			}
			if l.After == (rights.Cursor{DueAt: 5, ID: "c"}) {
				r.Same(rows[1], due("c", 5), "row")
			}
		}
		rows, err := r.s.Requests(ctx, rights.Listing{Tenant: r.A})
		r.OK(err, "requests")
		r.Same(ids(rows), "", "no page")
	}},
	{Name: "the queue is narrowed by each of what narrows it", Run: func(r *rig) {
		ctx := r.Context()
		r.insertRequests(
			ctx, request(r.A, "1"),
			changed(request(r.A, "2"), func(row *rights.RequestRow) { row.State = rights.StateAccepted }),
			changed(request(r.A, "3"), func(row *rights.RequestRow) { row.Owner = "" }),
			changed(request(r.A, "4"), func(row *rights.RequestRow) { row.Right = rights.Know }),
			changed(request(r.A, "5"), func(row *rights.RequestRow) { row.Open = false }),
		)
		for _, c := range []struct {
			l    rights.Listing
			want string
		}{
			{rights.Listing{}, "1 2 3 4"},
			{rights.Listing{State: rights.StateVerifying}, "1 3 4"},
			{rights.Listing{Owner: "dpo"}, "1 2 4"},
			{rights.Listing{Right: rights.Erase}, "1 2 3"},
			{rights.Listing{State: rights.StateVerifying, Owner: "dpo"}, "1 4"},
			{rights.Listing{State: rights.StateVerifying, Right: rights.Erase}, "1 3"},
			{rights.Listing{Owner: "dpo", Right: rights.Erase}, "1 2"},
			{rights.Listing{State: rights.StateVerifying, Owner: "dpo", Right: rights.Erase}, "1"},
			{rights.Listing{Closed: true}, "5"},
		} {
			c.l.Tenant, c.l.Limit = r.A, 100
			rows, err := r.s.Requests(ctx, c.l)
			r.OK(err, "requests")
			c.l.Tenant = ""
			if got := ids(rows); got != c.want {
				r.Fatalf("%+v: got %q, want %q", c.l, got, c.want)
			}
		}
	}},
	{Name: "a person's requests come oldest first, and are theirs", Run: func(r *rig) {
		ctx := r.Context()
		at := func(id, subject string, received int64) rights.RequestRow {
			return changed(request(r.A, id), func(row *rights.RequestRow) {
				row.SubjectID, row.ReceivedAt, row.Open = subject, received, id != "c"
			})
		}
		r.insertRequests(ctx, at("b", "p", 2), at("c", "p", 1), at("a", "p", 2), at("d", "q", 1), at("e", "", 1))
		rows, err := r.s.RequestsOf(ctx, r.A, "p")
		r.OK(err, "requests of a person")
		r.Same(ids(rows), "c a b", "requests")
		r.Same(rows[0], at("c", "p", 1), "row")
	}},
	{Name: "a request is of the person it was put for last, until it is deleted", Run: func(r *rig) {
		ctx := r.Context()
		of := func(subject, want, what string) {
			rows, err := r.s.RequestsOf(ctx, r.A, subject)
			r.OK(err, what)
			r.Same(ids(rows), want, what)
		}
		row := changed(request(r.A, "1"), func(row *rights.RequestRow) { row.SubjectID = "" })
		r.insertRequests(ctx, row, changed(request(r.A, "2"), func(row *rights.RequestRow) { row.SubjectID = "p" }))
		row.SubjectID = "p"
		r.OK(r.s.PutRequest(ctx, row), "put for somebody")
		of("p", "1 2", "of whom it is now")
		row.SubjectID, row.State = "q", rights.StateAccepted
		r.OK(r.s.PutRequest(ctx, row), "put for somebody else")
		of("p", "2", "of whom it was")
		rows, err := r.s.RequestsOf(ctx, r.A, "q")
		r.OK(err, "of whom it is now")
		r.Same(rows, []rights.RequestRow{row}, "as it was put last")
		_, err = r.s.DeleteRequest(ctx, r.A, "1")
		r.OK(err, "delete")
		of("q", "", "of whom it was until it was deleted")
	}},
	{Name: "an event comes back exactly, in order, and is inserted once", Run: func(r *rig) {
		ctx := r.Context()
		for _, seq := range []uint32{4_000_000_000, 2} {
			r.insertEvents(ctx, event(r.A, "1", seq))
		}
		other := changed(event(r.A, "1", 2), func(row *rights.EventRow) { row.Record = []byte("other") })
		inserted, err := r.s.InsertEvents(ctx, []rights.EventRow{other, event(r.A, "1", 1)})
		r.OK(err, "insert events")
		r.Same(inserted, 1, "inserted again")
		inserted, err = r.s.InsertEvents(ctx, nil)
		r.OK(err, "insert no events")
		r.Same(inserted, 0, "inserted")
		r.insertEvents(ctx, event(r.A, "2", 1))
		rows, err := r.s.Events(ctx, r.A, "1")
		r.OK(err, "events")
		r.Same(rows, []rights.EventRow{event(r.A, "1", 1), event(r.A, "1", 2), event(r.A, "1", 4_000_000_000)}, "events")
	}},
	{Name: "as many events as there are", Run: func(r *rig) {
		ctx := r.Context()
		var all []rights.EventRow
		for seq := range uint32(many) {
			all = append(all, event(r.A, "1", seq+1))
		}
		r.insertEvents(ctx, all...)
		rows, err := r.s.Events(ctx, r.A, "1")
		r.OK(err, "events")
		r.Same(rows, all, "events")
	}},
}
