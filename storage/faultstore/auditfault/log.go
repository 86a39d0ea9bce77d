package auditfault

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
)

// found is what a look-up returns.
type found[T any] struct {
	value T
	ok    bool
}

// look runs a look-up under the plan.
func look[T any](ctx context.Context, s *store, method string, fn func() (T, bool, error)) (T, bool, error) {
	f, err := faultstore.Do(ctx, s.plan, method, func() (f found[T], err error) {
		f.value, f.ok, err = fn()
		return f, err
	})
	return f.value, f.ok, err
}

func (s *store) LogEntries(ctx context.Context, p audit.LogPage) ([]audit.LogRow, error) {
	return faultstore.Do(ctx, s.plan, "LogEntries", func() ([]audit.LogRow, error) { return s.inner.LogEntries(ctx, p) })
}

func (s *store) LogEntry(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (audit.LogRow, bool, error) {
	return look(ctx, s, "LogEntry", func() (audit.LogRow, bool, error) {
		return s.inner.LogEntry(ctx, tenant, id)
	})
}

func (s *store) TenantHead(ctx context.Context, log int, tenant troth.Tenant) (audit.TenantHead, bool, error) {
	return look(ctx, s, "TenantHead", func() (audit.TenantHead, bool, error) {
		return s.inner.TenantHead(ctx, log, tenant)
	})
}

func (s *store) Redact(ctx context.Context, r audit.Redaction) (bool, error) {
	return faultstore.Do(ctx, s.plan, "Redact", func() (bool, error) { return s.inner.Redact(ctx, r) })
}

func (s *store) InsertParts(ctx context.Context, tenant troth.Tenant, parts []audit.PartRow) error {
	return faultstore.Run(ctx, s.plan, "InsertParts", func() error { return s.inner.InsertParts(ctx, tenant, parts) })
}

func (s *store) Parts(ctx context.Context, tenant troth.Tenant, id troth.EntryID) ([]audit.PartRow, error) {
	return faultstore.Do(ctx, s.plan, "Parts", func() ([]audit.PartRow, error) { return s.inner.Parts(ctx, tenant, id) })
}

func (s *store) DropParts(ctx context.Context, d audit.PartsDrop) (int, error) {
	return faultstore.Do(ctx, s.plan, "DropParts", func() (int, error) { return s.inner.DropParts(ctx, d) })
}

func (s *store) Elect(ctx context.Context) (bool, error) {
	return faultstore.Do(ctx, s.plan, "Elect", func() (bool, error) { return s.inner.Elect(ctx) })
}

func (s *store) Heads(ctx context.Context) ([]audit.Head, error) {
	return faultstore.Do(ctx, s.plan, "Heads", func() ([]audit.Head, error) { return s.inner.Heads(ctx) })
}

func (s *store) CreateHead(ctx context.Context, h audit.Head) (bool, error) {
	return faultstore.Do(ctx, s.plan, "CreateHead", func() (bool, error) { return s.inner.CreateHead(ctx, h) })
}

func (s *store) MoveHead(ctx context.Context, m audit.HeadMove) (bool, error) {
	return faultstore.Do(ctx, s.plan, "MoveHead", func() (bool, error) { return s.inner.MoveHead(ctx, m) })
}

func (s *store) TakeInbox(ctx context.Context, limit int) ([]audit.InboxRow, error) {
	return faultstore.Do(ctx, s.plan, "TakeInbox", func() ([]audit.InboxRow, error) { return s.inner.TakeInbox(ctx, limit) })
}

func (s *store) Quarantine(ctx context.Context, ids []audit.TenantEntry) (int, error) {
	return faultstore.Do(ctx, s.plan, "Quarantine", func() (int, error) { return s.inner.Quarantine(ctx, ids) })
}

func (s *store) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	return faultstore.Run(ctx, s.plan, "AppendLog", func() error { return s.inner.AppendLog(ctx, rows) })
}

func (s *store) LogRange(ctx context.Context, log int, from uint64, limit int) ([]audit.LogRow, error) {
	return faultstore.Do(ctx, s.plan, "LogRange", func() ([]audit.LogRow, error) { return s.inner.LogRange(ctx, log, from, limit) })
}

