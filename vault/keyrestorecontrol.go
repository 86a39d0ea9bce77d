package vault

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// tenant is whose control record it is.
func (r *backupRecord) tenant() troth.Tenant {
	switch {
	case r.export != nil:
		return r.export.Tenant
	case r.limit != nil:
		return r.limit.Tenant
	case r.grant != nil:
		return r.grant.Tenant
	}
	return ""
}

// subject is whom a restriction is about; nobody for the others, which lock
// nobody.
func (r *backupRecord) subject() string {
	if r.limit != nil {
		return r.limit.SubjectID
	}
	return ""
}

// putControls puts what says how one tenant's keys may be used: before the keys,
// which then come under it. People are locked in their order, as where keys are
// put.
func (k *keyRestore) putControls(ctx context.Context) (did KeysRestored, err error) {
	slices.SortStableFunc(k.controls, func(a, b backupRecord) int { return cmp.Compare(a.subject(), b.subject()) })
	for i := range k.controls {
		r := &k.controls[i]
		var put bool
		switch {
		case r.export != nil:
			put, err = k.putExport(ctx, r.export)
		case r.limit != nil:
			put, err = k.putRestriction(ctx, r.limit)
		default:
			put, err = k.v.store.InsertGrant(ctx, *r.grant)
		}
		if err != nil {
			return did, fmt.Errorf("vault: restore keys: controls: %w", err)
		}
		if put {
			did.Controls++
		}
	}
	return did, nil
}

func (k *keyRestore) putExport(ctx context.Context, e *ExportRow) (bool, error) {
	at, err := k.v.store.Exported(ctx, e.KeyName)
	if err != nil {
		return false, err
	}
	return at < e.At, k.v.store.NoteExport(ctx, e.KeyName, e.At)
}

// putRestriction adds a restriction, and lifts it if it is lifted on either side.
func (k *keyRestore) putRestriction(ctx context.Context, r *RestrictionRow) (bool, error) {
	state, err := k.v.store.LockPerson(ctx, r.Tenant, r.SubjectID, Exclusive)
	if err != nil || state.TenantShredded {
		return false, err
	}
	row := *r
	row.LiftedAt, row.Grant, row.LiftedBy = 0, troth.EntryID{}, troth.EntryID{}
	put, err := k.v.store.InsertRestriction(ctx, row)
	if err != nil || r.LiftedAt == 0 {
		return put, err
	}
	lifted, err := k.v.store.LiftRestriction(ctx, *r)
	return put || lifted, err
}

