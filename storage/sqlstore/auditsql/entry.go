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

// AppendAll is Append for many rows, on PostgreSQL in one statement, and returns
// how many it put there.
func (s *Store) AppendAll(ctx context.Context, rows []audit.InboxRow) (appended int, err error) {
	for _, row := range rows {
		if err := row.Validate(); err != nil {
			return 0, err
		}
	}
	n := len(rows)
	if !s.postgres() {
		return s.execEach(ctx, s.sql.append, n, func(i int) []any {
			r := &rows[i]
			return []any{string(r.Tenant), r.ID[:], r.RecordedAt, r.Envelope, r.Tag[:]}
		})
	}
	args := []any{
		texts(n, func(i int) string { return string(rows[i].Tenant) }),
		fixed(n, func(i int) []byte { return rows[i].ID[:] }),
		ints(n, func(i int) int64 { return rows[i].RecordedAt }),
		fixed(n, func(i int) []byte { return rows[i].Tag[:] }),
	}
	envelopes := collect(n, func(i int) []byte { return rows[i].Envelope })
	return s.count(ctx, s.sql.appendAll, append(args, envelopes.args()...)...)
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
