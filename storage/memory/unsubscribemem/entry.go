package unsubscribemem

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/internal/scan"
	"github.com/trothdev/troth/unsubscribe"
)

// LockEntry implements unsubscribe.Store. There is one writer, so any transaction
// that writes holds every row.
func (s *Store) LockEntry(ctx context.Context, fresh unsubscribe.EntryRow) (unsubscribe.EntryRow, error) {
	if s.db.Scope(ctx) == nil {
		return unsubscribe.EntryRow{}, errNoTransaction
	}
	inserted, err := s.entries.Insert(ctx, fresh.Cursor(), fresh)
	if err != nil {
		return unsubscribe.EntryRow{}, err
	}
	if inserted {
		return fresh, s.boxes.Put(ctx, boxKey{fresh.Mailbox, fresh.Cursor()}, struct{}{})
	}
	row, _, err := s.entries.Get(ctx, fresh.Cursor())
	return row, err
}

// PutEntry implements unsubscribe.Store.
func (s *Store) PutEntry(ctx context.Context, row unsubscribe.EntryRow) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		old, found, err := s.entries.Get(ctx, row.Cursor())
		if err != nil || !found {
			return errors.Join(errNothing, err)
		}
		if _, err := s.boxes.Delete(ctx, boxKey{old.Mailbox, old.Cursor()}); err != nil {
			return err
		}
		if err := s.boxes.Put(ctx, boxKey{row.Mailbox, row.Cursor()}, struct{}{}); err != nil {
			return err
		}
		return s.entries.Put(ctx, row.Cursor(), row)
	})
}

// Entries implements unsubscribe.Store.
func (s *Store) Entries(ctx context.Context, tenant troth.Tenant, keys []unsubscribe.Key) ([]unsubscribe.EntryRow, error) {
	seen := map[unsubscribe.Cursor]bool{}
	var all []unsubscribe.EntryRow
	add := func(at unsubscribe.Cursor) error {
		if seen[at] || at.Tenant != tenant {
			return nil
		}
		seen[at] = true
		row, found, err := s.entries.Get(ctx, at)
		if found {
			all = append(all, row)
		}
		return err
	}
	for _, key := range keys {
		rows, err := scan.Prefix(ctx, s.entries, unsubscribe.Cursor{Key: key}, func(c unsubscribe.Cursor) bool { return c.Key == key })
		if err != nil {
			return nil, err
		}
		boxes, err := scan.Prefix(ctx, s.boxes, boxKey{mailbox: key}, func(b boxKey) bool { return b.mailbox == key })
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if err := add(r.Key); err != nil {
				return nil, err
			}
		}
		for _, r := range boxes {
			if err := add(r.Key.at); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// Prefixes implements unsubscribe.Store.
func (s *Store) Prefixes(ctx context.Context, tenant troth.Tenant, r unsubscribe.PrefixRange) ([]uint64, error) {
	// Behind the last key below the range: the zero cursor of a key stands before all
	// rows of it.
	var from unsubscribe.Key
	binary.BigEndian.PutUint64(from[:8], r.From)
	within := func(k unsubscribe.Key) bool { return top(k) <= r.To }
	rows, err := scan.Prefix(ctx, s.entries, unsubscribe.Cursor{Key: from}, func(c unsubscribe.Cursor) bool { return within(c.Key) })
	if err != nil {
		return nil, err
	}
	boxes, err := scan.Prefix(ctx, s.boxes, boxKey{mailbox: from}, func(b boxKey) bool { return within(b.mailbox) })
	if err != nil {
		return nil, err
	}
	var all []uint64
	for _, row := range rows {
		if row.Key.Tenant == tenant {
			all = append(all, top(row.Key.Key))
		}
	}
	for _, row := range boxes {
		if at := row.Key.at; at.Tenant == tenant && at.Key != row.Key.mailbox {
			all = append(all, top(row.Key.mailbox))
		}
	}
	return all[:min(len(all), r.Limit)], nil
}

func top(k unsubscribe.Key) uint64 { return binary.BigEndian.Uint64(k[:8]) }

// EntriesOf implements unsubscribe.Store.
func (s *Store) EntriesOf(ctx context.Context, tenant troth.Tenant, after unsubscribe.Cursor, limit int) ([]unsubscribe.EntryRow, error) {
	rows, err := s.entries.Scan(ctx, &after, limit, func(c unsubscribe.Cursor, _ unsubscribe.EntryRow) bool { return c.Tenant == tenant })
	return values(rows), err
}

// EntriesAfter implements unsubscribe.SystemStore.
func (s *Store) EntriesAfter(ctx context.Context, after unsubscribe.Cursor, limit int) ([]unsubscribe.EntryRow, error) {
	rows, err := s.entries.Scan(ctx, &after, limit, nil)
	return values(rows), err
}

func values[K comparable, V any](rows []memory.Row[K, V]) []V {
	var all []V
	for _, r := range rows {
		all = append(all, r.Value)
	}
	return all
}

// Epoch implements unsubscribe.Store.
func (s *Store) Epoch(ctx context.Context, tenant troth.Tenant) (uint32, error) {
	epoch, _, err := s.epochs.Get(ctx, tenant)
	return max(epoch, 1), err
}

// HoldEpoch implements unsubscribe.Store: the caller writes next, and there is one
// writer.
func (s *Store) HoldEpoch(ctx context.Context, tenant troth.Tenant) (uint32, error) {
	if s.db.Scope(ctx) == nil {
		return 0, errNoTransaction
	}
	return s.Epoch(ctx, tenant)
}

// Rekey implements unsubscribe.Store.
func (s *Store) Rekey(ctx context.Context, p unsubscribe.RekeyParams) (entries int, err error) {
	if s.db.Scope(ctx) == nil {
		return 0, errNoTransaction
	}
	epoch, err := s.Epoch(ctx, p.Tenant)
	if err != nil {
		return 0, err
	}
	if epoch != p.From {
		return 0, unsubscribe.ErrEpoch
	}
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		if entries, err = s.rekeyEntries(ctx, p); err != nil {
			return err
		}
		if err := s.rekeyEvents(ctx, p); err != nil {
			return err
		}
		return s.epochs.Put(ctx, p.Tenant, p.To)
	})
	return entries, err
}

