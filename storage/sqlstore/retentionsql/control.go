package retentionsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

func scanControl(rows *sqlstore.Rows) (c retention.ControlRow, err error) {
	var tenant string
	var open int64
	if err = rows.Scan(&tenant, &c.Kind, &c.ID, &open, &c.DueAt, &c.Body, &c.State, &c.MAC); err != nil {
		return c, err
	}
	c.Tenant, c.Open = troth.Tenant(tenant), open != 0
	if len(c.Body) > retention.MaxControl || len(c.State) > retention.MaxControl || len(c.MAC) > maxMAC {
		return retention.ControlRow{}, retention.ErrRecord
	}
	for _, b := range []*[]byte{&c.Body, &c.State, &c.MAC} {
		if len(*b) == 0 {
			*b = nil
		}
	}
	return c, nil
}

func controlRest(c *retention.ControlRow) []any {
	open := int64(0)
	if c.Open {
		open = 1
	}
	return []any{open, c.DueAt, filled(c.Body), filled(c.State), filled(c.MAC)}
}

// filled is empty in place of null.
func filled(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func controlPlace(k retention.ControlKey) []any { return []any{string(k.Tenant), k.Kind, k.ID} }

// InsertControl implements retention.Store.
func (s *Store) InsertControl(ctx context.Context, row retention.ControlRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertControl, append(controlPlace(row.ControlKey), controlRest(&row)...)...)
}

// PutControl implements retention.Store.
func (s *Store) PutControl(ctx context.Context, row retention.ControlRow) error {
	return s.db.Must(ctx, s.q.putControl, append(controlRest(&row), controlPlace(row.ControlKey)...)...)
}

// Control implements retention.Store.
func (s *Store) Control(ctx context.Context, key retention.ControlKey) (retention.ControlRow, bool, error) {
	return statement.One(ctx, s.db, scanControl, s.q.control, controlPlace(key)...)
}

// LockControl implements retention.Store.
func (s *Store) LockControl(ctx context.Context, key retention.ControlKey) (retention.ControlRow, bool, error) {
	if err := s.db.Locking(ctx); err != nil {
		return retention.ControlRow{}, false, err
	}
	return statement.One(ctx, s.db, scanControl, s.q.lockControl, controlPlace(key)...)
}

// OpenControls implements retention.Store.
func (s *Store) OpenControls(ctx context.Context, tenant troth.Tenant, kind string) ([]retention.ControlRow, error) {
	return statement.Query(ctx, s.db, scanControl, s.q.openControls, string(tenant), kind)
}

// Controls implements retention.Store.
func (s *Store) Controls(ctx context.Context, after retention.ControlKey, limit int) ([]retention.ControlRow, error) {
	return statement.Query(ctx, s.db, scanControl, s.q.controls, append(controlPlace(after), limit)...)
}

// DueControls implements retention.SystemStore.
func (s *Store) DueControls(ctx context.Context, kind string, at int64, limit int) ([]retention.ControlRow, error) {
	return statement.Query(ctx, s.db, scanControl, s.q.dueControls, kind, at, limit)
}