// settleFlags puts a person's living keys under the restrictions that are in
// force now, after the rows of the backup were put. Of two records of one key,
// here and in the backup, the one that carries them is taken as it is; only where
// neither does, as where somebody was restricted here since, the key is sealed
// anew, for which the tenant's key-encryption key is needed.
func (k *keyRestore) settleFlags(ctx context.Context, p *restoredPerson) (n int64, err error) {
	now, err := k.v.store.PersonKeys(ctx, p.Tenant, p.SubjectID)
	if err != nil {
		return 0, fmt.Errorf("vault: restore keys: read keys: %w", err)
	}
	limits, err := k.limits(ctx, p, now)
	if err != nil {
		return 0, err
	}
	for i := range now {
		row := &now[i]
		mine, err := parseFlag(row.Flag)
		if !restrictable(row) || err != nil {
			continue // one that cannot be read opens nothing
		}
		other := p.other(row)
		var theirs flag
		if other != nil {
			if theirs, err = parseFlag(other.Flag); err != nil {
				other, theirs = nil, nil
			}
		}
		want := due(limits, mine, theirs)
		if sameFlag(mine, want) {
			continue
		}
		if other != nil && other.Epoch == row.Epoch && sameFlag(theirs, want) {
			err = k.takeSeal(ctx, row, other)
		} else {
			err = k.sealUnder(ctx, row, want)
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// limits are the person's restrictions. Adding one is believed whoever wrote the
// row; that one was lifted, which a key carries, needs a MAC that fits, and a
// tenant whose key-encryption key answers: else it stays in force.
func (k *keyRestore) limits(ctx context.Context, p *restoredPerson, now []KeyRow) ([]RestrictionRow, error) {
	rows, err := k.v.store.Restrictions(ctx, p.Tenant, p.SubjectID)
	if err != nil {
		return nil, fmt.Errorf("vault: restore keys: read restrictions: %w", err)
	}
	var carried flag
	for _, key := range slices.Concat(now, p.keys) {
		f, err := parseFlag(key.Flag)
		if err != nil {
			continue
		}
		for _, one := range f {
			carried = carried.with(one)
		}
	}
	dropped := func(r RestrictionRow) bool { return r.LiftedAt != 0 && carried.index(r.ID) >= 0 }
	if !slices.ContainsFunc(rows, dropped) {
		return rows, nil
	}
	believed, _, err := k.v.restrictionsOf(ctx, p.Tenant, p.SubjectID)
	if errors.Is(err, ErrKEK) || errors.Is(err, ErrEpochStore) {
		for i := range rows {
			if dropped(rows[i]) {
				rows[i].LiftedAt = 0
			}
		}
		return rows, nil
	}
	return believed, err
}

// other is the backup's record of the same living key.
func (p *restoredPerson) other(row *KeyRow) *KeyRow {
	for i := range p.keys {
		o := &p.keys[i]
		if o.KeyName == row.KeyName && o.Generation == row.Generation && o.Commitment == row.Commitment && o.ShreddedAt == 0 {
			return o
		}
	}
	return nil
}

// due are the restrictions that rows say to be in force, or that a key carries and
// no row says to be lifted.
func due(limits []RestrictionRow, mine, theirs flag) flag {
	lifted := func(id troth.EntryID) bool {
		return slices.ContainsFunc(limits, func(r RestrictionRow) bool { return r.ID == id && r.LiftedAt != 0 })
	}
	var want flag
	for _, one := range slices.Concat(inForce(limits), mine, theirs) {
		if !lifted(one.id) {
			want = want.with(one)
		}
	}
	return want
}

// sameFlag reports whether two flags hold the same restrictions.
func sameFlag(a, b flag) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(one flagged) bool { return b.index(one.id) < 0 })
}

// takeSeal takes the backup's record of a key over.
func (k *keyRestore) takeSeal(ctx context.Context, row, other *KeyRow) error {
	resealed, err := k.v.store.ResealKey(ctx, Reseal{
		KeyName: row.KeyName, Generation: row.Generation, Was: row.Sealed, Sealed: other.Sealed, Flag: other.Flag,
	})
	if err == nil && !resealed {
		err = troth.ErrBusy // somebody moved it to another root
	}
	if err != nil {
		return fmt.Errorf("vault: restore keys: seal key again: %w", err)
	}
	return nil
}

// sealUnder seals a key anew under the restrictions. What rows say counts only
// with a MAC that fits; a restriction whose row is another's excepts nothing.
func (k *keyRestore) sealUnder(ctx context.Context, row *KeyRow, want flag) error {
	rows, _, err := k.v.restrictionsOf(ctx, row.Tenant, row.SubjectID)
	if err != nil {
		return err
	}
	believed := inForce(rows)
	_, err = k.v.reflagKey(ctx, *row, func(carried flag) flag {
		var f flag
		for _, one := range want {
			switch {
			case carried.index(one.id) >= 0:
				one = carried[carried.index(one.id)]
			case believed.index(one.id) >= 0:
				one = believed[believed.index(one.id)]
			default:
				one.except = nil
			}
			f = append(f, one)
		}
		slices.SortFunc(f, func(a, b flagged) int { return bytes.Compare(a.id[:], b.id[:]) })
		return f
	})
	return err
}
