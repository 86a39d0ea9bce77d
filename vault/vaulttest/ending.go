package vaulttest

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// everything does one of each.
func (r *rig) everything(ctx context.Context) (key vault.KeyRow, w vault.WindowRow) {
	r.Helper()
	r.insertRoot(ctx, rootRow(r.b, vault.WrapLineage, 1))
	r.lock(ctx, r.a, "42", vault.Exclusive)
	key = r.insertKey(ctx, keyRow(name(r.a, "42", "new"), 1, 2))
	_, err := r.s.ShredKeys(ctx, vault.ShredKeys{
		Tenant: r.a, SubjectID: "42", Compartments: []troth.Compartment{"profile", "log"}, At: instant,
	})
	r.ok(err, "shred keys")
	r.ok(r.s.ClosePerson(ctx, r.a, "42", instant), "close person")
	r.shredRoots(ctx, r.a, instant)
	r.raise(ctx, event(r.a, "42", instant))
	w = r.window(ctx, instant)
	_, err = r.s.CloseWindow(ctx, r.a, troth.EntryID{7}, instant)
	r.ok(err, "close window")
	return key, w
}

// before sets up what everything changes.
func (r *rig) before() (root vault.RootRow, key vault.KeyRow, w vault.WindowRow) {
	r.Helper()
	ctx := r.Context()
	root = r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 0))
	key = r.insertKey(ctx, keyRow(name(r.a, "42", "profile"), 1, 1))
	w = windowRow(r.a, troth.EntryID{7}, instant-1)
	r.ok(r.s.InsertWindow(ctx, w), "insert window")
	return root, key, w
}

// undone demands that everything left no trace.
func (r *rig) undone(ctx context.Context, root vault.RootRow, key vault.KeyRow) {
	r.Helper()
	r.root(ctx, root)
	for _, row := range []vault.RootRow{rootRow(r.b, vault.WrapLineage, 1), rootRow(r.a, vault.IndexLineage, 0)} {
		_, found, err := r.s.RootAt(ctx, row.Tenant, row.Lineage, row.Epoch)
		r.wants(false, found, err, "root")
	}
	r.keys(ctx, key.KeyName, key)
	r.keys(ctx, name(r.a, "42", "new"))
	r.keys(ctx, name(r.a, "42", "log"))
	r.person(ctx, r.a, "42", vault.PersonState{})
	r.happened(r.follow(ctx, 0))
}

// done demands that everything is there.
func (r *rig) done(ctx context.Context, root vault.RootRow, old, made vault.KeyRow) {
	r.Helper()
	r.root(ctx, deadRoot(root))
	r.keys(ctx, old.KeyName, dead(old, instant))
	r.keys(ctx, made.KeyName, made)
	r.person(ctx, r.a, "42", vault.PersonState{ClosedAt: instant, TenantShredded: true})
	r.happened(r.follow(ctx, 0), event(r.a, "42", instant))
}

