package retentiontest

import (
	"context"

	"github.com/trothdev/troth/retention"
)

var rowChecks = []check{
	{name: "policies come back exactly, ordered, above a number", run: func(r *rig) {
		ctx := r.Context()
		for _, version := range []uint32{4_000_000_000, 2, 1} {
			inserted, err := r.s.InsertPolicy(ctx, policy(r.a, version))
			r.ok(err, "insert policy")
			r.same(inserted, true, "inserted")
		}
		other := policy(r.a, 2)
		other.Text = []byte("other")
		inserted, err := r.s.InsertPolicy(ctx, other)
		r.ok(err, "insert policy")
		r.same(inserted, false, "inserted again")
		rows, err := r.s.Policies(ctx, r.a, 1)
		r.ok(err, "policies")
		r.same(rows, []retention.PolicyRow{policy(r.a, 2), policy(r.a, 4_000_000_000)}, "policies")
	}},
	{name: "a record comes back exactly, and is inserted once", run: func(r *rig) {
		ctx := r.Context()
		row := record(r.a, "1")
		row.Held, row.Tries, row.DueAt = true, 3, retention.Parked
		r.insert(ctx, row)
		other := row
		other.Class = "other"
		inserted, err := r.s.InsertRecord(ctx, other)
		r.ok(err, "insert record")
		r.same(inserted, false, "inserted again")
		got, found, err := r.s.Record(ctx, row.RecordKey)
		r.ok(err, "record")
		r.same(found, true, "found")
		r.same(got, row, "record")
	}},
	{name: "a record that is put replaces all of it, if it is there", run: func(r *rig) {
		ctx := r.Context()
		row := record(r.a, "1")
		r.fails(r.s.PutRecord(ctx, row), "put what is not there")
		r.insert(ctx, row)
		next := retention.RecordRow{RecordKey: row.RecordKey, Handle: "n", Class: "c", Stage: "s", Visible: "none", Held: true, Detail: []byte{1}}
		r.ok(r.s.PutRecord(ctx, next), "put")
		r.ok(r.tx.Atomically(ctx, func(ctx context.Context) error {
			for _, wait := range []bool{false, true} {
				got, found, err := r.s.LockRecord(ctx, row.RecordKey, wait)
				r.ok(err, "lock record")
				r.same(found, true, "found")
				r.same(got, next, "record")
			}
			return nil
		}), "atomically")
	}},
	{name: "a record that is deleted is gone, and cannot be deleted again", run: func(r *rig) {
		ctx := r.Context()
		row := record(r.a, "1")
		r.insert(ctx, row)
		r.ok(r.s.DeleteRecord(ctx, row.RecordKey), "delete")
		_, found, err := r.s.Record(ctx, row.RecordKey)
		r.ok(err, "record")
		r.same(found, false, "found")
		r.fails(r.s.DeleteRecord(ctx, row.RecordKey), "delete again")
	}},
	{name: "locks need a transaction", run: func(r *rig) {
		ctx := r.Context()
		r.insert(ctx, record(r.a, "1"))
		r.fails(r.s.LockTenant(ctx, r.a, false), "lock a tenant")
		_, _, err := r.s.LockRecord(ctx, record(r.a, "1").RecordKey, true)
		r.fails(err, "lock a record")
		r.ok(r.tx.Atomically(ctx, func(ctx context.Context) error {
			r.ok(r.s.LockTenant(ctx, r.a, false), "with others")
			r.ok(r.s.LockTenant(ctx, r.a, true), "and then alone")
			return nil
		}), "atomically")
	}},
	{name: "a hold comes back exactly, and is inserted once", run: func(r *rig) {
		ctx := r.Context()
		row := hold(r.a, "1")
		for _, want := range []bool{true, false} {
			inserted, err := r.s.InsertHold(ctx, row)
			r.ok(err, "insert hold")
			r.same(inserted, want, "inserted")
			row.Matter = "other"
		}
		got, found, err := r.s.Hold(ctx, r.a, "1")
		r.ok(err, "hold")
		r.same(found, true, "found")
		r.same(got, hold(r.a, "1"), "hold")
	}},
	{name: "a hold that is put replaces all of it, if it is there", run: func(r *rig) {
		ctx := r.Context()
		r.fails(r.s.PutHold(ctx, hold(r.a, "1")), "put what is not there")
		_, err := r.s.InsertHold(ctx, hold(r.a, "1"))
		r.ok(err, "insert hold")
		next := retention.HoldRow{Tenant: r.a, ID: "1", Matter: "n", ReleasedAt: instant}
		r.ok(r.s.PutHold(ctx, next), "put")
		got, _, err := r.s.Hold(ctx, r.a, "1")
		r.ok(err, "hold")
		r.same(got, next, "hold")
	}},
	{name: "active holds are those that are not released, ordered", run: func(r *rig) {
		ctx := r.Context()
		for _, id := range []string{"b", "a", "c", "Z"} {
			row := hold(r.a, id)
			if id == "c" {
				row.ReleasedAt = instant
			}
			_, err := r.s.InsertHold(ctx, row)
			r.ok(err, "insert hold")
		}
		rows, err := r.s.ActiveHolds(ctx, r.a)
		r.ok(err, "active holds")
		r.same(rows, []retention.HoldRow{hold(r.a, "Z"), hold(r.a, "a"), hold(r.a, "b")}, "active holds")
	}},
}
