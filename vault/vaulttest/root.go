package vaulttest

import (
	"context"
	"math"
	"slices"

	"github.com/trothdev/troth/vault"
)

var rootChecks = []check{
	{Name: "a tenant without a root has none", Run: func(r *rig) {
		for _, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
			_, found, err := r.s.Root(r.Context(), r.A, l)
			r.Wants(false, found, err, "root")
			_, found, err = r.s.RootAt(r.Context(), r.A, l, 0)
			r.Wants(false, found, err, "root at")
		}
	}},
	{Name: "a root comes back bit for bit", Run: func(r *rig) {
		r.root(r.Context(), r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 0)))
		r.root(r.Context(), r.insertRoot(r.Context(), rootRow(r.A, vault.IndexLineage, math.MaxUint32)))
	}},
	{Name: "the root is the one of the highest epoch", Run: func(r *rig) {
		ctx := r.Context()
		rows := []vault.RootRow{rootRow(r.A, vault.WrapLineage, 0), rootRow(r.A, vault.WrapLineage, 9), rootRow(r.A, vault.WrapLineage, 10)}
		r.insertRoot(ctx, rows[0])
		for i, row := range rows[1:] {
			r.renewRoot(ctx, row)
			rows[i].SupersededAt = row.CreatedAt
		}
		r.root(ctx, rows[2])
		for _, row := range rows {
			got, found, err := r.s.RootAt(ctx, r.A, vault.WrapLineage, row.Epoch)
			r.Wants(true, found, err, "root at")
			r.sameRoots([]vault.RootRow{got}, row)
		}
		_, found, err := r.s.RootAt(ctx, r.A, vault.WrapLineage, 1)
		r.Wants(false, found, err, "root at")
	}},
	{Name: "a lineage has one first root, whatever the epoch", Run: func(r *rig) {
		ctx := r.Context()
		first := r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 1))
		for _, epoch := range []uint32{1, 0, 2} {
			inserted, err := r.s.InsertRoot(ctx, rootRow(r.A, vault.WrapLineage, epoch))
			r.Wants(false, inserted, err, "insert root again")
		}
		r.root(ctx, first)
		r.insertRoot(ctx, rootRow(r.A, vault.IndexLineage, 0))
	}},
	{Name: "shredding roots empties all that live and returns them", Run: func(r *rig) {
		ctx := r.Context()
		rows := []vault.RootRow{
			rootRow(r.A, vault.WrapLineage, 0), rootRow(r.A, vault.WrapLineage, 3), rootRow(r.A, vault.IndexLineage, 0),
		}
		r.insertRoot(ctx, rows[0])
		r.renewRoot(ctx, rows[1])
		rows[0].SupersededAt = rows[1].CreatedAt
		r.insertRoot(ctx, rows[2])
		for i, row := range rows {
			rows[i] = deadRoot(row)
		}
		r.sameRoots(r.shredRoots(ctx, r.A, instant), rows...)
		r.root(ctx, rows[1])
		r.root(ctx, rows[2])
		got, _, err := r.s.RootAt(ctx, r.A, vault.WrapLineage, 0)
		r.OK(err, "root at")
		r.sameRoots([]vault.RootRow{got}, rows[0])
	}},
	{Name: "roots die once", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 0))
		r.shredRoots(ctx, r.A, instant)
		r.sameRoots(r.shredRoots(ctx, r.A, instant+1))
		r.root(ctx, deadRoot(row))
	}},
	{Name: "a lineage without a root gets a tombstone of epoch 0", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 7))
		died := r.shredRoots(ctx, r.A, instant)
		r.tombstones(died, vault.IndexLineage)
		if len(died) != 2 {
			r.Fatalf("%d roots died, want the one of wrap and the tombstone", len(died))
		}
		r.root(ctx, deadRoot(row))
		r.tombstones(r.shredRoots(ctx, r.B, instant), vault.WrapLineage, vault.IndexLineage)
	}},
	{Name: "nobody inserts a root over a tombstone", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 0))
		r.shredRoots(ctx, r.A, instant)
		for _, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
			inserted, err := r.s.InsertRoot(ctx, rootRow(r.A, l, 0))
			r.Wants(false, inserted, err, "insert root over a tombstone")
		}
		r.root(ctx, deadRoot(row))
	}},
	{Name: "everybody under a shredded tenant is", Run: func(r *rig) {
		ctx := r.Context()
		r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 0))
		r.person(ctx, r.A, "42", vault.PersonState{})
		r.shredRoots(ctx, r.A, instant)
		r.shredRoots(ctx, r.B, instant)
		r.person(ctx, r.A, "42", vault.PersonState{TenantShredded: true})
		r.person(ctx, r.B, "42", vault.PersonState{TenantShredded: true})
		r.Atomically(ctx, func(ctx context.Context) {
			for _, l := range []vault.Lock{vault.Shared, vault.Exclusive} {
				if !r.lock(ctx, r.A, "43", l).TenantShredded {
					r.Fatalf("the lock does not say that the tenant is shredded")
				}
			}
		})
	}},
}

// tombstones demands that among the rows those of epoch 0 that never had a key
// are of these lineages.
func (r *rig) tombstones(rows []vault.RootRow, lineages ...vault.Lineage) {
	r.Helper()
	for _, l := range lineages {
		at := slices.IndexFunc(rows, func(row vault.RootRow) bool { return row.Lineage == l && row.Epoch == 0 })
		if at < 0 || len(rows[at].Sealed) > 0 || rows[at].ShreddedAt != instant || rows[at].Commitment != ([32]byte{}) {
			r.Fatalf("no tombstone of lineage %s among %+v", l, rows)
		}
		got, found, err := r.s.RootAt(r.Context(), rows[at].Tenant, l, 0)
		r.Wants(true, found, err, "root at")
		r.sameRoots([]vault.RootRow{got}, rows[at])
	}
}
