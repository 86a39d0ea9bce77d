package vaulttest

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

// restrictionRow is one whose every column matters.
func restrictionRow(tenant troth.Tenant, subject string) vault.RestrictionRow {
	row := vault.RestrictionRow{
		Tenant: tenant, SubjectID: subject, ID: troth.NewEntryID(time.Now()),
		Except: []troth.Purpose{"a b", "legal-claims", "ü?'%"}, Ground: "accuracy-contested", At: instant,
	}
	_, _ = rand.Read(row.MAC[:])
	return row
}

func grantRow(tenant troth.Tenant, subject string) vault.GrantRow {
	row := vault.GrantRow{
		Tenant: tenant, SubjectID: subject, ID: troth.NewEntryID(time.Now()), Restriction: troth.NewEntryID(time.Now()),
		Ground: "accuracy-verified", Announced: instant + 1, At: instant + 2,
	}
	_, _ = rand.Read(row.MAC[:])
	return row
}

// lifted is what becomes of a restriction.
func lifted(row vault.RestrictionRow) vault.RestrictionRow {
	row.LiftedAt, row.Grant, row.LiftedBy = instant+3, troth.NewEntryID(time.Now()), troth.NewEntryID(time.Now())
	_, _ = rand.Read(row.MAC[:])
	return row
}

func (r *rig) insertRestriction(ctx context.Context, row vault.RestrictionRow) vault.RestrictionRow {
	r.Helper()
	inserted, err := r.s.InsertRestriction(ctx, row)
	r.Wants(true, inserted, err, "insert restriction")
	return row
}

func (r *rig) insertGrant(ctx context.Context, row vault.GrantRow) vault.GrantRow {
	r.Helper()
	inserted, err := r.s.InsertGrant(ctx, row)
	r.Wants(true, inserted, err, "insert grant")
	return row
}

// sameRows demands the same rows in the same order.
func sameRows[T any](r *rig, what string, got []T, err error, want ...T) {
	r.Helper()
	r.OK(err, what)
	if !slices.EqualFunc(got, want, func(x, y T) bool { return fmt.Sprintf("%#v", x) == fmt.Sprintf("%#v", y) }) {
		r.Fatalf("%s: got %+v, want %+v", what, got, want)
	}
}

// restrictions demands that ctx sees these restrictions of person 42.
func (r *rig) restrictions(ctx context.Context, tenant troth.Tenant, want ...vault.RestrictionRow) {
	r.Helper()
	got, err := r.s.Restrictions(ctx, tenant, "42")
	sameRows(r, "restrictions", got, err, want...)
}

func (r *rig) grants(ctx context.Context, tenant troth.Tenant, want ...vault.GrantRow) {
	r.Helper()
	got, err := r.s.Grants(ctx, tenant, "42")
	sameRows(r, "grants", got, err, want...)
}

