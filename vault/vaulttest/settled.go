package vaulttest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

// settled demands an answer about the person, the compartment and the tenant.
func (r *rig) settled(want bool, names ...vault.KeyName) {
	r.Helper()
	for _, n := range names {
		got, err := r.s.Settled(r.Context(), n)
		r.Wants(want, got, err, "settled")
	}
}

// shredsAs are the ways to shred something under a name.
func (r *rig) shredsAs(tenant troth.Tenant) map[vault.KeyName]func(ctx context.Context) {
	return map[vault.KeyName]func(ctx context.Context){
		name(tenant, "42", ""): func(ctx context.Context) {
			r.lock(ctx, tenant, "42", vault.Exclusive)
			_, err := r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: tenant, SubjectID: "42", At: instant})
			r.OK(err, "shred keys")
			r.OK(r.s.ClosePerson(ctx, tenant, "42", instant), "close person")
		},
		name(tenant, "43", "profile"): func(ctx context.Context) {
			r.lock(ctx, tenant, "43", vault.Exclusive)
			_, err := r.s.ShredKeys(ctx, vault.ShredKeys{
				Tenant: tenant, SubjectID: "43", Compartments: []troth.Compartment{"profile"}, At: instant,
			})
			r.OK(err, "shred keys")
		},
		name(tenant, "", ""): func(ctx context.Context) { r.shredRoots(ctx, tenant, instant) },
	}
}

var settledChecks = []check{
	{Name: "what nobody shreds is settled", Run: func(r *rig) {
		all := []vault.KeyName{name(r.A, "42", ""), name(r.A, "42", "profile"), name(r.A, "", "")}
		r.settled(true, all...)
		r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 0))
		r.insertKey(r.Context(), keyRow(name(r.A, "42", "profile"), 1, 1))
		r.settled(true, all...)
	}},
	{Name: "what an open transaction shreds is not settled until it ends", Run: func(r *rig) {
		for _, tenant := range []troth.Tenant{r.A, r.B} {
			if tenant == r.B { // the other has no rows at all
				r.settle(r.Context(), tenant, troth.EntryID{1})
			}
			for n, shreds := range r.shredsAs(tenant) {
				r.Refused(r.Context(), func(ctx context.Context) { shreds(ctx); r.settled(false, n) })
				r.settled(true, n)
			}
			for n, shreds := range r.shredsAs(tenant) {
				r.Atomically(r.Context(), func(ctx context.Context) { shreds(ctx); r.settled(false, n) })
				r.settled(true, n)
			}
		}
	}},
	{Name: "what the host's open transaction shreds is not settled until it ends", Needs: suite.Host, Run: func(r *rig) {
		for _, tenant := range []troth.Tenant{r.A, r.B} {
			if tenant == r.B {
				r.settle(r.Context(), tenant, troth.EntryID{1})
			}
			for _, end := range []func(commit, rollback func() error) error{suite.RollsBack, suite.Commits} {
				for n, shreds := range r.shredsAs(tenant) {
					r.Hosted(func(ctx context.Context) { shreds(ctx); r.settled(false, n) }, end)
					r.settled(true, n)
				}
			}
		}
	}},
	{Name: "committed rows tell what became of what is settled", Needs: suite.Host, Run: func(r *rig) {
		row := r.insertKey(r.Context(), keyRow(name(r.A, "42", "profile"), 1, 1))
		shreds := r.shredsAs(r.A)[name(r.A, "42", "")]
		r.Hosted(shreds, suite.RollsBack)
		r.settled(true, row.KeyName)
		r.keys(r.Context(), row.KeyName, row)
		r.person(r.Context(), r.A, "42", vault.PersonState{})
		r.Hosted(shreds, suite.Commits)
		r.settled(true, row.KeyName)
		r.keys(r.Context(), row.KeyName, dead(row, instant))
		r.person(r.Context(), r.A, "42", vault.PersonState{ClosedAt: instant})
	}},
}
