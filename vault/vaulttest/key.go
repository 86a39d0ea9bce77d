package vaulttest

import (
	"context"
	"math"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var keyChecks = []check{
	{name: "a name without keys has none", run: func(r *rig) {
		r.keys(r.Context(), name(r.a, "42", "profile"))
		r.atomically(r.Context(), func(ctx context.Context) {
			r.lock(ctx, r.a, "42", vault.Shared)
			r.keys(ctx, name(r.a, "42", "profile"))
		})
	}},
	{name: "a key comes back bit for bit", run: func(r *rig) {
		ctx := r.Context()
		row := keyRow(name(r.a, "42", "profile"), 1, math.MaxUint32)
		row.Epoch = math.MaxUint32
		r.insertKey(ctx, row)
		r.keys(ctx, row.KeyName, row)
		row = keyRow(name(r.a, "42", "orders"), math.MaxUint32, 1)
		r.insertKey(ctx, row)
		r.keys(ctx, row.KeyName, row)
	}},
	{name: "keys come newest first, tombstones included", run: func(r *rig) {
		ctx, n := r.Context(), name(r.a, "42", "profile")
		first := r.insertKey(ctx, keyRow(n, 1, 11))
		r.shred(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "42", At: instant})
		tenth := r.insertKey(ctx, keyRow(n, 10, 10))
		ninth := r.insertKey(ctx, keyRow(n, 9, 9))
		r.keys(ctx, n, tenth, ninth, dead(first, instant))
	}},
	{name: "a name has one key of a generation", run: func(r *rig) {
		ctx, n := r.Context(), name(r.a, "42", "profile")
		first := r.insertKey(ctx, keyRow(n, 1, 1))
		inserted, err := r.s.InsertKey(ctx, keyRow(n, 1, 2))
		r.wants(false, inserted, err, "insert key again")
		r.keys(ctx, n, first)
		r.insertKey(ctx, keyRow(name(r.a, "42", "orders"), 1, 2))
	}},
	{name: "a person has one key of an id", run: func(r *rig) {
		ctx, other := r.Context(), name(r.a, "42", "orders")
		r.insertKey(ctx, keyRow(name(r.a, "42", "profile"), 1, 7))
		inserted, err := r.s.InsertKey(ctx, keyRow(other, 1, 7))
		r.wants(false, inserted, err, "insert key of the same id")
		r.keys(ctx, other)
		r.insertKey(ctx, keyRow(name(r.a, "43", "orders"), 1, 7))
		r.insertKey(ctx, keyRow(name(r.b, "42", "orders"), 1, 7))
	}},
	{name: "a key id stays taken when the key is dead", run: func(r *rig) {
		ctx := r.Context()
		r.insertKey(ctx, keyRow(name(r.a, "42", "profile"), 1, 7))
		r.shred(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "42", At: instant})
		inserted, err := r.s.InsertKey(ctx, keyRow(name(r.a, "42", "orders"), 1, 7))
		r.wants(false, inserted, err, "insert key of a dead one's id")
	}},
	{name: "a refused insert leaves the transaction whole", run: func(r *rig) {
		ctx, n := r.Context(), name(r.a, "42", "profile")
		first := r.insertKey(ctx, keyRow(n, 1, 1))
		root := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 0))
		var second vault.KeyRow
		r.atomically(ctx, func(ctx context.Context) {
			inserted, err := r.s.InsertKey(ctx, keyRow(n, 1, 2))
			r.wants(false, inserted, err, "insert key again")
			inserted, err = r.s.InsertKey(ctx, keyRow(n, 2, 1))
			r.wants(false, inserted, err, "insert key of the same id")
			inserted, err = r.s.InsertRoot(ctx, rootRow(r.a, vault.WrapLineage, 0))
			r.wants(false, inserted, err, "insert root again")
			second = r.insertKey(ctx, keyRow(n, 2, 2))
		})
		r.keys(ctx, n, second, first)
		r.root(ctx, root)
	}},
	{name: "nobody inserts a key over a tombstone", run: func(r *rig) {
		ctx, n := r.Context(), name(r.a, "42", "profile")
		row := r.insertKey(ctx, keyRow(n, 1, 1))
		r.shred(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "42", At: instant})
		inserted, err := r.s.InsertKey(ctx, keyRow(n, 1, 2))
		r.wants(false, inserted, err, "insert key over a tombstone")
		r.keys(ctx, n, dead(row, instant))
	}},
	{name: "nobody inserts a key where a name was shredded before it had one", run: func(r *rig) {
		ctx, n := r.Context(), name(r.a, "42", "profile")
		stones := r.shred(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "42", Compartments: []troth.Compartment{"profile"}, At: instant})
		inserted, err := r.s.InsertKey(ctx, keyRow(n, 1, 1))
		r.wants(false, inserted, err, "insert key over a tombstone")
		r.keys(ctx, n, stones...)
	}},
	{name: "names that look alike are different", run: func(r *rig) {
		ctx := r.Context()
		var rows []vault.KeyRow
		for i, id := range lookalikes {
			rows = append(rows,
				r.insertKey(ctx, keyRow(name(r.a, id, "profile"), 1, 1)),
				r.insertKey(ctx, keyRow(name(r.a, "42", troth.Compartment(id)), 1, uint32(i+1))))
		}
		for _, row := range rows {
			r.keys(ctx, row.KeyName, row)
		}
	}},
	{name: "slices belong to the caller", run: func(r *rig) {
		ctx := r.Context()
		row, root := keyRow(name(r.a, "42", "profile"), 1, 1), rootRow(r.a, vault.WrapLineage, 0)
		r.insertKey(ctx, row)
		r.insertRoot(ctx, root)
		clear(row.Sealed)
		clear(root.Sealed)
		row.Sealed, root.Sealed = everyByte(), everyByte()
		for range 2 {
			keys, err := r.s.Keys(ctx, row.KeyName)
			r.ok(err, "keys")
			r.sameKeys(keys, []vault.KeyRow{row})
			clear(keys[0].Sealed)
			got, _, err := r.s.Root(ctx, r.a, vault.WrapLineage)
			r.ok(err, "root")
			r.sameRoots([]vault.RootRow{got}, root)
			clear(got.Sealed)
		}
	}},
}
