package vaultsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// Root implements vault.Store.
func (s *Store) Root(ctx context.Context, tenant troth.Tenant, l vault.Lineage) (vault.RootRow, bool, error) {
	return s.oneRoot(ctx, s.q.root, string(tenant), string(l))
}

// RootAt implements vault.Store.
func (s *Store) RootAt(ctx context.Context, tenant troth.Tenant, l vault.Lineage, epoch uint32) (vault.RootRow, bool, error) {
	return s.oneRoot(ctx, s.q.rootAt, string(tenant), string(l), int64(epoch))
}

func (s *Store) oneRoot(ctx context.Context, text string, args ...any) (vault.RootRow, bool, error) {
	rows, err := statement.Query(ctx, s.db, scanRoot, text, args...)
	if err != nil || len(rows) == 0 {
		return vault.RootRow{}, false, err
	}
	return rows[0], true, nil
}

func scanRoot(rows *sqlstore.Rows) (r vault.RootRow, err error) {
	var commitment, evidence []byte
	var epoch int64
	err = rows.Scan(&r.Tenant, &r.Lineage, &epoch, &r.Sealed, &commitment, &r.CreatedAt, &r.ShreddedAt,
		&r.SupersededAt, &r.RetiredAt, &r.KEK, &r.MovedAt, &evidence, &r.RestoredAt)
	if err != nil || !statement.Small(epoch, &r.Epoch) || len(r.Sealed) > maxSealed || len(r.KEK) > vault.MaxKEK ||
		!statement.Fill(r.Commitment[:], commitment) || !fillOrNone(r.Evidence[:], evidence) {
		return r, errRecord
	}
	return r, nil
}

// InsertRoot implements vault.Store.
func (s *Store) InsertRoot(ctx context.Context, r vault.RootRow) (inserted bool, err error) {
	args := []any{
		string(r.Tenant), string(r.Lineage), int64(r.Epoch),
		blob(r.Sealed), r.Commitment[:], r.CreatedAt, r.ShreddedAt, r.SupersededAt, r.RetiredAt, r.KEK, r.MovedAt,
	}
	if r.Epoch == 0 {
		return s.db.Affects(ctx, s.q.insertRoot, args...)
	}
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		inserted = false
		open, err := s.holdEpoch(ctx, r.Epoch)
		if err == nil && open {
			inserted, err = s.db.Affects(ctx, s.q.insertRoot, args...)
		}
		return err
	})
	return inserted, err
}

// ShredRoots implements vault.Store. Emptying the roots waits for those who
// hold them, as every LockPerson does.
func (s *Store) ShredRoots(ctx context.Context, tenant troth.Tenant, at int64) (dead []vault.RootRow, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		if err := s.db.Lockable(ctx); err != nil {
			return err
		}
		dead = nil
		// The wrap lineage first: it is the one that everybody locks.
		for _, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
			if err := s.lockRoots(ctx, s.q.lockRoots, tenant, l); err != nil {
				return err
			}
			died, err := s.shredLineage(ctx, tenant, l, at)
			if err != nil {
				return err
			}
			dead = append(dead, died...)
		}
		return s.hold(ctx, vault.KeyName{Tenant: tenant})
	})
	return dead, err
}

func (s *Store) shredLineage(ctx context.Context, tenant troth.Tenant, l vault.Lineage, at int64) ([]vault.RootRow, error) {
	died, err := statement.Query(ctx, s.db, scanRoot, s.q.shredRoots, at, string(tenant), string(l))
	if err == nil && len(died) == 0 {
		var none [32]byte
		died, err = statement.Query(ctx, s.db, scanRoot, s.q.entombRoot, string(tenant), string(l), none[:], at, at, string(tenant), string(l))
	}
	if err != nil {
		return nil, err
	}
	return died, s.allDead(ctx, s.q.rootsLeft, string(tenant), string(l))
}
