package consenttest

import (
	"github.com/trothdev/troth/consent"
)

var eraseChecks = []check{
	{Name: "erased content is gone, and proof and record stay", Run: func(r *rig) {
		ctx := r.Context()
		rows := []consent.EventRow{said(r.A, "42", "e1", "p", instant), said(r.A, "42", "e2", "q", instant)}
		bare := said(r.A, "42", "e3", "p", instant)
		bare.Content = nil
		for _, e := range append(rows, bare, said(r.A, "43", "e4", "p", instant)) {
			_, err := r.s.InsertEvent(ctx, e)
			r.OK(err, "insert event")
		}
		n, err := r.s.EraseContent(ctx, r.A, "42")
		r.OK(err, "erase content")
		r.Same(n, 2, "events")
		for i := range rows {
			rows[i].Content = nil
		}
		got, err := r.s.Events(ctx, r.A, "42", "")
		r.OK(err, "events")
		r.Same(got, append(rows, bare), "events")
		other, _, err := r.s.Event(ctx, r.A, "e4")
		r.OK(err, "event")
		r.Same(other, said(r.A, "43", "e4", "p", instant), "another person's")
	}},
	{Name: "a person who is moved is found by the mark, with events and links, and without the rest", Run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.A)
		_, err := r.s.InsertLink(ctx, linkOf(r.A, "42", "43"))
		r.OK(err, "insert link")
		r.OK(r.writes(r.A)["MovePerson"](ctx), "move person")
		_, found, err := r.s.Person(ctx, r.A, "42")
		r.Wants(false, found, err, "person")
		got, found, err := r.s.ErasedPerson(ctx, r.A, hash(42))
		r.Wants(true, found, err, "erased person")
		r.Same(got, person(r.A, "~42", 42), "erased person")
		events, err := r.s.Events(ctx, r.A, "~42", "")
		r.OK(err, "events")
		r.Same(events, []consent.EventRow{said(r.A, "~42", "e1", "p", instant)}, "events")
		events, err = r.s.Events(ctx, r.A, "42", "")
		r.OK(err, "events")
		r.Same(len(events), 0, "events under the id before")
		event, found, err := r.s.Event(ctx, r.A, "e1")
		r.Wants(true, found, err, "event")
		r.Same(event.SubjectID, "~42", "event by id")
		links, err := r.s.Links(ctx, r.A, "~42")
		r.OK(err, "links")
		r.Same(links, []consent.LinkRow{linkOf(r.A, "d1", "~42")}, "links")
		link, found, err := r.s.Link(ctx, r.A, "~42")
		r.Wants(true, found, err, "link as a device")
		r.Same(link, linkOf(r.A, "~42", "43"), "link as a device")
		r.passed("42")
		r.passed("~42")
	}},
	{Name: "nobody is moved who is not there, nor to where somebody is", Run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.A)
		before := r.dump(ctx, r.A)
		for _, m := range []consent.MovePerson{{From: "nobody", To: "~x"}, {From: "42", To: "43"}} {
			m.Tenant, m.Mark, m.Record = r.A, hash(50), []byte("x")
			if r.s.MovePerson(ctx, m) == nil {
				r.Fatalf("moved from %s to %s", m.From, m.To)
			}
		}
		r.Same(r.dump(ctx, r.A), before, "rows")
	}},
	{Name: "of a person who is deleted nothing is left, and of others everything", Run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.A)
		r.OK(r.writes(r.A)["MovePerson"](ctx), "move person")
		n, err := r.s.DeletePerson(ctx, r.A, "~42")
		r.OK(err, "delete person")
		r.Same(n, 1, "events")
		_, found, err := r.s.Person(ctx, r.A, "~42")
		r.Wants(false, found, err, "person")
		_, found, err = r.s.ErasedPerson(ctx, r.A, hash(42))
		r.Wants(false, found, err, "erased person")
		_, found, err = r.s.Event(ctx, r.A, "e1")
		r.Wants(false, found, err, "event")
		d, err := r.s.Deliveries(ctx, r.A, "e1")
		r.OK(err, "deliveries")
		r.Same(len(d), 0, "deliveries")
		_, found, err = r.s.Link(ctx, r.A, "d1")
		r.Wants(false, found, err, "link")
		r.passed("~42")
		_, found, err = r.s.Person(ctx, r.A, "43")
		r.Wants(true, found, err, "another person")
		_, found, err = r.s.Event(ctx, r.A, "e9")
		r.Wants(true, found, err, "another person's event")
		n, err = r.s.DeletePerson(ctx, r.A, "~42")
		r.OK(err, "delete person again")
		r.Same(n, 0, "events")
	}},
}

// passed demands that a person has no states, requests and nothing due.
func (r *rig) passed(id string) {
	r.Helper()
	ctx := r.Context()
	states, err := r.s.States(ctx, r.A, id)
	r.OK(err, "states")
	r.Same(len(states), 0, "states")
	requests, err := r.s.Requests(ctx, r.A, id)
	r.OK(err, "requests")
	r.Same(len(requests), 0, "requests")
	_, found, err := r.s.RequestByToken(ctx, r.A, hash(6))
	r.Wants(false, found, err, "request by token")
	due, err := r.s.Due(ctx, instant+1, 1000)
	r.OK(err, "due")
	for _, d := range due {
		if d.Tenant == r.A && d.SubjectID == id {
			r.Fatalf("due: %+v", d)
		}
	}
}
