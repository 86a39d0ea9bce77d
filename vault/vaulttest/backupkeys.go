package vaulttest

import (
	"github.com/trothdev/troth/vault"
)

var backupKeyChecks = []check{
	{Name: "a generation that was let go is walked by and put back as such", Run: func(r *rig) {
		ctx, n := r.Context(), name(r.A, "42", "profile")
		first, second := r.insertKey(ctx, keyRow(n, 1, 1)), r.insertKey(ctx, keyRow(n, 2, 2))
		r.retire(ctx, n, 1, true)
		page, err := r.s.KeysAfter(ctx, vault.KeyAt{KeyName: vault.KeyName{Tenant: r.A}}, 2)
		r.OK(err, "keys after")
		r.sameKeys(page, []vault.KeyRow{letGo(first), second})

		// Another database, from before: there it lives.
		old := first
		old.Tenant, second.Tenant = r.B, r.B
		r.insertKey(ctx, old)
		r.insertKey(ctx, second)
		for _, want := range []bool{true, false} {
			put, err := r.s.PutKey(ctx, letGo(old))
			r.Wants(want, put, err, "put a generation that was let go")
			r.keys(ctx, second.KeyName, second)
		}
		gone, err := r.s.Tombstones(ctx, r.B, "42")
		r.OK(err, "tombstones")
		r.sameKeys(gone, []vault.KeyRow{letGo(old)})
		// One that was never there.
		third := letGo(keyRow(second.KeyName, 3, 9))
		put, err := r.s.PutKey(ctx, third)
		r.Wants(true, put, err, "put another")
		r.keys(ctx, second.KeyName, second)
	}},
}
