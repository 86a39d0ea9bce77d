package auditsql

import (
	"context"
	"errors"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// errSize says that a stored value has not the length that it must have.
var errSize = errors.New("auditsql: stored value has the wrong length")

// Append implements audit.Store.
func (s *Store) Append(ctx context.Context, row audit.InboxRow) (bool, error) {
	if err := row.Validate(); err != nil {
		return false, err
	}
	return s.exec(ctx, s.sql.append, string(row.Tenant), row.ID[:], row.RecordedAt, row.Envelope, row.Tag[:])
}

// Entries implements audit.Store.
func (s *Store) Entries(ctx context.Context, p audit.EntriesPage) (found []audit.InboxRow, err error) {
	rows, err := s.handle.Querier(ctx).Query(ctx, s.sql.entries, string(p.Tenant), p.After[:], p.Limit)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := rows.Close(); err == nil {
			err = closed
		}
	}()
	for rows.Next() {
		row, err := scanEntry(rows)
		if err != nil {
			return nil, err
		}
		row.Tenant = p.Tenant
		found = append(found, row)
	}
	return found, rows.Err()
}

func scanEntry(rows *sqlstore.Rows) (row audit.InboxRow, err error) {
	var id, tag []byte
	if err := rows.Scan(&id, &row.RecordedAt, &row.Envelope, &tag); err != nil {
		return row, err
	}
	if len(id) != len(row.ID) {
		return row, errSize
	}
	row.ID = troth.EntryID(id)
	if len(tag) == len(row.Tag) { // another authenticates nothing
		row.Tag = [32]byte(tag)
	}
	return row, nil
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
