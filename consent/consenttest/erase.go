package consenttest

import (
	"github.com/trothdev/troth/consent"
)

var eraseChecks = []check{
	{name: "erased content is gone, and proof and record stay", run: func(r *rig) {
		ctx := r.Context()
		rows := []consent.EventRow{said(r.a, "42", "e1", "p", instant), said(r.a, "42", "e2", "q", instant)}
		bare := said(r.a, "42", "e3", "p", instant)
		bare.Content = nil
		for _, e := range append(rows, bare, said(r.a, "43", "e4", "p", instant)) {
			_, err := r.s.InsertEvent(ctx, e)
			r.ok(err, "insert event")
		}
		n, err := r.s.EraseContent(ctx, r.a, "42")
		r.ok(err, "erase content")
		r.same(n, 2, "events")
		for i := range rows {
			rows[i].Content = nil
		}
		got, err := r.s.Events(ctx, r.a, "42", "")
		r.ok(err, "events")
		r.same(got, append(rows, bare), "events")
		other, _, err := r.s.Event(ctx, r.a, "e4")
		r.ok(err, "event")
		r.same(other, said(r.a, "43", "e4", "p", instant), "another person's")
	}},
	{name: "a person who is moved is found by the mark, with events and links, and without the rest", run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		_, err := r.s.InsertLink(ctx, linkOf(r.a, "42", "43"))
		r.ok(err, "insert link")
		r.ok(r.writes(r.a)["MovePerson"](ctx), "move person")
		_, found, err := r.s.Person(ctx, r.a, "42")
		r.wants(false, found, err, "person")
		got, found, err := r.s.ErasedPerson(ctx, r.a, hash(42))
		r.wants(true, found, err, "erased person")
		r.same(got, person(r.a, "~42", 42), "erased person")
		events, err := r.s.Events(ctx, r.a, "~42", "")
		r.ok(err, "events")
		r.same(events, []consent.EventRow{said(r.a, "~42", "e1", "p", instant)}, "events")
		events, err = r.s.Events(ctx, r.a, "42", "")
		r.ok(err, "events")
		r.same(len(events), 0, "events under the id before")
		event, found, err := r.s.Event(ctx, r.a, "e1")
		r.wants(true, found, err, "event")
		r.same(event.SubjectID, "~42", "event by id")
		links, err := r.s.Links(ctx, r.a, "~42")
		r.ok(err, "links")
		r.same(links, []consent.LinkRow{linkOf(r.a, "d1", "~42")}, "links")
		link, found, err := r.s.Link(ctx, r.a, "~42")
		r.wants(true, found, err, "link as a device")
		r.same(link, linkOf(r.a, "~42", "43"), "link as a device")
		r.passed("42")
		r.passed("~42")
	}},
	{name: "nobody is moved who is not there, nor to where somebody is", run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		before := r.dump(ctx, r.a)
		for _, m := range []consent.MovePerson{{From: "nobody", To: "~x"}, {From: "42", To: "43"}} {
			m.Tenant, m.Mark, m.Record = r.a, hash(50), []byte("x")
			if r.s.MovePerson(ctx, m) == nil {
				r.Fatalf("moved from %s to %s", m.From, m.To)
			}
		}
		r.same(r.dump(ctx, r.a), before, "rows")
	}},
	{name: "of a person who is deleted nothing is left, and of others everything", run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		r.ok(r.writes(r.a)["MovePerson"](ctx), "move person")
		n, err := r.s.DeletePerson(ctx, r.a, "~42")
		r.ok(err, "delete person")
		r.same(n, 1, "events")
		_, found, err := r.s.Person(ctx, r.a, "~42")
		r.wants(false, found, err, "person")
		_, found, err = r.s.ErasedPerson(ctx, r.a, hash(42))
		r.wants(false, found, err, "erased person")
		_, found, err = r.s.Event(ctx, r.a, "e1")
		r.wants(false, found, err, "event")
		d, err := r.s.Deliveries(ctx, r.a, "e1")
		r.ok(err, "deliveries")
		r.same(len(d), 0, "deliveries")
		_, found, err = r.s.Link(ctx, r.a, "d1")
		r.wants(false, found, err, "link")
		r.passed("~42")
		_, found, err = r.s.Person(ctx, r.a, "43")
		r.wants(true, found, err, "another person")
		_, found, err = r.s.Event(ctx, r.a, "e9")
		r.wants(true, found, err, "another person's event")
		n, err = r.s.DeletePerson(ctx, r.a, "~42")
		r.ok(err, "delete person again")
		r.same(n, 0, "events")
	}},
}

// passed demands that a person has no states, requests and nothing due.
func (r *rig) passed(id string) {
	r.Helper()
	ctx := r.Context()
	states, err := r.s.States(ctx, r.a, id)
	r.ok(err, "states")
	r.same(len(states), 0, "states")
	requests, err := r.s.Requests(ctx, r.a, id)
	r.ok(err, "requests")
	r.same(len(requests), 0, "requests")
	_, found, err := r.s.RequestByToken(ctx, r.a, hash(6))
	r.wants(false, found, err, "request by token")
	due, err := r.s.Due(ctx, instant+1, 1000)
	r.ok(err, "due")
	for _, d := range due {
		if d.Tenant == r.a && d.SubjectID == id {
			r.Fatalf("due: %+v", d)
		}
	}
}
