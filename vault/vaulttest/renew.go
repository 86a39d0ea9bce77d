package vaulttest

import (
	"context"
	"sync/atomic"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

func (r *rig) addRoot(ctx context.Context, row vault.RootRow) {
	r.Helper()
	inserted, err := r.s.RenewRoot(ctx, row)
	r.Wants(true, inserted, err, "renew root")
}

// renewRoot adds a root and supersedes those below.
func (r *rig) renewRoot(ctx context.Context, row vault.RootRow) {
	r.Helper()
	r.addRoot(ctx, row)
	r.OK(r.s.SupersedeRoots(ctx, row.Tenant, row.Epoch, row.CreatedAt), "supersede roots")
}

// retires demands that so many living roots of epochs below remain.
func (r *rig) retires(ctx context.Context, tenant troth.Tenant, below uint32, left int) {
	r.Helper()
	got, err := r.s.RetireRoots(ctx, tenant, below, instant+3)
	if err != nil || got != left {
		r.Fatalf("retire roots: %d left, %v; want %d", got, err, left)
	}
}

// superseded is what becomes of a root when next is added.
func superseded(row, next vault.RootRow) vault.RootRow {
	row.SupersededAt = next.CreatedAt
	return row
}

// retired is what becomes of a superseded root that retires empties.
func retired(row vault.RootRow) vault.RootRow {
	row.Sealed, row.RetiredAt = nil, instant+3
	return row
}

// rootsAre demands exactly these roots of the tenant, in this order.
func (r *rig) rootsAre(ctx context.Context, tenant troth.Tenant, want ...vault.RootRow) {
	r.Helper()
	got, err := r.s.Roots(ctx, tenant)
	r.OK(err, "roots")
	if len(got) != len(want) {
		r.Fatalf("roots: got %+v, want %+v", got, want)
	}
	for i := range want {
		if !sameRoot(got[i], want[i]) {
			r.Fatalf("root %d: got %+v, want %+v", i, got[i], want[i])
		}
	}
}

func keyIn(epoch uint32, n vault.KeyName, id uint32) vault.KeyRow {
	row := keyRow(n, 1, id)
	row.Epoch, row.FirstEpoch = epoch, epoch
	return row
}

var renewChecks = []check{
	{Name: "a tenant's roots are listed, of both lineages and in order", Run: func(r *rig) {
		ctx := r.Context()
		r.rootsAre(ctx, r.A)
		wrap := []vault.RootRow{rootRow(r.A, vault.WrapLineage, 0), rootRow(r.A, vault.WrapLineage, 2), rootRow(r.A, vault.WrapLineage, 11)}
		index := rootRow(r.A, vault.IndexLineage, 1)
		r.insertRoot(ctx, wrap[0])
		r.renewRoot(ctx, wrap[1])
		r.renewRoot(ctx, wrap[2])
		r.insertRoot(ctx, index)
		r.insertRoot(ctx, rootRow(r.B, vault.WrapLineage, 0))
		r.rootsAre(ctx, r.A, index, superseded(wrap[0], wrap[1]), superseded(wrap[1], wrap[2]), wrap[2])
	}},
	{Name: "roots are superseded where their lineage has a higher one, once", Run: func(r *rig) {
		ctx := r.Context()
		old, index, next := rootRow(r.A, vault.WrapLineage, 1), rootRow(r.A, vault.IndexLineage, 1), rootRow(r.A, vault.WrapLineage, 2)
		other := rootRow(r.B, vault.WrapLineage, 1)
		r.insertRoot(ctx, old)
		r.insertRoot(ctx, index)
		r.insertRoot(ctx, other)
		supersede := func(below uint32, at int64) {
			r.OK(r.s.SupersedeRoots(ctx, r.A, below, at), "supersede roots")
		}
		supersede(2, instant) // nothing is higher
		r.addRoot(ctx, next)
		r.root(ctx, next)
		r.rootsAre(ctx, r.A, index, old, next)
		supersede(1, instant)
		supersede(3, instant)
		r.rootsAre(ctx, r.A, index, old, next)
		supersede(2, next.CreatedAt)
		supersede(2, instant+9)
		r.rootsAre(ctx, r.A, index, superseded(old, next), next)
		r.rootsAre(ctx, r.B, other)
	}},
	{Name: "nobody renews a root that is not there", Run: func(r *rig) {
		r.insertRoot(r.Context(), rootRow(r.A, vault.IndexLineage, 1))
		r.insertRoot(r.Context(), rootRow(r.B, vault.WrapLineage, 1))
		inserted, err := r.s.RenewRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 2))
		r.Wants(false, inserted, err, "renew root")
	}},
	{Name: "nobody renews a root into its own epoch or a lower one", Run: func(r *rig) {
		first := r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 5))
		for _, epoch := range []uint32{5, 4} {
			inserted, err := r.s.RenewRoot(r.Context(), rootRow(r.A, vault.WrapLineage, epoch))
			r.Wants(false, inserted, err, "renew root")
		}
		r.rootsAre(r.Context(), r.A, first)
	}},
	{Name: "nobody renews the root of a dead tenant", Run: func(r *rig) {
		row := r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 1))
		r.shredRoots(r.Context(), r.A, instant)
		inserted, err := r.s.RenewRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 2))
		r.Wants(false, inserted, err, "renew root")
		r.root(r.Context(), deadRoot(row))
	}},
	{Name: "of those who renew one root, one does", Run: func(r *rig) {
		r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 0))
		var winners atomic.Int64
		r.Race(func(int) error {
			inserted, err := r.s.RenewRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 1))
			if inserted {
				winners.Add(1)
			}
			return err
		})
		r.one(&winners)
	}},
	{Name: "no key comes under a superseded root, and the lock tells the newest", Run: func(r *rig) {
		ctx := r.Context()
		r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 1))
		r.renewRoot(ctx, rootRow(r.A, vault.WrapLineage, 4))
		r.Atomically(ctx, func(ctx context.Context) {
			if state := r.lock(ctx, r.A, "42", vault.Shared); state.Epoch != 4 {
				r.Fatalf("state %+v", state)
			}
			row := keyIn(1, name(r.A, "42", "profile"), 1)
			inserted, err := r.s.InsertKey(ctx, row)
			r.Wants(false, inserted, err, "insert key under the old root")
			r.insertKey(ctx, keyIn(4, row.KeyName, 1))
		})
	}},
	{Name: "who supersedes a root waits for who creates under it, and finds the key", Run: func(r *rig) {
		r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 1))
		row := keyIn(1, name(r.A, "42", "profile"), 1)
		var found []vault.KeyRow
		r.waits(func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Shared)
			r.insertKey(ctx, row)
		}, func(ctx context.Context) error {
			return r.TX.Atomically(ctx, func(ctx context.Context) error {
				if _, err := r.s.RenewRoot(ctx, rootRow(r.A, vault.WrapLineage, 2)); err != nil {
					return err
				}
				err := r.s.SupersedeRoots(ctx, r.A, 2, instant)
				if err != nil {
					return err
				}
				found, err = r.s.StaleKeys(ctx, vault.StaleKeys{Tenant: r.A, Below: 2, Limit: many})
				return err
			})
		})
		r.sameKeys(found, []vault.KeyRow{row})
	}},
	{Name: "who renews a root waits for nobody who creates, and who creates then holds the new one", Needs: suite.ManyWriters, Run: func(r *rig) {
		outside := r.Context()
		r.insertRoot(outside, rootRow(r.A, vault.WrapLineage, 1))
		r.Atomically(outside, func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Shared)
			r.addRoot(outside, rootRow(r.A, vault.WrapLineage, 2))
		})
		r.Atomically(outside, func(ctx context.Context) {
			if state := r.lock(ctx, r.A, "43", vault.Shared); state.Epoch != 2 {
				r.Fatalf("state %+v", state)
			}
			r.OK(r.s.SupersedeRoots(outside, r.A, 2, instant), "supersede roots")
			r.retires(outside, r.A, 2, 0)
		})
	}},
	{Name: "who creates waits for who supersedes the root, and is told", Run: func(r *rig) {
		r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 1))
		var state vault.PersonState
		r.waits(func(ctx context.Context) { r.renewRoot(ctx, rootRow(r.A, vault.WrapLineage, 2)) }, func(ctx context.Context) error {
			return r.TX.Atomically(ctx, func(ctx context.Context) (err error) {
				state, err = r.s.LockPerson(ctx, r.A, "42", vault.Shared)
				return err
			})
		})
		if state.Epoch != 2 {
			r.Fatalf("state %+v", state)
		}
	}},
	{Name: "who shreds a tenant waits for who renews its root, and empties both", Run: func(r *rig) {
		old, next := rootRow(r.A, vault.WrapLineage, 1), rootRow(r.A, vault.WrapLineage, 2)
		r.insertRoot(r.Context(), old)
		r.insertRoot(r.Context(), rootRow(r.A, vault.IndexLineage, 1))
		var died []vault.RootRow
		r.waits(func(ctx context.Context) { r.renewRoot(ctx, next) }, func(ctx context.Context) (err error) {
			died, err = r.s.ShredRoots(ctx, r.A, instant)
			return err
		})
		if len(died) != 3 {
			r.Fatalf("died: %+v", died)
		}
		r.root(r.Context(), deadRoot(next))
		got, _, err := r.s.RootAt(r.Context(), r.A, vault.WrapLineage, 1)
		r.OK(err, "root at")
		r.sameRoots([]vault.RootRow{got}, deadRoot(superseded(old, next)))
	}},
	{Name: "shredding a tenant turns emptied roots into tombstones too", Run: func(r *rig) {
		ctx := r.Context()
		old, next := rootRow(r.A, vault.WrapLineage, 1), rootRow(r.A, vault.WrapLineage, 2)
		r.insertRoot(ctx, old)
		r.renewRoot(ctx, next)
		r.retires(ctx, r.A, 2, 0)
		r.insertRoot(ctx, rootRow(r.A, vault.IndexLineage, 2))
		if died := r.shredRoots(ctx, r.A, instant); len(died) != 3 {
			r.Fatalf("died: %+v", died)
		}
		got, _, err := r.s.RootAt(ctx, r.A, vault.WrapLineage, 1)
		r.OK(err, "root at")
		r.sameRoots([]vault.RootRow{got}, deadRoot(retired(superseded(old, next))))
	}},
}
