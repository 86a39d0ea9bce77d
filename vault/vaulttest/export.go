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
	r.OK(r.s.NoteExport(ctx, n, at), "note export")
}

var exportChecks = []check{
	{Name: "an export is told of what it covers and of what covers it", Run: func(r *rig) {
		ctx := r.Context()
		n, person, tenant := name(r.A, "42", "profile"), name(r.A, "42", ""), name(r.A, "", "")
		for _, of := range []vault.KeyName{n, person, tenant} {
			r.exported(ctx, of, 0)
		}
		r.export(ctx, n, instant)
		for _, of := range []vault.KeyName{n, person, tenant} {
			r.exported(ctx, of, instant)
		}
		r.exported(ctx, name(r.A, "42", "orders"), 0)
		r.export(ctx, person, instant+1)
		r.exported(ctx, name(r.A, "42", "orders"), instant+1)
		r.exported(ctx, name(r.A, "43", "profile"), 0)
		r.export(ctx, tenant, instant+2)
		r.exported(ctx, name(r.A, "43", "profile"), instant+2)
	}},
	{Name: "the latest export counts", Run: func(r *rig) {
		n := name(r.A, "42", "profile")
		for _, step := range [][2]int64{{instant, instant}, {instant - 1, instant}, {instant + 1, instant + 1}} {
			r.export(r.Context(), n, step[0])
			r.exported(r.Context(), n, step[1])
		}
	}},
	{Name: "an export is not told of another tenant", Run: func(r *rig) {
		r.export(r.Context(), name(r.B, "", ""), instant)
		r.exported(r.Context(), name(r.A, "", ""), 0)
		r.exported(r.Context(), name(r.A, "42", "profile"), 0)
	}},
	{Name: "an export that is rolled back was none", Run: func(r *rig) {
		n := name(r.A, "42", "profile")
		r.Refused(r.Context(), func(ctx context.Context) {
			r.export(ctx, n, instant)
			r.exported(ctx, n, instant)
		})
		r.exported(r.Context(), n, 0)
	}},
	{Name: "a person's dead keys are listed, of all compartments and in order", Run: func(r *rig) {
		ctx := r.Context()
		profile, orders := keyIn(1, name(r.A, "42", "profile"), 1), keyIn(2, name(r.A, "42", "orders"), 2)
		second := keyIn(2, profile.KeyName, 4)
		second.Generation = 2
		for _, row := range []vault.KeyRow{profile, second, orders, keyIn(1, name(r.A, "42", "log"), 3), keyIn(1, name(r.A, "43", "profile"), 1), keyIn(1, name(r.B, "42", "profile"), 1)} {
			r.insertKey(ctx, row)
		}
		r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"profile", "orders", "never"}, At: instant})
		r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "43", At: instant})
		r.shred(ctx, vault.ShredKeys{Tenant: r.B, SubjectID: "42", At: instant})
		got, err := r.s.Tombstones(ctx, r.A, "42")
		r.OK(err, "tombstones")
		r.sameKeys(got, []vault.KeyRow{dead(orders, instant), dead(profile, instant), dead(second, instant)})
	}},
}
