package auditmem

import (
	"bytes"
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/memory"
)

// give returns the row as the caller may have it.
func give(row audit.LogRow) audit.LogRow {
	if len(row.Leaf) > audit.MaxLeaf {
		row.Leaf, row.Oversized = nil, true
	}
	row.Leaf = bytes.Clone(row.Leaf)
	return row
}

// AppendLog implements audit.LogSystem.
func (s *Store) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	return s.atomically(ctx, func(ctx context.Context) error {
		for _, row := range rows {
			if err := s.appendLog(ctx, row); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) appendLog(ctx context.Context, row audit.LogRow) error {
	at := place{row.Log, row.Index}
	row.Leaf, row.Oversized = bytes.Clone(row.Leaf), false
	for _, insert := range []func() (bool, error){
		func() (bool, error) { return s.log.Insert(ctx, at, row) },
		func() (bool, error) { return s.byID.Insert(ctx, entry{row.Tenant, row.ID}, at) },
		func() (bool, error) { return s.byNumber.Insert(ctx, number{row.Tenant, row.Log, row.Number}, at) },
	} {
		inserted, err := insert()
		if err != nil {
			return err
		}
		if !inserted {
			return audit.ErrDuplicate
		}
	}
	return nil
}

// LogRange implements audit.LogSystem.
func (s *Store) LogRange(ctx context.Context, log int, from uint64, limit int) ([]audit.LogRow, error) {
	var rows []audit.LogRow
	if first, found, err := s.log.Get(ctx, place{log, from}); err != nil {
		return nil, err
	} else if found {
		rows = append(rows, give(first))
		if limit--; limit == 0 {
			return rows, nil
		}
	}
	found, err := s.log.Scan(ctx, &place{log, from}, limit, nil)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		if f.Key.log != log {
			break
		}
		rows = append(rows, give(f.Value))
	}
	return rows, nil
}

// LeafHashes implements audit.LogSystem.
func (s *Store) LeafHashes(ctx context.Context, log int, from, to uint64) ([]byte, error) {
	var hashes []byte
	for i := from; i < to; i++ {
		row, found, err := s.log.Get(ctx, place{log, i})
		if err != nil {
			return nil, err
		}
		if found {
			hashes = append(hashes, row.Hash[:]...)
		}
	}
	return hashes, nil
}

// Known implements audit.LogSystem.
func (s *Store) Known(ctx context.Context, ids []audit.TenantEntry) (known []audit.TenantEntry, err error) {
	for _, id := range ids {
		_, found, err := s.byID.Get(ctx, entry{id.Tenant, id.ID})
		if err != nil {
			return nil, err
		}
		if found {
			known = append(known, id)
		}
	}
	return known, nil
}

// LogEntries implements audit.LogStore.
func (s *Store) LogEntries(ctx context.Context, p audit.LogPage) ([]audit.LogRow, error) {
	var rows []audit.LogRow
	err := s.tenantEntries(ctx, p, func(row audit.LogRow) bool {
		if chosen(row, p) {
			rows = append(rows, give(row))
		}
		return len(rows) < p.Limit
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// tenantEntries gives each the tenant's entries behind the cursor until it
// returns false.
func (s *Store) tenantEntries(ctx context.Context, p audit.LogPage, each func(audit.LogRow) bool) error {
	const page = 256
	for after := (number{p.Tenant, p.Log, p.Number}); ; {
		found, err := s.byNumber.Scan(ctx, &after, page, nil)
		if err != nil {
			return err
		}
		for _, f := range found {
			after = f.Key
			if f.Key.tenant != p.Tenant {
				return nil
			}
			row, _, err := s.log.Get(ctx, f.Value)
			if err != nil || !each(row) {
				return err
			}
		}
		if len(found) < page {
			return nil
		}
	}
}

func chosen(row audit.LogRow, p audit.LogPage) bool {
	gone := !row.RedactedBy.IsZero()
	switch {
	case !p.Subject.IsZero() && row.Subject != p.Subject,
		p.Act != "" && row.Act != p.Act,
		p.From != 0 && (gone || row.RecordedAt < p.From),
		p.To != 0 && (gone || row.RecordedAt >= p.To):
		return false
	}
	return true
}

// LogEntry implements audit.LogStore.
func (s *Store) LogEntry(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (row audit.LogRow, found bool, err error) {
	at, found, err := s.byID.Get(ctx, entry{tenant, id})
	if err != nil || !found {
		return row, false, err
	}
	row, found, err = s.log.Get(ctx, at)
	return give(row), found, err
}

// Redact implements audit.LogStore.
func (s *Store) Redact(ctx context.Context, r audit.Redaction) (redacted bool, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		row, found, err := s.LogEntry(ctx, r.Tenant, r.ID)
		if err != nil || !found || !row.RedactedBy.IsZero() {
			return err
		}
		redacted = true
		return s.log.Put(ctx, place{row.Log, row.Index}, audit.LogRow{
			Log: row.Log, Index: row.Index, Tenant: row.Tenant, ID: row.ID, Number: row.Number, Hash: row.Hash,
			RedactedBy: r.By,
		})
	})
	return redacted && err == nil, err
}

// Prune implements audit.LogSystem.
func (s *Store) Prune(ctx context.Context, p audit.Pruning, limit int) (left int, err error) {
	err = s.atomically(ctx, func(ctx context.Context) error {
		below := func(at place, _ audit.LogRow) bool { return at.log == p.Log && at.index < p.Before }
		found, err := s.log.Scan(ctx, nil, 0, below)
		if err != nil {
			return err
		}
		gone := found[:min(limit, len(found))]
		left = len(found) - len(gone)
		for _, f := range gone {
			if err := s.drop(ctx, f); err != nil {
				return err
			}
		}
		kept := p.Before
		if left > 0 {
			kept = found[len(gone)].Key.index
		}
		return s.pruned(ctx, p, kept)
	})
	if err != nil {
		return 0, err
	}
	return left, nil
}

// drop deletes an entry and its parts.
func (s *Store) drop(ctx context.Context, f memory.Row[place, audit.LogRow]) error {
	of := entry{f.Value.Tenant, f.Value.ID}
	parts, err := s.partsOf(ctx, of)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := s.parts.Delete(ctx, part{of, p.Part}); err != nil {
			return err
		}
	}
	if _, err := s.byID.Delete(ctx, of); err != nil {
		return err
	}
	if _, err := s.byNumber.Delete(ctx, number{f.Value.Tenant, f.Key.log, f.Value.Number}); err != nil {
		return err
	}
	_, err = s.log.Delete(ctx, f.Key)
	return err
}

// pruned deletes the tiles that hold only what is below kept, and writes down
// in the head what is gone.
func (s *Store) pruned(ctx context.Context, p audit.Pruning, kept uint64) error {
	tiles, err := s.tiles.Scan(ctx, nil, 0, func(at tile, _ []byte) bool {
		return at.log == p.Log && at.level == 0 && at.n < kept/256
	})
	if err != nil {
		return err
	}
	for _, t := range tiles {
		if _, err := s.tiles.Delete(ctx, t.Key); err != nil {
			return err
		}
	}
	h, found, err := s.heads.Get(ctx, p.Log)
	if err != nil || !found || h.Pruned >= p.Before {
		return err
	}
	h.Pruned, h.PrunedBy = p.Before, p.By
	return s.heads.Put(ctx, p.Log, h)
}
