package consenttest

import (
	"fmt"

	"github.com/trothdev/troth/consent"
)

var eventChecks = []check{
	{Name: "an event comes back exactly, and its id is taken", Run: func(r *rig) {
		ctx := r.Context()
		row := said(r.A, "42", "e1", "p", instant)
		bare := said(r.A, "42", "e2", "p", instant)
		bare.Proof, bare.Content = nil, nil
		for _, e := range []consent.EventRow{row, bare} {
			inserted, err := r.s.InsertEvent(ctx, e)
			r.Wants(true, inserted, err, "insert event")
			got, found, err := r.s.Event(ctx, r.A, e.ID)
			r.Wants(true, found, err, "event")
			r.Same(got, e, "event")
			if (got.Proof == nil) != (e.Proof == nil) || (got.Content == nil) != (e.Content == nil) {
				r.Fatalf("evidence that is not there came back as empty")
			}
		}
		inserted, err := r.s.InsertEvent(ctx, said(r.A, "43", "e1", "q", instant+1))
		r.Wants(false, inserted, err, "insert another under the id")
		got, _, err := r.s.Event(ctx, r.A, "e1")
		r.OK(err, "event")
		r.Same(got, row, "event")
		others, err := r.s.Events(ctx, r.A, "43", "")
		r.OK(err, "events")
		r.Same(len(others), 0, "events of who inserted nothing")
	}},
	{Name: "events come by when they were recorded, then by id, of one purpose or of all", Run: func(r *rig) {
		ctx := r.Context()
		for i, e := range []consent.EventRow{
			said(r.A, "42", "b", "p", instant+1), said(r.A, "42", "c", "q", instant), said(r.A, "42", "a", "p", instant+1),
			said(r.A, "42", "z", "p", instant-1), said(r.A, "43", "y", "p", instant),
		} {
			_, err := r.s.InsertEvent(ctx, e)
			r.OK(err, fmt.Sprint("insert ", i))
		}
		ids := func(p string) (s string) {
			rows, err := r.s.Events(ctx, r.A, "42", purpose(p))
			r.OK(err, "events")
			for _, e := range rows {
				s += e.ID
			}
			return s
		}
		r.Same(ids(""), "zcab", "all")
		r.Same(ids("p"), "zab", "about p")
	}},
	{Name: "many events come back, each once", Run: func(r *rig) {
		const many = 700
		for i := range many {
			_, err := r.s.InsertEvent(r.Context(), said(r.A, "42", fmt.Sprintf("e%04d", i), "p", instant+int64(i/7)))
			r.OK(err, "insert")
		}
		rows, err := r.s.Events(r.Context(), r.A, "42", "p")
		r.OK(err, "events")
		r.Same(len(rows), many, "events")
		for i, e := range rows {
			r.Same(e.ID, fmt.Sprintf("e%04d", i), "order")
		}
	}},
	{Name: "events are deleted by id, and only the person's own, with their deliveries", Run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.A)
		r.OK(r.s.DeleteEvents(ctx, r.A, "42", []string{"e1", "e9", "nothing"}), "delete events")
		_, found, err := r.s.Event(ctx, r.A, "e1")
		r.Wants(false, found, err, "deleted")
		_, found, err = r.s.Event(ctx, r.A, "e9")
		r.Wants(true, found, err, "another person's")
		d, err := r.s.Deliveries(ctx, r.A, "e1")
		r.OK(err, "deliveries")
		r.Same(len(d), 0, "deliveries")
	}},
	{Name: "a delivery is noted once and acknowledged once", Run: func(r *rig) {
		ctx := r.Context()
		for _, name := range []string{"z", "a"} {
			inserted, err := r.s.InsertDelivery(ctx, consent.DeliveryRow{Tenant: r.A, EventID: "e", Processor: name, At: instant})
			r.Wants(true, inserted, err, "insert")
		}
		inserted, err := r.s.InsertDelivery(ctx, consent.DeliveryRow{Tenant: r.A, EventID: "e", Processor: "z", At: instant + 5})
		r.Wants(false, inserted, err, "insert again")
		acked, err := r.s.Acknowledge(ctx, r.A, "e", "z", instant+1)
		r.Wants(true, acked, err, "acknowledge")
		acked, err = r.s.Acknowledge(ctx, r.A, "e", "z", instant+2)
		r.Wants(false, acked, err, "acknowledge again")
		acked, err = r.s.Acknowledge(ctx, r.A, "e", "nobody", instant+2)
		r.Wants(false, acked, err, "acknowledge what is not there")
		got, err := r.s.Deliveries(ctx, r.A, "e")
		r.OK(err, "deliveries")
		r.Same(got, []consent.DeliveryRow{
			{Tenant: r.A, EventID: "e", Processor: "a", At: instant},
			{Tenant: r.A, EventID: "e", Processor: "z", At: instant, AckedAt: instant + 1},
		}, "deliveries")
	}},
}
