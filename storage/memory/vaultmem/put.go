package vaultmem

import (
	"context"
	"slices"

	"github.com/trothdev/troth/vault"
)

// PutRoot implements vault.JournalStore.
func (s *Store) PutRoot(ctx context.Context, row vault.RootRow) (put bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		k := rootKey{row.Tenant, row.Lineage}
		rows, _, err := s.roots.Get(ctx, k)
		if err != nil {
			return err
		}
		rows = slices.Clone(rows)
		at, found := slices.BinarySearchFunc(rows, row.Epoch, func(r vault.RootRow, epoch uint32) int {
			return int(epoch) - int(r.Epoch) // the highest epoch first
		})
		switch {
		case !found:
			rows = slices.Insert(rows, at, cloneRoot(row))
		case replacesRoot(&rows[at], &row):
			old := rows[at]
			rows[at] = cloneRoot(row)
			rows[at].Commitment, rows[at].CreatedAt = old.Commitment, old.CreatedAt
			if len(row.Sealed) > 0 && row.MovedAt < old.MovedAt {
				rows[at].Sealed, rows[at].KEK, rows[at].MovedAt = old.Sealed, old.KEK, old.MovedAt
			}
			if len(row.Sealed) > 0 {
				rows[at].RestoredAt = old.RestoredAt
			}
			if len(row.Sealed) > 0 && row.SupersededAt == 0 {
				rows[at].SupersededAt = old.SupersededAt
			}
		default:
			put = false
			return nil
		}
		put = true
		return s.roots.Put(ctx, k, rows)
	})
	return put && err == nil, err
}

// replacesRoot reports whether the row of a backup replaces the one here.
func replacesRoot(here, row *vault.RootRow) bool {
	switch {
	case here.ShreddedAt != 0:
		return false
	case row.ShreddedAt != 0:
		return true
	case here.Commitment != row.Commitment || len(here.Sealed) == 0:
		return false
	}
	return len(row.Sealed) == 0 || row.MovedAt > here.MovedAt || here.SupersededAt == 0 && row.SupersededAt != 0
}

// PutKey implements vault.JournalStore.
func (s *Store) PutKey(ctx context.Context, row vault.KeyRow) (put bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		put = false
		rows, _, err := s.keys.Get(ctx, row.KeyName)
		if err != nil {
			return err
		}
		rows = slices.Clone(rows)
		at, found := slices.BinarySearchFunc(rows, row.Generation, func(r vault.KeyRow, g uint32) int {
			return int(g) - int(r.Generation) // the newest first
		})
		gone, _, err := s.retired.Get(ctx, row.KeyName)
		if err != nil {
			return err
		}
		switch {
		case slices.ContainsFunc(gone, func(r vault.KeyRow) bool { return r.Generation == row.Generation }):
			return nil
		case row.Retired && (!found || replacesKey(&rows[at], &row)):
			if found {
				row.Epoch, row.FirstEpoch = max(rows[at].Epoch, row.Epoch), min(rows[at].FirstEpoch, row.FirstEpoch)
				row.CreatedAt, row.KeyID, row.Commitment = rows[at].CreatedAt, rows[at].KeyID, rows[at].Commitment
				rows = slices.Delete(rows, at, at+1)
			}
			if err := s.retired.Put(ctx, row.KeyName, append(slices.Clip(gone), cloneKey(row))); err != nil {
				return err
			}
		case !found:
			rows = slices.Insert(rows, at, cloneKey(row))
		case replacesKey(&rows[at], &row):
			old := rows[at]
			rows[at].Sealed, rows[at].Epoch, rows[at].ShreddedAt = slices.Clone(row.Sealed), row.Epoch, row.ShreddedAt
			rows[at].Flag, rows[at].Evidence = slices.Clone(row.Flag), row.Evidence
			if row.ShreddedAt != 0 { // of a tombstone every epoch counts that there was
				rows[at].Epoch, rows[at].FirstEpoch = max(old.Epoch, row.Epoch), min(old.FirstEpoch, row.FirstEpoch)
				rows[at].RestoredAt = row.RestoredAt
			}
		default:
			return nil
		}
		who := person{row.Tenant, row.SubjectID}
		p, _, err := s.persons.Get(ctx, who)
		if err != nil {
			return err
		}
		id := row.KeyID
		if slices.Contains(p.keyIDs, id) {
			id = 0
		}
		put = true
		if err := s.persons.Put(ctx, who, p.with(row.Compartment, id)); err != nil {
			return err
		}
		return s.keys.Put(ctx, row.KeyName, rows)
	})
	return put && err == nil, err
}

// replacesKey reports whether the row of a backup replaces the one here.
func replacesKey(here, row *vault.KeyRow) bool {
	if here.ShreddedAt != 0 {
		return false
	}
	return row.ShreddedAt != 0 || row.Epoch > here.Epoch && row.Commitment == here.Commitment
}
