package vaulttest

import (
	"github.com/trothdev/troth/vault"
)

var backupKeyChecks = []check{
	{name: "a generation that was let go is walked by and put back as such", run: func(r *rig) {
		ctx, n := r.Context(), name(r.a, "42", "profile")
		first, second := r.insertKey(ctx, keyRow(n, 1, 1)), r.insertKey(ctx, keyRow(n, 2, 2))
		r.retire(ctx, n, 1, true)
		page, err := r.s.KeysAfter(ctx, vault.KeyAt{KeyName: vault.KeyName{Tenant: r.a}}, 2)
		r.ok(err, "keys after")
		r.sameKeys(page, []vault.KeyRow{letGo(first), second})

		// Another database, from before: there it lives.
		old := first
		old.Tenant, second.Tenant = r.b, r.b
		r.insertKey(ctx, old)
		r.insertKey(ctx, second)
		for _, want := range []bool{true, false} {
			put, err := r.s.PutKey(ctx, letGo(old))
			r.wants(want, put, err, "put a generation that was let go")
			r.keys(ctx, second.KeyName, second)
		}
		gone, err := r.s.Tombstones(ctx, r.b, "42")
		r.ok(err, "tombstones")
		r.sameKeys(gone, []vault.KeyRow{letGo(old)})
		// One that was never there.
		third := letGo(keyRow(second.KeyName, 3, 9))
		put, err := r.s.PutKey(ctx, third)
		r.wants(true, put, err, "put another")
		r.keys(ctx, second.KeyName, second)
	}},
}