var controlChecks = []check{
	{Name: "a restriction is kept and counted", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRestriction(ctx, restrictionRow(r.A, "42"))
		none := restrictionRow(r.A, "42")
		none.Except = nil
		r.insertRestriction(ctx, none)
		other := r.insertRestriction(ctx, restrictionRow(r.A, "43"))
		r.restrictions(ctx, r.A, row, none)
		got, found, err := r.s.Restriction(ctx, r.A, other.ID)
		r.Wants(true, found, err, "restriction")
		sameRows(r, "restriction", []vault.RestrictionRow{got}, nil, other)
		r.person(ctx, r.A, "42", vault.PersonState{Restricted: 2})
		r.Atomically(ctx, func(ctx context.Context) {
			for _, l := range []vault.Lock{vault.Shared, vault.Exclusive} {
				if state := r.lock(ctx, r.A, "42", l); state.Restricted != 2 {
					r.Fatalf("state under lock: %+v", state)
				}
			}
		})
	}},
	{Name: "a restriction is inserted once", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertRestriction(ctx, restrictionRow(r.A, "42"))
		again := row
		again.Except, again.Ground = nil, "another"
		inserted, err := r.s.InsertRestriction(ctx, again)
		r.Wants(false, inserted, err, "insert again")
		r.restrictions(ctx, r.A, row)
		r.person(ctx, r.A, "42", vault.PersonState{Restricted: 1})
	}},
	{Name: "a restriction is lifted once, and counted no longer", Run: func(r *rig) {
		ctx := r.Context()
		row, stays := r.insertRestriction(ctx, restrictionRow(r.A, "42")), r.insertRestriction(ctx, restrictionRow(r.A, "42"))
		to := lifted(row)
		was, err := r.s.LiftRestriction(ctx, to)
		r.Wants(true, was, err, "lift")
		was, err = r.s.LiftRestriction(ctx, lifted(row))
		r.Wants(false, was, err, "lift again")
		was, err = r.s.LiftRestriction(ctx, lifted(restrictionRow(r.A, "42")))
		r.Wants(false, was, err, "lift what is not there")
		r.restrictions(ctx, r.A, to, stays)
		r.person(ctx, r.A, "42", vault.PersonState{Restricted: 1})
	}},
	{Name: "a grant is kept, once", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertGrant(ctx, grantRow(r.A, "42"))
		also := r.insertGrant(ctx, grantRow(r.A, "42"))
		other := r.insertGrant(ctx, grantRow(r.A, "43"))
		again := row
		again.Ground = "another"
		inserted, err := r.s.InsertGrant(ctx, again)
		r.Wants(false, inserted, err, "insert again")
		r.grants(ctx, r.A, row, also)
		got, found, err := r.s.Grant(ctx, r.A, other.ID)
		r.Wants(true, found, err, "grant")
		sameRows(r, "grant", []vault.GrantRow{got}, nil, other)
		_, found, err = r.s.Grant(ctx, r.A, troth.NewEntryID(time.Now()))
		r.Wants(false, found, err, "no grant")
	}},
	{Name: "a living key gets another seal and flag, if it is still what was read", Run: func(r *rig) {
		ctx := r.Context()
		first := r.insertKey(ctx, keyRow(name(r.A, "42", "profile"), 1, 1))
		second := r.insertKey(ctx, keyRow(name(r.A, "42", "profile"), 2, 2))
		reseal := vault.Reseal{KeyName: first.KeyName, Generation: 1, Was: first.Sealed, Sealed: []byte("new"), Flag: suite.EveryByte()}
		for _, want := range []bool{true, false} {
			resealed, err := r.s.ResealKey(ctx, reseal)
			r.Wants(want, resealed, err, "reseal")
		}
		first.Sealed, first.Flag = reseal.Sealed, reseal.Flag
		r.keys(ctx, first.KeyName, second, first)
		r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", At: instant})
		reseal.Was = nil
		resealed, err := r.s.ResealKey(ctx, reseal)
		r.Wants(false, resealed, err, "reseal a tombstone")
	}},
	{Name: "a key is inserted with its flag", Run: func(r *rig) {
		row := keyRow(name(r.A, "42", "profile"), 1, 1)
		row.Flag = suite.EveryByte()
		r.insertKey(r.Context(), row)
		r.keys(r.Context(), row.KeyName, row)
	}},
	{Name: "all keys of a person come in order", Run: func(r *rig) {
		ctx := r.Context()
		z := r.insertKey(ctx, keyRow(name(r.A, "42", "z"), 1, 1))
		a2 := r.insertKey(ctx, keyRow(name(r.A, "42", "a"), 2, 2))
		a1 := r.insertKey(ctx, keyRow(name(r.A, "42", "a"), 1, 3))
		r.insertKey(ctx, keyRow(name(r.A, "43", "a"), 1, 1))
		r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"z"}, At: instant})
		got, err := r.s.PersonKeys(ctx, r.A, "42")
		r.OK(err, "person's keys")
		r.sameKeys(got, []vault.KeyRow{a1, a2, dead(z, instant)})
	}},
	{Name: "tombstones name their evidence, those of one shredding and no others", Run: func(r *rig) {
		ctx := r.Context()
		one, two := troth.NewEntryID(time.Now()), troth.NewEntryID(time.Now())
		early := r.insertKey(ctx, keyRow(name(r.A, "42", "a"), 1, 1))
		late := r.insertKey(ctx, keyRow(name(r.A, "42", "b"), 1, 2))
		lives := r.insertKey(ctx, keyRow(name(r.A, "42", "c"), 1, 3))
		r.named(1, vault.ShredKeys{Tenant: r.A, SubjectID: "42", Compartments: []troth.Compartment{"a"}, At: instant}, one, false)
		r.named(1, vault.ShredKeys{Tenant: r.A, SubjectID: "42", Except: []troth.Compartment{"c"}, At: instant}, two, true)
		early, late = dead(early, instant), dead(late, instant)
		early.Evidence, late.Evidence = one, two
		r.keys(ctx, early.KeyName, early)
		r.keys(ctx, late.KeyName, late)
		r.keys(ctx, lives.KeyName, lives)
		got, err := r.s.TombstonesOf(ctx, r.A, two)
		r.OK(err, "tombstones")
		r.sameKeys(got.Keys, []vault.KeyRow{late})
		sameRows(r, "persons", got.Persons, nil, vault.PersonRow{Tenant: r.A, SubjectID: "42", ClosedAt: instant, Evidence: two})
		got, err = r.s.TombstonesOf(ctx, r.A, one)
		r.OK(err, "tombstones")
		r.sameKeys(got.Keys, []vault.KeyRow{early})
		sameRows(r, "persons", got.Persons, nil)
	}},
	{Name: "a generation that was let go names its evidence apart from tombstones", Run: func(r *rig) {
		ctx, entry := r.Context(), troth.NewEntryID(time.Now())
		old := r.insertKey(ctx, keyRow(name(r.A, "42", "profile"), 1, 1))
		r.insertKey(ctx, keyRow(name(r.A, "42", "profile"), 2, 2))
		r.Atomically(ctx, func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Exclusive)
			_, retired, err := r.s.RetireKey(ctx, old.KeyName, 1, instant)
			r.Wants(true, retired, err, "retire")
			n, err := r.s.SetEvidence(ctx, vault.ShredEvidence{Tenant: r.A, SubjectID: "42", At: instant, Entry: entry})
			if err != nil || n != 1 {
				r.Fatalf("set evidence: %d, %v", n, err)
			}
		})
		got, err := r.s.RetiredOf(ctx, r.A, entry)
		r.OK(err, "retired")
		old = dead(old, instant)
		old.Evidence = entry
		r.sameKeys(got, []vault.KeyRow{old})
		stones, err := r.s.TombstonesOf(ctx, r.A, entry)
		r.OK(err, "tombstones")
		r.sameKeys(stones.Keys, nil)
		got, err = r.s.RetiredOf(ctx, r.B, entry)
		r.OK(err, "another tenant's")
		r.sameKeys(got, nil)
	}},
	{Name: "a tenant's tombstones name their evidence", Run: func(r *rig) {
		ctx, entry := r.Context(), troth.NewEntryID(time.Now())
		row := r.insertRoot(ctx, rootRow(r.A, vault.IndexLineage, 0))
		r.insertRoot(ctx, rootRow(r.B, vault.IndexLineage, 0))
		r.shredRoots(ctx, r.A, instant)
		r.shredRoots(ctx, r.B, instant)
		n, err := r.s.SetEvidence(ctx, vault.ShredEvidence{Tenant: r.A, At: instant, Entry: entry})
		if err != nil || n != 2 {
			r.Fatalf("set evidence: %d, %v", n, err)
		}
		got, err := r.s.TombstonesOf(ctx, r.A, entry)
		r.OK(err, "tombstones")
		row = deadRoot(row)
		row.Evidence = entry
		if len(got.Roots) != 2 || !sameRoot(got.Roots[0], row) {
			r.Fatalf("roots: %+v, want %+v first", got.Roots, row)
		}
		got, err = r.s.TombstonesOf(ctx, r.B, entry)
		if err != nil || len(got.Roots) > 0 {
			r.Fatalf("another tenant's: %+v, %v", got, err)
		}
	}},
	{Name: "pages of keys, persons, restrictions and grants come in order and stop", Run: pagesInOrder},
	{Name: "tenants come in order, wherever their rows are", Run: func(r *rig) {
		ctx := r.Context()
		r.insertGrant(ctx, grantRow(r.A+"5", "42"))
		r.insertRestriction(ctx, restrictionRow(r.A+"4", "42"))
		r.Atomically(ctx, func(ctx context.Context) { r.lock(ctx, r.A+"3", "42", vault.Shared) })
		r.insertKey(ctx, keyRow(name(r.A+"2", "42", "profile"), 1, 1))
		r.insertRoot(ctx, rootRow(r.A+"1", vault.WrapLineage, 0))
		got, err := r.s.Tenants(ctx, r.A, 4)
		sameRows(r, "tenants", got, err, r.A+"1", r.A+"2", r.A+"3", r.A+"4")
		got, err = r.s.Tenants(ctx, r.A+"4", 1)
		sameRows(r, "tenants", got, err, r.A+"5")
	}},
	{Name: "a mark is the last one that was set", Run: func(r *rig) {
		ctx, name := r.Context(), string(r.A)
		mark, err := r.s.Mark(ctx, name)
		if err != nil || len(mark) > 0 {
			r.Fatalf("mark: %x, %v", mark, err)
		}
		for _, want := range [][]byte{suite.EveryByte(), []byte("short")} {
			r.OK(r.s.SetMark(ctx, name, want), "set mark")
			mark, err = r.s.Mark(ctx, name)
			sameRows(r, "mark", [][]byte{mark}, err, want)
		}
	}},
	{Name: "control rows end with their transaction", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertKey(ctx, keyRow(name(r.A, "42", "profile"), 1, 1))
		r.Refused(ctx, func(ctx context.Context) {
			r.lock(ctx, r.A, "42", vault.Exclusive)
			made := r.insertRestriction(ctx, restrictionRow(r.A, "42"))
			r.insertGrant(ctx, grantRow(r.A, "42"))
			resealed, err := r.s.ResealKey(ctx, vault.Reseal{
				KeyName: row.KeyName, Generation: 1, Was: row.Sealed, Sealed: []byte("new"), Flag: []byte("flag"),
			})
			r.Wants(true, resealed, err, "reseal")
			r.restrictions(ctx, r.A, made)
		})
		r.keys(ctx, row.KeyName, row)
		r.restrictions(ctx, r.A)
		r.grants(ctx, r.A)
		r.person(ctx, r.A, "42", vault.PersonState{})
	}},
	{Name: "control rows of one tenant are nothing to another", Run: controlWalls},
}

