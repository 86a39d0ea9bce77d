package vault

import (
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// putPeople puts some people of one tenant with their keys.
func (k *keyRestore) putPeople(ctx context.Context) (did KeysRestored, err error) {
	for i := range k.people {
		one, err := k.putPerson(ctx, &k.people[i])
		if err != nil {
			return did, err
		}
		did.add(one)
	}
	return did, nil
}

func (k *keyRestore) putPerson(ctx context.Context, p *restoredPerson) (did KeysRestored, err error) {
	state, err := k.v.store.LockPerson(ctx, p.Tenant, p.SubjectID, Exclusive)
	if err != nil {
		return did, fmt.Errorf("vault: restore keys: lock person: %w", err)
	}
	for rows := range sameCompartment(p.keys) {
		one, err := k.putCompartment(ctx, rows, state)
		if err != nil {
			return did, err
		}
		did.add(one)
	}
	closing := p.ClosedAt != 0 && state.ClosedAt == 0
	if closing {
		if err := k.v.store.ClosePerson(ctx, p.Tenant, p.SubjectID, p.ClosedAt); err != nil {
			return did, fmt.Errorf("vault: restore keys: close person: %w", err)
		}
		did.Added++
	}
	if closing && !p.Evidence.IsZero() {
		_, err := k.v.store.SetEvidence(ctx, ShredEvidence{
			Tenant: p.Tenant, SubjectID: p.SubjectID, At: p.ClosedAt, Closed: true, Entry: p.Evidence,
		})
		if err != nil {
			return did, fmt.Errorf("vault: restore keys: name evidence: %w", err)
		}
	}
	if state.TenantShredded {
		return did, nil
	}
	if did.Flagged, err = k.settleFlags(ctx, p); err != nil {
		return did, err
	}
	if did.Died > 0 || did.Flagged > 0 || closing {
		return did, k.v.raiseAll(ctx, KeyName{Tenant: p.Tenant, SubjectID: p.SubjectID})
	}
	return did, nil
}

// sameCompartment yields the rows of one compartment after the other.
func sameCompartment(rows []KeyRow) func(yield func([]KeyRow) bool) {
	return func(yield func([]KeyRow) bool) {
		for len(rows) > 0 {
			n := slices.IndexFunc(rows, func(r KeyRow) bool { return r.Compartment != rows[0].Compartment })
			if n < 0 {
				n = len(rows)
			}
			if !yield(rows[:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}

// putCompartment puts the generations of one compartment: all of them live, or
// none.
func (k *keyRestore) putCompartment(ctx context.Context, rows []KeyRow, state PersonState) (did KeysRestored, err error) {
	if state.TenantShredded {
		return did, nil // no row of the tenant's opens, whatever it holds
	}
	name := rows[0].KeyName
	here, err := k.v.store.Keys(ctx, name)
	if err != nil {
		return did, fmt.Errorf("vault: restore keys: read keys: %w", err)
	}
	// A generation that was let go is dead by itself.
	died := slices.IndexFunc(rows, func(r KeyRow) bool { return r.ShreddedAt != 0 && !r.Retired })
	dead, err := k.deadHere(ctx, name, here, state)
	if err != nil {
		return did, err
	}
	if dead && died < 0 {
		did.Refused = int64(len(rows))
		return did, nil
	}
	for _, row := range rows {
		if died >= 0 && row.ShreddedAt == 0 {
			continue // no vault leaves it so
		}
		if row.ShreddedAt == 0 && !known(here, row.Generation) {
			retired, err := k.wasRetired(ctx, &row)
			if err != nil {
				return did, err
			}
			if retired {
				did.Refused++
				continue
			}
		}
		if row.ShreddedAt != 0 && lives(here, row.Generation) {
			row.RestoredAt = k.v.micros()
		}
		put, err := k.v.store.PutKey(ctx, row)
		if err != nil {
			return did, fmt.Errorf("vault: restore keys: put key: %w", err)
		}
		if put && (row.ShreddedAt == 0 || !known(here, row.Generation)) {
			did.Added++
		}
		if !put && row.ShreddedAt == 0 && clash(here, &row) {
			return did, errBackupOther
		}
	}
	if died < 0 || livingKeys(here) == 0 {
		return did, nil
	}
	// Generations that the backup does not know of die too.
	did.Died = livingKeys(here)
	_, err = k.v.store.ShredKeys(ctx, ShredKeys{
		Tenant: name.Tenant, SubjectID: name.SubjectID, Compartments: []troth.Compartment{name.Compartment},
		At: k.v.micros(),
	})
	if err != nil {
		return did, fmt.Errorf("vault: restore keys: shred keys: %w", err)
	}
	return did, nil
}

// deadHere reports whether nothing may live under the name in this store.
func (k *keyRestore) deadHere(ctx context.Context, name KeyName, here []KeyRow, state PersonState) (bool, error) {
	if slices.ContainsFunc(here, func(r KeyRow) bool { return r.ShreddedAt != 0 }) {
		return true, nil
	}
	if len(here) > 0 {
		return false, nil // what lives here, a replay has left alive
	}
	buried, err := k.v.store.Buried(ctx, k.names.covering(name))
	if err != nil {
		return false, fmt.Errorf("vault: restore keys: look for buried names: %w", err)
	}
	if closedTo(state, name.Compartment) && len(buried) == 0 {
		return true, nil
	}
	for _, b := range buried {
		spared, err := k.spared(ctx, name, b)
		if err != nil || !spared {
			return true, err
		}
	}
	return false, nil
}

// spared reports whether the erasure under which a name is buried was of a
// person and spared the compartment: that of the key, if the key tables are
// restored after the replay.
func (k *keyRestore) spared(ctx context.Context, name KeyName, b BuriedName) (bool, error) {
	for _, tenant := range []troth.Tenant{name.Tenant, troth.Platform} {
		row, found, err := k.v.store.Line(ctx, tenant, b.Entry)
		if err != nil {
			return false, fmt.Errorf("vault: restore keys: read line: %w", err)
		}
		if !found {
			continue
		}
		e, err := parseErasure(k.lines, row.Line)
		if err != nil {
			return false, err
		}
		return e.scope == subjectScope && e.has(k.names.compartment(name)), nil
	}
	return false, nil
}

// known reports whether the generation is among the rows, lives whether it lives
// there.
func known(rows []KeyRow, generation uint32) bool {
	return slices.ContainsFunc(rows, func(r KeyRow) bool { return r.Generation == generation })
}

func lives(rows []KeyRow, generation uint32) bool {
	return slices.ContainsFunc(rows, func(r KeyRow) bool { return r.Generation == generation && r.ShreddedAt == 0 })
}

// wasRetired reports whether the journal tells that the key was let go.
func (k *keyRestore) wasRetired(ctx context.Context, row *KeyRow) (bool, error) {
	buried, err := k.v.store.Buried(ctx, [][32]byte{digestOf([]DeadKey{{Commitment: row.Commitment}})})
	if err != nil {
		return false, fmt.Errorf("vault: restore keys: look for buried names: %w", err)
	}
	return len(buried) > 0, nil
}

// clash reports whether another key lives here under the name and generation.
func clash(here []KeyRow, row *KeyRow) bool {
	return slices.ContainsFunc(here, func(r KeyRow) bool {
		return r.Generation == row.Generation && r.Commitment != row.Commitment
	})
}

func livingKeys(rows []KeyRow) (n int64) {
	for _, r := range rows {
		if r.ShreddedAt == 0 {
			n++
		}
	}
	return n
}
