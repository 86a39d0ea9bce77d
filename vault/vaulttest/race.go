package vaulttest

import (
	"context"
	"strconv"
	"sync/atomic"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

// crowd is how many goroutines race.
const crowd = suite.Crowd

// make makes a key as the vault does, unless the person is closed.
func (r *rig) make(ctx context.Context, row vault.KeyRow) error {
	return r.TX.Atomically(ctx, func(ctx context.Context) error {
		state, err := r.s.LockPerson(ctx, row.Tenant, row.SubjectID, vault.Shared)
		if err != nil || state != (vault.PersonState{}) {
			return err
		}
		_, err = r.s.InsertKey(ctx, row)
		return err
	})
}

// erase closes a person and shreds their keys, as the vault does.
func (r *rig) erase(ctx context.Context, tenant troth.Tenant, subject string) error {
	return r.TX.Atomically(ctx, func(ctx context.Context) error {
		if _, err := r.s.LockPerson(ctx, tenant, subject, vault.Exclusive); err != nil {
			return err
		}
		_, err := r.s.ShredKeys(ctx, vault.ShredKeys{Tenant: tenant, SubjectID: subject, At: instant})
		if err != nil {
			return err
		}
		return r.s.ClosePerson(ctx, tenant, subject, instant)
	})
}

var raceChecks = []check{
	{Name: "of those who insert one root, one does", Run: func(r *rig) {
		var winners atomic.Int64
		r.Race(func(int) error {
			inserted, err := r.s.InsertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 0))
			if inserted {
				winners.Add(1)
			}
			return err
		})
		r.one(&winners)
	}},
	{Name: "of those who insert one key, one does", Run: func(r *rig) {
		var winners atomic.Int64
		r.Race(func(i int) error {
			inserted, err := r.s.InsertKey(r.Context(), keyRow(name(r.A, "42", "profile"), 1, uint32(i+1)))
			if inserted {
				winners.Add(1)
			}
			return err
		})
		r.one(&winners)
	}},
	{Name: "of those who take one key id, one does", Run: func(r *rig) {
		var winners atomic.Int64
		r.Race(func(i int) error {
			c := troth.Compartment("c" + strconv.Itoa(i))
			inserted, err := r.s.InsertKey(r.Context(), keyRow(name(r.A, "42", c), 1, 7))
			if inserted {
				winners.Add(1)
			}
			return err
		})
		r.one(&winners)
	}},
	{Name: "of those who shred one key, one does", Run: func(r *rig) {
		r.insertKey(r.Context(), keyRow(name(r.A, "42", "profile"), 1, 1))
		var winners atomic.Int64
		r.Race(func(int) error {
			return r.exclusively(func(ctx context.Context, _ vault.PersonState) error {
				died, err := r.s.ShredKeys(ctx, vault.ShredKeys{
					Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"profile"}, At: instant,
				})
				winners.Add(int64(len(died)))
				return err
			})(r.Context())
		})
		r.one(&winners)
	}},
	{Name: "of those who shred one tenant, one does", Run: func(r *rig) {
		r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 0))
		var winners atomic.Int64
		r.Race(func(int) error {
			died, err := r.s.ShredRoots(r.Context(), r.A, instant)
			if len(died) > 0 {
				winners.Add(1)
			}
			return err
		})
		r.one(&winners)
	}},
	{Name: "no key of a closed person lives, whoever raced", Run: func(r *rig) {
		ctx := r.Context()
		for round := range 5 {
			subject := strconv.Itoa(round)
			compartment := func(i int) troth.Compartment { return troth.Compartment("c" + strconv.Itoa(i)) }
			r.Race(func(i int) error {
				if i == crowd/2 {
					return r.erase(ctx, r.A, subject)
				}
				return r.make(ctx, keyRow(name(r.A, subject, compartment(i)), 1, uint32(i+1)))
			})
			for i := range crowd {
				rows, err := r.s.Keys(ctx, name(r.A, subject, compartment(i)))
				r.OK(err, "keys")
				for _, row := range rows {
					if row.ShreddedAt == 0 || len(row.Sealed) > 0 {
						r.Fatalf("round %d: a key of the closed person lives", round)
					}
				}
			}
		}
	}},
	{Name: "no key lives in a compartment that was shredded by name, whoever raced", Run: func(r *rig) {
		ctx := r.Context()
		for round := range 5 {
			n := name(r.A, strconv.Itoa(round), "profile")
			r.Race(func(i int) error {
				if i != crowd/2 {
					return r.make(ctx, keyRow(n, 1, uint32(i+1)))
				}
				return r.TX.Atomically(ctx, func(ctx context.Context) error {
					if _, err := r.s.LockPerson(ctx, n.Tenant, n.SubjectID, vault.Exclusive); err != nil {
						return err
					}
					_, err := r.s.ShredKeys(ctx, vault.ShredKeys{
						Tenant: n.Tenant, SubjectID: n.SubjectID, Compartments: []troth.Compartment{n.Compartment}, At: instant,
					})
					return err
				})
			})
			rows, err := r.s.Keys(ctx, n)
			r.OK(err, "keys")
			if len(rows) != 1 || rows[0].ShreddedAt != instant || len(rows[0].Sealed) > 0 {
				r.Fatalf("round %d: %+v", round, rows)
			}
		}
	}},
}

func (r *rig) one(winners *atomic.Int64) {
	r.Helper()
	if n := winners.Load(); n != 1 {
		r.Fatalf("%d did, want one", n)
	}
}
