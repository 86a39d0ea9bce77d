package rightstest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth/rights"
)

var itemChecks = []check{
	{Name: "an item comes back exactly, and is inserted once", Run: func(r *rig) {
		ctx := r.Context()
		row := r.item(r.A, "1", "x")
		bare := changed(r.item(r.A, "1", "y"), func(row *rights.ItemRow) { row.Sealed, row.DueAt = nil, 0 })
		r.insertItems(ctx, row, bare)
		inserted, err := r.s.InsertItem(ctx, changed(row, func(row *rights.ItemRow) { row.DueAt++ }))
		r.OK(err, "insert item")
		r.Same(inserted, false, "inserted again")
		for _, want := range []rights.ItemRow{row, bare} {
			got, found, err := r.s.Item(ctx, want.ItemKey)
			r.OK(err, "item")
			r.Same(found, true, "found")
			r.Same(got, want, "item")
			r.Same(got.Sealed == nil, want.Sealed == nil, "nothing sealed")
		}
		_, found, err := r.s.Item(ctx, r.item(r.A, "1", "z").ItemKey)
		r.OK(err, "item")
		r.Same(found, false, "found another")
	}},
	{Name: "an item that is put replaces all of it, if it is there", Run: func(r *rig) {
		ctx := r.Context()
		row := r.item(r.A, "1", "x")
		r.Fails(r.s.PutItem(ctx, row), "put what is not there")
		r.insertItems(ctx, row)
		next := rights.ItemRow{ItemKey: row.ItemKey, Record: []byte{1}}
		r.OK(r.s.PutItem(ctx, next), "put")
		got, _, err := r.s.Item(ctx, row.ItemKey)
		r.OK(err, "item")
		r.Same(got, next, "item")
		r.Same(got.Sealed == nil, true, "nothing sealed")
	}},
	{Name: "items that are written are added, or replaced", Run: func(r *rig) {
		ctx := r.Context()
		row := r.item(r.A, "1", "000")
		r.insertItems(ctx, row)
		r.OK(r.s.WriteItems(ctx, nil), "write nothing")
		all := []rights.ItemRow{{ItemKey: row.ItemKey, Record: []byte{1}}}
		for i := range many {
			all = append(all, changed(r.item(r.A, "1", fmt.Sprintf("%03d", i+1)), func(row *rights.ItemRow) { row.DueAt += int64(i) }))
		}
		r.OK(r.s.WriteItems(ctx, all), "write")
		rows, err := r.s.Items(ctx, rights.ItemQuery{Tenant: r.A, Owner: "1", Kind: r.kind, Limit: 2 * many})
		r.OK(err, "items")
		r.Same(rows, all, "items")
		r.Same(rows[0].Sealed == nil, true, "nothing sealed")
	}},
	{Name: "items are found by their keys", Run: func(r *rig) {
		ctx := r.Context()
		rows, err := r.s.ItemsAt(ctx, nil)
		r.OK(err, "no items")
		r.Same(len(rows), 0, "no items")
		bare := changed(r.item(r.A, "2", "y"), func(row *rights.ItemRow) { row.Sealed, row.DueAt = nil, 0 })
		other := r.item(r.A, "1", "z")
		other.Kind += "2"
		r.insertItems(ctx, r.item(r.A, "1", "x"), r.item(r.A, "1", "y"), bare, other)
		keys := []rights.ItemKey{
			bare.ItemKey, r.item(r.A, "1", "z").ItemKey, r.item(r.A, "1", "x").ItemKey, r.item(r.A, "2", "x").ItemKey, other.ItemKey,
		}
		rows, err = r.s.ItemsAt(ctx, keys)
		r.OK(err, "items at")
		r.Same(rows, []rights.ItemRow{bare, r.item(r.A, "1", "x"), other}, "items at")
		var many []rights.ItemRow
		keys = nil
		for i := range 40 {
			many = append(many, r.item(r.A, "many", fmt.Sprintf("%02d", 40-i)))
			keys = append(keys, many[i].ItemKey)
		}
		r.insertItems(ctx, many...)
		rows, err = r.s.ItemsAt(ctx, keys)
		r.OK(err, "many items at")
		r.Same(rows, many, "many items at")
	}},
	{Name: "a request is found with its events, and with items of it", Run: func(r *rig) {
		ctx := r.Context()
		r.insertRequests(ctx, request(r.A, "1"), request(r.A, "2"), request(r.B, "1"))
		of := func(kind rights.ItemKind, rows ...rights.ItemRow) []rights.ItemRow {
			for i := range rows {
				rows[i].Kind = kind
			}
			return rows
		}
		events := []rights.EventRow{event(r.A, "1", 1), event(r.A, "1", 2), event(r.A, "1", 10)}
		r.insertEvents(ctx, events[2], events[0], event(r.A, "~other", 3), events[1], event(r.B, "1", 4))
		bare := changed(r.item(r.A, "1", "y"), func(row *rights.ItemRow) { row.Sealed, row.DueAt = nil, 0 })
		mine, other, last := r.kind, r.kind+"-a", "a-"+r.kind
		x := of(mine, bare, r.item(r.A, "1", "x"), r.item(r.A, "1", "Z"))
		y := of(other, r.item(r.A, "1", "x"))
		var crowd []rights.ItemRow
		for i := range many {
			crowd = append(crowd, r.item(r.A, "1", fmt.Sprintf("%03d", many-1-i)))
		}
		of(last, crowd...)
		r.insertItems(ctx, x...)
		r.insertItems(ctx, y...)
		r.insertItems(ctx, crowd...)
		r.insertItems(ctx, of(mine, r.item(r.A, "2", "x"), r.item(r.B, "1", "x"), r.item(r.A, "~other", "x"))...)
		slices.Reverse(crowd)
		var none []rights.ItemKind
		for i := range 20 {
			none = append(none, rights.ItemKind(fmt.Sprintf("%s-%d", r.kind, i)))
		}
		byID := []rights.ItemRow{x[2], x[1], x[0]}
		for what, c := range map[string]struct {
			kinds []rights.ItemKind
			want  []rights.ItemRow
		}{
			"no kinds":             {},
			"one kind, by id":      {[]rights.ItemKind{mine}, byID},
			"kinds in their order": {[]rights.ItemKind{other, mine}, slices.Concat(y, byID)},
			"and in the other":     {[]rights.ItemKind{mine, other}, slices.Concat(byID, y)},
			"many items":           {[]rights.ItemKind{last, mine}, slices.Concat(crowd, byID)},
			"kinds of nothing":     {none[:2], nil},
			"many kinds":           {slices.Concat([]rights.ItemKind{mine}, none, []rights.ItemKind{other}), slices.Concat(byID, y)},
		} {
			f, found, err := r.s.File(ctx, r.A, "1", c.kinds)
			r.OK(err, what)
			r.Same(found, true, what)
			r.Same(f, rights.File{Request: request(r.A, "1"), Events: events, Items: c.want}, what)
		}
		f, found, err := r.s.File(ctx, r.A, "2", []rights.ItemKind{other})
		r.OK(err, "nothing of it")
		r.Same(found, true, "nothing of it")
		r.Same(f, rights.File{Request: request(r.A, "2")}, "nothing of it")
		f, found, err = r.s.File(ctx, r.A, "~other", []rights.ItemKind{mine})
		r.OK(err, "no such request")
		r.Same(found, false, "no such request")
		r.Same(f, rights.File{}, "no such request")
	}},
	{Name: "a request is found with its events and items as they were at one instant", Run: func(r *rig) {
		ctx := r.Context()
		row, item := request(r.A, "1"), r.item(r.A, "1", "x")
		r.insertRequests(ctx, row)
		r.insertItems(ctx, item)
		row.Record, item.Record = []byte{0}, []byte{0}
		r.OK(r.s.PutRequest(ctx, row), "put request")
		r.OK(r.s.PutItem(ctx, item), "put item")
		ended := make(chan error, 1)
		go func() {
			var err error
			for n := byte(1); n <= 100 && err == nil; n++ {
				row.Record, item.Record = []byte{n}, []byte{n}
				err = r.TX.Atomically(ctx, func(ctx context.Context) error {
					_, err := r.s.InsertEvents(ctx, []rights.EventRow{event(r.A, "1", uint32(n))})
					return errors.Join(err, r.s.WriteItems(ctx, []rights.ItemRow{item}), r.s.PutRequest(ctx, row))
				})
			}
			ended <- err
		}()
		for writing := true; writing; {
			select {
			case err := <-ended:
				r.OK(err, "write")
				writing = false
			default:
			}
			f, found, err := r.s.File(ctx, r.A, "1", []rights.ItemKind{r.kind})
			r.OK(err, "file")
			r.Same(found, true, "found")
			r.Same([]int{int(f.Items[0].Record[0]), len(f.Events)}, []int{int(f.Request.Record[0]), int(f.Request.Record[0])}, "item and events, beside the request")
		}
	}},
	{Name: "an item that is deleted is gone, and is not deleted again", Run: func(r *rig) {
		ctx := r.Context()
		row := r.item(r.A, "1", "x")
		r.insertItems(ctx, row, r.item(r.A, "1", "y"))
		for _, want := range []bool{true, false} {
			deleted, err := r.s.DeleteItem(ctx, row.ItemKey)
			r.OK(err, "delete item")
			r.Same(deleted, want, "deleted")
		}
		_, found, err := r.s.Item(ctx, row.ItemKey)
		r.OK(err, "item")
		r.Same(found, false, "found")
		_, found, err = r.s.Item(ctx, r.item(r.A, "1", "y").ItemKey)
		r.OK(err, "item")
		r.Same(found, true, "found its neighbour")
	}},
	{Name: "items are of their owner and kind, ordered, behind an id", Run: func(r *rig) {
		ctx := r.Context()
		other := r.item(r.A, "1", "b")
		other.Kind += "2"
		r.insertItems(ctx, r.item(r.A, "1", "c"), r.item(r.A, "1", "a"), r.item(r.A, "1", "Z"), r.item(r.A, "2", "b"), other)
		q := rights.ItemQuery{Tenant: r.A, Owner: "1", Kind: r.kind, Limit: 2}
		for _, want := range [][]rights.ItemRow{{r.item(r.A, "1", "Z"), r.item(r.A, "1", "a")}, {r.item(r.A, "1", "c")}, nil} {
			rows, err := r.s.Items(ctx, q)
			r.OK(err, "items")
			r.Same(rows, want, "items")
			if len(rows) > 0 {
				q.After = rows[len(rows)-1].ID
			}
		}
		rows, err := r.s.Items(ctx, rights.ItemQuery{Tenant: r.A, Owner: "1", Kind: r.kind})
		r.OK(err, "items")
		r.Same(len(rows), 0, "items of no page")
	}},
	{Name: "what is due is found by its kind and instant, the most urgent first", Run: func(r *rig) {
		ctx := r.Context()
		due := func(id string, at int64) rights.ItemRow {
			return changed(r.item(r.A, "1", id), func(row *rights.ItemRow) { row.DueAt = at })
		}
		other := due("other", 1)
		other.Kind += "2"
		theirs := due("theirs", 2)
		theirs.Tenant = r.B
		r.insertItems(ctx, due("now", instant), due("later", instant+1), due("never", 0), due("first", 1), other, theirs)
		keys, err := r.s.DueItems(ctx, r.kind, instant, 10)
		r.OK(err, "due items")
		r.Same(keys, []rights.ItemKey{due("first", 1).ItemKey, theirs.ItemKey, due("now", 0).ItemKey}, "due")
		keys, err = r.s.DueItems(ctx, r.kind, instant, 1)
		r.OK(err, "due items")
		r.Same(keys, []rights.ItemKey{due("first", 1).ItemKey}, "due, one")
	}},
	{Name: "who inserts the same item waits for the transaction to end", Run: func(r *rig) {
		ctx := r.Context()
		r.insertRequests(ctx, request(r.A, "1"))
		began, second := make(chan struct{}), make(chan bool, 1)
		r.OK(r.TX.Atomically(ctx, func(in context.Context) error {
			r.insertItems(in, r.item(r.A, "~open", "x"))
			go func() {
				close(began)
				inserted, err := r.s.InsertItem(ctx, r.item(r.A, "~open", "x"))
				second <- inserted || err != nil
			}()
			<-began
			select {
			case again := <-second:
				r.Errorf("the second one did not wait")
				second <- again
			case <-time.After(50 * time.Millisecond):
			}
			return nil
		}), "atomically")
		r.Same(<-second, false, "inserted twice, or refused")
	}},
	{Name: "a store that is managed stays so", Run: func(r *rig) {
		ctx := r.Context()
		r.Refused(ctx, func(ctx context.Context) {
			r.OK(r.s.SetManaged(ctx), "set managed")
			managed, err := r.s.Managed(ctx)
			r.OK(err, "managed")
			r.Same(managed, true, "managed inside")
		})
		if r.Reopen == nil {
			return // others may use the store
		}
		for range 2 {
			r.OK(r.s.SetManaged(ctx), "set managed")
			managed, err := r.s.Managed(ctx)
			r.OK(err, "managed")
			r.Same(managed, true, "managed")
		}
	}},
}
