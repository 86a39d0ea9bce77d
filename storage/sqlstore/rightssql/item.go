package rightssql

import (
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

// scanRest scans what comes before, and then what an item is beside its key.
func scanRest(rows *sqlstore.Rows, i *rights.ItemRow, before ...any) error {
	if err := rows.Scan(append(before, &i.DueAt, &i.Record, &i.Sealed)...); err != nil {
		return err
	}
	if len(i.Record) > rights.MaxRecord || len(i.Sealed) > rights.MaxSealed {
		return rights.ErrRecord
	}
	return nil
}

func scanItem(rows *sqlstore.Rows) (i rights.ItemRow, err error) {
	var tenant, kind string
	err = scanRest(rows, &i, &tenant, &i.Owner, &kind, &i.ID)
	i.Tenant, i.Kind = troth.Tenant(tenant), rights.ItemKind(kind)
	return i, err
}

func scanItemKey(rows *sqlstore.Rows) (k rights.ItemKey, err error) {
	var tenant, kind string
	err = rows.Scan(&tenant, &k.Owner, &kind, &k.ID)
	k.Tenant, k.Kind = troth.Tenant(tenant), rights.ItemKind(kind)
	return k, err
}

func placeOf(k rights.ItemKey) []any { return []any{string(k.Tenant), k.Owner, string(k.Kind), k.ID} }

// sealedOf keeps no bytes apart from none.
func sealedOf(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// InsertItem implements rights.Store.
func (s *Store) InsertItem(ctx context.Context, row rights.ItemRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertItem, append(placeOf(row.ItemKey), row.DueAt, blob(row.Record), sealedOf(row.Sealed))...)
}

// Item implements rights.Store.
func (s *Store) Item(ctx context.Context, key rights.ItemKey) (rights.ItemRow, bool, error) {
	scan := func(rows *sqlstore.Rows) (i rights.ItemRow, err error) {
		i.ItemKey = key
		err = scanRest(rows, &i)
		return i, err
	}
	return statement.One(ctx, s.db, scan, s.q.item, placeOf(key)...)
}

// ItemsAt implements rights.Store. What a statement finds comes in no order.
func (s *Store) ItemsAt(ctx context.Context, keys []rights.ItemKey) ([]rights.ItemRow, error) {
	var all []rights.ItemRow
	for some := range slices.Chunk(keys, maxRows) {
		args := make([]any, 0, 4*len(some))
		for _, k := range some {
			args = append(args, placeOf(k)...)
		}
		rows, err := statement.Query(ctx, s.db, scanItem, s.q.itemsAt[len(some)-1], args...)
		if err != nil {
			return nil, err
		}
		for _, k := range some {
			if i := slices.IndexFunc(rows, func(row rights.ItemRow) bool { return row.ItemKey == k }); i >= 0 {
				all = append(all, rows[i])
			}
		}
	}
	return all, ctx.Err()
}

// PutItem implements rights.Store.
func (s *Store) PutItem(ctx context.Context, row rights.ItemRow) error {
	args := []any{row.DueAt, blob(row.Record), sealedOf(row.Sealed)}
	return s.db.Must(ctx, s.q.putItem, append(args, placeOf(row.ItemKey)...)...)
}

// WriteItems implements rights.Store.
func (s *Store) WriteItems(ctx context.Context, rows []rights.ItemRow) error {
	n, err := many(ctx, s, s.q.writeItems[:], rows, func(args []any, row *rights.ItemRow) []any {
		return append(append(args, placeOf(row.ItemKey)...), row.DueAt, blob(row.Record), sealedOf(row.Sealed))
	})
	if err == nil && n != len(rows) {
		err = s.db.ErrLost
	}
	return err
}

// DeleteItem implements rights.Store.
func (s *Store) DeleteItem(ctx context.Context, key rights.ItemKey) (bool, error) {
	return s.db.Affects(ctx, s.q.deleteItem, placeOf(key)...)
}

// Items implements rights.Store.
func (s *Store) Items(ctx context.Context, q rights.ItemQuery) ([]rights.ItemRow, error) {
	scan := func(rows *sqlstore.Rows) (i rights.ItemRow, err error) {
		i.ItemKey = rights.ItemKey{Tenant: q.Tenant, Owner: q.Owner, Kind: q.Kind}
		err = scanRest(rows, &i, &i.ID)
		return i, err
	}
	return statement.Query(ctx, s.db, scan, s.q.items, string(q.Tenant), q.Owner, string(q.Kind), q.After, max(q.Limit, 0))
}

// DueItems implements rights.SystemStore.
func (s *Store) DueItems(ctx context.Context, kind rights.ItemKind, at int64, limit int) ([]rights.ItemKey, error) {
	return statement.Query(ctx, s.db, scanItemKey, s.q.dueItems, string(kind), at, max(limit, 0))
}

// Managed implements rights.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	_, managed, err := statement.One(ctx, s.db, scanNumber, s.q.managed)
	return managed, err
}

// SetManaged implements rights.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error {
	_, err := s.db.Exec(ctx, s.q.setManaged)
	return err
}
