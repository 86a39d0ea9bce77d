package auditmem

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/memory"
)

// InsertParts implements audit.LogStore.
func (s *Store) InsertParts(ctx context.Context, tenant troth.Tenant, parts []audit.PartRow) error {
	return s.atomically(ctx, func(ctx context.Context) error {
		for _, p := range parts {
			if err := p.Validate(); err != nil {
				return err
			}
			p.Salt, p.Box = bytes.Clone(p.Salt), bytes.Clone(p.Box)
			inserted, err := s.parts.Insert(ctx, part{entry{tenant, p.Entry}, p.Part}, p)
			if err != nil {
				return err
			}
			if !inserted {
				return audit.ErrDuplicate
			}
		}
		return nil
	})
}

// Parts implements audit.LogStore.
func (s *Store) Parts(ctx context.Context, tenant troth.Tenant, id troth.EntryID) ([]audit.PartRow, error) {
	parts, err := s.partsOf(ctx, entry{tenant, id})
	for i, p := range parts {
		parts[i].Salt, parts[i].Box = bytes.Clone(p.Salt), bytes.Clone(p.Box)
	}
	return parts, err
}

func (s *Store) partsOf(ctx context.Context, of entry) ([]audit.PartRow, error) {
	const page = 64
	var parts []audit.PartRow
	for after := (part{of, -1}); ; {
		found, err := s.parts.Scan(ctx, &after, page, nil)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if f.Key.entry != of {
				return parts, nil
			}
			after = f.Key
			parts = append(parts, f.Value)
		}
		if len(found) < page {
			return parts, nil
		}
	}
}

// DropParts implements audit.LogStore.
func (s *Store) DropParts(ctx context.Context, d audit.PartsDrop) (dropped int, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		found, err := s.parts.Scan(ctx, nil, 0, func(at part, p audit.PartRow) bool {
			chosen := p.Entry == d.Entry
			if d.Entry.IsZero() {
				chosen = p.RecordedAt < d.Before
			}
			return at.tenant == d.Tenant && p.DroppedBy.IsZero() && chosen
		})
		if err != nil {
			return err
		}
		dropped, err = s.dropParts(ctx, found, d)
		return err
	})
	if err != nil {
		return 0, err
	}
	return dropped, nil
}

// dropParts drops those of the oldest entries among the found parts.
func (s *Store) dropParts(ctx context.Context, found []memory.Row[part, audit.PartRow], d audit.PartsDrop) (dropped int, err error) {
	slices.SortStableFunc(found, func(a, b memory.Row[part, audit.PartRow]) int {
		return cmp.Or(cmp.Compare(a.Value.RecordedAt, b.Value.RecordedAt), a.Key.compare(b.Key))
	})
	entries := map[troth.EntryID]bool{}
	for _, f := range found {
		if !entries[f.Value.Entry] && len(entries) == d.Limit {
			continue
		}
		entries[f.Value.Entry] = true
		p := f.Value
		p.Salt, p.Box, p.DroppedBy = nil, nil, d.By
		if err := s.parts.Put(ctx, f.Key, p); err != nil {
			return 0, err
		}
		dropped++
	}
	return dropped, nil
}
