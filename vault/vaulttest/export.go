package vaulttest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// exported demands the instant of the latest export that the name has to do
// with.
func (r *rig) exported(ctx context.Context, n vault.KeyName, want int64) {
	r.Helper()
	got, err := r.s.Exported(ctx, n)
	if err != nil || got != want {
		r.Fatalf("exported %+v: got %d, %v; want %d", n, got, err, want)
	}
}

func (r *rig) export(ctx context.Context, n vault.KeyName, at int64) {
	r.Helper()
	r.ok(r.s.NoteExport(ctx, n, at), "note export")
}

var exportChecks = []check{
	{name: "an export is told of what it covers and of what covers it", run: func(r *rig) {
		ctx := r.Context()
		n, person, tenant := name(r.a, "42", "profile"), name(r.a, "42", ""), name(r.a, "", "")
		for _, of := range []vault.KeyName{n, person, tenant} {
			r.exported(ctx, of, 0)
		}
		r.export(ctx, n, instant)
		for _, of := range []vault.KeyName{n, person, tenant} {
			r.exported(ctx, of, instant)
		}
		r.exported(ctx, name(r.a, "42", "orders"), 0)
		r.export(ctx, person, instant+1)
		r.exported(ctx, name(r.a, "42", "orders"), instant+1)
		r.exported(ctx, name(r.a, "43", "profile"), 0)
		r.export(ctx, tenant, instant+2)
		r.exported(ctx, name(r.a, "43", "profile"), instant+2)
	}},
	{name: "the latest export counts", run: func(r *rig) {
		n := name(r.a, "42", "profile")
		for _, step := range [][2]int64{{instant, instant}, {instant - 1, instant}, {instant + 1, instant + 1}} {
			r.export(r.Context(), n, step[0])
			r.exported(r.Context(), n, step[1])
		}
	}},
	{name: "an export is not told of another tenant", run: func(r *rig) {
		r.export(r.Context(), name(r.b, "", ""), instant)
		r.exported(r.Context(), name(r.a, "", ""), 0)
		r.exported(r.Context(), name(r.a, "42", "profile"), 0)
	}},
	{name: "an export that is rolled back was none", run: func(r *rig) {
		n := name(r.a, "42", "profile")
		r.refused(r.Context(), func(ctx context.Context) {
			r.export(ctx, n, instant)
			r.exported(ctx, n, instant)
		})
		r.exported(r.Context(), n, 0)
	}},
	{name: "a person's dead keys are listed, of all compartments and in order", run: func(r *rig) {
		ctx := r.Context()
		profile, orders := keyIn(1, name(r.a, "42", "profile"), 1), keyIn(2, name(r.a, "42", "orders"), 2)
		second := keyIn(2, profile.KeyName, 4)
		second.Generation = 2
		for _, row := range []vault.KeyRow{profile, second, orders, keyIn(1, name(r.a, "42", "log"), 3), keyIn(1, name(r.a, "43", "profile"), 1), keyIn(1, name(r.b, "42", "profile"), 1)} {
			r.insertKey(ctx, row)
		}
		r.shred(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "42", Compartments: []troth.Compartment{"profile", "orders", "never"}, At: instant})
		r.shred(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "43", At: instant})
		r.shred(ctx, vault.ShredKeys{Tenant: r.b, SubjectID: "42", At: instant})
		got, err := r.s.Tombstones(ctx, r.a, "42")
		r.ok(err, "tombstones")
		r.sameKeys(got, []vault.KeyRow{dead(orders, instant), dead(profile, instant), dead(second, instant)})
	}},
}
