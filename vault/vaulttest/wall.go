package vaulttest

import (
	"context"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// household is one row of every kind, the same for each tenant but for the
// tenant.
type household struct {
	roots  []vault.RootRow
	keys   []vault.KeyRow
	window vault.WindowRow
}

// settle fills a tenant.
func (r *rig) settle(ctx context.Context, tenant troth.Tenant, id troth.EntryID) household {
	h := household{
		roots: []vault.RootRow{rootRow(tenant, vault.WrapLineage, 0), rootRow(tenant, vault.IndexLineage, 0)},
		keys: []vault.KeyRow{
			keyRow(name(tenant, "42", "profile"), 1, 1), keyRow(name(tenant, "42", "orders"), 1, 2),
			keyRow(name(tenant, "43", "profile"), 1, 1),
		},
		window: windowRow(tenant, id, instant),
	}
	for _, row := range h.roots {
		r.insertRoot(ctx, row)
	}
	for _, row := range h.keys {
		r.insertKey(ctx, row)
	}
	r.OK(r.s.InsertWindow(ctx, h.window), "insert window")
	return h
}

// intact demands that nothing of the tenant's changed.
func (r *rig) intact(tenant troth.Tenant, h household) {
	r.Helper()
	ctx := r.Context()
	for _, row := range h.roots {
		r.root(ctx, row)
	}
	for _, row := range h.keys {
		r.keys(ctx, row.KeyName, row)
		r.person(ctx, tenant, row.SubjectID, vault.PersonState{})
	}
	closed, err := r.s.CloseWindow(ctx, tenant, h.window.ID, instant)
	r.Wants(true, closed, err, "close the window that was open")
}

var wallChecks = []check{
	{Name: "no read sees another tenant's rows", Run: func(r *rig) {
		ctx := r.Context()
		h := r.settle(ctx, r.B, troth.NewEntryID(time.Now()))
		r.close(ctx, r.B, "44", instant)
		for _, row := range h.roots {
			_, found, err := r.s.Root(ctx, r.A, row.Lineage)
			r.Wants(false, found, err, "root")
			_, found, err = r.s.RootAt(ctx, r.A, row.Lineage, row.Epoch)
			r.Wants(false, found, err, "root at")
		}
		for _, row := range h.keys {
			r.keys(ctx, name(r.A, row.SubjectID, row.Compartment))
		}
		r.person(ctx, r.A, "44", vault.PersonState{})
		r.Atomically(ctx, func(ctx context.Context) {
			if state := r.lock(ctx, r.A, "44", vault.Exclusive); state != (vault.PersonState{}) {
				r.Fatalf("state %+v", state)
			}
		})
	}},
	{Name: "no insert meets another tenant's rows", Run: func(r *rig) {
		id := troth.NewEntryID(time.Now())
		a, b := r.settle(r.Context(), r.A, id), r.settle(r.Context(), r.B, id)
		r.intact(r.A, a)
		r.intact(r.B, b)
	}},
	{Name: "shredding all keys of a person shreds nothing of another tenant's", Run: func(r *rig) {
		ctx, id := r.Context(), troth.NewEntryID(time.Now())
		a, b := r.settle(ctx, r.A, id), r.settle(ctx, r.B, id)
		died := r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant})
		r.sameKeys(died, []vault.KeyRow{dead(a.keys[1], instant), dead(a.keys[0], instant)})
		r.intact(r.B, b)
		r.keys(ctx, a.keys[2].KeyName, a.keys[2])
	}},
	{Name: "shredding keys by name shreds nothing of another tenant's", Run: func(r *rig) {
		ctx, id := r.Context(), troth.NewEntryID(time.Now())
		a, b := r.settle(ctx, r.A, id), r.settle(ctx, r.B, id)
		died := r.shred(ctx, vault.ShredKeys{
			Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"profile", "log"}, At: instant,
		})
		if len(died) != 2 {
			r.Fatalf("died: %+v", died)
		}
		r.keys(ctx, name(r.B, "42", "log"))
		r.intact(r.B, b)
		r.keys(ctx, a.keys[1].KeyName, a.keys[1])
	}},
	{Name: "closing a person closes nobody of another tenant's", Run: func(r *rig) {
		ctx, id := r.Context(), troth.NewEntryID(time.Now())
		r.settle(ctx, r.A, id)
		b := r.settle(ctx, r.B, id)
		r.close(ctx, r.A, "42", instant)
		r.intact(r.B, b)
	}},
	{Name: "shredding a tenant shreds nothing of another's", Run: func(r *rig) {
		ctx, id := r.Context(), troth.NewEntryID(time.Now())
		r.settle(ctx, r.A, id)
		b := r.settle(ctx, r.B, id)
		if died := r.shredRoots(ctx, r.A, instant); len(died) != 2 {
			r.Fatalf("died: %+v", died)
		}
		r.intact(r.B, b)
	}},
	{Name: "no window is closed in another tenant's name", Run: func(r *rig) {
		ctx, id := r.Context(), troth.NewEntryID(time.Now())
		r.settle(ctx, r.B, id)
		closed, err := r.s.CloseWindow(ctx, r.A, id, instant)
		r.Wants(false, closed, err, "close another tenant's window")
		r.settle(ctx, r.A, id)
		closed, err = r.s.CloseWindow(ctx, r.A, id, instant)
		r.Wants(true, closed, err, "close one's own")
		closed, err = r.s.CloseWindow(ctx, r.B, id, instant)
		r.Wants(true, closed, err, "close the other's own")
	}},
}
