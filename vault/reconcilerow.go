package vault

import (
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// tells reports whether the trail has that entry, and it fits; what cannot be
// found out counts as yes, and as unchecked.
func (r *reconciler) tells(ctx context.Context, id troth.EntryID, fits func(act string, f troth.Facts) bool) (bool, error) {
	if id.IsZero() {
		return false, nil
	}
	e, err := r.v.evidence.Find(ctx, r.tenant, id)
	if err != nil {
		return false, err
	}
	switch e.State {
	case EvidenceAbsent:
		return false, nil
	case EvidenceGone:
		r.report.Unchecked++
		return true, nil
	case EvidenceThere:
	}
	return fits(e.Act, e.Facts), nil
}

// isA fits every entry of the acts.
func isA(acts ...*troth.Act) func(act string, _ troth.Facts) bool {
	return func(act string, _ troth.Facts) bool {
		return slices.ContainsFunc(acts, func(a *troth.Act) bool { return a.Name == act })
	}
}

// roots compares a tenant's tombstones with the trail.
func (r *reconciler) roots(ctx context.Context) (next string, done bool, err error) {
	rows, err := r.v.store.Roots(ctx, r.tenant)
	if err != nil {
		return "", false, err
	}
	for i := range rows {
		if rows[i].ShreddedAt == 0 {
			continue
		}
		r.compared()
		if err := r.buried(ctx, "", "", rows[i].Evidence); err != nil {
			return "", false, err
		}
	}
	return "", true, nil
}

// buried holds a tombstone to the entry that it names.
func (r *reconciler) buried(ctx context.Context, subject string, c troth.Compartment, evidence troth.EntryID) error {
	told, err := r.tells(ctx, evidence, isA(actShred, actReplay))
	if err == nil && !told {
		told, err = r.journalTells(ctx, subject, evidence)
	}
	if err == nil && !told {
		r.found(Discrepancy{Kind: TombstoneUnevidenced, SubjectID: subject, Compartment: c, Entry: evidence})
	}
	return err
}

// keyCursor is a key's place as a cursor.
func keyCursor(k *KeyRow) string {
	b := canon.AppendDomain(nil, markDomain)
	b = canon.AppendText(b, k.SubjectID)
	b = canon.AppendText(b, k.Compartment)
	return string(canon.AppendUint(b, uint64(k.Generation)))
}

// after makes the page begin behind a keyCursor.
func (p *KeysPage) after(cursor string) {
	if cursor == "" {
		return
	}
	w := canon.Walk([]byte(cursor), markDomain)
	p.SubjectID, p.Compartment, p.Generation = string(w.Text()), troth.Compartment(w.Text()), uint32(w.Uint())
}

// keys compares a page of tombstones and of keys that carry a flag.
func (r *reconciler) keys(ctx context.Context) (next string, done bool, err error) {
	page := KeysPage{Tenant: r.tenant, Limit: reconcilePage}
	page.after(r.cursor)
	rows, err := r.v.store.KeysPage(ctx, page)
	if err != nil {
		return "", false, err
	}
	for i := range rows {
		r.compared()
		k := &rows[i]
		if k.ShreddedAt != 0 {
			err = r.buried(ctx, k.SubjectID, k.Compartment, k.Evidence)
		} else {
			err = r.flagged(ctx, k)
		}
		if err != nil {
			return "", false, err
		}
	}
	if len(rows) < page.Limit {
		return "", true, nil
	}
	return keyCursor(&rows[len(rows)-1]), false, nil
}

// flagged looks for restrictions that a key carries and nobody knows. Those that
// are lifted are looked for with their rows.
func (r *reconciler) flagged(ctx context.Context, k *KeyRow) error {
	f, err := parseFlag(k.Flag)
	if err != nil {
		r.found(Discrepancy{Kind: RowUnreadable, SubjectID: k.SubjectID, Compartment: k.Compartment})
		return nil //nolint:nilerr // it is told
	}
	for _, one := range f {
		row, found, err := r.v.store.Restriction(ctx, r.tenant, one.id)
		if err != nil {
			return err
		}
		if !found || row.SubjectID != k.SubjectID {
			r.found(Discrepancy{Kind: FlagStale, SubjectID: k.SubjectID, Compartment: k.Compartment, Entry: one.id})
		}
	}
	return nil
}

// persons compares a page of persons who are closed.
func (r *reconciler) persons(ctx context.Context) (next string, done bool, err error) {
	rows, err := r.v.store.PersonsPage(ctx, r.tenant, r.cursor, reconcilePage)
	if err != nil {
		return "", false, err
	}
	for i := range rows {
		p := &rows[i]
		next = p.SubjectID
		if p.ClosedAt == 0 {
			continue // who was closed and is not is found by the entry
		}
		r.compared()
		if err := r.buried(ctx, p.SubjectID, "", p.Evidence); err != nil {
			return "", false, err
		}
	}
	return next, len(rows) < reconcilePage, nil
}

// restrictions compares a page of restrictions, and the flags of those whom they
// are about.
func (r *reconciler) restrictions(ctx context.Context) (next string, done bool, err error) {
	rows, err := r.v.store.RestrictionsPage(ctx, r.tenant, idOf(r.cursor), reconcilePage)
	if err != nil {
		return "", false, err
	}
	for i := range rows {
		r.compared()
		next = string(rows[i].ID[:])
		if err := r.restriction(ctx, &rows[i]); err != nil {
			return "", false, err
		}
	}
	return next, len(rows) < reconcilePage, nil
}

// idOf is the id in a cursor; of an empty one the zero id.
func idOf(cursor string) (id troth.EntryID) {
	copy(id[:], cursor)
	return id
}

func (r *reconciler) restriction(ctx context.Context, row *RestrictionRow) error {
	d := Discrepancy{SubjectID: row.SubjectID, Entry: row.ID}
	authentic, err := r.v.authenticRestriction(ctx, row)
	if errors.Is(err, ErrShredded) {
		r.report.Unchecked++
		return nil
	}
	if err != nil {
		return err
	}
	if !authentic {
		d.Kind = RestrictionForged
		r.found(d)
	}
	told, err := r.tells(ctx, row.ID, isA(actRestrict))
	if err == nil && !told {
		told, err = r.journalTells(ctx, row.SubjectID, row.ID)
	}
	if err != nil {
		return err
	}
	if !told {
		d.Kind = RestrictionUnevidenced
		r.found(d)
		return nil
	}
	if row.LiftedAt != 0 {
		if err := r.lifted(ctx, row, d); err != nil {
			return err
		}
	}
	return r.flags(ctx, row)
}

// lifted compares what lifted a restriction.
func (r *reconciler) lifted(ctx context.Context, row *RestrictionRow, d Discrepancy) error {
	told, err := r.tells(ctx, row.LiftedBy, func(act string, f troth.Facts) bool {
		return act == actLift.Name && f["restriction"].Text() == row.ID.String() && f["grant"].Text() == row.Grant.String()
	})
	if err == nil && !told {
		told, err = r.journalTells(ctx, row.SubjectID, row.LiftedBy)
		if told && row.Grant.IsZero() {
			return err // a replay lifted it again, of which grant is lost
		}
	}
	if err != nil {
		return err
	}
	if !told {
		d.Kind = LiftUnevidenced
		r.found(d)
	}
	_, found, err := r.v.store.Grant(ctx, r.tenant, row.Grant)
	if err == nil && !found {
		r.found(Discrepancy{Kind: GrantMissing, SubjectID: row.SubjectID, Entry: row.Grant})
	}
	return err
}

// flags compares what the person's keys, and their row, say of a restriction.
// What does not fit is looked at again with the person held: it may have been
// restricted or lifted in between.
func (r *reconciler) flags(ctx context.Context, row *RestrictionRow) error {
	ds, err := r.wrongFlags(ctx, row)
	if err != nil || len(ds) == 0 {
		return err
	}
	err = r.v.tx.Atomically(ctx, func(ctx context.Context) error {
		if _, err := r.v.store.LockPerson(ctx, r.tenant, row.SubjectID, Shared); err != nil {
			return err
		}
		now, found, err := r.v.store.Restriction(ctx, r.tenant, row.ID)
		if err != nil || !found {
			ds = nil
			return err
		}
		ds, err = r.wrongFlags(ctx, &now)
		return err
	})
	for _, d := range ds {
		r.found(d)
	}
	return err
}

func (r *reconciler) wrongFlags(ctx context.Context, row *RestrictionRow) (ds []Discrepancy, err error) {
	if row.LiftedAt == 0 {
		state, err := r.v.store.Person(ctx, r.tenant, row.SubjectID)
		if err != nil {
			return nil, err
		}
		all, err := r.v.store.Restrictions(ctx, r.tenant, row.SubjectID)
		if err != nil {
			return nil, err
		}
		switch n := len(inForce(all)); {
		case state.Restricted < n:
			ds = append(ds, Discrepancy{Kind: FlagMissing, SubjectID: row.SubjectID, Entry: row.ID})
		case state.Restricted > n: // no new key can be made of who counts one that is not there
			ds = append(ds, Discrepancy{Kind: FlagStale, SubjectID: row.SubjectID, Entry: row.ID})
		}
	}
	rows, err := r.v.store.PersonKeys(ctx, r.tenant, row.SubjectID)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		k := &rows[i]
		f, err := parseFlag(k.Flag)
		if !restrictable(k) || err != nil {
			continue // an unreadable one is named where keys are compared
		}
		d := Discrepancy{SubjectID: k.SubjectID, Compartment: k.Compartment, Entry: row.ID}
		switch carries := f.index(row.ID) >= 0; {
		case row.LiftedAt == 0 && !carries:
			d.Kind = FlagMissing
		case row.LiftedAt != 0 && carries:
			d.Kind = FlagStale
		default:
			continue
		}
		ds = append(ds, d)
	}
	return ds, nil
}

// grants compares a page of grants.
func (r *reconciler) grants(ctx context.Context) (next string, done bool, err error) {
	rows, err := r.v.store.GrantsPage(ctx, r.tenant, idOf(r.cursor), reconcilePage)
	if err != nil {
		return "", false, err
	}
	for i := range rows {
		r.compared()
		next = string(rows[i].ID[:])
		if err := r.granted(ctx, &rows[i]); err != nil {
			return "", false, err
		}
	}
	return next, len(rows) < reconcilePage, nil
}

func (r *reconciler) granted(ctx context.Context, row *GrantRow) error {
	d := Discrepancy{SubjectID: row.SubjectID, Entry: row.ID}
	authentic, err := r.v.authenticGrant(ctx, row)
	if errors.Is(err, ErrShredded) {
		r.report.Unchecked++
		return nil
	}
	if err != nil {
		return err
	}
	if !authentic {
		d.Kind = GrantForged
		r.found(d)
		return nil
	}
	told, err := r.tells(ctx, row.ID, isA(actGrant))
	if err == nil && !told {
		d.Kind = GrantUnevidenced
		r.found(d)
	}
	return err
}
