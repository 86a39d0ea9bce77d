package vaulttest

import (
	"context"
	"math"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

var keyChecks = []check{
	{Name: "a name without keys has none", Run: func(r *rig) {
		r.keys(r.Context(), name(r.A, "42", "profile"))
		r.Atomically(r.Context(), func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Shared)
			r.keys(ctx, name(r.A, "42", "profile"))
		})
	}},
	{Name: "a key comes back bit for bit", Run: func(r *rig) {
		ctx := r.Context()
		row := keyRow(name(r.A, "42", "profile"), 1, math.MaxUint32)
		row.Epoch = math.MaxUint32
		r.insertKey(ctx, row)
		r.keys(ctx, row.KeyName, row)
		row = keyRow(name(r.A, "42", "orders"), math.MaxUint32, 1)
		r.insertKey(ctx, row)
		r.keys(ctx, row.KeyName, row)
	}},
	{Name: "keys come newest first, tombstones included", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		first := r.insertKey(ctx, keyRow(n, 1, 11))
		r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant})
		tenth := r.insertKey(ctx, keyRow(n, 10, 10))
		ninth := r.insertKey(ctx, keyRow(n, 9, 9))
		r.keys(ctx, n, tenth, ninth, dead(first, instant))
	}},
	{Name: "a name has one key of a generation", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		first := r.insertKey(ctx, keyRow(n, 1, 1))
		inserted, err := r.s.InsertKey(ctx, keyRow(n, 1, 2))
		r.Wants(false, inserted, err, "insert key again")
		r.keys(ctx, n, first)
		r.insertKey(ctx, keyRow(name(r.A, "42", "orders"), 1, 2))
	}},
	{Name: "a person has one key of an id", Run: func(r *rig) {
		ctx, other := r.Context(), name(r.A, "42", "orders")
		r.insertKey(ctx, keyRow(name(r.A, "42", "profile"), 1, 7))
		inserted, err := r.s.InsertKey(ctx, keyRow(other, 1, 7))
		r.Wants(false, inserted, err, "insert key of the same id")
		r.keys(ctx, other)
		r.insertKey(ctx, keyRow(name(r.A, "43", "orders"), 1, 7))
		r.insertKey(ctx, keyRow(name(r.B, "42", "orders"), 1, 7))
	}},
	{Name: "a key id stays taken when the key is dead", Run: func(r *rig) {
		ctx := r.Context()
		r.insertKey(ctx, keyRow(name(r.A, "42", "profile"), 1, 7))
		r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant})
		inserted, err := r.s.InsertKey(ctx, keyRow(name(r.A, "42", "orders"), 1, 7))
		r.Wants(false, inserted, err, "insert key of a dead one's id")
	}},
	{Name: "a refused insert leaves the transaction whole", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		first := r.insertKey(ctx, keyRow(n, 1, 1))
		root := r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 0))
		var second vault.KeyRow
		r.Atomically(ctx, func(ctx context.Context) {
			inserted, err := r.s.InsertKey(ctx, keyRow(n, 1, 2))
			r.Wants(false, inserted, err, "insert key again")
			inserted, err = r.s.InsertKey(ctx, keyRow(n, 2, 1))
			r.Wants(false, inserted, err, "insert key of the same id")
			inserted, err = r.s.InsertRoot(ctx, rootRow(r.A, vault.WrapLineage, 0))
			r.Wants(false, inserted, err, "insert root again")
			second = r.insertKey(ctx, keyRow(n, 2, 2))
		})
		r.keys(ctx, n, second, first)
		r.root(ctx, root)
	}},
	{Name: "nobody inserts a key over a tombstone", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		row := r.insertKey(ctx, keyRow(n, 1, 1))
		r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant})
		inserted, err := r.s.InsertKey(ctx, keyRow(n, 1, 2))
		r.Wants(false, inserted, err, "insert key over a tombstone")
		r.keys(ctx, n, dead(row, instant))
	}},
	{Name: "nobody inserts a key where a name was shredded before it had one", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		stones := r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"profile"}, At: instant})
		inserted, err := r.s.InsertKey(ctx, keyRow(n, 1, 1))
		r.Wants(false, inserted, err, "insert key over a tombstone")
		r.keys(ctx, n, stones...)
	}},
	{Name: "names that look alike are different", Run: func(r *rig) {
		ctx := r.Context()
		var rows []vault.KeyRow
		for i, id := range lookalikes {
			rows = append(rows,
				r.insertKey(ctx, keyRow(name(r.A, id, "profile"), 1, 1)),
				r.insertKey(ctx, keyRow(name(r.A, "42", troth.Compartment(id)), 1, uint32(i+1))))
		}
		for _, row := range rows {
			r.keys(ctx, row.KeyName, row)
		}
	}},
	{Name: "slices belong to the caller", Run: func(r *rig) {
		ctx := r.Context()
		row, root := keyRow(name(r.A, "42", "profile"), 1, 1), rootRow(r.A, vault.WrapLineage, 0)
		r.insertKey(ctx, row)
		r.insertRoot(ctx, root)
		clear(row.Sealed)
		clear(root.Sealed)
		row.Sealed, root.Sealed = suite.EveryByte(), suite.EveryByte()
		for range 2 {
			keys, err := r.s.Keys(ctx, row.KeyName)
			r.OK(err, "keys")
			r.sameKeys(keys, []vault.KeyRow{row})
			clear(keys[0].Sealed)
			got, _, err := r.s.Root(ctx, r.A, vault.WrapLineage)
			r.OK(err, "root")
			r.sameRoots([]vault.RootRow{got}, root)
			clear(got.Sealed)
		}
	}},
}
