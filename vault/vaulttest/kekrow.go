package vaulttest

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/trothdev/troth/vault"
)

// own is how a tenant names a key-encryption key of its own; it is as long as
// it may be, and has what a column could spoil.
var own = "kms://'\"%_?é" + strings.Repeat("x", vault.MaxKEK-len("kms://'\"%_?é"))

// movedTo is the row under another key-encryption key.
func movedTo(row vault.RootRow, kek string) vault.RootRow {
	row.KEK, row.MovedAt, row.Sealed = kek, instant+7, []byte("wrapped by "+kek[:3])
	return row
}

var kekChecks = []check{
	{Name: "a root keeps the name of its key-encryption key", Run: func(r *rig) {
		row := rootRow(r.A, vault.WrapLineage, 0)
		row.KEK = own
		r.root(r.Context(), r.insertRoot(r.Context(), row))
	}},
	{Name: "rewrapping gives one root another seal", Run: func(r *rig) {
		ctx := r.Context()
		first := r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 0))
		second := rootRow(r.A, vault.WrapLineage, 1)
		r.renewRoot(ctx, second)
		first = superseded(first, second)
		index := r.insertRoot(ctx, rootRow(r.A, vault.IndexLineage, 0))
		to := movedTo(first, own)
		asked := to
		asked.Commitment, asked.CreatedAt, asked.ShreddedAt = [32]byte{1}, 1, 1
		replaced, err := r.s.RewrapRoot(ctx, asked, first.Sealed)
		r.Wants(true, replaced, err, "rewrap root")
		r.rootsAre(ctx, r.A, index, to, second)
		back := first
		replaced, err = r.s.RewrapRoot(ctx, back, to.Sealed)
		r.Wants(true, replaced, err, "rewrap root back")
		r.rootsAre(ctx, r.A, index, first, second)
	}},
	{Name: "only the root that was read is rewrapped", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 0))
		for _, before := range [][]byte{nil, {}, row.Sealed[1:], append([]byte{0}, row.Sealed...)} {
			replaced, err := r.s.RewrapRoot(ctx, movedTo(row, own), before)
			r.Wants(false, replaced, err, "rewrap a root that is another by now")
		}
		replaced, err := r.s.RewrapRoot(ctx, movedTo(rootRow(r.A, vault.WrapLineage, 1), own), row.Sealed)
		r.Wants(false, replaced, err, "rewrap a root that is not there")
		r.rootsAre(ctx, r.A, row)
	}},
	{Name: "a root is renewed under its own key-encryption key only", Run: func(r *rig) {
		ctx := r.Context()
		first := rootRow(r.A, vault.WrapLineage, 0)
		first.KEK = own
		r.insertRoot(ctx, first)
		next := rootRow(r.A, vault.WrapLineage, 1)
		for _, other := range []string{"", own[1:]} {
			next.KEK = other
			inserted, err := r.s.RenewRoot(ctx, next)
			r.Wants(false, inserted, err, "renew a root under another key")
		}
		r.rootsAre(ctx, r.A, first)
		next.KEK = own
		r.renewRoot(ctx, next)
		r.rootsAre(ctx, r.A, superseded(first, next), next)
	}},
	{Name: "nobody rewraps a tombstone, or what was emptied", Run: func(r *rig) {
		ctx := r.Context()
		gone, next := r.insertRoot(ctx, rootRow(r.B, vault.WrapLineage, 0)), rootRow(r.B, vault.WrapLineage, 1)
		r.renewRoot(ctx, next)
		r.retires(ctx, r.B, 1, 0)
		for _, before := range [][]byte{nil, {}, gone.Sealed} {
			replaced, err := r.s.RewrapRoot(ctx, movedTo(gone, own), before)
			r.Wants(false, replaced, err, "rewrap a root that was emptied")
		}
		r.rootsAre(ctx, r.B, retired(superseded(gone, next)), next)
		row := r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 0))
		r.shredRoots(ctx, r.A, instant)
		for _, before := range [][]byte{nil, {}, row.Sealed} {
			replaced, err := r.s.RewrapRoot(ctx, movedTo(row, own), before)
			r.Wants(false, replaced, err, "rewrap a tombstone")
		}
		r.root(ctx, deadRoot(row))
	}},
	{Name: "of those who rewrap one root, one does", Run: func(r *rig) {
		row := r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 0))
		var winners atomic.Int64
		r.Race(func(i int) error {
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
	{Name: "rewrapping ends with its transaction", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 0))
		r.Refused(ctx, func(ctx context.Context) {
			replaced, err := r.s.RewrapRoot(ctx, movedTo(row, own), row.Sealed)
			r.Wants(true, replaced, err, "rewrap root")
			r.rootsAre(ctx, r.A, movedTo(row, own))
		})
		r.rootsAre(ctx, r.A, row)
	}},
	{Name: "no root of another tenant's is listed or rewrapped", Run: func(r *rig) {
		ctx := r.Context()
		theirs := r.insertRoot(ctx, rootRow(r.B, vault.WrapLineage, 0))
		r.rootsAre(ctx, r.A)
		asked := movedTo(theirs, own)
		asked.Tenant = r.A
		replaced, err := r.s.RewrapRoot(ctx, asked, theirs.Sealed)
		r.Wants(false, replaced, err, "rewrap another tenant's root")
		ours := rootRow(r.A, vault.WrapLineage, 0)
		ours.Sealed = theirs.Sealed
		r.insertRoot(ctx, ours)
		replaced, err = r.s.RewrapRoot(ctx, asked, theirs.Sealed)
		r.Wants(true, replaced, err, "rewrap one's own")
		r.rootsAre(ctx, r.B, theirs)
	}},
}
