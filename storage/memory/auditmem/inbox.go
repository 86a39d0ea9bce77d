package auditmem

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth/audit"
)

// Backlog implements audit.SystemStore.
func (s *Store) Backlog(ctx context.Context) (audit.Backlog, error) {
	rows, err := s.inbox.Scan(ctx, nil, 0, nil)
	if err != nil {
		return audit.Backlog{}, err
	}
	outcasts, err := s.quarantine.Scan(ctx, nil, 0, nil)
	if err != nil {
		return audit.Backlog{}, err
	}
	b := audit.Backlog{Count: len(rows), Quarantined: len(outcasts)}
	if len(rows) > 0 {
		oldest := rows[0].Value.RecordedAt
		for _, r := range rows {
			oldest = min(oldest, r.Value.RecordedAt)
		}
		b.Oldest = time.UnixMicro(oldest).UTC()
	}
	return b, nil
}

// TakeInbox implements audit.LogSystem.
func (s *Store) TakeInbox(ctx context.Context, limit int) (taken []audit.InboxRow, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		found, err := s.inbox.Scan(ctx, nil, 0, nil)
		if err != nil {
			return err
		}
		for _, f := range found {
			taken = append(taken, f.Value)
		}
		slices.SortFunc(taken, func(a, b audit.InboxRow) int {
			return cmp.Or(cmp.Compare(a.RecordedAt, b.RecordedAt), bytes.Compare(a.ID[:], b.ID[:]), cmp.Compare(a.Tenant, b.Tenant))
		})
		taken = taken[:min(limit, len(taken))]
		for i, row := range taken {
			taken[i].Envelope = bytes.Clone(row.Envelope)
			if _, err := s.inbox.Delete(ctx, entry{row.Tenant, row.ID}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

// Quarantine implements audit.LogSystem.
func (s *Store) Quarantine(ctx context.Context, ids []audit.TenantEntry) (moved int, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		for _, id := range ids {
			at := entry{id.Tenant, id.ID}
			row, found, err := s.inbox.Get(ctx, at)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			if err := s.castOut(ctx, outcast{entry: at}, row); err != nil {
				return err
			}
			if _, err := s.inbox.Delete(ctx, at); err != nil {
				return err
			}
			moved++
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return moved, nil
}

func (s *Store) castOut(ctx context.Context, at outcast, row audit.InboxRow) error {
	for {
		inserted, err := s.quarantine.Insert(ctx, at, row)
		if err != nil || inserted {
			return err
		}
		at.copy++
	}
}
