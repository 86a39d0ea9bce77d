package vaultsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// PutRoot implements vault.JournalStore.
func (s *Store) PutRoot(ctx context.Context, r vault.RootRow) (put bool, err error) {
	return s.db.Affects(ctx, s.j.putRoot, string(r.Tenant), string(r.Lineage), int64(r.Epoch),
		blob(r.Sealed), r.Commitment[:], r.CreatedAt, r.ShreddedAt, r.SupersededAt, r.RetiredAt, r.KEK, r.MovedAt, entry(r.Evidence), r.RestoredAt,
		string(r.Tenant), string(r.Lineage))
}

// PutKey implements vault.JournalStore.
func (s *Store) PutKey(ctx context.Context, k vault.KeyRow) (put bool, err error) {
	return s.db.Affects(ctx, s.j.putKey, string(k.Tenant), k.SubjectID, string(k.Compartment),
		int64(k.Generation), int64(k.KeyID), int64(k.Epoch), int64(k.FirstEpoch), blob(k.Sealed), k.Commitment[:],
		k.CreatedAt, k.ShreddedAt, blob(k.Flag), entry(k.Evidence), number(k.Retired), k.RestoredAt)
}

// entry is an id as an argument: NULL if it is zero.
func entry(id troth.EntryID) any {
	if id.IsZero() {
		return nil
	}
	return id[:]
}
