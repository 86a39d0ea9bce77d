package auditsql

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// TakeInbox implements audit.LogSystem. On PostgreSQL rows that another
// transaction holds are passed over.
func (s *Store) TakeInbox(ctx context.Context, limit int) (taken []audit.InboxRow, err error) {
	q := reading{table: inboxTable, text: s.log.takeInbox, args: []any{limit}, place: func() string {
		return at("one of the earliest, %d rows after the first that was read", len(taken))()
	}}
	// A row that cannot be read must not take the others along.
	err = s.atomically(ctx, func(ctx context.Context) error {
		return s.read(ctx, q, func(rows *sqlstore.Rows) error {
			row, err := scanEntry(rows)
			if err == nil {
				taken = append(taken, row)
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	// What a deletion returns is in no order.
	slices.SortFunc(taken, func(a, b audit.InboxRow) int {
		return cmp.Or(cmp.Compare(a.RecordedAt, b.RecordedAt), bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(a.Tenant, b.Tenant))
	})
	return taken, nil
}

// Quarantine implements audit.LogSystem. Rows whose tenant is none are found by
// what TakeInbox gave out in its place.
func (s *Store) Quarantine(ctx context.Context, ids []audit.TenantEntry) (moved int, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		if moved, err = s.quarantine(ctx, ids, s.log.quarantineAll, s.log.quarantine, s.log.leave); err != nil {
			return err
		}
		if moved < len(ids) {
			odd, err := s.quarantine(ctx, ids, s.log.quarantineOddAll, s.log.quarantineOdd, s.log.leaveOdd)
			if err != nil {
				return err
			}
			moved += odd
		}
		unread, err := s.quarantineUnread(ctx)
		moved += unread
		return err
	})
	if err != nil {
		return 0, err
	}
	return moved, nil
}

// quarantineUnread moves the rows that cannot be read. Nothing names them, so it
// looks at all that wait.
func (s *Store) quarantineUnread(ctx context.Context) (moved int, err error) {
	if _, err := s.exec(ctx, s.log.quarantineUnread); err != nil {
		return 0, err
	}
	return s.count(ctx, s.log.leaveUnread)
}

// quarantine moves rows, with one statement for all of them on PostgreSQL, and
// two for each on SQLite.
func (s *Store) quarantine(ctx context.Context, ids []audit.TenantEntry, all, one, leave string) (moved int, err error) {
	if s.postgres() {
		return s.count(ctx, all, nameArgs(ids)...)
	}
	name := func(i int) []any { return []any{string(ids[i].Tenant), ids[i].ID[:]} }
	if _, err := s.execEach(ctx, one, len(ids), name); err != nil {
		return 0, err
	}
	return s.execEach(ctx, leave, len(ids), name)
}
