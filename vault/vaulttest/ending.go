package vaulttest

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

// everything does one of each.
func (r *rig) everything(ctx context.Context) (key vault.KeyRow, w vault.WindowRow) {
	r.Helper()
	r.insertRoot(ctx, rootRow(r.B, vault.WrapLineage, 1))
	r.lock(ctx, r.A, "42", vault.Exclusive)
	key = r.insertKey(ctx, keyRow(name(r.A, "42", "new"), 1, 2))
	_, err := r.s.ShredKeys(ctx, vault.ShredKeys{
		Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"profile", "log"}, At: instant,
	})
	r.OK(err, "shred keys")
	r.OK(r.s.ClosePerson(ctx, r.A, "42", instant), "close person")
	r.shredRoots(ctx, r.A, instant)
	r.feed().Raise(ctx, event(r.A, "42", instant))
	w = r.window(ctx, instant)
	_, err = r.s.CloseWindow(ctx, r.A, troth.EntryID{7}, instant)
	r.OK(err, "close window")
	return key, w
}

// before sets up what everything changes.
func (r *rig) before() (root vault.RootRow, key vault.KeyRow, w vault.WindowRow) {
	r.Helper()
	ctx := r.Context()
	root = r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 0))
	key = r.insertKey(ctx, keyRow(name(r.A, "42", "profile"), 1, 1))
	w = windowRow(r.A, troth.EntryID{7}, instant-1)
	r.OK(r.s.InsertWindow(ctx, w), "insert window")
	return root, key, w
}

// undone demands that everything left no trace.
func (r *rig) undone(ctx context.Context, root vault.RootRow, key vault.KeyRow) {
	r.Helper()
	r.root(ctx, root)
	for _, row := range []vault.RootRow{rootRow(r.B, vault.WrapLineage, 1), rootRow(r.A, vault.IndexLineage, 0)} {
		_, found, err := r.s.RootAt(ctx, row.Tenant, row.Lineage, row.Epoch)
		r.Wants(false, found, err, "root")
	}
	r.keys(ctx, key.KeyName, key)
	r.keys(ctx, name(r.A, "42", "new"))
	r.keys(ctx, name(r.A, "42", "log"))
	r.person(ctx, r.A, "42", vault.PersonState{})
	r.feed().Happened(r.feed().Follow(ctx, 0))
}

// done demands that everything is there.
func (r *rig) done(ctx context.Context, root vault.RootRow, old, made vault.KeyRow) {
	r.Helper()
	r.root(ctx, deadRoot(root))
	r.keys(ctx, old.KeyName, dead(old, instant))
	r.keys(ctx, made.KeyName, made)
	r.person(ctx, r.A, "42", vault.PersonState{ClosedAt: instant, TenantShredded: true})
	r.feed().Happened(r.feed().Follow(ctx, 0), event(r.A, "42", instant))
}

var endingChecks = []check{
	{Name: "a rollback leaves nothing behind", Run: func(r *rig) {
		root, key, w := r.before()
		r.Refused(r.Context(), func(ctx context.Context) { r.everything(ctx) })
		r.undone(r.Context(), root, key)
		r.lapsed(instant+1, many, w)
	}},
	{Name: "a savepoint that is rolled back leaves nothing behind", Run: func(r *rig) {
		root, key, w := r.before()
		r.Atomically(r.Context(), func(ctx context.Context) {
			r.Refused(ctx, func(ctx context.Context) { r.everything(ctx) })
			r.undone(ctx, root, key)
		})
		r.undone(r.Context(), root, key)
		r.lapsed(instant+1, many, w)
	}},
	{Name: "reads outside see committed rows only", Run: func(r *rig) {
		root, key, w := r.before()
		var made vault.KeyRow
		var opened vault.WindowRow
		r.Atomically(r.Context(), func(ctx context.Context) {
			made, opened = r.everything(ctx)
			r.done(ctx, root, key, made)
			r.undone(r.Context(), root, key)
			r.lapsed(instant+1, many, w)
		})
		r.done(r.Context(), root, key, made)
		r.lapsed(instant+1, many, opened)
	}},
	{Name: "everything joins the host's transaction and is undone with it", Needs: suite.Host, Run: func(r *rig) {
		root, key, w := r.before()
		r.Hosted(func(ctx context.Context) { r.everything(ctx) }, suite.RollsBack)
		r.undone(r.Context(), root, key)
		r.lapsed(instant+1, many, w)
	}},
	{Name: "everything joins the host's transaction and commits with it", Needs: suite.Host, Run: func(r *rig) {
		root, key, _ := r.before()
		var made vault.KeyRow
		var opened vault.WindowRow
		r.Hosted(func(ctx context.Context) {
			made, opened = r.everything(ctx)
			r.undone(r.Context(), root, key)
		}, suite.Commits)
		r.done(r.Context(), root, key, made)
		r.lapsed(instant+1, many, opened)
	}},
	{Name: "a store that is opened again finds everything", Needs: suite.Reopen, Run: func(r *rig) {
		root, key, _ := r.before()
		var made vault.KeyRow
		var opened vault.WindowRow
		r.Atomically(r.Context(), func(ctx context.Context) { made, opened = r.everything(ctx) })
		r.OK(r.s.SetManaged(r.Context()), "set managed")
		r.s = r.Reopen()
		r.TX = r.s.Transactor()
		r.done(r.Context(), root, key, made)
		r.lapsed(instant+1, many, opened)
		r.managed(r.Context(), true)
		head := r.feed().Follow(r.Context(), 0).Head
		r.feed().Raise(r.Context(), event(r.B, "1", instant))
		r.feed().Happened(r.feed().Follow(r.Context(), head), event(r.B, "1", instant))
	}},
	{Name: "a cancelled context ends in its own error and without effect", Run: func(r *rig) {
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
	_, _, root := r.s.Root(ctx, r.A, vault.WrapLineage)
	_, _, rootAt := r.s.RootAt(ctx, r.A, vault.WrapLineage, 0)
	_, insertRoot := r.s.InsertRoot(ctx, rootRow(r.B, vault.WrapLineage, 1))
	_, keys := r.s.Keys(ctx, name(r.A, "42", "profile"))
	_, person := r.s.Person(ctx, r.A, "42")
	_, insertKey := r.s.InsertKey(ctx, keyRow(name(r.A, "42", "new"), 1, 2))
	_, shredKeys := r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant})
	_, shredRoots := r.s.ShredRoots(ctx, r.A, instant)
	_, closeWindow := r.s.CloseWindow(ctx, r.A, troth.EntryID{7}, instant)
	_, follow := r.s.Follow(ctx, 0)
	_, lapsed := r.s.LapsedWindows(ctx, instant, many)
	_, managed := r.s.Managed(ctx)
	return map[string]error{
		"Root": root, "RootAt": rootAt, "InsertRoot": insertRoot, "Keys": keys, "Person": person,
		"InsertKey": insertKey, "ShredKeys": shredKeys, "ShredRoots": shredRoots,
		"ClosePerson":   r.s.ClosePerson(ctx, r.A, "42", instant),
		"RaiseFence":    r.s.RaiseFence(ctx, event(r.A, "42", instant)),
		"InsertWindow":  r.s.InsertWindow(ctx, windowRow(r.A, troth.EntryID{8}, instant)),
		"CloseWindow":   closeWindow,
		"Follow":        follow,
		"PruneFence":    r.s.PruneFence(ctx, instant),
		"LapsedWindows": lapsed, "Managed": managed, "SetManaged": r.s.SetManaged(ctx),
	}
}
