package vault

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
)

// entries compares one page of what the trail tells of an act.
func (r *reconciler) entries(ctx context.Context, act *troth.Act, compare func(ctx context.Context, e *Evidenced) error) (next string, done bool, err error) {
	next = r.cursor
	n := 0
	for e, err := range r.v.evidence.Acts(ctx, r.tenant, act.Name, r.cursor) {
		if err != nil {
			return "", false, err
		}
		r.compared()
		if e.State == EvidenceThere && e.Act == act.Name {
			err = compare(ctx, &e)
		} else {
			r.report.Unchecked++
		}
		if err != nil {
			return "", false, err
		}
		if e.Cursor == "" {
			continue // those that wait have no place to go on from
		}
		next = e.Cursor
		if n++; n >= reconcilePage {
			return next, false, nil
		}
	}
	return next, true, nil
}

// shredding compares the tombstones that a shredding left.
func (r *reconciler) shredding(ctx context.Context, e *Evidenced) error {
	stones, err := r.v.store.TombstonesOf(ctx, r.tenant, e.ID)
	if err == nil && e.Facts["scope"].Text() == generationScope {
		stones.Keys, err = r.v.store.RetiredOf(ctx, r.tenant, e.ID)
	}
	if err != nil {
		return err
	}
	told := told{
		keys: int(e.Facts["keys"].Number()), stones: int(e.Facts["tombstones"].Number()), digest: e.Facts["commitments"].Text(),
	}
	if e.Facts["tombstones"].Kind() == 0 {
		r.report.Unchecked++
		return nil
	}
	if e.Facts["scope"].Text() == "tenant" {
		return r.tenantShredding(ctx, e, told, stones.Roots)
	}
	if !told.isLeft(stones.Keys) {
		d, err := r.replaced(ctx, e, told, stones.Keys)
		if err != nil {
			return err
		}
		r.found(d)
	}
	if e.Facts["closed"].Text() != "" {
		r.closed(e, &stones)
	}
	return nil
}

// retiring compares what is left of a generation that was let go.
func (r *reconciler) retiring(ctx context.Context, e *Evidenced) error {
	rows, err := r.v.store.RetiredOf(ctx, r.tenant, e.ID)
	if err != nil {
		return err
	}
	told := told{
		keys: 1, stones: 1, digest: e.Facts["commitments"].Text(), generation: uint32(e.Facts["generation"].Number()),
	}
	if told.isLeft(rows) {
		return nil
	}
	d, err := r.replaced(ctx, e, told, nil)
	if err == nil {
		r.found(d)
	}
	return err
}

// told is what an entry tells that a shredding left.
type told struct {
	keys, stones int
	digest       string
	// generation is the one that it was; 0 for all.
	generation uint32
}

// isLeft reports whether the rows are tombstones, and those that the entry tells
// of.
func (t told) isLeft(rows []KeyRow) bool {
	alive := slices.ContainsFunc(rows, func(k KeyRow) bool { return k.ShreddedAt == 0 || len(k.Sealed) > 0 })
	return !alive && len(rows) == t.stones && t.isOf(rows)
}

// isOf reports whether the keys are those of which the entry tells, dead or not.
func (t told) isOf(rows []KeyRow) bool {
	var r Receipt
	r.addKeys(rows)
	digest := r.digest()
	return len(r.Keys) == t.keys && string(digest[:]) == t.digest
}

// closed compares the person's row with what a shredding made of it.
func (r *reconciler) closed(e *Evidenced, stones *Tombstones) {
	subject := ""
	for _, p := range stones.Persons {
		if p.ClosedAt != 0 {
			return
		}
		subject = p.SubjectID
	}
	if subject == "" && len(stones.Keys) > 0 {
		subject = stones.Keys[0].SubjectID
	}
	r.found(Discrepancy{Kind: PersonReopened, SubjectID: subject, Entry: e.ID})
}

// searchLimit bounds how many living keys are searched for one that should be
// dead.
const searchLimit = 100_000

// replaced finds out whether the keys that an entry calls dead live.
func (r *reconciler) replaced(ctx context.Context, e *Evidenced, t told, left []KeyRow) (Discrepancy, error) {
	d := Discrepancy{Kind: TombstoneMissing, Entry: e.ID}
	died := e.Facts["compartments"].Words()
	if len(left) > 0 {
		d.SubjectID = left[0].SubjectID
		rows, err := r.v.store.PersonKeys(ctx, r.tenant, d.SubjectID)
		if err == nil {
			judge(&d, t, died, left, rows)
		}
		return d, err
	}
	page := KeysPage{Tenant: r.tenant, Living: true, Limit: 1000}
	var person []KeyRow // all rows of one
	for n := 0; n < searchLimit; {
		rows, err := r.v.store.KeysPage(ctx, page)
		if err != nil {
			return d, err
		}
		for _, k := range rows {
			if len(person) > 0 && person[0].SubjectID != k.SubjectID {
				if judge(&d, t, died, nil, person) {
					return d, nil
				}
				person = person[:0]
			}
			person = append(person, k)
		}
		if len(rows) < page.Limit {
			break
		}
		n += len(rows)
		last := rows[len(rows)-1]
		page.SubjectID, page.Compartment, page.Generation = last.SubjectID, last.Compartment, last.Generation
	}
	judge(&d, t, died, nil, person)
	return d, nil
}