// named shreds and names the evidence, as the vault does.
func (r *rig) named(want int, p vault.ShredKeys, entry troth.EntryID, closed bool) {
	r.Helper()
	r.Atomically(r.Context(), func(ctx context.Context) {
		r.shred(ctx, p)
		if closed {
			r.close(ctx, p.Tenant, p.SubjectID, p.At)
		}
		n, err := r.s.SetEvidence(ctx, vault.ShredEvidence{
			Tenant: p.Tenant, SubjectID: p.SubjectID, At: p.At, Closed: closed, Entry: entry,
		})
		if err != nil || n != want {
			r.Fatalf("set evidence: %d, %v; want %d", n, err, want)
		}
	})
}

func pagesInOrder(r *rig) {
	ctx := r.Context()
	var keys []vault.KeyRow
	for i, n := range []vault.KeyName{name(r.A, "1", "b"), name(r.A, "1", "c"), name(r.A, "2", "a")} {
		keys = append(keys, r.insertKey(ctx, keyRow(n, 1, uint32(i)+1)))
	}
	flagged := keyRow(name(r.A, "3", "a"), 1, 9)
	flagged.Flag = []byte("flag")
	r.insertKey(ctx, flagged)
	r.insertKey(ctx, keyRow(name(r.B, "2", "a"), 1, 1))
	r.shred(ctx, vault.ShredKeys{Tenant: r.A, SubjectID: "1", Compartments: []troth.Compartment{"c"}, At: instant})
	keys[1] = dead(keys[1], instant)

	page := vault.KeysPage{Tenant: r.A, Living: true, Limit: 2}
	got, err := r.s.KeysPage(ctx, page)
	r.OK(err, "living keys")
	r.sameKeys(got, []vault.KeyRow{keys[0], keys[2]})
	page.SubjectID, page.Compartment, page.Generation = "2", "a", 1
	got, err = r.s.KeysPage(ctx, page)
	r.OK(err, "living keys")
	r.sameKeys(got, []vault.KeyRow{flagged})
	got, err = r.s.KeysPage(ctx, vault.KeysPage{Tenant: r.A, Limit: 9})
	r.OK(err, "control keys")
	r.sameKeys(got, []vault.KeyRow{keys[1], flagged})
	got, err = r.s.KeysPage(ctx, vault.KeysPage{Tenant: r.A, SubjectID: "1", Compartment: "c", Generation: 1, Limit: 9})
	r.OK(err, "control keys")
	r.sameKeys(got, []vault.KeyRow{flagged})

	r.close(ctx, r.A, "5", instant)
	one := r.insertRestriction(ctx, restrictionRow(r.A, "4"))
	two := r.insertRestriction(ctx, restrictionRow(r.A, "4"))
	persons, err := r.s.PersonsPage(ctx, r.A, "", 1)
	sameRows(r, "persons", persons, err, vault.PersonRow{Tenant: r.A, SubjectID: "4", Restricted: 2})
	persons, err = r.s.PersonsPage(ctx, r.A, "4", 9)
	sameRows(r, "persons", persons, err, vault.PersonRow{Tenant: r.A, SubjectID: "5", ClosedAt: instant})

	restrictions, err := r.s.RestrictionsPage(ctx, r.A, troth.EntryID{}, 1)
	sameRows(r, "restrictions", restrictions, err, one)
	restrictions, err = r.s.RestrictionsPage(ctx, r.A, one.ID, 9)
	sameRows(r, "restrictions", restrictions, err, two)
	first, second := r.insertGrant(ctx, grantRow(r.A, "4")), r.insertGrant(ctx, grantRow(r.A, "5"))
	grants, err := r.s.GrantsPage(ctx, r.A, troth.EntryID{}, 1)
	sameRows(r, "grants", grants, err, first)
	grants, err = r.s.GrantsPage(ctx, r.A, first.ID, 9)
	sameRows(r, "grants", grants, err, second)
}

