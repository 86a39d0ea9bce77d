package consenttest

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/internal/suite"
)

var personChecks = []check{
	{Name: "the first lock makes the row, later ones leave it", Run: func(r *rig) {
		r.Atomically(r.Context(), func(ctx context.Context) {
			r.Same(r.lock(ctx, person(r.A, "42", 1)), person(r.A, "42", 1), "first")
			r.Same(r.lock(ctx, person(r.A, "42", 2)), person(r.A, "42", 1), "second")
		})
		got, found, err := r.s.Person(r.Context(), r.A, "42")
		r.Wants(true, found, err, "person")
		r.Same(got, person(r.A, "42", 1), "person")
		_, found, err = r.s.Person(r.Context(), r.A, "nobody")
		r.Wants(false, found, err, "nobody")
	}},
	{Name: "locking needs a transaction", Run: func(r *rig) {
		if _, err := r.s.LockPerson(r.Context(), person(r.A, "42", 1)); err == nil {
			r.Fatalf("locked outside of a transaction")
		}
	}},
	{Name: "who locks waits for who holds, and sees what they wrote", Needs: suite.ManyWriters, Run: func(r *rig) {
		r.Atomically(r.Context(), func(ctx context.Context) { r.lock(ctx, person(r.A, "42", 1)) })
		done := make(chan consent.PersonRow, 1)
		failed := make(chan error, 1)
		r.Atomically(r.Context(), func(ctx context.Context) {
			r.lock(ctx, person(r.A, "42", 9))
			go func() {
				failed <- r.TX.Atomically(r.Context(), func(ctx context.Context) error {
					row, err := r.s.LockPerson(ctx, person(r.A, "42", 9))
					done <- row
					return err
				})
			}()
			select {
			case <-done:
				r.Fatalf("locked while another transaction held the person")
			case <-time.After(patience):
			}
			r.OK(r.s.PutPerson(ctx, person(r.A, "42", 2)), "put person")
		})
		r.OK(<-failed, "second lock")
		r.Same(<-done, person(r.A, "42", 2), "what the second saw")
	}},
	{Name: "of a crowd that makes one person, one row is made", Run: func(r *rig) {
		var seen [crowd]consent.PersonRow
		r.Race(func(i int) error {
			return r.TX.Atomically(r.Context(), func(ctx context.Context) (err error) {
				seen[i], err = r.s.LockPerson(ctx, person(r.A, "42", byte(i)))
				return err
			})
		})
		for _, row := range seen[1:] {
			r.Same(row, seen[0], "row")
		}
	}},
	{Name: "a crowd that writes under the lock loses nothing", Run: func(r *rig) {
		r.Race(func(int) error {
			return r.TX.Atomically(r.Context(), func(ctx context.Context) error {
				row, err := r.s.LockPerson(ctx, consent.PersonRow{Tenant: r.A, SubjectID: "42", Record: []byte("0")})
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
		got, _, err := r.s.Person(r.Context(), r.A, "42")
		r.OK(err, "person")
		r.Same(string(got.Record), strconv.Itoa(crowd), "count")
	}},
	{Name: "a person who has no row cannot be put", Run: func(r *rig) {
		if r.s.PutPerson(r.Context(), person(r.A, "nobody", 1)) == nil {
			r.Fatalf("put a person who is not there")
		}
	}},
	{Name: "of those who insert one event, one does", Run: func(r *rig) {
		var winners atomic.Int64
		r.Race(func(i int) error {
			inserted, err := r.s.InsertEvent(r.Context(), said(r.A, strconv.Itoa(i), "e", "p", instant))
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
