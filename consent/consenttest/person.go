package consenttest

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/trothdev/troth/consent"
)

var personChecks = []check{
	{name: "the first lock makes the row, later ones leave it", run: func(r *rig) {
		r.atomically(r.Context(), func(ctx context.Context) {
			r.same(r.lock(ctx, person(r.a, "42", 1)), person(r.a, "42", 1), "first")
			r.same(r.lock(ctx, person(r.a, "42", 2)), person(r.a, "42", 1), "second")
		})
		got, found, err := r.s.Person(r.Context(), r.a, "42")
		r.wants(true, found, err, "person")
		r.same(got, person(r.a, "42", 1), "person")
		_, found, err = r.s.Person(r.Context(), r.a, "nobody")
		r.wants(false, found, err, "nobody")
	}},
	{name: "locking needs a transaction", run: func(r *rig) {
		if _, err := r.s.LockPerson(r.Context(), person(r.a, "42", 1)); err == nil {
			r.Fatalf("locked outside of a transaction")
		}
	}},
	{name: "who locks waits for who holds, and sees what they wrote", needs: manyWriters, run: func(r *rig) {
		r.atomically(r.Context(), func(ctx context.Context) { r.lock(ctx, person(r.a, "42", 1)) })
		done := make(chan consent.PersonRow, 1)
		failed := make(chan error, 1)
		r.atomically(r.Context(), func(ctx context.Context) {
			r.lock(ctx, person(r.a, "42", 9))
			go func() {
				failed <- r.tx.Atomically(r.Context(), func(ctx context.Context) error {
					row, err := r.s.LockPerson(ctx, person(r.a, "42", 9))
					done <- row
					return err
				})
			}()
			select {
			case <-done:
				r.Fatalf("locked while another transaction held the person")
			case <-time.After(patience):
			}
			r.ok(r.s.PutPerson(ctx, person(r.a, "42", 2)), "put person")
		})
		r.ok(<-failed, "second lock")
		r.same(<-done, person(r.a, "42", 2), "what the second saw")
	}},
	{name: "of a crowd that makes one person, one row is made", run: func(r *rig) {
		var seen [crowd]consent.PersonRow
		r.race(func(i int) error {
			return r.tx.Atomically(r.Context(), func(ctx context.Context) (err error) {
				seen[i], err = r.s.LockPerson(ctx, person(r.a, "42", byte(i)))
				return err
			})
		})
		for _, row := range seen[1:] {
			r.same(row, seen[0], "row")
		}
	}},
	{name: "a crowd that writes under the lock loses nothing", run: func(r *rig) {
		r.race(func(int) error {
			return r.tx.Atomically(r.Context(), func(ctx context.Context) error {
				row, err := r.s.LockPerson(ctx, consent.PersonRow{Tenant: r.a, SubjectID: "42", Record: []byte("0")})
				if err != nil {
					return err
				}
				n, err := strconv.Atoi(string(row.Record))
				if err != nil {
					return err
				}
				row.Record = []byte(strconv.Itoa(n + 1))
				return r.s.PutPerson(ctx, row)
			})
		})
		got, _, err := r.s.Person(r.Context(), r.a, "42")
		r.ok(err, "person")
		r.same(string(got.Record), strconv.Itoa(crowd), "count")
	}},
	{name: "a person who has no row cannot be put", run: func(r *rig) {
		if r.s.PutPerson(r.Context(), person(r.a, "nobody", 1)) == nil {
			r.Fatalf("put a person who is not there")
		}
	}},
	{name: "of those who insert one event, one does", run: func(r *rig) {
		var winners atomic.Int64
		r.race(func(i int) error {
			inserted, err := r.s.InsertEvent(r.Context(), said(r.a, strconv.Itoa(i), "e", "p", instant))
			if inserted {
				winners.Add(1)
			}
			return err
		})
		if n := winners.Load(); n != 1 {
			r.Fatalf("%d inserted", n)
		}
	}},
}
