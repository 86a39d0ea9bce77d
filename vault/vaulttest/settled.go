package vaulttest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// settled demands an answer about the person, the compartment and the tenant.
func (r *rig) settled(want bool, names ...vault.KeyName) {
	r.Helper()
	for _, n := range names {
		got, err := r.s.Settled(r.Context(), n)
		r.wants(want, got, err, "settled")
	}
}

// shredsAs are the ways to shred something under a name.
func (r *rig) shredsAs(tenant troth.Tenant) map[vault.KeyName]func(ctx context.Context) {
	return map[vault.KeyName]func(ctx context.Context){
		name(tenant, "42", ""): func(ctx context.Context) {
			r.lock(ctx, tenant, "42", vault.Exclusive)
			_, err := r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: tenant, SubjectID: "42", At: instant})
			r.ok(err, "shred keys")
			r.ok(r.s.ClosePerson(ctx, tenant, "42", instant), "close person")
		},
		name(tenant, "43", "profile"): func(ctx context.Context) {
			r.lock(ctx, tenant, "43", vault.Exclusive)
			_, err := r.s.ShredKeys(ctx, vault.ShredKeys{
				Tenant: tenant, SubjectID: "43", Compartments: []troth.Compartment{"profile"}, At: instant,
			})
			r.ok(err, "shred keys")
		},
		name(tenant, "", ""): func(ctx context.Context) { r.shredRoots(ctx, tenant, instant) },
	}
}

var settledChecks = []check{
	{name: "what nobody shreds is settled", run: func(r *rig) {
		all := []vault.KeyName{name(r.a, "42", ""), name(r.a, "42", "profile"), name(r.a, "", "")}
		r.settled(true, all...)
		r.insertRoot(r.Context(), rootRow(r.a, vault.WrapLineage, 0))
		r.insertKey(r.Context(), keyRow(name(r.a, "42", "profile"), 1, 1))
		r.settled(true, all...)
	}},
	{name: "what an open transaction shreds is not settled until it ends", run: func(r *rig) {
		for _, tenant := range []troth.Tenant{r.a, r.b} {
			if tenant == r.b { // the other has no rows at all
				r.settle(r.Context(), tenant, troth.EntryID{1})
			}
			for n, shreds := range r.shredsAs(tenant) {
				r.refused(r.Context(), func(ctx context.Context) { shreds(ctx); r.settled(false, n) })
				r.settled(true, n)
			}
			for n, shreds := range r.shredsAs(tenant) {
				r.atomically(r.Context(), func(ctx context.Context) { shreds(ctx); r.settled(false, n) })
				r.settled(true, n)
			}
		}
	}},
	{name: "what the host's open transaction shreds is not settled until it ends", needs: host, run: func(r *rig) {
		for _, tenant := range []troth.Tenant{r.a, r.b} {
			if tenant == r.b {
				r.settle(r.Context(), tenant, troth.EntryID{1})
			}
			for _, end := range []func(commit, rollback func() error) error{rollsBack, commits} {
				for n, shreds := range r.shredsAs(tenant) {
					r.hosted(func(ctx context.Context) { shreds(ctx); r.settled(false, n) }, end)
					r.settled(true, n)
				}
			}
		}
	}},
	{name: "committed rows tell what became of what is settled", needs: host, run: func(r *rig) {
		row := r.insertKey(r.Context(), keyRow(name(r.a, "42", "profile"), 1, 1))
		shreds := r.shredsAs(r.a)[name(r.a, "42", "")]
		r.hosted(shreds, rollsBack)
		r.settled(true, row.KeyName)
		r.keys(r.Context(), row.KeyName, row)
		r.person(r.Context(), r.a, "42", vault.PersonState{})
		r.hosted(shreds, commits)
		r.settled(true, row.KeyName)
		r.keys(r.Context(), row.KeyName, dead(row, instant))
		r.person(r.Context(), r.a, "42", vault.PersonState{ClosedAt: instant})
	}},
}