func controlWalls(r *rig) {
	ctx := r.Context()
	row, grant := r.insertRestriction(ctx, restrictionRow(r.B, "42")), r.insertGrant(ctx, grantRow(r.B, "42"))
	key := r.insertKey(ctx, keyRow(name(r.B, "42", "profile"), 1, 1))
	_, found, err := r.s.Restriction(ctx, r.A, row.ID)
	r.Wants(false, found, err, "restriction")
	_, found, err = r.s.Grant(ctx, r.A, grant.ID)
	r.Wants(false, found, err, "grant")
	r.restrictions(ctx, r.A)
	r.grants(ctx, r.A)
	r.person(ctx, r.A, "42", vault.PersonState{})
	keys, err := r.s.PersonKeys(ctx, r.A, "42")
	r.OK(err, "person's keys")
	r.sameKeys(keys, nil)
	persons, err := r.s.PersonsPage(ctx, r.A, "", 9)
	sameRows(r, "persons", persons, err)
	restrictions, err := r.s.RestrictionsPage(ctx, r.A, troth.EntryID{}, 9)
	sameRows(r, "restrictions", restrictions, err)
	grants, err := r.s.GrantsPage(ctx, r.A, troth.EntryID{}, 9)
	sameRows(r, "grants", grants, err)

	other := lifted(row)
	other.Tenant = r.A
	was, err := r.s.LiftRestriction(ctx, other)
	r.Wants(false, was, err, "lift another tenant's")
	moved := key.KeyName
	moved.Tenant = r.A
	resealed, err := r.s.ResealKey(ctx, vault.Reseal{KeyName: moved, Generation: 1, Was: key.Sealed, Sealed: []byte("x")})
	r.Wants(false, resealed, err, "reseal another tenant's")
	same := row
	same.Tenant = r.A
	r.insertRestriction(ctx, same)
	r.restrictions(ctx, r.B, row)
	r.person(ctx, r.B, "42", vault.PersonState{Restricted: 1})
	r.keys(ctx, key.KeyName, key)
}
