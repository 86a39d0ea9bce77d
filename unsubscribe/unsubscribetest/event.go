package unsubscribetest

import (
	"context"
	"sync/atomic"

	"github.com/trothdev/troth/unsubscribe"
)

func (r *rig) insert(ctx context.Context, row unsubscribe.EventRow) bool {
	r.Helper()
	inserted, err := r.s.InsertEvent(ctx, row)
	r.OK(err, "insert event")
	return inserted
}

func (r *rig) eventsOf(ctx context.Context, who string) []unsubscribe.EventRow {
	r.Helper()
	rows, err := r.s.Events(ctx, r.A, keyOf(who))
	r.OK(err, "events")
	return rows
}

var eventChecks = []check{
	{Name: "events come back exactly, by instant and id", Run: func(r *rig) {
		ctx := r.Context()
		bare := unsubscribe.EventRow{Tenant: r.A, ID: "Z", Key: keyOf("42"), RecordedAt: instant, Record: []byte{0}}
		want := []unsubscribe.EventRow{
			said(r.A, "42", "b", instant-1), bare, said(r.A, "42", "a", instant), said(r.A, "42", "é", instant),
		}
		for _, i := range []int{3, 1, 0, 2} {
			r.insert(ctx, want[i])
		}
		r.insert(ctx, said(r.A, "43", "c", instant))
		r.Same(r.eventsOf(ctx, "42"), want, "events")
		got, found, err := r.s.Event(ctx, r.A, "Z")
		r.OK(err, "event")
		r.Same(found, true, "found")
		r.Same(got, bare, "event")
	}},
	{Name: "an event that is there stays as it is", Run: func(r *rig) {
		ctx := r.Context()
		r.insert(ctx, said(r.A, "42", "e1", instant))
		if r.insert(ctx, said(r.A, "43", "e1", instant+1)) {
			r.Fatalf("inserted twice")
		}
		r.Same(r.eventsOf(ctx, "42"), []unsubscribe.EventRow{said(r.A, "42", "e1", instant)}, "events")
		r.Same(r.eventsOf(ctx, "43"), []unsubscribe.EventRow{}, "of the other")
	}},
	{Name: "of those who insert one event, one does", Run: func(r *rig) {
		var inserted atomic.Int32
		r.Race(func(int) error {
			did, err := r.s.InsertEvent(r.Context(), said(r.A, "42", "e1", instant))
			if did {
				inserted.Add(1)
			}
			return err
		})
		if n := inserted.Load(); n != 1 {
			r.Fatalf("%d inserted", n)
		}
	}},
	{Name: "the events of a person are found in order, and nobody's are none's", Run: func(r *rig) {
		ctx := r.Context()
		mine := []unsubscribe.EventRow{said(r.A, "42", "e2", instant), said(r.A, "43", "e3", instant), said(r.A, "42", "e1", instant+1)}
		for i := range mine {
			mine[i].SubjectID = "c-42"
		}
		for _, row := range []unsubscribe.EventRow{mine[2], mine[1], mine[0], said(r.A, "44", "e4", instant)} {
			r.insert(ctx, row)
		}
		nobody := said(r.A, "45", "e5", instant)
		nobody.SubjectID = ""
		r.insert(ctx, nobody)
		for id, want := range map[string][]unsubscribe.EventRow{"c-42": mine, "": {}, "c-99": {}} {
			got, err := r.s.EventsOf(ctx, r.A, id)
			r.OK(err, "events of a person")
			r.Same(append([]unsubscribe.EventRow{}, got...), want, "events of "+id)
		}
		r.erases(3, func(ctx context.Context) (int, error) { return r.s.EraseSubject(ctx, r.A, "c-42") })
		got, err := r.s.EventsOf(ctx, r.A, "c-42")
		r.OK(err, "events of a person")
		r.Same(append([]unsubscribe.EventRow{}, got...), []unsubscribe.EventRow{}, "events of who was erased")
	}},
	{Name: "erasing an event empties it and leaves the rest of it", Run: func(r *rig) {
		ctx := r.Context()
		r.insert(ctx, said(r.A, "42", "e1", instant))
		r.insert(ctx, said(r.A, "42", "e3", instant+1))
		r.insert(ctx, said(r.A, "43", "e2", instant))
		r.erases(1, func(ctx context.Context) (int, error) { return r.s.EraseContent(ctx, r.A, "e1") })
		r.erases(0, func(ctx context.Context) (int, error) { return r.s.EraseContent(ctx, r.A, "e4") })
		r.erases(0, func(ctx context.Context) (int, error) { return r.s.EraseContent(ctx, r.A, "e1") })
		want := said(r.A, "42", "e1", instant)
		want.SubjectID, want.Content = "", nil
		r.Same(r.eventsOf(ctx, "42"), []unsubscribe.EventRow{want, said(r.A, "42", "e3", instant+1)}, "events")
		r.Same(r.eventsOf(ctx, "43"), []unsubscribe.EventRow{said(r.A, "43", "e2", instant)}, "of the other")
	}},
	{Name: "erasing a person empties their events and leaves the rest of them", Run: func(r *rig) {
		ctx := r.Context()
		r.insert(ctx, said(r.A, "42", "e1", instant))
		r.insert(ctx, said(r.A, "43", "e2", instant))
		nobody := said(r.A, "44", "e3", instant)
		nobody.SubjectID = ""
		r.insert(ctx, nobody)
		r.erases(1, func(ctx context.Context) (int, error) { return r.s.EraseSubject(ctx, r.A, "c-42") })
		r.erases(0, func(ctx context.Context) (int, error) { return r.s.EraseSubject(ctx, r.A, "") })
		want := said(r.A, "42", "e1", instant)
		want.SubjectID, want.Content = "", nil
		r.Same(r.eventsOf(ctx, "42"), []unsubscribe.EventRow{want}, "events")
		r.Same(r.eventsOf(ctx, "43"), []unsubscribe.EventRow{said(r.A, "43", "e2", instant)}, "of the other")
		r.Same(r.eventsOf(ctx, "44"), []unsubscribe.EventRow{nobody}, "of nobody")
	}},
}

