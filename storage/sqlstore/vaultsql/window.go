package vaultsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// InsertWindow implements vault.Store.
func (s *Store) InsertWindow(ctx context.Context, w vault.WindowRow) error {
	_, err := s.db.Querier(ctx).Exec(ctx, s.q.insertWindow, string(w.Tenant), w.ID[:], w.Actor, string(w.Home),
		string(w.Purpose), w.OpenedAt, w.Until, w.ClosedAt)
	return err
}

// CloseWindow implements vault.Store.
func (s *Store) CloseWindow(ctx context.Context, tenant troth.Tenant, id troth.EntryID, at int64) (closed bool, err error) {
	return s.db.Affects(ctx, s.q.closeWindow, at, string(tenant), id[:])
}

// LapsedWindows implements vault.SystemStore.
func (s *Store) LapsedWindows(ctx context.Context, at int64, limit int) ([]vault.WindowRow, error) {
	return statement.Query(ctx, s.db, scanWindow, s.q.lapsed, at, limit)
}

func scanWindow(rows *sqlstore.Rows) (w vault.WindowRow, err error) {
	var id []byte
	err = rows.Scan(&w.Tenant, &id, &w.Actor, &w.Home, &w.Purpose, &w.OpenedAt, &w.Until, &w.ClosedAt)
	if err != nil || !statement.Fill(w.ID[:], id) || max(len(w.Tenant), len(w.Actor), len(w.Home), len(w.Purpose)) > troth.MaxIdentifier {
		return w, errWindow
	}
	return w, nil
}

// Managed implements vault.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	if err := s.db.Lockable(ctx); err != nil {
		return false, err
	}
	var value int64
	return sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.managed, nil, &value)
}

// SetManaged implements vault.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error {
	_, err := s.db.Querier(ctx).Exec(ctx, s.q.setManaged)
	return err
}
