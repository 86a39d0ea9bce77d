package vault

import (
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// death is what the store tells of a shredding afterwards.
type death struct {
	// at is when the last of it died, made when the first of it was made.
	at, made int64
	lain     []lain
	// names are those under which it may have been exported.
	names []KeyName
	// missing says that the receipt names something of which the store has no
	// tombstone.
	missing bool
	// elsewhere says that it died in a part of the history which the store does
	// not have, and that nothing of it is here.
	elsewhere bool
}

// deathOf reads what is left of what the receipt names. Rows and receipt are
// believed where they say more: who writes the database can change rows.
func (v *Vault) deathOf(ctx context.Context, r *Receipt) (*death, error) {
	roots, err := v.store.Roots(ctx, r.Target.Tenant)
	if err != nil {
		return nil, fmt.Errorf("vault: read roots: %w", err)
	}
	if r.Target.SubjectID == "" {
		return deathOfTenant(r, roots), nil
	}
	rows, err := v.store.Tombstones(ctx, r.Target.Tenant, r.Target.SubjectID)
	if err != nil {
		return nil, fmt.Errorf("vault: read tombstones: %w", err)
	}
	d := deathOfPerson(r, roots, rows)
	if len(d.lain) == 0 {
		d.elsewhere, err = v.anyOfBuried(ctx, r.Target.names())
	}
	return d, err
}

// deathOfTenant counts every root that the tenant ever had, of both lineages.
func deathOfTenant(r *Receipt, roots []RootRow) *death {
	d := &death{names: []KeyName{{Tenant: r.Target.Tenant}}}
	known := make(map[[32]byte]bool)
	for i := range roots {
		row := &roots[i]
		if row.ShreddedAt == 0 {
			d.missing = true
		}
		d.at = max(d.at, row.ShreddedAt, row.RestoredAt)
		known[row.Commitment] = true
		if row.Commitment == ([32]byte{}) {
			continue // there never was a root
		}
		d.lie(row.Epoch, leftAt(row))
	}
	for _, k := range r.Keys {
		d.missing = d.missing || !known[k.Commitment]
	}
	d.missing = d.missing || len(roots) == 0
	return d
}

// deathOfPerson counts the epochs of each dead key of the target.
func deathOfPerson(r *Receipt, roots []RootRow, rows []KeyRow) *death {
	d := &death{}
	named := make(map[[32]byte]DeadKey)
	for _, k := range r.Keys {
		named[k.Commitment] = k
	}
	for i := range rows {
		row := &rows[i]
		if !r.Target.takes(row.Compartment) {
			continue
		}
		first, last := row.FirstEpoch, row.Epoch
		if k, ok := named[row.Commitment]; ok {
			first, last = min(first, k.FirstEpoch), max(last, k.LastEpoch)
			delete(named, row.Commitment)
		}
		d.add(row, first, last, roots)
	}
	d.missing = len(named) > 0
	return d
}

// add counts one dead key, which lay under the epochs from first to last.
func (d *death) add(row *KeyRow, first, last uint32, roots []RootRow) {
	died := max(row.ShreddedAt, row.RestoredAt)
	d.at = max(d.at, died)
	if d.made == 0 || row.CreatedAt < d.made {
		d.made = row.CreatedAt
	}
	if !slices.Contains(d.names, row.KeyName) {
		d.names = append(d.names, row.KeyName)
	}
	d.lie(last, died)
	if !slices.ContainsFunc(roots, func(r RootRow) bool { return r.Lineage == WrapLineage && r.Epoch == first }) {
		d.lie(first, died) // its trace is gone: the worst is believed
	}
	for i := range roots {
		root := &roots[i]
		if root.Lineage != WrapLineage || root.Epoch < first || root.Epoch > last {
			continue
		}
		until := died
		if root.Epoch < last && root.RetiredAt != 0 {
			until = min(until, leftAt(root))
		}
		d.lie(root.Epoch, until)
	}
}

// lie notes a stay under an epoch; the longest counts.
func (d *death) lie(epoch uint32, until int64) {
	for i := range d.lain {
		if d.lain[i].epoch == epoch {
			d.lain[i].until = max(d.lain[i].until, until)
			return
		}
	}
	d.lain = append(d.lain, lain{epoch: epoch, until: until})
	slices.SortFunc(d.lain, func(a, b lain) int { return int(int64(a.epoch) - int64(b.epoch)) })
}

// leftAt is when the database let go of a root, for the last time: a restore may
// have brought it back.
func leftAt(r *RootRow) int64 {
	if r.RetiredAt != 0 {
		return max(r.RetiredAt, r.RestoredAt)
	}
	return max(r.ShreddedAt, r.RestoredAt)
}

// takes reports whether the target takes the compartment in.
func (t Target) takes(c troth.Compartment) bool {
	if len(t.Compartments) > 0 {
		return slices.Contains(t.Compartments, c)
	}
	return !slices.Contains(t.spared(), c)
}
