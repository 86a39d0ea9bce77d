package unsubscribetest

import (
	"context"
	"sync/atomic"

	"github.com/trothdev/troth/unsubscribe"
)

func (r *rig) insert(ctx context.Context, row unsubscribe.EventRow) bool {
	r.Helper()
	inserted, err := r.s.InsertEvent(ctx, row)
	r.ok(err, "insert event")
	return inserted
}

func (r *rig) eventsOf(ctx context.Context, who string) []unsubscribe.EventRow {
	r.Helper()
	rows, err := r.s.Events(ctx, r.a, keyOf(who))
	r.ok(err, "events")
	return rows
}

var eventChecks = []check{
	{name: "events come back exactly, by instant and id", run: func(r *rig) {
		ctx := r.Context()
		bare := unsubscribe.EventRow{Tenant: r.a, ID: "Z", Key: keyOf("42"), RecordedAt: instant, Record: []byte{0}}
		want := []unsubscribe.EventRow{
			said(r.a, "42", "b", instant-1), bare, said(r.a, "42", "a", instant), said(r.a, "42", "é", instant),
		}
		for _, i := range []int{3, 1, 0, 2} {
			r.insert(ctx, want[i])
		}
		r.insert(ctx, said(r.a, "43", "c", instant))
		r.same(r.eventsOf(ctx, "42"), want, "events")
		got, found, err := r.s.Event(ctx, r.a, "Z")
		r.ok(err, "event")
		r.same(found, true, "found")
		r.same(got, bare, "event")
	}},
	{name: "an event that is there stays as it is", run: func(r *rig) {
		ctx := r.Context()
		r.insert(ctx, said(r.a, "42", "e1", instant))
		if r.insert(ctx, said(r.a, "43", "e1", instant+1)) {
			r.Fatalf("inserted twice")
		}
		r.same(r.eventsOf(ctx, "42"), []unsubscribe.EventRow{said(r.a, "42", "e1", instant)}, "events")
		r.same(r.eventsOf(ctx, "43"), []unsubscribe.EventRow{}, "of the other")
	}},
	{name: "of those who insert one event, one does", run: func(r *rig) {
		var inserted atomic.Int32
		r.race(func(int) error {
			did, err := r.s.InsertEvent(r.Context(), said(r.a, "42", "e1", instant))
			if did {
				inserted.Add(1)
			}
			return err
		})
		if n := inserted.Load(); n != 1 {
			r.Fatalf("%d inserted", n)
		}
	}},
	{name: "the events of a person are found in order, and nobody's are none's", run: func(r *rig) {
		ctx := r.Context()
		mine := []unsubscribe.EventRow{said(r.a, "42", "e2", instant), said(r.a, "43", "e3", instant), said(r.a, "42", "e1", instant+1)}
		for i := range mine {
			mine[i].SubjectID = "c-42"
		}
		for _, row := range []unsubscribe.EventRow{mine[2], mine[1], mine[0], said(r.a, "44", "e4", instant)} {
			r.insert(ctx, row)
		}
		nobody := said(r.a, "45", "e5", instant)
		nobody.SubjectID = ""
		r.insert(ctx, nobody)
		for id, want := range map[string][]unsubscribe.EventRow{"c-42": mine, "": {}, "c-99": {}} {
			got, err := r.s.EventsOf(ctx, r.a, id)
			r.ok(err, "events of a person")
			r.same(append([]unsubscribe.EventRow{}, got...), want, "events of "+id)
		}
		r.erases(3, func(ctx context.Context) (int, error) { return r.s.EraseSubject(ctx, r.a, "c-42") })
		got, err := r.s.EventsOf(ctx, r.a, "c-42")
		r.ok(err, "events of a person")
		r.same(append([]unsubscribe.EventRow{}, got...), []unsubscribe.EventRow{}, "events of who was erased")
	}},
	{name: "erasing an event empties it and leaves the rest of it", run: func(r *rig) {
		ctx := r.Context()
		r.insert(ctx, said(r.a, "42", "e1", instant))
		r.insert(ctx, said(r.a, "42", "e3", instant+1))
		r.insert(ctx, said(r.a, "43", "e2", instant))
		r.erases(1, func(ctx context.Context) (int, error) { return r.s.EraseContent(ctx, r.a, "e1") })
		r.erases(0, func(ctx context.Context) (int, error) { return r.s.EraseContent(ctx, r.a, "e4") })
		r.erases(0, func(ctx context.Context) (int, error) { return r.s.EraseContent(ctx, r.a, "e1") })
		want := said(r.a, "42", "e1", instant)
		want.SubjectID, want.Content = "", nil
		r.same(r.eventsOf(ctx, "42"), []unsubscribe.EventRow{want, said(r.a, "42", "e3", instant+1)}, "events")
		r.same(r.eventsOf(ctx, "43"), []unsubscribe.EventRow{said(r.a, "43", "e2", instant)}, "of the other")
	}},
	{name: "erasing a person empties their events and leaves the rest of them", run: func(r *rig) {
		ctx := r.Context()
		r.insert(ctx, said(r.a, "42", "e1", instant))
		r.insert(ctx, said(r.a, "43", "e2", instant))
		nobody := said(r.a, "44", "e3", instant)
		nobody.SubjectID = ""
		r.insert(ctx, nobody)
		r.erases(1, func(ctx context.Context) (int, error) { return r.s.EraseSubject(ctx, r.a, "c-42") })
		r.erases(0, func(ctx context.Context) (int, error) { return r.s.EraseSubject(ctx, r.a, "") })
		want := said(r.a, "42", "e1", instant)
		want.SubjectID, want.Content = "", nil
		r.same(r.eventsOf(ctx, "42"), []unsubscribe.EventRow{want}, "events")
		r.same(r.eventsOf(ctx, "43"), []unsubscribe.EventRow{said(r.a, "43", "e2", instant)}, "of the other")
		r.same(r.eventsOf(ctx, "44"), []unsubscribe.EventRow{nobody}, "of nobody")
	}},
}

