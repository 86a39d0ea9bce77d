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
	r.ok(r.s.InsertWindow(ctx, h.window), "insert window")
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
	r.wants(true, closed, err, "close the window that was open")
}

var wallChecks = []check{
	{name: "no read sees another tenant's rows", run: func(r *rig) {
		ctx := r.Context()
		h := r.settle(ctx, r.b, troth.NewEntryID(time.Now()))
		r.close(ctx, r.b, "44", instant)
		for _, row := range h.roots {
			_, found, err := r.s.Root(ctx, r.a, row.Lineage)
			r.wants(false, found, err, "root")
			_, found, err = r.s.RootAt(ctx, r.a, row.Lineage, row.Epoch)
			r.wants(false, found, err, "root at")
		}
		for _, row := range h.keys {
			r.keys(ctx, name(r.a, row.SubjectID, row.Compartment))
		}
		r.person(ctx, r.a, "44", vault.PersonState{})
		r.atomically(ctx, func(ctx context.Context) {
			if state := r.lock(ctx, r.a, "44", vault.Exclusive); state != (vault.PersonState{}) {
				r.Fatalf("state %+v", state)
			}
		})
	}},
	{name: "no insert meets another tenant's rows", run: func(r *rig) {
		id := troth.NewEntryID(time.Now())
		a, b := r.settle(r.Context(), r.a, id), r.settle(r.Context(), r.b, id)
		r.intact(r.a, a)
		r.intact(r.b, b)
	}},
	{name: "shredding all keys of a person shreds nothing of another tenant's", run: func(r *rig) {
		ctx, id := r.Context(), troth.NewEntryID(time.Now())
		a, b := r.settle(ctx, r.a, id), r.settle(ctx, r.b, id)
		died := r.shred(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "42", At: instant})
		r.sameKeys(died, []vault.KeyRow{dead(a.keys[1], instant), dead(a.keys[0], instant)})
		r.intact(r.b, b)
		r.keys(ctx, a.keys[2].KeyName, a.keys[2])
	}},
	{name: "shredding keys by name shreds nothing of another tenant's", run: func(r *rig) {
		ctx, id := r.Context(), troth.NewEntryID(time.Now())
		a, b := r.settle(ctx, r.a, id), r.settle(ctx, r.b, id)
		died := r.shred(ctx, vault.ShredKeys{
			Tenant: r.a, SubjectID: "42", Compartments: []troth.Compartment{"profile", "log"}, At: instant,
		})
		if len(died) != 2 {
			r.Fatalf("died: %+v", died)
		}
		r.keys(ctx, name(r.b, "42", "log"))
		r.intact(r.b, b)
		r.keys(ctx, a.keys[1].KeyName, a.keys[1])
	}},
	{name: "closing a person closes nobody of another tenant's", run: func(r *rig) {
		ctx, id := r.Context(), troth.NewEntryID(time.Now())
		r.settle(ctx, r.a, id)
		b := r.settle(ctx, r.b, id)
		r.close(ctx, r.a, "42", instant)
		r.intact(r.b, b)
	}},
	{name: "shredding a tenant shreds nothing of another's", run: func(r *rig) {
		ctx, id := r.Context(), troth.NewEntryID(time.Now())
		r.settle(ctx, r.a, id)
		b := r.settle(ctx, r.b, id)
		if died := r.shredRoots(ctx, r.a, instant); len(died) != 2 {
			r.Fatalf("died: %+v", died)
		}
		r.intact(r.b, b)
	}},
	{name: "no window is closed in another tenant's name", run: func(r *rig) {
		ctx, id := r.Context(), troth.NewEntryID(time.Now())
		r.settle(ctx, r.b, id)
		closed, err := r.s.CloseWindow(ctx, r.a, id, instant)
		r.wants(false, closed, err, "close another tenant's window")
		r.settle(ctx, r.a, id)
		closed, err = r.s.CloseWindow(ctx, r.a, id, instant)
		r.wants(true, closed, err, "close one's own")
		closed, err = r.s.CloseWindow(ctx, r.b, id, instant)
		r.wants(true, closed, err, "close the other's own")
	}},
}
