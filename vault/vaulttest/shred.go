package vaulttest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var shredChecks = []check{
	{Name: "shredding a person kills all keys but those that are spared", Run: func(r *rig) {
		ctx := r.Context()
		var rows []vault.KeyRow
		for i, c := range []troth.Compartment{"z", "B", "a"} {
			for g := range uint32(2) {
				rows = append(rows, r.insertKey(ctx, keyRow(name(r.A, "42", c), g+1, uint32(i)*2+g+1)))
			}
		}
		spared := r.insertKey(ctx, keyRow(name(r.A, "42", "kept"), 1, 100))
		also := r.insertKey(ctx, keyRow(name(r.A, "42", "kept too"), 1, 101))
		died := r.shred(ctx, vault.ShredKeys{
			Tenant: r.A, SubjectID: "42", Except: []troth.Compartment{"kept", "kept too", "never used"}, At: instant,
		})
		// Ordered by the bytes of the compartment, then by generation.
		for _, i := range []int{2, 3, 4, 5, 0, 1} {
			if len(died) == 0 || !sameKey(died[0], dead(rows[i], instant)) {
				r.Fatalf("died: %+v, want %+v first", died, dead(rows[i], instant))
			}
			died = died[1:]
		}
		r.sameKeys(died, nil)
		r.keys(ctx, rows[0].KeyName, dead(rows[1], instant), dead(rows[0], instant))
		r.keys(ctx, spared.KeyName, spared)
		r.keys(ctx, also.KeyName, also)
		r.keys(ctx, name(r.A, "42", "never used"))
	}},
	{Name: "shredding by name kills no other compartment", Run: func(r *rig) {
		ctx := r.Context()
		named := r.insertKey(ctx, keyRow(name(r.A, "42", "profile"), 1, 1))
		other := r.insertKey(ctx, keyRow(name(r.A, "42", "orders"), 1, 2))
		died := r.shred(ctx, vault.ShredKeys{
			Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"profile", "profile"}, At: instant,
		})
		r.sameKeys(died, []vault.KeyRow{dead(named, instant)})
		r.keys(ctx, named.KeyName, dead(named, instant))
		r.keys(ctx, other.KeyName, other)
	}},
	{Name: "a compartment that is named and has no row gets a tombstone", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertKey(ctx, keyRow(name(r.A, "42", "orders"), 1, 1))
		died := r.shred(ctx, vault.ShredKeys{
			Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"profile", "orders"}, At: instant,
		})
		if len(died) != 2 {
			r.Fatalf("died: %+v", died)
		}
		stone := died[1]
		if stone.KeyName != name(r.A, "42", "profile") || stone.Generation != 1 || stone.KeyID != 0 ||
			len(stone.Sealed) > 0 || stone.Commitment != ([32]byte{}) || stone.ShreddedAt != instant {
			r.Fatalf("tombstone: %+v", stone)
		}
		r.sameKeys(died[:1], []vault.KeyRow{dead(row, instant)})
		r.keys(ctx, stone.KeyName, stone)
	}},
	{Name: "a person may have many tombstones that never were keys", Run: func(r *rig) {
		died := r.shred(r.Context(), vault.ShredKeys{
			Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"a", "b", "c"}, At: instant,
		})
		if len(died) != 3 {
			r.Fatalf("died: %+v", died)
		}
		for _, stone := range died {
			r.keys(r.Context(), stone.KeyName, stone)
		}
	}},
	{Name: "keys die once", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertKey(ctx, keyRow(name(r.A, "42", "profile"), 1, 1))
		all := vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant}
		named := vault.ShredKeys{Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"profile", "orders"}, At: instant}
		r.shred(ctx, all)
		r.shred(ctx, named)
		all.At, named.At = instant+1, instant+1
		r.sameKeys(r.shred(ctx, all), nil)
		r.sameKeys(r.shred(ctx, named), nil)
		r.keys(ctx, row.KeyName, dead(row, instant))
	}},
	{Name: "a second shredding kills what the first one spared", Run: func(r *rig) {
		ctx := r.Context()
		first := r.insertKey(ctx, keyRow(name(r.A, "42", "profile"), 1, 1))
		r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant})
		second := r.insertKey(ctx, keyRow(name(r.A, "42", "profile"), 2, 2))
		died := r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"profile"}, At: instant + 1})
		r.sameKeys(died, []vault.KeyRow{dead(second, instant+1)})
		r.keys(ctx, first.KeyName, dead(second, instant+1), dead(first, instant))
	}},
	{Name: "a person without keys has none to shred", Run: func(r *rig) {
		r.sameKeys(r.shred(r.Context(), vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant}), nil)
	}},
	{Name: "a key made in the same transaction dies with the others", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		var row vault.KeyRow
		r.Atomically(ctx, func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Shared)
			row = r.insertKey(ctx, keyRow(n, 1, 1))
			died := r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant})
			r.sameKeys(died, []vault.KeyRow{dead(row, instant)})
		})
		r.keys(ctx, n, dead(row, instant))
	}},
}
