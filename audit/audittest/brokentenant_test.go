package audittest_test

import (
	"context"
	"errors"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

func (s byNumber) LogEntries(ctx context.Context, p audit.LogPage) ([]audit.LogRow, error) {
	rows, err := s.Store.LogEntries(ctx, audit.LogPage{Tenant: p.Tenant, Limit: 1 << 20})
	rows = slices.DeleteFunc(rows, func(row audit.LogRow) bool { return row.Number <= p.Number })
	return rows[:min(len(rows), p.Limit)], err
}

func (s indifferent) LogEntries(ctx context.Context, p audit.LogPage) ([]audit.LogRow, error) {
	p.Subject = audit.Pseudonym{}
	return s.Store.LogEntries(ctx, p)
}

func (s inclusiveTo) LogEntries(ctx context.Context, p audit.LogPage) ([]audit.LogRow, error) {
	if p.To != 0 {
		p.To++
	}
	return s.Store.LogEntries(ctx, p)
}

func (s filtersLate) LogEntries(ctx context.Context, p audit.LogPage) ([]audit.LogRow, error) {
	act := p.Act
	p.Act = ""
	rows, err := s.Store.LogEntries(ctx, p)
	return slices.DeleteFunc(rows, func(row audit.LogRow) bool { return act != "" && row.Act != act }), err
}

func (s tooEarly) LogEntry(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (audit.LogRow, bool, error) {
	rows, err := s.Entries(ctx, audit.EntriesPage{Tenant: tenant, Limit: 99})
	if err != nil || slices.ContainsFunc(rows, func(row audit.InboxRow) bool { return row.ID == id }) {
		return audit.LogRow{}, true, err
	}
	return s.Store.LogEntry(ctx, tenant, id)
}

func (s *oneForAll) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	for _, row := range rows {
		s.owners[row.ID] = row.Tenant
	}
	return s.Store.AppendLog(ctx, rows)
}

func (s *oneForAll) Redact(ctx context.Context, r audit.Redaction) (bool, error) {
	r.Tenant = s.owners[r.ID]
	return s.Store.Redact(ctx, r)
}

func (s openParts) InsertParts(ctx context.Context, _ troth.Tenant, parts []audit.PartRow) error {
	return s.Store.InsertParts(ctx, "all", parts)
}

func (s openParts) Parts(ctx context.Context, _ troth.Tenant, id troth.EntryID) ([]audit.PartRow, error) {
	return s.Store.Parts(ctx, "all", id)
}

func (s sureOfRedaction) Redact(ctx context.Context, r audit.Redaction) (bool, error) {
	_, err := s.Store.Redact(ctx, r)
	return true, err
}

func (s talkative) LogRange(ctx context.Context, log int, from uint64, limit int) ([]audit.LogRow, error) {
	rows, err := s.Store.LogRange(ctx, log, from, limit)
	for i := range rows {
		rows[i].Act = "audittest.act"
	}
	return rows, err
}

func (s backwards) Parts(ctx context.Context, tenant troth.Tenant, id troth.EntryID) ([]audit.PartRow, error) {
	parts, err := s.Store.Parts(ctx, tenant, id)
	slices.Reverse(parts)
	return parts, err
}

func (s generous) InsertParts(ctx context.Context, tenant troth.Tenant, parts []audit.PartRow) error {
	parts = slices.Clone(parts)
	for i := range parts {
		parts[i].Box = parts[i].Box[:min(len(parts[i].Box), audit.MaxBox)]
	}
	return s.Store.InsertParts(ctx, tenant, parts)
}

func (s recounts) DropParts(ctx context.Context, d audit.PartsDrop) (int, error) {
	if _, err := s.Store.DropParts(ctx, d); err != nil {
		return 0, err
	}
	parts, err := s.Parts(ctx, d.Tenant, d.Entry)
	return len(parts), err
}

func (s unlimited) DropParts(ctx context.Context, d audit.PartsDrop) (int, error) {
	d.Limit = 1 << 20
	return s.Store.DropParts(ctx, d)
}

func (s hasty) DropParts(ctx context.Context, d audit.PartsDrop) (int, error) {
	d.Before++
	return s.Store.DropParts(ctx, d)
}

func (s stubborn) PutTiles(ctx context.Context, log int, tiles []audit.Tile) error {
	for _, t := range tiles {
		if _, there, err := s.Tile(ctx, log, t.Level, t.N); err != nil || there {
			return err
		}
	}
	return s.Store.PutTiles(ctx, log, tiles)
}

func (s nextTile) Tile(ctx context.Context, log, level int, n uint64) ([]byte, bool, error) {
	tiles, err := s.Tiles(ctx, log, level, 0, 1)
	if len(tiles) > 0 && level == 0 && n > 4 {
		return tiles[0].Hashes, true, err
	}
	return s.Store.Tile(ctx, log, level, n)
}

func (s single) PutTenantHeads(ctx context.Context, _ int, heads []audit.TenantHead) error {
	return s.Store.PutTenantHeads(ctx, 1, heads)
}

func (s single) TenantHead(ctx context.Context, _ int, tenant troth.Tenant) (audit.TenantHead, bool, error) {
	return s.Store.TenantHead(ctx, 1, tenant)
}

func (s lossy) TenantHeads(ctx context.Context, log int, after troth.Tenant, limit int) ([]audit.TenantHead, error) {
	heads, err := s.Store.TenantHeads(ctx, log, after, limit)
	return heads[min(1, len(heads)):], err
}

func (s newest) Checkpoint(ctx context.Context, log int, _ uint64) (audit.CheckpointRow, bool, error) {
	return s.Store.Checkpoint(ctx, log, 1<<62)
}

func (s careless) PutCheckpoint(ctx context.Context, c audit.CheckpointRow) error {
	if err := s.DropCheckpoints(ctx, c.Log, []uint64{c.Size}); err != nil {
		return err
	}
	return s.Store.PutCheckpoint(ctx, c)
}

func (s firstOnly) PutCheckpoint(ctx context.Context, c audit.CheckpointRow) error {
	there, found, err := s.Checkpoint(ctx, c.Log, c.Size)
	if err != nil || (found && there.Size == c.Size) {
		return err
	}
	return s.Store.PutCheckpoint(ctx, c)
}

func (s cutsNotes) PutCheckpoint(ctx context.Context, c audit.CheckpointRow) error {
	c.Note = c.Note[:min(len(c.Note), audit.MaxNote)]
	return s.Store.PutCheckpoint(ctx, c)
}

func (s sweeping) DropCheckpoints(ctx context.Context, _ int, sizes []uint64) error {
	return errors.Join(s.Store.DropCheckpoints(ctx, 1, sizes), s.Store.DropCheckpoints(ctx, 2, sizes))
}

func (s overshoots) Prune(ctx context.Context, p audit.Pruning, limit int) (int, error) {
	p.Before++
	return s.Store.Prune(ctx, p, limit)
}

func (s atOnce) Prune(ctx context.Context, p audit.Pruning, _ int) (int, error) {
	return s.Store.Prune(ctx, p, 1<<20)
}

func (s deafLog) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	return s.Store.AppendLog(context.WithoutCancel(ctx), rows)
}

func (s impatient) PutCheckpoint(ctx context.Context, c audit.CheckpointRow) error {
	return s.other.PutCheckpoint(s.other.Transactor().Detach(ctx), c)
}

func (s impatient) Checkpoint(ctx context.Context, log int, size uint64) (audit.CheckpointRow, bool, error) {
	return s.other.Checkpoint(ctx, log, size)
}

func (s impatient) Checkpoints(ctx context.Context, log int, size uint64, limit int) ([]audit.CheckpointRow, error) {
	return s.other.Checkpoints(ctx, log, size, limit)
}
