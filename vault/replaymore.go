package vault

import (
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// What the journal tells of beside shreddings: generations that were let go, keys
// that left, and restrictions.

// tenantLeft notes the exports of all of a tenant's keys that lines tell of, and
// returns the first line that tells of the tenant's shredding; nil if none does.
func (w *walk) tenantLeft(ctx context.Context, tenant troth.Tenant, lines []*readLine) (shredding *readLine, err error) {
	for _, l := range lines {
		switch {
		case l.scope == exportScope:
			err = w.noteLeft(ctx, KeyName{Tenant: tenant}, l.at)
		case shredding == nil:
			shredding = l
		}
		if err != nil {
			return nil, err
		}
	}
	return shredding, nil
}

// leftAgain notes that keys of a person's compartments left; of all of theirs,
// where one is not known here.
func (w *walk) leftAgain(ctx context.Context, p PersonName, l *readLine) error {
	rows, err := w.v.store.PersonKeys(ctx, p.Tenant, p.SubjectID)
	if err != nil {
		return fmt.Errorf("vault: replay: read keys: %w", err)
	}
	found := 0
	var last KeyName
	for i := range rows {
		if n := rows[i].KeyName; n != last {
			last = n
			if l.has(w.names.compartment(n)) {
				found++
				if err := w.noteLeft(ctx, n, l.at); err != nil {
					return err
				}
			}
		}
	}
	if found < len(l.parts) {
		return w.noteLeft(ctx, KeyName{Tenant: p.Tenant, SubjectID: p.SubjectID}, l.at)
	}
	return nil
}

func (w *walk) noteLeft(ctx context.Context, n KeyName, at int64) error {
	if err := w.v.store.NoteExport(ctx, n, at); err != nil {
		return fmt.Errorf("vault: replay: note export: %w", err)
	}
	return nil
}

// retireAgain destroys a generation again, by the key that it was: there may be
// another of its number by now. It may be the newest here, if the one after it is
// lost.
func (w *walk) retireAgain(ctx context.Context, p PersonName, l *readLine) (Receipt, error) {
	receipt := Receipt{Target: Target{Tenant: p.Tenant, SubjectID: p.SubjectID}, Already: true}
	rows, err := w.v.store.PersonKeys(ctx, p.Tenant, p.SubjectID)
	if err != nil {
		return receipt, fmt.Errorf("vault: replay: read keys: %w", err)
	}
	i := slices.IndexFunc(rows, func(r KeyRow) bool {
		return r.ShreddedAt == 0 && l.has(w.names.compartment(r.KeyName)) && l.erasure.digest == digestOf([]DeadKey{{Commitment: r.Commitment}})
	})
	if i < 0 {
		return receipt, nil
	}
	row := rows[i]
	row.Sealed, row.Flag, row.ShreddedAt, row.Retired = nil, nil, w.v.micros(), true
	put, err := w.v.store.PutKey(ctx, row)
	if err == nil && !put {
		err = errNotKept
	}
	if err != nil {
		return receipt, fmt.Errorf("vault: replay: retire key: %w", err)
	}
	receipt.Target.Compartments = []troth.Compartment{row.Compartment}
	receipt.addKeys([]KeyRow{row})
	receipt.stones, receipt.Already = 1, false
	err = w.witness(ctx, &receipt, l, row.ShreddedAt)
	return receipt, err
}

// restrictAgain restricts a person whom lines tell to be restricted, and lifts
// what they tell to be lifted. Of a restriction that is not known here the
// exceptions are not known either: there are none.
func (w *walk) restrictAgain(ctx context.Context, p PersonName, lines []*readLine) error {
	lifted := map[troth.EntryID]*readLine{}
	for _, l := range lines {
		if l.scope == liftScope {
			lifted[l.lifts()] = l
		}
	}
	changed := false
	var stay []troth.EntryID
	begun := map[troth.EntryID]bool{}
	for _, l := range lines {
		if l.scope != restrictScope {
			continue
		}
		did, err := w.limitAgain(ctx, p, l, lifted[l.entry])
		if err != nil {
			return err
		}
		changed = changed || did
		if lifted[l.entry] == nil {
			stay = append(stay, l.entry)
		}
		begun[l.entry] = true
	}
	for id, end := range lifted {
		if begun[id] {
			continue
		}
		did, err := w.endAgain(ctx, p, id, end)
		if err != nil {
			return err
		}
		changed = changed || did
	}
	if !changed {
		// The row may have come back without the keys' flags.
		lacking, err := w.lacksFlag(ctx, p, stay)
		if err != nil || !lacking {
			return err
		}
	}
	rows, _, err := w.v.restrictionsOf(ctx, p.Tenant, p.SubjectID)
	if err != nil {
		return err
	}
	_, err = w.v.reflag(ctx, p.Tenant, p.SubjectID, func(carried flag) flag {
		for id := range lifted {
			carried = carried.without(id)
		}
		for _, one := range inForce(rows) {
			carried = carried.with(one)
		}
		return carried
	})
	if err != nil {
		return err
	}
	return w.v.raiseAll(ctx, KeyName{Tenant: p.Tenant, SubjectID: p.SubjectID})
}

// lacksFlag reports whether a living key of the person does not carry all of these
// restrictions that are in force. It needs no key to find out: what a flag says is
// bound, not hidden.
func (w *walk) lacksFlag(ctx context.Context, p PersonName, ids []troth.EntryID) (bool, error) {
	inForce := ids[:0]
	for _, id := range ids {
		row, found, err := w.v.store.Restriction(ctx, p.Tenant, id)
		if err != nil {
			return false, fmt.Errorf("vault: replay: read restriction: %w", err)
		}
		if found && row.LiftedAt == 0 {
			inForce = append(inForce, id)
		}
	}
	if len(inForce) == 0 {
		return false, nil
	}
	rows, err := w.v.store.PersonKeys(ctx, p.Tenant, p.SubjectID)
	if err != nil {
		return false, fmt.Errorf("vault: replay: read keys: %w", err)
	}
	for i := range rows {
		if !restrictable(&rows[i]) {
			continue
		}
		f, err := parseFlag(rows[i].Flag)
		if err != nil {
			continue // it opens nothing
		}
		for _, id := range inForce {
			if f.index(id) < 0 {
				return true, nil
			}
		}
	}
	return false, nil
}

// endAgain lifts a restriction whose own line is in an earlier batch.
func (w *walk) endAgain(ctx context.Context, p PersonName, id troth.EntryID, end *readLine) (changed bool, err error) {
	row, found, err := w.v.store.Restriction(ctx, p.Tenant, id)
	switch {
	case err != nil:
		return false, fmt.Errorf("vault: replay: read restriction: %w", err)
	case !found:
		return true, nil // a key may carry it
	case row.SubjectID != p.SubjectID:
		return false, &ForgedError{Kind: "restriction", Entry: id}
	case row.LiftedAt != 0:
		return false, nil
	}
	row.LiftedAt, row.LiftedBy = end.at, end.entry
	return true, w.v.keepLifted(ctx, &row)
}

// limitAgain adds the row of one restriction, or lifts it.
func (w *walk) limitAgain(ctx context.Context, p PersonName, l, end *readLine) (changed bool, err error) {
	row, found, err := w.v.store.Restriction(ctx, p.Tenant, l.entry)
	if err != nil {
		return false, fmt.Errorf("vault: replay: read restriction: %w", err)
	}
	switch {
	case found && row.SubjectID != p.SubjectID:
		return false, &ForgedError{Kind: "restriction", Entry: l.entry}
	case found && (end == nil || row.LiftedAt != 0):
		return false, nil
	case !found && end != nil:
		return true, nil // a key may carry it
	case !found:
		row = RestrictionRow{Tenant: p.Tenant, SubjectID: p.SubjectID, ID: l.entry, Ground: restoredGround, At: l.at}
		if row.MAC, err = w.v.controlMAC(ctx, row.Tenant, restrictionMessage(&row)); err != nil {
			return false, err
		}
		if _, err := w.v.store.InsertRestriction(ctx, row); err != nil {
			return false, fmt.Errorf("vault: replay: insert restriction: %w", err)
		}
		return true, nil
	}
	row.LiftedAt, row.LiftedBy = end.at, end.entry
	return true, w.v.keepLifted(ctx, &row)
}

// restoredGround is the ground of a restriction of which nothing but the journal
// tells.
const restoredGround = "restored"
