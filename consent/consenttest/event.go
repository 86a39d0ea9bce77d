package consenttest

import (
	"fmt"

	"github.com/trothdev/troth/consent"
)

var eventChecks = []check{
	{name: "an event comes back exactly, and its id is taken", run: func(r *rig) {
		ctx := r.Context()
		row := said(r.a, "42", "e1", "p", instant)
		bare := said(r.a, "42", "e2", "p", instant)
		bare.Proof, bare.Content = nil, nil
		for _, e := range []consent.EventRow{row, bare} {
			inserted, err := r.s.InsertEvent(ctx, e)
			r.wants(true, inserted, err, "insert event")
			got, found, err := r.s.Event(ctx, r.a, e.ID)
			r.wants(true, found, err, "event")
			r.same(got, e, "event")
			if (got.Proof == nil) != (e.Proof == nil) || (got.Content == nil) != (e.Content == nil) {
				r.Fatalf("evidence that is not there came back as empty")
			}
		}
		inserted, err := r.s.InsertEvent(ctx, said(r.a, "43", "e1", "q", instant+1))
		r.wants(false, inserted, err, "insert another under the id")
		got, _, err := r.s.Event(ctx, r.a, "e1")
		r.ok(err, "event")
		r.same(got, row, "event")
		others, err := r.s.Events(ctx, r.a, "43", "")
		r.ok(err, "events")
		r.same(len(others), 0, "events of who inserted nothing")
	}},
	{name: "events come by when they were recorded, then by id, of one purpose or of all", run: func(r *rig) {
		ctx := r.Context()
		for i, e := range []consent.EventRow{
			said(r.a, "42", "b", "p", instant+1), said(r.a, "42", "c", "q", instant), said(r.a, "42", "a", "p", instant+1),
			said(r.a, "42", "z", "p", instant-1), said(r.a, "43", "y", "p", instant),
		} {
			_, err := r.s.InsertEvent(ctx, e)
			r.ok(err, fmt.Sprint("insert ", i))
		}
		ids := func(p string) (s string) {
			rows, err := r.s.Events(ctx, r.a, "42", purpose(p))
			r.ok(err, "events")
			for _, e := range rows {
				s += e.ID
			}
			return s
		}
		r.same(ids(""), "zcab", "all")
		r.same(ids("p"), "zab", "about p")
	}},
	{name: "many events come back, each once", run: func(r *rig) {
		const many = 700
		for i := range many {
			_, err := r.s.InsertEvent(r.Context(), said(r.a, "42", fmt.Sprintf("e%04d", i), "p", instant+int64(i/7)))
			r.ok(err, "insert")
		}
		rows, err := r.s.Events(r.Context(), r.a, "42", "p")
		r.ok(err, "events")
		r.same(len(rows), many, "events")
		for i, e := range rows {
			r.same(e.ID, fmt.Sprintf("e%04d", i), "order")
		}
	}},
	{name: "events are deleted by id, and only the person's own, with their deliveries", run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		r.ok(r.s.DeleteEvents(ctx, r.a, "42", []string{"e1", "e9", "nothing"}), "delete events")
		_, found, err := r.s.Event(ctx, r.a, "e1")
		r.wants(false, found, err, "deleted")
		_, found, err = r.s.Event(ctx, r.a, "e9")
		r.wants(true, found, err, "another person's")
		d, err := r.s.Deliveries(ctx, r.a, "e1")
		r.ok(err, "deliveries")
		r.same(len(d), 0, "deliveries")
	}},
	{name: "a delivery is noted once and acknowledged once", run: func(r *rig) {
		ctx := r.Context()
		for _, name := range []string{"z", "a"} {
			inserted, err := r.s.InsertDelivery(ctx, consent.DeliveryRow{Tenant: r.a, EventID: "e", Processor: name, At: instant})
			r.wants(true, inserted, err, "insert")
		}
		inserted, err := r.s.InsertDelivery(ctx, consent.DeliveryRow{Tenant: r.a, EventID: "e", Processor: "z", At: instant + 5})
		r.wants(false, inserted, err, "insert again")
		acked, err := r.s.Acknowledge(ctx, r.a, "e", "z", instant+1)
		r.wants(true, acked, err, "acknowledge")
		acked, err = r.s.Acknowledge(ctx, r.a, "e", "z", instant+2)
		r.wants(false, acked, err, "acknowledge again")
		acked, err = r.s.Acknowledge(ctx, r.a, "e", "nobody", instant+2)
		r.wants(false, acked, err, "acknowledge what is not there")
		got, err := r.s.Deliveries(ctx, r.a, "e")
		r.ok(err, "deliveries")
		r.same(got, []consent.DeliveryRow{
			{Tenant: r.a, EventID: "e", Processor: "a", At: instant},
			{Tenant: r.a, EventID: "e", Processor: "z", At: instant, AckedAt: instant + 1},
		}, "deliveries")
	}},
}
