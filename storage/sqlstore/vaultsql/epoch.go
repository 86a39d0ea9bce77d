package vaultsql

import (
	"context"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// epochQueries are the statements about epochs.
type epochQueries struct {
	epochs, insertEpoch, holdEpoch, lockEpoch, closeEpoch, endEpoch string
	staleRoots, staleness, slowest                                  string
	backedUp                                                        string
}

func (q *epochQueries) all() []*string {
	return []*string{
		&q.epochs, &q.insertEpoch, &q.holdEpoch, &q.lockEpoch, &q.closeEpoch, &q.endEpoch,
		&q.staleRoots, &q.staleness, &q.slowest, &q.backedUp,
	}
}

const epochColumns = "epoch, place, opened_at, closed_at, final_at, destroyed_at"

func (q *epochQueries) addEpochs(d sqlstore.Dialect) {
	q.epochs = `SELECT epoch, substr(place, 1, 256), opened_at, closed_at, final_at, destroyed_at, backed_up_at
		FROM troth_vault_epoch ORDER BY epoch LIMIT ?`
	q.insertEpoch = `INSERT INTO troth_vault_epoch (` + epochColumns + `) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	q.holdEpoch = `SELECT closed_at FROM troth_vault_epoch WHERE epoch = ?`
	q.lockEpoch = q.holdEpoch
	if d == sqlstore.Postgres {
		q.holdEpoch += " FOR SHARE"
		q.lockEpoch += " FOR UPDATE"
	}
	q.closeEpoch = `UPDATE troth_vault_epoch SET closed_at = ? WHERE epoch = ? AND closed_at = 0
		AND epoch < (SELECT MAX(epoch) FROM troth_vault_epoch)
		AND NOT EXISTS (SELECT 1 FROM troth_vault_root WHERE epoch = ? AND sealed IS NOT NULL)`
	q.endEpoch = `UPDATE troth_vault_epoch SET final_at = ?, destroyed_at = ?
		WHERE epoch = ? AND closed_at <> 0 AND destroyed_at = 0`
	q.staleRoots = `SELECT DISTINCT epoch, tenant FROM troth_vault_root
		WHERE sealed IS NOT NULL AND epoch < ? AND (epoch, tenant) > (?, ?) ORDER BY epoch, tenant LIMIT ?`
	const counted = ` FROM (SELECT r.epoch, r.tenant, (SELECT COUNT(*) FROM troth_vault_key k
			WHERE k.epoch = r.epoch AND k.tenant = r.tenant AND k.shredded_at = 0) AS held
		FROM (SELECT DISTINCT epoch, tenant FROM troth_vault_root WHERE sealed IS NOT NULL AND epoch < ?) r) s`
	q.staleness = `SELECT COUNT(DISTINCT s.tenant), COALESCE(SUM(s.held), 0), COALESCE(MIN(s.epoch), 0)` + counted
	q.slowest = `SELECT s.tenant` + counted + ` WHERE s.epoch = ? ORDER BY s.held DESC, s.tenant LIMIT 1`
	q.backedUp = `UPDATE troth_vault_epoch SET backed_up_at = ?
		WHERE epoch = ? AND closed_at = ? AND closed_at <> 0 AND backed_up_at = 0`
}

// Epochs implements vault.SystemStore.
func (s *Store) Epochs(ctx context.Context) ([]vault.EpochRow, error) {
	return limited(ctx, s, scanEpoch, maxEpochs, s.q.epochs)
}

func scanEpoch(rows *sqlstore.Rows) (e vault.EpochRow, err error) {
	var epoch int64
	err = rows.Scan(&epoch, &e.Place, &e.OpenedAt, &e.ClosedAt, &e.FinalAt, &e.DestroyedAt, &e.BackedUpAt)
	if err == nil && !statement.Small(epoch, &e.Epoch) {
		err = errRecord
	}
	return e, err
}

// InsertEpoch implements vault.SystemStore.
func (s *Store) InsertEpoch(ctx context.Context, e vault.EpochRow) (inserted bool, err error) {
	return s.db.Affects(ctx, s.q.insertEpoch, int64(e.Epoch), e.Place, e.OpenedAt, e.ClosedAt, e.FinalAt, e.DestroyedAt)
}

// holdEpoch reports whether the epoch is not closed, and keeps it so until the
// transaction ends. One that has no row is not closed; an old snapshot may only
// lack it.
func (s *Store) holdEpoch(ctx context.Context, epoch uint32) (open bool, err error) {
	var closedAt int64
	found, err := sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.holdEpoch, []any{int64(epoch)}, &closedAt)
	if err == nil && !found {
		err = s.db.Lockable(ctx)
	}
	return closedAt == 0, err
}

// CloseEpoch implements vault.SystemStore. The lock waits for those who add
// roots; the statement behind it sees what they added.
func (s *Store) CloseEpoch(ctx context.Context, epoch uint32, at int64) (closed bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		if err := s.db.Lockable(ctx); err != nil {
			return err
		}
		var before int64
		_, err := sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.lockEpoch, []any{int64(epoch)}, &before)
		if err == nil {
			closed, err = s.db.Affects(ctx, s.q.closeEpoch, at, int64(epoch), int64(epoch))
		}
		return err
	})
	return closed, err
}

// EndEpoch implements vault.SystemStore.
func (s *Store) EndEpoch(ctx context.Context, epoch uint32, finalAt, destroyedAt int64) (ended bool, err error) {
	return s.db.Affects(ctx, s.q.endEpoch, finalAt, destroyedAt, int64(epoch))
}

// StaleRoots implements vault.SystemStore.
func (s *Store) StaleRoots(ctx context.Context, below uint32, after vault.RootPlace, limit int) ([]vault.RootPlace, error) {
	return statement.Query(ctx, s.db, scanRootPlace, s.q.staleRoots, int64(below), int64(after.Epoch), string(after.Tenant), limit)
}

func scanRootPlace(rows *sqlstore.Rows) (p vault.RootPlace, err error) {
	var epoch int64
	err = rows.Scan(&epoch, &p.Tenant)
	if err == nil && !statement.Small(epoch, &p.Epoch) {
		err = errRecord
	}
	return p, err
}

// Staleness implements vault.SystemStore.
func (s *Store) Staleness(ctx context.Context, below uint32) (st vault.Staleness, err error) {
	q := s.db.Querier(ctx)
	var oldest int64
	_, err = sqlstore.QueryRow(ctx, q, s.q.staleness, []any{int64(below)}, &st.Tenants, &st.Keys, &oldest)
	if err == nil && !statement.Small(oldest, &st.Oldest) {
		err = errRecord
	}
	if err != nil || st.Tenants == 0 {
		return vault.Staleness{}, err
	}
	_, err = sqlstore.QueryRow(ctx, q, s.q.slowest, []any{int64(below), oldest}, &st.Slowest)
	return st, err
}

// EpochBackedUp implements vault.SystemStore.
func (s *Store) EpochBackedUp(ctx context.Context, epoch uint32, closedAt, at int64) (noted bool, err error) {
	return s.db.Affects(ctx, s.q.backedUp, at, int64(epoch), closedAt)
}