var endingChecks = []check{
	{name: "a rollback leaves nothing behind", run: func(r *rig) {
		root, key, w := r.before()
		r.refused(r.Context(), func(ctx context.Context) { r.everything(ctx) })
		r.undone(r.Context(), root, key)
		r.lapsed(instant+1, many, w)
	}},
	{name: "a savepoint that is rolled back leaves nothing behind", run: func(r *rig) {
		root, key, w := r.before()
		r.atomically(r.Context(), func(ctx context.Context) {
			r.refused(ctx, func(ctx context.Context) { r.everything(ctx) })
			r.undone(ctx, root, key)
		})
		r.undone(r.Context(), root, key)
		r.lapsed(instant+1, many, w)
	}},
	{name: "reads outside see committed rows only", run: func(r *rig) {
		root, key, w := r.before()
		var made vault.KeyRow
		var opened vault.WindowRow
		r.atomically(r.Context(), func(ctx context.Context) {
			made, opened = r.everything(ctx)
			r.done(ctx, root, key, made)
			r.undone(r.Context(), root, key)
			r.lapsed(instant+1, many, w)
		})
		r.done(r.Context(), root, key, made)
		r.lapsed(instant+1, many, opened)
	}},
	{name: "everything joins the host's transaction and is undone with it", needs: host, run: func(r *rig) {
		root, key, w := r.before()
		r.hosted(func(ctx context.Context) { r.everything(ctx) }, rollsBack)
		r.undone(r.Context(), root, key)
		r.lapsed(instant+1, many, w)
	}},
	{name: "everything joins the host's transaction and commits with it", needs: host, run: func(r *rig) {
		root, key, _ := r.before()
		var made vault.KeyRow
		var opened vault.WindowRow
		r.hosted(func(ctx context.Context) {
			made, opened = r.everything(ctx)
			r.undone(r.Context(), root, key)
		}, commits)
		r.done(r.Context(), root, key, made)
		r.lapsed(instant+1, many, opened)
	}},
	{name: "a store that is opened again finds everything", needs: reopen, run: func(r *rig) {
		root, key, _ := r.before()
		var made vault.KeyRow
		var opened vault.WindowRow
		r.atomically(r.Context(), func(ctx context.Context) { made, opened = r.everything(ctx) })
		r.ok(r.s.SetManaged(r.Context()), "set managed")
		r.s = r.Reopen()
		r.tx = r.s.Transactor()
		r.done(r.Context(), root, key, made)
		r.lapsed(instant+1, many, opened)
		r.managed(r.Context(), true)
		head := r.follow(r.Context(), 0).Head
		r.raise(r.Context(), event(r.b, "1", instant))
		r.happened(r.follow(r.Context(), head), event(r.b, "1", instant))
	}},
	{name: "a cancelled context ends in its own error and without effect", run: func(r *rig) {
		root, key, w := r.before()
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		for what, err := range r.calls(ctx) {
			if !errors.Is(err, context.Canceled) {
				r.Fatalf("%s: got %v, want context.Canceled", what, err)
			}
		}
		r.undone(r.Context(), root, key)
		r.lapsed(instant+1, many, w)
		r.managed(r.Context(), false)
	}},
}

// calls makes every call that needs no transaction.
func (r *rig) calls(ctx context.Context) map[string]error {
	_, _, root := r.s.Root(ctx, r.a, vault.WrapLineage)
	_, _, rootAt := r.s.RootAt(ctx, r.a, vault.WrapLineage, 0)
	_, insertRoot := r.s.InsertRoot(ctx, rootRow(r.b, vault.WrapLineage, 1))
	_, keys := r.s.Keys(ctx, name(r.a, "42", "profile"))
	_, person := r.s.Person(ctx, r.a, "42")
	_, insertKey := r.s.InsertKey(ctx, keyRow(name(r.a, "42", "new"), 1, 2))
	_, shredKeys := r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "42", At: instant})
	_, shredRoots := r.s.ShredRoots(ctx, r.a, instant)
	_, closeWindow := r.s.CloseWindow(ctx, r.a, troth.EntryID{7}, instant)
	_, follow := r.s.Follow(ctx, 0)
	_, lapsed := r.s.LapsedWindows(ctx, instant, many)
	_, managed := r.s.Managed(ctx)
	return map[string]error{
		"Root": root, "RootAt": rootAt, "InsertRoot": insertRoot, "Keys": keys, "Person": person,
		"InsertKey": insertKey, "ShredKeys": shredKeys, "ShredRoots": shredRoots,
		"ClosePerson":   r.s.ClosePerson(ctx, r.a, "42", instant),
		"RaiseFence":    r.s.RaiseFence(ctx, event(r.a, "42", instant)),
		"InsertWindow":  r.s.InsertWindow(ctx, windowRow(r.a, troth.EntryID{8}, instant)),
		"CloseWindow":   closeWindow,
		"Follow":        follow,
		"PruneFence":    r.s.PruneFence(ctx, instant),
		"LapsedWindows": lapsed, "Managed": managed, "SetManaged": r.s.SetManaged(ctx),
	}
}
