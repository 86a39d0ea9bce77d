package auditsql

import (
	"context"
	"time"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// Append implements audit.Store.
func (s *Store) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	if err := row.Validate(); err != nil {
		return false, err
	}
	return s.exec(ctx, s.sql.append, string(row.Tenant), row.ID[:], row.RecordedAt, row.Envelope, row.Tag[:])
}

// Entries implements audit.Store.
func (s *Store) Entries(ctx context.Context, p audit.EntriesPage) (found []audit.InboxRow, err error) {
	q := reading{table: inboxTable, text: s.sql.entries, args: []any{string(p.Tenant), p.After[:], p.Limit}}
	q.place = func() string { return at("the tenant's first behind id %s", p.After)() }
	err = s.read(ctx, q, func(rows *sqlstore.Rows) error {
		row, err := scanEntry(rows)
		if err == nil {
			p.After = row.ID
			found = append(found, row)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func scanEntry(rows *sqlstore.Rows) (row audit.InboxRow, err error) {
	var id, tag []byte
	if err := rows.Scan(&row.Tenant, &id, &row.RecordedAt, &row.Envelope, &tag); err != nil {
		return row, err
	}
	if len(tag) == len(row.Tag) { // another authenticates nothing
		row.Tag = [32]byte(tag)
	}
	return row, copyFixed(row.ID[:], id)
}

// Backlog implements audit.SystemStore.
func (s *Store) Backlog(ctx context.Context) (b audit.Backlog, err error) {
	var oldest int64
	_, err = sqlstore.QueryRow(ctx, s.handle.Querier(ctx), s.sql.backlog, nil, &b.Count, &oldest, &b.Quarantined)
	if err != nil {
		return audit.Backlog{}, err
	}
	if b.Count > 0 {
		b.Oldest = time.UnixMicro(oldest).UTC()
	}
	return b, nil
}
