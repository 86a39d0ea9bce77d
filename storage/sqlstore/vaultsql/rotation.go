package vaultsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// rotationQueries are the statements that move a tenant between epochs.
type rotationQueries struct {
	roots, lockRoots, shareRoots                string
	renewRoot, supersede                        string
	retireWrap, retireIndex, left, forget       string
	staleKeys, holdRoot, moveKeys               string
	rewrapLock, rewrap, beginRewrap, saveRewrap string
	tombstones, noteExport, exported            string
}

func (q *rotationQueries) all() []*string {
	return []*string{
		&q.roots, &q.lockRoots, &q.shareRoots, &q.renewRoot, &q.supersede, &q.retireWrap, &q.retireIndex, &q.left, &q.forget,
		&q.staleKeys, &q.holdRoot, &q.moveKeys, &q.rewrapLock, &q.rewrap, &q.beginRewrap, &q.saveRewrap,
		&q.tombstones, &q.noteExport, &q.exported,
	}
}

const rewrapColumns = "tenant, epoch, subject, compartment, generation, moved, stuck, started_at"

func (q *rotationQueries) addRotation(d sqlstore.Dialect) {
	q.roots = `SELECT ` + rootValues + ` FROM troth_vault_root WHERE tenant = ? ORDER BY lineage, epoch LIMIT ?`
	q.lockRoots = `SELECT epoch FROM troth_vault_root WHERE tenant = ? AND lineage = ? ORDER BY epoch`
	q.renewRoot = `INSERT INTO troth_vault_root (` + rootColumns + `, origin)
		SELECT ?, ?, ?, ?, ?, ?, 0, 0, 0, ?, 0, 0
		WHERE EXISTS (SELECT 1 FROM troth_vault_root WHERE tenant = ? AND lineage = ? AND sealed IS NOT NULL AND kek = ?)
		AND NOT EXISTS (SELECT 1 FROM troth_vault_root WHERE tenant = ? AND lineage = ?
			AND (epoch >= ? OR shredded_at <> 0))
		ON CONFLICT DO NOTHING`
	q.supersede = `UPDATE troth_vault_root SET superseded_at = ?
		WHERE tenant = ? AND lineage = ? AND epoch < ? AND sealed IS NOT NULL AND superseded_at = 0
		AND EXISTS (SELECT 1 FROM troth_vault_root n
			WHERE n.tenant = ? AND n.lineage = ? AND n.epoch >= ? AND n.sealed IS NOT NULL)`
	const retire = `UPDATE troth_vault_root SET sealed = NULL, retired_at = ?
		WHERE tenant = ? AND lineage = ? AND epoch < ? AND sealed IS NOT NULL AND superseded_at <> 0`
	q.retireIndex = retire
	q.retireWrap = retire + ` AND NOT EXISTS (SELECT 1 FROM troth_vault_key k
		WHERE k.epoch = troth_vault_root.epoch AND k.tenant = troth_vault_root.tenant AND k.shredded_at = 0)`
	q.left = `SELECT COUNT(*) FROM troth_vault_root WHERE tenant = ? AND epoch < ? AND sealed IS NOT NULL`
	q.forget = `DELETE FROM troth_vault_rewrap WHERE tenant = ?`
	q.staleKeys = `SELECT ` + keyValues + ` FROM troth_vault_key
		WHERE tenant = ? AND (subject, compartment, generation) > (?, ?, ?) AND epoch < ? AND shredded_at = 0
		ORDER BY subject, compartment, generation LIMIT ?`
	q.holdRoot = `SELECT epoch FROM troth_vault_root
		WHERE tenant = ? AND lineage = ? AND epoch = ? AND sealed IS NOT NULL AND superseded_at = 0`
	q.rewrap = `SELECT ` + rewrapColumns + ` FROM troth_vault_rewrap WHERE tenant = ?`
	q.beginRewrap = `INSERT INTO troth_vault_rewrap (` + rewrapColumns + `) VALUES (?, ?, '', '', 0, 0, 0, ?)
		ON CONFLICT (tenant) DO UPDATE SET epoch = excluded.epoch, subject = '', compartment = '', generation = 0,
			moved = 0, stuck = 0, started_at = excluded.started_at`
	q.saveRewrap = `UPDATE troth_vault_rewrap
		SET epoch = ?, subject = ?, compartment = ?, generation = ?, moved = ?, stuck = ?, started_at = ? WHERE tenant = ?`
	q.tombstones = `SELECT ` + keyValues + ` FROM troth_vault_key
		WHERE tenant = ? AND subject = ? AND shredded_at <> 0 AND key_id <> 0 ORDER BY compartment, generation LIMIT ?`
	q.noteExport = `INSERT INTO troth_vault_export (tenant, subject, compartment, exported_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (tenant, subject, compartment) DO UPDATE SET exported_at = excluded.exported_at
			WHERE troth_vault_export.exported_at < excluded.exported_at`
	q.exported = `SELECT COALESCE(MAX(exported_at), 0) FROM troth_vault_export WHERE tenant = ?
		AND (subject = '' OR subject = ? OR ? = 1) AND (compartment = '' OR compartment = ? OR ? = 1)`
	q.moveKeys = moveOne
	q.shareRoots = q.lockRoots
	if d == sqlstore.Postgres {
		q.lockRoots += " FOR UPDATE"
		q.shareRoots += " FOR SHARE"
		q.staleKeys += " FOR NO KEY UPDATE SKIP LOCKED"
		q.holdRoot += " FOR SHARE"
		q.rewrapLock = `SELECT pg_try_advisory_xact_lock(?)`
		q.moveKeys = movePostgres
	}
}

