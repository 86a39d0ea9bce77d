package vaulttest

import (
	"context"
	"math"
	"slices"

	"github.com/trothdev/troth/vault"
)

var rootChecks = []check{
	{name: "a tenant without a root has none", run: func(r *rig) {
		for _, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
			_, found, err := r.s.Root(r.Context(), r.a, l)
			r.wants(false, found, err, "root")
			_, found, err = r.s.RootAt(r.Context(), r.a, l, 0)
			r.wants(false, found, err, "root at")
		}
	}},
	{name: "a root comes back bit for bit", run: func(r *rig) {
		r.root(r.Context(), r.insertRoot(r.Context(), rootRow(r.a, vault.WrapLineage, 0)))
		r.root(r.Context(), r.insertRoot(r.Context(), rootRow(r.a, vault.IndexLineage, math.MaxUint32)))
	}},
	{name: "the root is the one of the highest epoch", run: func(r *rig) {
		ctx := r.Context()
		rows := []vault.RootRow{rootRow(r.a, vault.WrapLineage, 0), rootRow(r.a, vault.WrapLineage, 9), rootRow(r.a, vault.WrapLineage, 10)}
		r.insertRoot(ctx, rows[0])
		for i, row := range rows[1:] {
			r.renewRoot(ctx, row)
			rows[i].SupersededAt = row.CreatedAt
		}
		r.root(ctx, rows[2])
		for _, row := range rows {
			got, found, err := r.s.RootAt(ctx, r.a, vault.WrapLineage, row.Epoch)
			r.wants(true, found, err, "root at")
			r.sameRoots([]vault.RootRow{got}, row)
		}
		_, found, err := r.s.RootAt(ctx, r.a, vault.WrapLineage, 1)
		r.wants(false, found, err, "root at")
	}},
	{name: "a lineage has one first root, whatever the epoch", run: func(r *rig) {
		ctx := r.Context()
		first := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 1))
		for _, epoch := range []uint32{1, 0, 2} {
			inserted, err := r.s.InsertRoot(ctx, rootRow(r.a, vault.WrapLineage, epoch))
			r.wants(false, inserted, err, "insert root again")
		}
		r.root(ctx, first)
		r.insertRoot(ctx, rootRow(r.a, vault.IndexLineage, 0))
	}},
	{name: "shredding roots empties all that live and returns them", run: func(r *rig) {
		ctx := r.Context()
		rows := []vault.RootRow{
			rootRow(r.a, vault.WrapLineage, 0), rootRow(r.a, vault.WrapLineage, 3), rootRow(r.a, vault.IndexLineage, 0),
		}
		r.insertRoot(ctx, rows[0])
		r.renewRoot(ctx, rows[1])
		rows[0].SupersededAt = rows[1].CreatedAt
		r.insertRoot(ctx, rows[2])
		for i, row := range rows {
			rows[i] = deadRoot(row)
		}
		r.sameRoots(r.shredRoots(ctx, r.a, instant), rows...)
		r.root(ctx, rows[1])
		r.root(ctx, rows[2])
		got, _, err := r.s.RootAt(ctx, r.a, vault.WrapLineage, 0)
		r.ok(err, "root at")
		r.sameRoots([]vault.RootRow{got}, rows[0])
	}},
	{name: "roots die once", run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 0))
		r.shredRoots(ctx, r.a, instant)
		r.sameRoots(r.shredRoots(ctx, r.a, instant+1))
		r.root(ctx, deadRoot(row))
	}},
	{name: "a lineage without a root gets a tombstone of epoch 0", run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 7))
		died := r.shredRoots(ctx, r.a, instant)
		r.tombstones(died, vault.IndexLineage)
		if len(died) != 2 {
			r.Fatalf("%d roots died, want the one of wrap and the tombstone", len(died))
		}
		r.root(ctx, deadRoot(row))
		r.tombstones(r.shredRoots(ctx, r.b, instant), vault.WrapLineage, vault.IndexLineage)
	}},
	{name: "nobody inserts a root over a tombstone", run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 0))
		r.shredRoots(ctx, r.a, instant)
		for _, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
			inserted, err := r.s.InsertRoot(ctx, rootRow(r.a, l, 0))
			r.wants(false, inserted, err, "insert root over a tombstone")
		}
		r.root(ctx, deadRoot(row))
	}},
	{name: "everybody under a shredded tenant is", run: func(r *rig) {
		ctx := r.Context()
		r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 0))
		r.person(ctx, r.a, "42", vault.PersonState{})
		r.shredRoots(ctx, r.a, instant)
		r.shredRoots(ctx, r.b, instant)
		r.person(ctx, r.a, "42", vault.PersonState{TenantShredded: true})
		r.person(ctx, r.b, "42", vault.PersonState{TenantShredded: true})
		r.atomically(ctx, func(ctx context.Context) {
			for _, l := range []vault.Lock{vault.Shared, vault.Exclusive} {
				if !r.lock(ctx, r.a, "43", l).TenantShredded {
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
		r.wants(true, found, err, "root at")
		r.sameRoots([]vault.RootRow{got}, rows[at])
	}
}
