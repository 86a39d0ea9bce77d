package vaulttest

import (
	"context"
	"math"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// newestKeys demands that ctx sees these rows behind the name, in this order.
func (r *rig) newestKeys(ctx context.Context, after vault.KeyName, limit int, want ...vault.KeyRow) {
	r.Helper()
	got, err := r.s.NewestKeys(ctx, after, limit)
	r.OK(err, "newest keys")
	r.sameKeys(got, want)
}

// retire retires as the vault does: in a transaction, under the exclusive lock.
func (r *rig) retire(ctx context.Context, n vault.KeyName, generation uint32, want bool) (row vault.KeyRow) {
	r.Helper()
	r.Atomically(ctx, func(ctx context.Context) {
		r.lock(ctx, n.Tenant, n.SubjectID, vault.Exclusive)
		got, retired, err := r.s.RetireKey(ctx, n, generation, instant)
		r.Wants(want, retired, err, "retire key")
		row = got
	})
	return row
}

// letGo is what becomes of a generation that retire lets go.
func letGo(k vault.KeyRow) vault.KeyRow {
	k = dead(k, instant)
	k.Retired = true
	return k
}

var generationChecks = []check{
	{Name: "the newest keys come by name, one for each that lives", Run: func(r *rig) {
		ctx := r.Context()
		r.newestKeys(ctx, vault.KeyName{Tenant: r.A}, 9)
		names := []vault.KeyName{
			name(r.A, "4", "profile"), name(r.A, "42", "orders"), name(r.A, "42", "profile"), name(r.A, "é", "a"),
		}
		var newest []vault.KeyRow
		for i, n := range names {
			r.insertKey(ctx, keyRow(n, 9, uint32(10*i+1)))
			newest = append(newest, r.insertKey(ctx, keyRow(n, 10, uint32(10*i+2))))
		}
		r.insertKey(ctx, keyRow(name(r.A, "43", "profile"), 1, 1))
		r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "43", At: instant})
		r.newestKeys(ctx, vault.KeyName{Tenant: r.A}, 9, newest...)
		r.newestKeys(ctx, vault.KeyName{Tenant: r.A}, 2, newest[:2]...)
		r.newestKeys(ctx, names[1], 2, newest[2:]...)
		r.newestKeys(ctx, name(r.A, "42", "a"), 1, newest[1])
		r.newestKeys(ctx, name(r.A, "43", ""), 9, newest[3])
		r.newestKeys(ctx, names[3], 9)
	}},
	{Name: "a retired generation is a tombstone that nobody lists", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		first, second := r.insertKey(ctx, keyRow(n, 1, 1)), r.insertKey(ctx, keyRow(n, 2, 2))
		third := r.insertKey(ctx, keyRow(n, math.MaxUint32, 3))
		other := r.insertKey(ctx, keyRow(name(r.A, "42", "orders"), 2, 4))
		r.sameKeys([]vault.KeyRow{r.retire(ctx, n, 2, true)}, []vault.KeyRow{letGo(second)})
		r.keys(ctx, n, third, first)
		r.newestKeys(ctx, vault.KeyName{Tenant: r.A}, 9, other, third)
		r.retire(ctx, n, 2, false)
		r.retire(ctx, n, 1, true)
		gone, err := r.s.Tombstones(ctx, r.A, "42")
		r.OK(err, "tombstones")
		r.sameKeys(gone, []vault.KeyRow{letGo(first), letGo(second)})
	}},
	{Name: "the newest generation is not retired, nor one that is not there", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		first := r.insertKey(ctx, keyRow(n, 1, 1))
		r.retire(ctx, n, 1, false)
		second := r.insertKey(ctx, keyRow(n, 2, 2))
		r.retire(ctx, n, 2, false)
		r.retire(ctx, n, 3, false)
		r.retire(ctx, name(r.A, "42", "orders"), 1, false)
		r.keys(ctx, n, second, first)
	}},
	{Name: "a dead generation is not retired", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		first, second := r.insertKey(ctx, keyRow(n, 1, 1)), r.insertKey(ctx, keyRow(n, 2, 2))
		r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant - 1})
		r.retire(ctx, n, 1, false)
		r.keys(ctx, n, dead(second, instant-1), dead(first, instant-1))
	}},
	{Name: "a retired generation and its key id stay taken", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		r.insertKey(ctx, keyRow(n, 1, 1))
		second := r.insertKey(ctx, keyRow(n, 2, 2))
		r.retire(ctx, n, 1, true)
		inserted, err := r.s.InsertKey(ctx, keyRow(n, 1, 3))
		r.Wants(false, inserted, err, "insert key of a retired generation")
		inserted, err = r.s.InsertKey(ctx, keyRow(name(r.A, "42", "orders"), 1, 1))
		r.Wants(false, inserted, err, "insert key of a retired one's id")
		r.keys(ctx, n, second)
	}},
	{Name: "shredding leaves what was retired as it is", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		r.insertKey(ctx, keyRow(n, 1, 1))
		second := r.insertKey(ctx, keyRow(n, 2, 2))
		r.retire(ctx, n, 1, true)
		p := vault.ShredKeys{Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"profile"}, At: instant + 1}
		r.sameKeys(r.shred(ctx, p), []vault.KeyRow{dead(second, instant+1)})
		r.keys(ctx, n, dead(second, instant+1))
	}},
	{Name: "retiring ends with its transaction", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		first, second := r.insertKey(ctx, keyRow(n, 1, 1)), r.insertKey(ctx, keyRow(n, 2, 2))
		r.Refused(ctx, func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Exclusive)
			_, retired, err := r.s.RetireKey(ctx, n, 1, instant)
			r.Wants(true, retired, err, "retire key")
			r.keys(ctx, n, second)
		})
		r.keys(ctx, n, second, first)
	}},
	{Name: "no key of another tenant's is listed or retired", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		theirs := []vault.KeyRow{keyRow(name(r.B, "42", "profile"), 2, 2), keyRow(name(r.B, "42", "profile"), 1, 1)}
		for _, row := range theirs {
			r.insertKey(ctx, row)
		}
		r.newestKeys(ctx, vault.KeyName{Tenant: r.A}, 9)
		r.retire(ctx, n, 1, false)
		r.insertKey(ctx, keyRow(n, 1, 1))
		second := r.insertKey(ctx, keyRow(n, 2, 2))
		r.retire(ctx, n, 1, true)
		r.keys(ctx, n, second)
		r.keys(ctx, theirs[0].KeyName, theirs...)
	}},
}
