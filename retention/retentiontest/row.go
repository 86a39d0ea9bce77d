package retentiontest

import (
	"context"

	"github.com/trothdev/troth/retention"
)

var rowChecks = []check{
	{Name: "policies come back exactly, ordered, above a number", Run: func(r *rig) {
		ctx := r.Context()
		for _, version := range []uint32{4_000_000_000, 2, 1} {
			inserted, err := r.s.InsertPolicy(ctx, policy(r.A, version))
			r.OK(err, "insert policy")
			r.Same(inserted, true, "inserted")
		}
		other := policy(r.A, 2)
		other.Text = []byte("other")
		inserted, err := r.s.InsertPolicy(ctx, other)
		r.OK(err, "insert policy")
		r.Same(inserted, false, "inserted again")
		rows, err := r.s.Policies(ctx, r.A, 1)
		r.OK(err, "policies")
		r.Same(rows, []retention.PolicyRow{policy(r.A, 2), policy(r.A, 4_000_000_000)}, "policies")
	}},
	{Name: "a record comes back exactly, and is inserted once", Run: func(r *rig) {
		ctx := r.Context()
		row := record(r.A, "1")
		row.Held, row.Tries, row.DueAt = true, 3, retention.Parked
		r.insert(ctx, row)
		other := row
		other.Class = "other"
		inserted, err := r.s.InsertRecord(ctx, other)
		r.OK(err, "insert record")
		r.Same(inserted, false, "inserted again")
		got, found, err := r.s.Record(ctx, row.RecordKey)
		r.OK(err, "record")
		r.Same(found, true, "found")
		r.Same(got, row, "record")
	}},
	{Name: "a record that is put replaces all of it, if it is there", Run: func(r *rig) {
		ctx := r.Context()
		row := record(r.A, "1")
		r.Fails(r.s.PutRecord(ctx, row), "put what is not there")
		r.insert(ctx, row)
		next := retention.RecordRow{RecordKey: row.RecordKey, Handle: "n", Class: "c", Stage: "s", Visible: "none", Held: true, Detail: []byte{1}}
		r.OK(r.s.PutRecord(ctx, next), "put")
		r.OK(r.TX.Atomically(ctx, func(ctx context.Context) error {
			for _, wait := range []bool{false, true} {
				got, found, err := r.s.LockRecord(ctx, row.RecordKey, wait)
				r.OK(err, "lock record")
				r.Same(found, true, "found")
				r.Same(got, next, "record")
			}
			return nil
		}), "atomically")
	}},
	{Name: "a record that is deleted is gone, and cannot be deleted again", Run: func(r *rig) {
		ctx := r.Context()
		row := record(r.A, "1")
		r.insert(ctx, row)
		r.OK(r.s.DeleteRecord(ctx, row.RecordKey), "delete")
		_, found, err := r.s.Record(ctx, row.RecordKey)
		r.OK(err, "record")
		r.Same(found, false, "found")
		r.Fails(r.s.DeleteRecord(ctx, row.RecordKey), "delete again")
	}},
	{Name: "locks need a transaction", Run: func(r *rig) {
		ctx := r.Context()
		r.insert(ctx, record(r.A, "1"))
		r.Fails(r.s.LockTenant(ctx, r.A, false), "lock a tenant")
		_, _, err := r.s.LockRecord(ctx, record(r.A, "1").RecordKey, true)
		r.Fails(err, "lock a record")
		r.OK(r.TX.Atomically(ctx, func(ctx context.Context) error {
			r.OK(r.s.LockTenant(ctx, r.A, false), "with others")
			r.OK(r.s.LockTenant(ctx, r.A, true), "and then alone")
			return nil
		}), "atomically")
	}},
	{Name: "a hold comes back exactly, and is inserted once", Run: func(r *rig) {
		ctx := r.Context()
		row := hold(r.A, "1")
		for _, want := range []bool{true, false} {
			inserted, err := r.s.InsertHold(ctx, row)
			r.OK(err, "insert hold")
			r.Same(inserted, want, "inserted")
			row.Matter = "other"
		}
		got, found, err := r.s.Hold(ctx, r.A, "1")
		r.OK(err, "hold")
		r.Same(found, true, "found")
		r.Same(got, hold(r.A, "1"), "hold")
	}},
	{Name: "a hold that is put replaces all of it, if it is there", Run: func(r *rig) {
		ctx := r.Context()
		r.Fails(r.s.PutHold(ctx, hold(r.A, "1")), "put what is not there")
		_, err := r.s.InsertHold(ctx, hold(r.A, "1"))
		r.OK(err, "insert hold")
		next := retention.HoldRow{Tenant: r.A, ID: "1", Matter: "n", ReleasedAt: instant}
		r.OK(r.s.PutHold(ctx, next), "put")
		got, _, err := r.s.Hold(ctx, r.A, "1")
		r.OK(err, "hold")
		r.Same(got, next, "hold")
	}},
	{Name: "active holds are those that are not released, ordered", Run: func(r *rig) {
		ctx := r.Context()
		for _, id := range []string{"b", "a", "c", "Z"} {
			row := hold(r.A, id)
			if id == "c" {
				row.ReleasedAt = instant
			}
			_, err := r.s.InsertHold(ctx, row)
			r.OK(err, "insert hold")
		}
		rows, err := r.s.ActiveHolds(ctx, r.A)
		r.OK(err, "active holds")
		r.Same(rows, []retention.HoldRow{hold(r.A, "Z"), hold(r.A, "a"), hold(r.A, "b")}, "active holds")
	}},
}