// lockRoots keeps others from adding or changing roots of the lineage, and, with
// the text lockRoots, waits for those who hold one; with shareRoots only for
// those who shred. The statements behind it see what was committed meanwhile.
// SQLite has one writer.
func (s *Store) lockRoots(ctx context.Context, text string, tenant troth.Tenant, l vault.Lineage) error {
	if !s.db.Postgres() {
		return nil
	}
	_, err := statement.Query(ctx, s.db, scanNumber, text, string(tenant), string(l))
	return err
}

func scanNumber(rows *sqlstore.Rows) (n int64, err error) {
	err = rows.Scan(&n)
	return n, err
}

// Roots implements vault.Store.
func (s *Store) Roots(ctx context.Context, tenant troth.Tenant) ([]vault.RootRow, error) {
	return limited(ctx, s, scanRoot, 2*maxEpochs, s.q.roots, string(tenant))
}

// RenewRoot implements vault.Store.
func (s *Store) RenewRoot(ctx context.Context, r vault.RootRow) (inserted bool, err error) {
	tenant, lineage, epoch := string(r.Tenant), string(r.Lineage), int64(r.Epoch)
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		inserted = false
		if err := s.db.Lockable(ctx); err != nil {
			return err
		}
		if err := s.lockRoots(ctx, s.q.shareRoots, r.Tenant, r.Lineage); err != nil {
			return err
		}
		open, err := s.holdEpoch(ctx, r.Epoch)
		if err != nil || !open {
			return err
		}
		inserted, err = s.db.Affects(ctx, s.q.renewRoot, tenant, lineage, epoch, blob(r.Sealed), r.Commitment[:], r.CreatedAt,
			r.KEK, tenant, lineage, r.KEK, tenant, lineage, epoch)
		return err
	})
	return inserted, err
}

// SupersedeRoots implements vault.Store.
func (s *Store) SupersedeRoots(ctx context.Context, tenant troth.Tenant, below uint32, at int64) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		if err := s.db.Lockable(ctx); err != nil {
			return err
		}
		for _, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
			_, err := s.db.Querier(ctx).Exec(ctx, s.q.supersede, at, string(tenant), string(l), int64(below),
				string(tenant), string(l), int64(below))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// RetireRoots implements vault.Store. What is superseded gains no key any more,
// so that the statement which finds none is right for ever.
func (s *Store) RetireRoots(ctx context.Context, tenant troth.Tenant, below uint32, at int64) (left int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		if err := s.db.Lockable(ctx); err != nil {
			return err
		}
		q := s.db.Querier(ctx)
		for _, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
			text := s.q.retireWrap
			if l == vault.IndexLineage {
				text = s.q.retireIndex
			}
			if _, err := q.Exec(ctx, text, at, string(tenant), string(l), int64(below)); err != nil {
				return err
			}
		}
		_, err := sqlstore.QueryRow(ctx, q, s.q.left, []any{string(tenant), int64(below)}, &left)
		if err == nil && left == 0 {
			_, err = q.Exec(ctx, s.q.forget, string(tenant))
		}
		return err
	})
	return left, err
}

// Tombstones implements vault.Store.
func (s *Store) Tombstones(ctx context.Context, tenant troth.Tenant, subjectID string) ([]vault.KeyRow, error) {
	return limited(ctx, s, scanKey, maxTombstones, s.q.tombstones, string(tenant), subjectID)
}

// NoteExport implements vault.Store.
func (s *Store) NoteExport(ctx context.Context, n vault.KeyName, at int64) error {
	_, err := s.db.Querier(ctx).Exec(ctx, s.q.noteExport, string(n.Tenant), n.SubjectID, string(n.Compartment), at)
	return err
}

// Exported implements vault.Store.
func (s *Store) Exported(ctx context.Context, n vault.KeyName) (at int64, err error) {
	_, err = sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.exported, []any{
		string(n.Tenant), n.SubjectID, number(n.SubjectID == ""), string(n.Compartment), number(n.Compartment == ""),
	}, &at)
	return at, err
}