func (s *store) LeafHashes(ctx context.Context, log int, from, to uint64) ([]byte, error) {
	return faultstore.Do(ctx, s.plan, "LeafHashes", func() ([]byte, error) { return s.inner.LeafHashes(ctx, log, from, to) })
}

func (s *store) Known(ctx context.Context, ids []audit.TenantEntry) ([]audit.TenantEntry, error) {
	return faultstore.Do(ctx, s.plan, "Known", func() ([]audit.TenantEntry, error) { return s.inner.Known(ctx, ids) })
}

func (s *store) PutTiles(ctx context.Context, log int, tiles []audit.Tile) error {
	return faultstore.Run(ctx, s.plan, "PutTiles", func() error { return s.inner.PutTiles(ctx, log, tiles) })
}

func (s *store) Tile(ctx context.Context, log, level int, n uint64) ([]byte, bool, error) {
	return look(ctx, s, "Tile", func() ([]byte, bool, error) {
		return s.inner.Tile(ctx, log, level, n)
	})
}

func (s *store) Tiles(ctx context.Context, log, level int, n uint64, limit int) ([]audit.Tile, error) {
	return faultstore.Do(ctx, s.plan, "Tiles", func() ([]audit.Tile, error) { return s.inner.Tiles(ctx, log, level, n, limit) })
}

func (s *store) PutTenantHeads(ctx context.Context, log int, heads []audit.TenantHead) error {
	return faultstore.Run(ctx, s.plan, "PutTenantHeads", func() error { return s.inner.PutTenantHeads(ctx, log, heads) })
}

func (s *store) TenantHeads(ctx context.Context, log int, after troth.Tenant, limit int) ([]audit.TenantHead, error) {
	return faultstore.Do(ctx, s.plan, "TenantHeads", func() ([]audit.TenantHead, error) { return s.inner.TenantHeads(ctx, log, after, limit) })
}

func (s *store) PutCheckpoint(ctx context.Context, c audit.CheckpointRow) error {
	return faultstore.Run(ctx, s.plan, "PutCheckpoint", func() error { return s.inner.PutCheckpoint(ctx, c) })
}

func (s *store) Checkpoint(ctx context.Context, log int, size uint64) (audit.CheckpointRow, bool, error) {
	return look(ctx, s, "Checkpoint", func() (audit.CheckpointRow, bool, error) {
		return s.inner.Checkpoint(ctx, log, size)
	})
}

func (s *store) Checkpoints(ctx context.Context, log int, size uint64, limit int) ([]audit.CheckpointRow, error) {
	return faultstore.Do(ctx, s.plan, "Checkpoints", func() ([]audit.CheckpointRow, error) { return s.inner.Checkpoints(ctx, log, size, limit) })
}

func (s *store) DropCheckpoints(ctx context.Context, log int, sizes []uint64) error {
	return faultstore.Run(ctx, s.plan, "DropCheckpoints", func() error { return s.inner.DropCheckpoints(ctx, log, sizes) })
}

func (s *store) Prune(ctx context.Context, p audit.Pruning, limit int) (int, error) {
	return faultstore.Do(ctx, s.plan, "Prune", func() (int, error) { return s.inner.Prune(ctx, p, limit) })
}

func (s *store) Stray(ctx context.Context) (audit.RowError, bool, error) {
	return look(ctx, s, "Stray", func() (audit.RowError, bool, error) { return s.inner.Stray(ctx) })
}

func (s *store) Indexes(heads []audit.Head) audit.IndexCheck {
	inner := s.inner.Indexes(heads)
	if inner == nil {
		return nil
	}
	return indexCheck{inner, s}
}

type indexCheck struct {
	audit.IndexCheck
	s *store
}

func (c indexCheck) Read(ctx context.Context) error {
	return faultstore.Run(ctx, c.s.plan, "Read", func() error { return c.IndexCheck.Read(ctx) })
}

func (c indexCheck) Misindexed(ctx context.Context) (audit.RowError, bool, error) {
	return look(ctx, c.s, "Misindexed", func() (audit.RowError, bool, error) { return c.IndexCheck.Misindexed(ctx) })
}