func (s *Store) rekeyEntries(ctx context.Context, p unsubscribe.RekeyParams) (int, error) {
	rows, err := s.EntriesOf(ctx, p.Tenant, unsubscribe.Cursor{}, 0)
	if err != nil {
		return 0, err
	}
	for _, row := range rows {
		if _, err := s.entries.Delete(ctx, row.Cursor()); err != nil {
			return 0, err
		}
		if _, err := s.boxes.Delete(ctx, boxKey{row.Mailbox, row.Cursor()}); err != nil {
			return 0, err
		}
	}
	for _, row := range rows {
		row.Key, row.Mailbox = p.Wrap(row.Key), p.Wrap(row.Mailbox)
		if err := s.entries.Put(ctx, row.Cursor(), row); err != nil {
			return 0, err
		}
		if err := s.boxes.Put(ctx, boxKey{row.Mailbox, row.Cursor()}, struct{}{}); err != nil {
			return 0, err
		}
	}
	return len(rows), nil
}

func (s *Store) rekeyEvents(ctx context.Context, p unsubscribe.RekeyParams) error {
	rows, err := s.events.Scan(ctx, nil, 0, func(k eventKey, _ unsubscribe.EventRow) bool { return k.tenant == p.Tenant })
	if err != nil {
		return err
	}
	for _, r := range rows {
		if _, err := s.events.Delete(ctx, r.Key); err != nil {
			return err
		}
		row := r.Value
		row.Key, row.Mailbox = p.Wrap(row.Key), p.Wrap(row.Mailbox)
		at := keyOf(&row)
		if err := s.events.Put(ctx, at, row); err != nil {
			return err
		}
		if err := s.ids.Put(ctx, textKey{row.Tenant, row.ID}, at); err != nil {
			return err
		}
	}
	return nil
}
