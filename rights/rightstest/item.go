package rightstest

import (
	"context"
	"fmt"
	"time"

	"github.com/trothdev/troth/rights"
)

var itemChecks = []check{
	{name: "an item comes back exactly, and is inserted once", run: func(r *rig) {
		ctx := r.Context()
		row := r.item(r.a, "1", "x")
		bare := changed(r.item(r.a, "1", "y"), func(row *rights.ItemRow) { row.Sealed, row.DueAt = nil, 0 })
		r.insertItems(ctx, row, bare)
		inserted, err := r.s.InsertItem(ctx, changed(row, func(row *rights.ItemRow) { row.DueAt++ }))
		r.ok(err, "insert item")
		r.same(inserted, false, "inserted again")
		for _, want := range []rights.ItemRow{row, bare} {
			got, found, err := r.s.Item(ctx, want.ItemKey)
			r.ok(err, "item")
			r.same(found, true, "found")
			r.same(got, want, "item")
			r.same(got.Sealed == nil, want.Sealed == nil, "nothing sealed")
		}
		_, found, err := r.s.Item(ctx, r.item(r.a, "1", "z").ItemKey)
		r.ok(err, "item")
		r.same(found, false, "found another")
	}},
	{name: "an item that is put replaces all of it, if it is there", run: func(r *rig) {
		ctx := r.Context()
		row := r.item(r.a, "1", "x")
		r.fails(r.s.PutItem(ctx, row), "put what is not there")
		r.insertItems(ctx, row)
		next := rights.ItemRow{ItemKey: row.ItemKey, Record: []byte{1}}
		r.ok(r.s.PutItem(ctx, next), "put")
		got, _, err := r.s.Item(ctx, row.ItemKey)
		r.ok(err, "item")
		r.same(got, next, "item")
		r.same(got.Sealed == nil, true, "nothing sealed")
	}},
	{name: "items that are written are added, or replaced", run: func(r *rig) {
		ctx := r.Context()
		row := r.item(r.a, "1", "000")
		r.insertItems(ctx, row)
		r.ok(r.s.WriteItems(ctx, nil), "write nothing")
		all := []rights.ItemRow{{ItemKey: row.ItemKey, Record: []byte{1}}}
		for i := range many {
			all = append(all, changed(r.item(r.a, "1", fmt.Sprintf("%03d", i+1)), func(row *rights.ItemRow) { row.DueAt += int64(i) }))
		}
		r.ok(r.s.WriteItems(ctx, all), "write")
		rows, err := r.s.Items(ctx, rights.ItemQuery{Tenant: r.a, Owner: "1", Kind: r.kind, Limit: 2 * many})
		r.ok(err, "items")
		r.same(rows, all, "items")
		r.same(rows[0].Sealed == nil, true, "nothing sealed")
	}},
	{name: "items are found by their keys", run: func(r *rig) {
		ctx := r.Context()
		rows, err := r.s.ItemsAt(ctx, nil)
		r.ok(err, "no items")
		r.same(len(rows), 0, "no items")
		bare := changed(r.item(r.a, "2", "y"), func(row *rights.ItemRow) { row.Sealed, row.DueAt = nil, 0 })
		other := r.item(r.a, "1", "z")
		other.Kind += "2"
		r.insertItems(ctx, r.item(r.a, "1", "x"), r.item(r.a, "1", "y"), bare, other)
		keys := []rights.ItemKey{
			bare.ItemKey, r.item(r.a, "1", "z").ItemKey, r.item(r.a, "1", "x").ItemKey, r.item(r.a, "2", "x").ItemKey, other.ItemKey,
		}
		rows, err = r.s.ItemsAt(ctx, keys)
		r.ok(err, "items at")
		r.same(rows, []rights.ItemRow{bare, r.item(r.a, "1", "x"), other}, "items at")
		var many []rights.ItemRow
		keys = nil
		for i := range 40 {
			many = append(many, r.item(r.a, "many", fmt.Sprintf("%02d", 40-i)))
			keys = append(keys, many[i].ItemKey)
		}
		r.insertItems(ctx, many...)
		rows, err = r.s.ItemsAt(ctx, keys)
		r.ok(err, "many items at")
		r.same(rows, many, "many items at")
	}},
	{name: "an item that is deleted is gone, and is not deleted again", run: func(r *rig) {
		ctx := r.Context()
		row := r.item(r.a, "1", "x")
		r.insertItems(ctx, row, r.item(r.a, "1", "y"))
		for _, want := range []bool{true, false} {
			deleted, err := r.s.DeleteItem(ctx, row.ItemKey)
			r.ok(err, "delete item")
			r.same(deleted, want, "deleted")
		}
		_, found, err := r.s.Item(ctx, row.ItemKey)
		r.ok(err, "item")
		r.same(found, false, "found")
		_, found, err = r.s.Item(ctx, r.item(r.a, "1", "y").ItemKey)
		r.ok(err, "item")
		r.same(found, true, "found its neighbour")
	}},
	{name: "items are of their owner and kind, ordered, behind an id", run: func(r *rig) {
		ctx := r.Context()
		other := r.item(r.a, "1", "b")
		other.Kind += "2"
		r.insertItems(ctx, r.item(r.a, "1", "c"), r.item(r.a, "1", "a"), r.item(r.a, "1", "Z"), r.item(r.a, "2", "b"), other)
		q := rights.ItemQuery{Tenant: r.a, Owner: "1", Kind: r.kind, Limit: 2}
		for _, want := range [][]rights.ItemRow{{r.item(r.a, "1", "Z"), r.item(r.a, "1", "a")}, {r.item(r.a, "1", "c")}, nil} {
			rows, err := r.s.Items(ctx, q)
			r.ok(err, "items")
			r.same(rows, want, "items")
			if len(rows) > 0 {
				q.After = rows[len(rows)-1].ID
			}
		}
		rows, err := r.s.Items(ctx, rights.ItemQuery{Tenant: r.a, Owner: "1", Kind: r.kind})
		r.ok(err, "items")
		r.same(len(rows), 0, "items of no page")
	}},
	{name: "what is due is found by its kind and instant, the most urgent first", run: func(r *rig) {
		ctx := r.Context()
		due := func(id string, at int64) rights.ItemRow {
			return changed(r.item(r.a, "1", id), func(row *rights.ItemRow) { row.DueAt = at })
		}
		other := due("other", 1)
		other.Kind += "2"
		theirs := due("theirs", 2)
		theirs.Tenant = r.b
		r.insertItems(ctx, due("now", instant), due("later", instant+1), due("never", 0), due("first", 1), other, theirs)
		keys, err := r.s.DueItems(ctx, r.kind, instant, 10)
		r.ok(err, "due items")
		r.same(keys, []rights.ItemKey{due("first", 1).ItemKey, theirs.ItemKey, due("now", 0).ItemKey}, "due")
		keys, err = r.s.DueItems(ctx, r.kind, instant, 1)
		r.ok(err, "due items")
		r.same(keys, []rights.ItemKey{due("first", 1).ItemKey}, "due, one")
	}},
	{name: "who inserts the same item waits for the transaction to end", run: func(r *rig) {
		ctx := r.Context()
		r.insertRequests(ctx, request(r.a, "1"))
		began, second := make(chan struct{}), make(chan bool, 1)
		r.ok(r.tx.Atomically(ctx, func(in context.Context) error {
			r.insertItems(in, r.item(r.a, "~open", "x"))
			go func() {
				close(began)
				inserted, err := r.s.InsertItem(ctx, r.item(r.a, "~open", "x"))
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
		r.same(<-second, false, "inserted twice, or refused")
	}},
	{name: "a store that is managed stays so", run: func(r *rig) {
		ctx := r.Context()
		r.refused(ctx, func(ctx context.Context) {
			r.ok(r.s.SetManaged(ctx), "set managed")
			managed, err := r.s.Managed(ctx)
			r.ok(err, "managed")
			r.same(managed, true, "managed inside")
		})
		if r.Reopen == nil {
			return // others may use the store
		}
		for range 2 {
			r.ok(r.s.SetManaged(ctx), "set managed")
			managed, err := r.s.Managed(ctx)
			r.ok(err, "managed")
			r.same(managed, true, "managed")
		}
	}},
}