func (r *rig) erases(want int, fn func(ctx context.Context) (int, error)) {
	r.Helper()
	n, err := fn(r.Context())
	r.OK(err, "erase")
	if n != want {
		r.Fatalf("of %d events something was erased, want %d", n, want)
	}
}

var deliveryChecks = []check{
	{Name: "deliveries come back exactly, by provider, and stay", Run: func(r *rig) {
		ctx := r.Context()
		for i, provider := range []string{"b", "a", "b"} {
			row := delivery(r.A, provider)
			if i == 2 {
				row.Attempts = 99
			}
			inserted, err := r.s.InsertDelivery(ctx, row)
			r.OK(err, "insert delivery")
			r.Same(inserted, i < 2, "inserted")
		}
		got, err := r.s.Deliveries(ctx, r.A, "e1")
		r.OK(err, "deliveries")
		r.Same(got, []unsubscribe.DeliveryRow{delivery(r.A, "a"), delivery(r.A, "b")}, "deliveries")
	}},
	{Name: "a delivery is locked, and put as a whole", Run: func(r *rig) {
		ctx := r.Context()
		_, err := r.s.InsertDelivery(ctx, delivery(r.A, "a"))
		r.OK(err, "insert delivery")
		want := delivery(r.A, "a")
		want.State, want.DueAt, want.ToldAt, want.Rule = unsubscribe.DeliveryTold, 1, 2, "x"
		want.NotedAt, want.Attempts, want.Alarmed, want.NextAlarm = 3, 4, 100, 0
		r.Atomically(ctx, func(ctx context.Context) {
			row, found, err := r.s.LockDelivery(ctx, r.A, "e1", "a")
			r.OK(err, "lock delivery")
			r.Same(found, true, "found")
			r.Same(row, delivery(r.A, "a"), "locked")
			_, found, err = r.s.LockDelivery(ctx, r.A, "e1", "b")
			r.OK(err, "lock delivery")
			r.Same(found, false, "found another")
			r.OK(r.s.PutDelivery(ctx, want), "put delivery")
		})
		got, err := r.s.Deliveries(ctx, r.A, "e1")
		r.OK(err, "deliveries")
		r.Same(got, []unsubscribe.DeliveryRow{want}, "deliveries")
		if r.s.PutDelivery(ctx, delivery(r.A, "b")) == nil {
			r.Fatalf("a delivery that is not there was put")
		}
	}},
	{Name: "a crowd that counts deliveries under the lock loses nothing", Run: func(r *rig) {
		ctx := r.Context()
		_, err := r.s.InsertDelivery(ctx, delivery(r.A, "a"))
		r.OK(err, "insert delivery")
		r.Race(func(int) error {
			return r.TX.Atomically(ctx, func(ctx context.Context) error {
				row, _, err := r.s.LockDelivery(ctx, r.A, "e1", "a")
				if err != nil {
					return err
				}
				row.Attempts++
				return r.s.PutDelivery(ctx, row)
			})
		})
		got, err := r.s.Deliveries(ctx, r.A, "e1")
		r.OK(err, "deliveries")
		want := delivery(r.A, "a")
		want.Attempts += crowd
		r.Same(got, []unsubscribe.DeliveryRow{want}, "deliveries")
	}},
	{Name: "what is due comes most urgent first, up to the limit, of all tenants", Run: func(r *rig) {
		ctx := r.Context()
		var want []unsubscribe.DeliveryRow
		for i, at := range []int64{5, 3, 0, 9, 4} {
			row := delivery(r.A, string(rune('a'+i)))
			if i == 1 {
				row.Tenant = r.B
			}
			row.NextAlarm = at
			_, err := r.s.InsertDelivery(ctx, row)
			r.OK(err, "insert delivery")
			want = append(want, row)
		}
		got, err := r.s.DueDeliveries(ctx, 5, 10)
		r.OK(err, "due deliveries")
		r.Same(got, []unsubscribe.DeliveryRow{want[1], want[4], want[0]}, "due")
		got, err = r.s.DueDeliveries(ctx, 5, 2)
		r.OK(err, "due deliveries")
		r.Same(got, []unsubscribe.DeliveryRow{want[1], want[4]}, "two of them")
	}},
}