// judge calls the tombstones replaced if the person's living keys, with the
// tombstones that are left, are those of which the entry tells.
func judge(d *Discrepancy, t told, died []string, left, person []KeyRow) bool {
	var all []KeyRow
	var lives *KeyRow
	for i := range person {
		k := &person[i]
		isLeft := slices.ContainsFunc(left, func(l KeyRow) bool { return l.KeyName == k.KeyName && l.Generation == k.Generation })
		meant := slices.Contains(died, string(k.Compartment)) && (t.generation == 0 || t.generation == k.Generation)
		if isLeft || (k.ShreddedAt == 0 && meant) {
			all = append(all, *k)
			if k.ShreddedAt == 0 && lives == nil {
				lives = k
			}
		}
	}
	if lives == nil || !t.isOf(all) {
		return false
	}
	d.Kind, d.SubjectID, d.Compartment = TombstoneReplaced, lives.SubjectID, lives.Compartment
	return true
}

// tenantShredding compares the tombstones of a tenant's roots.
func (r *reconciler) tenantShredding(ctx context.Context, e *Evidenced, t told, left []RootRow) error {
	alive := func(row RootRow) bool { return row.ShreddedAt == 0 || len(row.Sealed) > 0 }
	if len(left) == t.stones && !slices.ContainsFunc(left, alive) && t.isOfRoots(left) {
		return nil
	}
	d := Discrepancy{Kind: TombstoneMissing, Entry: e.ID}
	all, err := r.v.store.Roots(ctx, r.tenant)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, alive) && t.isOfRoots(all) {
		d.Kind = TombstoneReplaced
	}
	r.found(d)
	return nil
}

func (t told) isOfRoots(rows []RootRow) bool {
	var keys []DeadKey
	for _, row := range rows {
		if row.Commitment != ([32]byte{}) {
			keys = append(keys, DeadKey{Commitment: row.Commitment})
		}
	}
	digest := digestOf(keys)
	return len(keys) == t.keys && string(digest[:]) == t.digest
}

// restricting compares the row of a restriction with its entry.
func (r *reconciler) restricting(ctx context.Context, e *Evidenced) error {
	row, found, err := r.v.store.Restriction(ctx, r.tenant, e.ID)
	if err != nil {
		return err
	}
	if !found {
		r.found(Discrepancy{Kind: RestrictionMissing, Entry: e.ID})
		return nil
	}
	except := make([]string, len(row.Except))
	for i, p := range row.Except {
		except[i] = string(p)
	}
	if row.Ground != e.Facts["ground"].Text() || !slices.Equal(except, e.Facts["except"].Words()) {
		r.found(Discrepancy{Kind: RestrictionForged, SubjectID: row.SubjectID, Entry: e.ID})
	}
	return nil
}

// granting compares the row of a grant with its entry.
func (r *reconciler) granting(ctx context.Context, e *Evidenced) error {
	row, found, err := r.v.store.Grant(ctx, r.tenant, e.ID)
	if err != nil {
		return err
	}
	switch {
	case !found:
		r.found(Discrepancy{Kind: GrantMissing, Entry: e.ID})
	case row.Restriction.String() != e.Facts["restriction"].Text() || row.Announced != e.Facts["announced"].Number():
		r.found(Discrepancy{Kind: GrantForged, SubjectID: row.SubjectID, Entry: e.ID})
	}
	return nil
}

// lifting compares the row of a restriction with the entry of its end.
func (r *reconciler) lifting(ctx context.Context, e *Evidenced) error {
	id, err := troth.ParseEntryID(e.Facts["restriction"].Text())
	if err != nil {
		r.report.Unchecked++
		return nil //nolint:nilerr // an entry that no vault wrote is for whoever verifies the trail
	}
	row, found, err := r.v.store.Restriction(ctx, r.tenant, id)
	if err == nil && found && row.LiftedBy != e.ID { // a row that is gone is named by its own entry
		r.found(Discrepancy{Kind: LiftMissing, SubjectID: row.SubjectID, Entry: e.ID})
	}
	return err
}
