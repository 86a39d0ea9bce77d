package vaulttest

import (
	"context"

	"github.com/trothdev/troth/vault"
)

var personChecks = []check{
	{Name: "a person who was never seen is in the zero state", Run: func(r *rig) {
		r.person(r.Context(), r.A, "42", vault.PersonState{})
	}},
	{Name: "locking a person needs a transaction", Run: func(r *rig) {
		for _, l := range []vault.Lock{vault.Shared, vault.Exclusive} {
			if _, err := r.s.LockPerson(r.Context(), r.A, "42", l); err == nil {
				r.Fatalf("a lock outside of transactions, which holds nothing, is no error")
			}
		}
	}},
	{Name: "a person who is locked is still in the zero state", Run: func(r *rig) {
		r.Atomically(r.Context(), func(ctx context.Context) {
			for _, l := range []vault.Lock{vault.Shared, vault.Exclusive, vault.Shared} {
				if got := r.lock(ctx, r.A, "42", l); got != (vault.PersonState{}) {
					r.Fatalf("state %+v", got)
				}
			}
		})
		r.person(r.Context(), r.A, "42", vault.PersonState{})
	}},
	{Name: "a closed person is closed since the earliest call", Run: func(r *rig) {
		ctx := r.Context()
		r.close(ctx, r.A, "42", instant)
		r.person(ctx, r.A, "42", vault.PersonState{ClosedAt: instant})
		r.close(ctx, r.A, "42", instant+1)
		r.close(ctx, r.A, "42", instant-1)
		r.person(ctx, r.A, "42", vault.PersonState{ClosedAt: instant})
	}},
	{Name: "the lock returns since when a person is closed", Run: func(r *rig) {
		r.close(r.Context(), r.A, "42", instant)
		r.Atomically(r.Context(), func(ctx context.Context) {
			for _, l := range []vault.Lock{vault.Shared, vault.Exclusive} {
				if got := r.lock(ctx, r.A, "42", l); got != (vault.PersonState{ClosedAt: instant}) {
					r.Fatalf("state %+v", got)
				}
			}
		})
	}},
	{Name: "closing one person closes nobody else", Run: func(r *rig) {
		ctx := r.Context()
		for _, id := range lookalikes {
			r.Atomically(ctx, func(ctx context.Context) { r.lock(ctx, r.A, id, vault.Shared) })
		}
		r.close(ctx, r.A, lookalikes[0], instant)
		for _, id := range lookalikes[1:] {
			r.person(ctx, r.A, id, vault.PersonState{})
		}
	}},
}

// lookalikes are identifiers that differ in their bytes and that a database may
// take for one another: by letter case, by normal form, by spaces at the end,
// as a pattern, as a number.
var lookalikes = []string{
	"a_%", "A_%", "ab%", "a_% ", " a_%", "'", "''", "?", "$1", "1", "01", "1.0",
	"stra\u00dfe", "strasse", "\u00e9", "e\u0301", "\u0130", "i", "\u65e5\u672c", "\U0001f511",
}
