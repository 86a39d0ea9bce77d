package vaulttest

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// own is how a tenant names a key-encryption key of its own; it is as long as
// it may be, and has what a column could spoil.
var own = "kms://'\"%_?é" + strings.Repeat("x", vault.MaxKEK-len("kms://'\"%_?é"))

// roots demands that ctx sees these roots of the tenant, in this order.
func (r *rig) roots(ctx context.Context, tenant troth.Tenant, want ...vault.RootRow) {
	r.Helper()
	got, err := r.s.Roots(ctx, tenant)
	r.ok(err, "roots")
	if len(got) != len(want) {
		r.Fatalf("roots: got %d, want %d", len(got), len(want))
	}
	for i := range want {
		if !sameRoot(got[i], want[i]) {
			r.Fatalf("roots: got %+v at %d, want %+v", got[i], i, want[i])
		}
	}
}

// moved is the row under another key-encryption key.
func moved(row vault.RootRow, kek string) vault.RootRow {
	row.KEK, row.Sealed = kek, []byte("wrapped by "+kek[:3])
	return row
}

var kekChecks = []check{
	{name: "a root keeps the name of its key-encryption key", run: func(r *rig) {
		row := rootRow(r.a, vault.WrapLineage, 0)
		row.KEK = own
		r.root(r.Context(), r.insertRoot(r.Context(), row))
	}},
	{name: "all roots of a tenant come in order, tombstones included", run: func(r *rig) {
		ctx := r.Context()
		r.roots(ctx, r.a)
		tenth := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 10))
		index := r.insertRoot(ctx, rootRow(r.a, vault.IndexLineage, 3))
		ninth := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 9))
		r.roots(ctx, r.a, index, ninth, tenth)
		r.shredRoots(ctx, r.a, instant)
		r.roots(ctx, r.a, deadRoot(index), deadRoot(ninth), deadRoot(tenth))
	}},
	{name: "rewrapping gives one root another seal", run: func(r *rig) {
		ctx := r.Context()
		first := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 0))
		second := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 1))
		index := r.insertRoot(ctx, rootRow(r.a, vault.IndexLineage, 0))
		to := moved(first, own)
		asked := to
		asked.Commitment, asked.CreatedAt, asked.ShreddedAt = [32]byte{1}, 1, 1
		replaced, err := r.s.RewrapRoot(ctx, asked, first.Sealed)
		r.wants(true, replaced, err, "rewrap root")
		r.roots(ctx, r.a, index, to, second)
		back := first
		replaced, err = r.s.RewrapRoot(ctx, back, to.Sealed)
		r.wants(true, replaced, err, "rewrap root back")
		r.roots(ctx, r.a, index, first, second)
	}},
	{name: "only the root that was read is rewrapped", run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 0))
		for _, before := range [][]byte{nil, {}, row.Sealed[1:], append([]byte{0}, row.Sealed...)} {
			replaced, err := r.s.RewrapRoot(ctx, moved(row, own), before)
			r.wants(false, replaced, err, "rewrap a root that is another by now")
		}
		replaced, err := r.s.RewrapRoot(ctx, moved(rootRow(r.a, vault.WrapLineage, 1), own), row.Sealed)
		r.wants(false, replaced, err, "rewrap a root that is not there")
		r.roots(ctx, r.a, row)
	}},
	{name: "nobody rewraps a tombstone", run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 0))
		r.shredRoots(ctx, r.a, instant)
		for _, before := range [][]byte{nil, {}, row.Sealed} {
			replaced, err := r.s.RewrapRoot(ctx, moved(row, own), before)
			r.wants(false, replaced, err, "rewrap a tombstone")
		}
		r.root(ctx, deadRoot(row))
	}},
	{name: "of those who rewrap one root, one does", run: func(r *rig) {
		row := r.insertRoot(r.Context(), rootRow(r.a, vault.WrapLineage, 0))
		var winners atomic.Int64
		r.race(func(i int) error {
			to := row
			to.KEK, to.Sealed = own, []byte{byte(i), 1}
			replaced, err := r.s.RewrapRoot(r.Context(), to, row.Sealed)
			if replaced {
				winners.Add(1)
			}
			return err
		})
		r.one(&winners)
	}},
	{name: "rewrapping ends with its transaction", run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 0))
		r.refused(ctx, func(ctx context.Context) {
			replaced, err := r.s.RewrapRoot(ctx, moved(row, own), row.Sealed)
			r.wants(true, replaced, err, "rewrap root")
			r.roots(ctx, r.a, moved(row, own))
		})
		r.roots(ctx, r.a, row)
	}},
	{name: "no root of another tenant's is listed or rewrapped", run: func(r *rig) {
		ctx := r.Context()
		theirs := r.insertRoot(ctx, rootRow(r.b, vault.WrapLineage, 0))
		r.roots(ctx, r.a)
		asked := moved(theirs, own)
		asked.Tenant = r.a
		replaced, err := r.s.RewrapRoot(ctx, asked, theirs.Sealed)
		r.wants(false, replaced, err, "rewrap another tenant's root")
		ours := rootRow(r.a, vault.WrapLineage, 0)
		ours.Sealed = theirs.Sealed
		r.insertRoot(ctx, ours)
		replaced, err = r.s.RewrapRoot(ctx, asked, theirs.Sealed)
		r.wants(true, replaced, err, "rewrap one's own")
		r.roots(ctx, r.b, theirs)
	}},
}
