package vaultsql

import (
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// Keys implements vault.Store.
func (s *Store) Keys(ctx context.Context, name vault.KeyName) ([]vault.KeyRow, error) {
	rows, err := statement.Query(ctx, s.db, scanKey, s.q.keys, string(name.Tenant), name.SubjectID, string(name.Compartment), maxGenerations+1)
	if err == nil && len(rows) > maxGenerations {
		return nil, errGenerations
	}
	return rows, err
}

func scanKey(rows *sqlstore.Rows) (k vault.KeyRow, err error) {
	var commitment, evidence []byte
	var generation, id, epoch, first, retired int64
	err = rows.Scan(&k.Tenant, &k.SubjectID, &k.Compartment, &generation, &id, &epoch, &first,
		&k.Sealed, &commitment, &k.CreatedAt, &k.ShreddedAt, &k.Flag, &evidence, &retired, &k.RestoredAt)
	if err != nil || !statement.Small(generation, &k.Generation) || !statement.Small(id, &k.KeyID) || !statement.Small(epoch, &k.Epoch) || !statement.Small(first, &k.FirstEpoch) ||
		max(len(k.Sealed), len(k.Flag)) > maxSealed || !statement.Fill(k.Commitment[:], commitment) || !fillOrNone(k.Evidence[:], evidence) {
		return k, errRecord
	}
	k.Retired = retired != 0
	return k, nil
}

// InsertKey implements vault.Store.
func (s *Store) InsertKey(ctx context.Context, k vault.KeyRow) (inserted bool, err error) {
	return s.db.Affects(ctx, s.q.insertKey, string(k.Tenant), k.SubjectID, string(k.Compartment),
		int64(k.Generation), int64(k.KeyID), int64(k.Epoch), int64(k.FirstEpoch), blob(k.Sealed), k.Commitment[:], k.CreatedAt, k.ShreddedAt,
		blob(k.Flag), string(k.Tenant), string(vault.WrapLineage), int64(k.Epoch))
}

// ShredKeys implements vault.Store.
func (s *Store) ShredKeys(ctx context.Context, p vault.ShredKeys) (dead []vault.KeyRow, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		if err := s.db.Lockable(ctx); err != nil {
			return err
		}
		chosen, err := s.chosen(ctx, p)
		if err != nil {
			return err
		}
		dead = nil
		for _, c := range chosen {
			died, err := s.shredCompartment(ctx, p, c)
			if err != nil {
				return err
			}
			dead = append(dead, died...)
		}
		return nil
	})
	return dead, err
}

// chosen returns the compartments to shred, in order: those that are named, or
// all that live except those that are spared.
func (s *Store) chosen(ctx context.Context, p vault.ShredKeys) ([]troth.Compartment, error) {
	cs := slices.Clone(p.Compartments)
	if len(cs) == 0 {
		living, err := statement.Query(ctx, s.db, scanCompartment, s.q.compartments, string(p.Tenant), p.SubjectID)
		if err != nil {
			return nil, err
		}
		cs = slices.DeleteFunc(living, func(c troth.Compartment) bool { return slices.Contains(p.Except, c) })
	}
	slices.Sort(cs)
	return slices.Compact(cs), nil
}

func scanCompartment(rows *sqlstore.Rows) (c troth.Compartment, err error) {
	err = rows.Scan(&c)
	return c, err
}

// shredCompartment empties the keys of one compartment, or puts a tombstone
// where none ever was.
func (s *Store) shredCompartment(ctx context.Context, p vault.ShredKeys, c troth.Compartment) ([]vault.KeyRow, error) {
	tenant, compartment := string(p.Tenant), string(c)
	died, err := statement.Query(ctx, s.db, scanKey, s.q.shredKeys, p.At, tenant, p.SubjectID, compartment)
	if err == nil && len(died) == 0 {
		var none [32]byte
		died, err = statement.Query(ctx, s.db, scanKey, s.q.entombKey, tenant, p.SubjectID, compartment, none[:], p.At, p.At,
			tenant, p.SubjectID, compartment)
	}
	if err == nil {
		err = s.allDead(ctx, s.q.keysLeft, tenant, p.SubjectID, compartment)
	}
	slices.SortFunc(died, func(a, b vault.KeyRow) int { return cmp.Compare(a.Generation, b.Generation) })
	return died, err
}
