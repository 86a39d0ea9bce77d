package vaulttest

import (
	"context"
	"time"

	"github.com/trothdev/troth/vault"
)

// patience is how long a check watches that something does not happen.
const patience = 150 * time.Millisecond

// waits demands that second does not end before first's transaction did. first
// runs in a transaction that is held open for a while.
func (r *rig) waits(first func(ctx context.Context), second func(ctx context.Context) error) {
	r.Helper()
	done := make(chan error, 1)
	r.atomically(r.Context(), func(ctx context.Context) {
		first(ctx)
		go func() { done <- second(r.Context()) }()
		select {
		case err := <-done:
			r.Fatalf("ended while the first transaction was open: %v", err)
		case <-time.After(patience):
		}
	})
	r.ok(<-done, "after the first transaction")
}

// exclusively locks a person as one who shreds does.
func (r *rig) exclusively(fn func(ctx context.Context, state vault.PersonState) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		return r.tx.Atomically(ctx, func(ctx context.Context) error {
			state, err := r.s.LockPerson(ctx, r.a, "42", vault.Exclusive)
			if err != nil {
				return err
			}
			return fn(ctx, state)
		})
	}
}

var lockChecks = []check{
	{name: "who closes waits for who creates, and shreds what was created", run: func(r *rig) {
		n := name(r.a, "42", "profile")
		row := keyRow(n, 1, 1)
		var died []vault.KeyRow
		r.waits(func(ctx context.Context) {
			r.lock(ctx, r.a, "42", vault.Shared)
			r.insertKey(ctx, row)
		}, r.exclusively(func(ctx context.Context, _ vault.PersonState) (err error) {
			died, err = r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: r.a, SubjectID: "42", At: instant})
			return err
		}))
		r.sameKeys(died, []vault.KeyRow{dead(row, instant)})
	}},
	{name: "who creates waits for who closes, and is told", run: func(r *rig) {
		var state vault.PersonState
		r.waits(func(ctx context.Context) {
			r.lock(ctx, r.a, "42", vault.Exclusive)
			r.ok(r.s.ClosePerson(ctx, r.a, "42", instant), "close person")
		}, func(ctx context.Context) error {
			return r.tx.Atomically(ctx, func(ctx context.Context) (err error) {
				state, err = r.s.LockPerson(ctx, r.a, "42", vault.Shared)
				return err
			})
		})
		if state.ClosedAt != instant {
			r.Fatalf("state %+v", state)
		}
	}},
	{name: "who closes waits for who closes, and is told", run: func(r *rig) {
		var state vault.PersonState
		r.atomically(r.Context(), func(ctx context.Context) { r.lock(ctx, r.a, "42", vault.Shared) })
		r.waits(func(ctx context.Context) {
			r.lock(ctx, r.a, "42", vault.Exclusive)
			r.ok(r.s.ClosePerson(ctx, r.a, "42", instant), "close person")
		}, r.exclusively(func(_ context.Context, got vault.PersonState) error {
			state = got
			return nil
		}))
		if state.ClosedAt != instant {
			r.Fatalf("state %+v", state)
		}
	}},
	{name: "who shreds a tenant waits for who holds a person of it", run: func(r *rig) {
		for _, l := range []vault.Lock{vault.Shared, vault.Exclusive} {
			tenant := r.a
			if l == vault.Exclusive {
				tenant = r.b
			}
			r.insertRoot(r.Context(), rootRow(tenant, vault.WrapLineage, 0))
			r.waits(func(ctx context.Context) { r.lock(ctx, tenant, "42", l) }, func(ctx context.Context) error {
				_, err := r.s.ShredRoots(ctx, tenant, instant)
				return err
			})
		}
	}},
	{name: "who shreds a tenant waits for who makes its root", run: func(r *rig) {
		row := rootRow(r.a, vault.WrapLineage, 0)
		var died []vault.RootRow
		r.waits(func(ctx context.Context) {
			r.insertRoot(ctx, row)
			r.lock(ctx, r.a, "42", vault.Shared)
		}, func(ctx context.Context) (err error) {
			died, err = r.s.ShredRoots(ctx, r.a, instant)
			return err
		})
		r.root(r.Context(), deadRoot(row))
		if len(died) != 2 {
			r.Fatalf("died: %+v", died)
		}
	}},
	{name: "who creates waits for who shreds the tenant, and is told", run: func(r *rig) {
		r.insertRoot(r.Context(), rootRow(r.a, vault.WrapLineage, 0))
		var state vault.PersonState
		r.waits(func(ctx context.Context) { r.shredRoots(ctx, r.a, instant) }, func(ctx context.Context) error {
			return r.tx.Atomically(ctx, func(ctx context.Context) (err error) {
				state, err = r.s.LockPerson(ctx, r.a, "42", vault.Shared)
				return err
			})
		})
		if !state.TenantShredded {
			r.Fatalf("the lock does not say that the tenant is shredded")
		}
	}},
	{name: "two may create keys of a person at the same time", needs: manyWriters, run: func(r *rig) {
		outside := r.Context()
		r.insertRoot(outside, rootRow(r.a, vault.WrapLineage, 0))
		r.atomically(outside, func(ctx context.Context) { r.lock(ctx, r.a, "42", vault.Shared) })
		first, second := keyRow(name(r.a, "42", "profile"), 1, 1), keyRow(name(r.a, "42", "orders"), 1, 2)
		r.atomically(outside, func(ctx context.Context) {
			r.lock(ctx, r.a, "42", vault.Shared)
			r.insertKey(ctx, first)
			r.atomically(outside, func(ctx context.Context) {
				r.lock(ctx, r.a, "42", vault.Shared)
				r.insertKey(ctx, second)
			})
		})
		r.keys(outside, first.KeyName, first)
		r.keys(outside, second.KeyName, second)
	}},
	{name: "who holds one person holds nobody else", needs: manyWriters, run: func(r *rig) {
		outside := r.Context()
		for _, id := range []string{"42", "43"} {
			r.atomically(outside, func(ctx context.Context) { r.lock(ctx, r.a, id, vault.Shared) })
		}
		r.atomically(outside, func(ctx context.Context) {
			r.lock(ctx, r.a, "42", vault.Exclusive)
			r.close(outside, r.a, "43", instant)
			r.close(outside, r.b, "42", instant)
			r.shredRoots(outside, r.b, instant)
		})
	}},
}
