package vaulttest

import (
	"context"
	"time"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

// patience is how long a check watches that something does not happen.
const patience = suite.Patience

// waits demands that second does not end before first's transaction did. first
// runs in a transaction that is held open for a while.
func (r *rig) waits(first func(ctx context.Context), second func(ctx context.Context) error) {
	r.Helper()
	done := make(chan error, 1)
	r.Atomically(r.Context(), func(ctx context.Context) {
		first(ctx)
		go func() { done <- second(r.Context()) }()
		select {
		case err := <-done:
			r.Fatalf("ended while the first transaction was open: %v", err)
		case <-time.After(patience):
		}
	})
	r.OK(<-done, "after the first transaction")
}

// exclusively locks a person as one who shreds does.
func (r *rig) exclusively(fn func(ctx context.Context, state vault.PersonState) error) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		return r.TX.Atomically(ctx, func(ctx context.Context) error {
			state, err := r.s.LockPerson(ctx, r.A, "42", vault.Exclusive)
			if err != nil {
				return err
			}
			return fn(ctx, state)
		})
	}
}

var lockChecks = []check{
	{Name: "who closes waits for who creates, and shreds what was created", Run: func(r *rig) {
		n := name(r.A, "42", "profile")
		row := keyRow(n, 1, 1)
		var died []vault.KeyRow
		r.waits(func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Shared)
			r.insertKey(ctx, row)
		}, r.exclusively(func(ctx context.Context, _ vault.PersonState) (err error) {
			died, err = r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant})
			return err
		}))
		r.sameKeys(died, []vault.KeyRow{dead(row, instant)})
	}},
	{Name: "who creates waits for who closes, and is told", Run: func(r *rig) {
		var state vault.PersonState
		r.waits(func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Exclusive)
			r.OK(r.s.ClosePerson(ctx, r.A, "42", instant), "close person")
		}, func(ctx context.Context) error {
			return r.TX.Atomically(ctx, func(ctx context.Context) (err error) {
				state, err = r.s.LockPerson(ctx, r.A, "42", vault.Shared)
				return err
			})
		})
		if state.ClosedAt != instant {
			r.Fatalf("state %+v", state)
		}
	}},
	{Name: "who closes waits for who closes, and is told", Run: func(r *rig) {
		var state vault.PersonState
		r.Atomically(r.Context(), func(ctx context.Context) { r.lock(ctx, r.A, "42", vault.Shared) })
		r.waits(func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Exclusive)
			r.OK(r.s.ClosePerson(ctx, r.A, "42", instant), "close person")
		}, r.exclusively(func(_ context.Context, got vault.PersonState) error {
			state = got
			return nil
		}))
		if state.ClosedAt != instant {
			r.Fatalf("state %+v", state)
		}
	}},
	{Name: "who shreds a tenant waits for who holds a person of it", Run: func(r *rig) {
		for _, l := range []vault.Lock{vault.Shared, vault.Exclusive} {
			tenant := r.A
			if l == vault.Exclusive {
				tenant = r.B
			}
			r.insertRoot(r.Context(), rootRow(tenant, vault.WrapLineage, 0))
			r.waits(func(ctx context.Context) { r.lock(ctx, tenant, "42", l) }, func(ctx context.Context) error {
				_, err := r.s.ShredRoots(ctx, tenant, instant)
				return err
			})
		}
	}},
	{Name: "who shreds a tenant waits for who makes its root", Run: func(r *rig) {
		row := rootRow(r.A, vault.WrapLineage, 0)
		var died []vault.RootRow
		r.waits(func(ctx context.Context) {
			r.insertRoot(ctx, row)
			r.lock(ctx, r.A, "42", vault.Shared)
		}, func(ctx context.Context) (err error) {
			died, err = r.s.ShredRoots(ctx, r.A, instant)
			return err
		})
		r.root(r.Context(), deadRoot(row))
		if len(died) != 2 {
			r.Fatalf("died: %+v", died)
		}
	}},
	{Name: "who creates waits for who shreds the tenant, and is told", Run: func(r *rig) {
		r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 0))
		var state vault.PersonState
		r.waits(func(ctx context.Context) { r.shredRoots(ctx, r.A, instant) }, func(ctx context.Context) error {
			return r.TX.Atomically(ctx, func(ctx context.Context) (err error) {
				state, err = r.s.LockPerson(ctx, r.A, "42", vault.Shared)
				return err
			})
		})
		if !state.TenantShredded {
			r.Fatalf("the lock does not say that the tenant is shredded")
		}
	}},
	{Name: "two may create keys of a person at the same time", Needs: suite.ManyWriters, Run: func(r *rig) {
		outside := r.Context()
		r.insertRoot(outside, rootRow(r.A, vault.WrapLineage, 0))
		r.Atomically(outside, func(ctx context.Context) { r.lock(ctx, r.A, "42", vault.Shared) })
		first, second := keyRow(name(r.A, "42", "profile"), 1, 1), keyRow(name(r.A, "42", "orders"), 1, 2)
		r.Atomically(outside, func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Shared)
			r.insertKey(ctx, first)
			r.Atomically(outside, func(ctx context.Context) {
				r.lock(ctx, r.A, "42", vault.Shared)
				r.insertKey(ctx, second)
			})
		})
		r.keys(outside, first.KeyName, first)
		r.keys(outside, second.KeyName, second)
	}},
	{Name: "who holds one person holds nobody else", Needs: suite.ManyWriters, Run: func(r *rig) {
		outside := r.Context()
		for _, id := range []string{"42", "43"} {
			r.Atomically(outside, func(ctx context.Context) { r.lock(ctx, r.A, id, vault.Shared) })
		}
		r.Atomically(outside, func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Exclusive)
			r.close(outside, r.A, "43", instant)
			r.close(outside, r.B, "42", instant)
			r.shredRoots(outside, r.B, instant)
		})
	}},
}