func (r *rig) erases(want int, fn func(ctx context.Context) (int, error)) {
	r.Helper()
	n, err := fn(r.Context())
	r.ok(err, "erase")
	if n != want {
		r.Fatalf("of %d events something was erased, want %d", n, want)
	}
}

var deliveryChecks = []check{
	{name: "deliveries come back exactly, by provider, and stay", run: func(r *rig) {
		ctx := r.Context()
		for i, provider := range []string{"b", "a", "b"} {
			row := delivery(r.a, provider)
			if i == 2 {
				row.Attempts = 99
			}
			inserted, err := r.s.InsertDelivery(ctx, row)
			r.ok(err, "insert delivery")
			r.same(inserted, i < 2, "inserted")
		}
		got, err := r.s.Deliveries(ctx, r.a, "e1")
		r.ok(err, "deliveries")
		r.same(got, []unsubscribe.DeliveryRow{delivery(r.a, "a"), delivery(r.a, "b")}, "deliveries")
	}},
	{name: "a delivery is locked, and put as a whole", run: func(r *rig) {
		ctx := r.Context()
		_, err := r.s.InsertDelivery(ctx, delivery(r.a, "a"))
		r.ok(err, "insert delivery")
		want := delivery(r.a, "a")
		want.State, want.DueAt, want.ToldAt, want.Rule = unsubscribe.DeliveryTold, 1, 2, "x"
		want.NotedAt, want.Attempts, want.Alarmed, want.NextAlarm = 3, 4, 100, 0
		r.atomically(ctx, func(ctx context.Context) {
			row, found, err := r.s.LockDelivery(ctx, r.a, "e1", "a")
			r.ok(err, "lock delivery")
			r.same(found, true, "found")
			r.same(row, delivery(r.a, "a"), "locked")
			_, found, err = r.s.LockDelivery(ctx, r.a, "e1", "b")
			r.ok(err, "lock delivery")
			r.same(found, false, "found another")
			r.ok(r.s.PutDelivery(ctx, want), "put delivery")
		})
		got, err := r.s.Deliveries(ctx, r.a, "e1")
		r.ok(err, "deliveries")
		r.same(got, []unsubscribe.DeliveryRow{want}, "deliveries")
		if r.s.PutDelivery(ctx, delivery(r.a, "b")) == nil {
			r.Fatalf("a delivery that is not there was put")
		}
	}},
	{name: "a crowd that counts deliveries under the lock loses nothing", run: func(r *rig) {
		ctx := r.Context()
		_, err := r.s.InsertDelivery(ctx, delivery(r.a, "a"))
		r.ok(err, "insert delivery")
		r.race(func(int) error {
			return r.tx.Atomically(ctx, func(ctx context.Context) error {
				row, _, err := r.s.LockDelivery(ctx, r.a, "e1", "a")
				if err != nil {
					return err
				}
				row.Attempts++
				return r.s.PutDelivery(ctx, row)
			})
		})
		got, err := r.s.Deliveries(ctx, r.a, "e1")
		r.ok(err, "deliveries")
		want := delivery(r.a, "a")
		want.Attempts += crowd
		r.same(got, []unsubscribe.DeliveryRow{want}, "deliveries")
	}},
	{name: "what is due comes most urgent first, up to the limit, of all tenants", run: func(r *rig) {
		ctx := r.Context()
		var want []unsubscribe.DeliveryRow
		for i, at := range []int64{5, 3, 0, 9, 4} {
			row := delivery(r.a, string(rune('a'+i)))
			if i == 1 {
				row.Tenant = r.b
			}
			row.NextAlarm = at
			_, err := r.s.InsertDelivery(ctx, row)
			r.ok(err, "insert delivery")
			want = append(want, row)
		}
		got, err := r.s.DueDeliveries(ctx, 5, 10)
		r.ok(err, "due deliveries")
		r.same(got, []unsubscribe.DeliveryRow{want[1], want[4], want[0]}, "due")
		got, err = r.s.DueDeliveries(ctx, 5, 2)
		r.ok(err, "due deliveries")
		r.same(got, []unsubscribe.DeliveryRow{want[1], want[4]}, "two of them")
	}},
}
