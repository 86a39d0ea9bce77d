package audit_test

import (
	"cmp"
	"context"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// frozen is a store whose log lies open: whoever has it can change any row in
// place, as who writes to a database can. What waits is with the store that it
// was taken from.
type frozen struct {
	audit.Backend
	heads       []audit.Head
	entries     []audit.LogRow
	tiles       []frozenTile
	tenants     []frozenTenant
	checkpoints []audit.CheckpointRow
	parts       []frozenPart
}

// Rows with the columns that methods take as arguments.
type (
	frozenTile struct {
		Log int
		audit.Tile
	}
	frozenTenant struct {
		Log int
		audit.TenantHead
	}
	frozenPart struct {
		Tenant troth.Tenant
		audit.PartRow
	}
)

const all = 1 << 20

// freeze copies the log of the world.
func (w *world) freeze() *frozen {
	w.Helper()
	ctx := w.Context()
	f := &frozen{Backend: w.store}
	var err error
	f.heads, err = w.store.Heads(ctx)
	require.NoError(w, err)
	for _, h := range f.heads {
		entries, err := w.store.LogRange(ctx, h.Log, 0, all)
		require.NoError(w, err)
		f.entries = append(f.entries, entries...)
		for level := range 8 {
			tiles, err := w.store.Tiles(ctx, h.Log, level, 0, all)
			require.NoError(w, err)
			for _, t := range tiles {
				f.tiles = append(f.tiles, frozenTile{h.Log, t})
			}
		}
		tenants, err := w.store.TenantHeads(ctx, h.Log, "", all)
		require.NoError(w, err)
		for _, t := range tenants {
			f.tenants = append(f.tenants, frozenTenant{h.Log, t})
		}
		checkpoints, err := w.store.Checkpoints(ctx, h.Log, 0, all)
		require.NoError(w, err)
		f.checkpoints = append(f.checkpoints, checkpoints...)
	}
	for _, e := range f.entries {
		parts, err := w.store.Parts(ctx, e.Tenant, e.ID)
		require.NoError(w, err)
		for _, p := range parts {
			f.parts = append(f.parts, frozenPart{e.Tenant, p})
		}
	}
	return f
}

// choose returns copies of the rows that fit, in order, at most limit.
func choose[R any](rows []R, limit int, fits func(*R) bool, order func(a, b R) int) (chosen []R) {
	for i := range rows {
		if fits(&rows[i]) {
			chosen = append(chosen, rows[i])
		}
	}
	if !slices.IsSortedFunc(chosen, order) {
		slices.SortStableFunc(chosen, order)
	}
	return chosen[:min(limit, len(chosen))]
}

func (f *frozen) Heads(context.Context) ([]audit.Head, error) {
	return choose(f.heads, all, func(*audit.Head) bool { return true },
		func(a, b audit.Head) int { return cmp.Compare(a.Log, b.Log) }), nil
}

func byIndex(a, b audit.LogRow) int { return cmp.Compare(a.Index, b.Index) }

func (f *frozen) LogRange(_ context.Context, log int, from uint64, limit int) ([]audit.LogRow, error) {
	return choose(f.entries, limit, func(r *audit.LogRow) bool { return r.Log == log && r.Index >= from }, byIndex), nil
}

func (f *frozen) LogEntry(_ context.Context, tenant troth.Tenant, id troth.EntryID) (row audit.LogRow, found bool, err error) {
	rows := choose(f.entries, 1, func(r *audit.LogRow) bool { return r.Tenant == tenant && r.ID == id }, byIndex)
	if len(rows) == 0 {
		return row, false, nil
	}
	return rows[0], true, nil
}

func (f *frozen) LogEntries(_ context.Context, p audit.LogPage) ([]audit.LogRow, error) {
	return choose(f.entries, p.Limit, func(r *audit.LogRow) bool {
		return r.Tenant == p.Tenant && (r.Log > p.Log || r.Log == p.Log && r.Number > p.Number)
	}, func(a, b audit.LogRow) int { return cmp.Or(cmp.Compare(a.Log, b.Log), cmp.Compare(a.Number, b.Number)) }), nil
}

func (f *frozen) LeafHashes(_ context.Context, log int, from, to uint64) (hashes []byte, err error) {
	for _, r := range choose(f.entries, all, func(r *audit.LogRow) bool {
		return r.Log == log && r.Index >= from && r.Index < to
	}, byIndex) {
		hashes = append(hashes, r.Hash[:]...)
	}
	return hashes, nil
}

func (f *frozen) Tile(ctx context.Context, log, level int, n uint64) ([]byte, bool, error) {
	tiles, err := f.Tiles(ctx, log, level, n, 1)
	if err != nil || len(tiles) == 0 || tiles[0].N != n {
		return nil, false, err
	}
	return tiles[0].Hashes, true, nil
}

func (f *frozen) Tiles(_ context.Context, log, level int, n uint64, limit int) (tiles []audit.Tile, err error) {
	for _, t := range choose(f.tiles, limit, func(t *frozenTile) bool {
		return t.Log == log && t.Level == level && t.N >= n
	}, func(a, b frozenTile) int { return cmp.Compare(a.N, b.N) }) {
		tiles = append(tiles, t.Tile)
	}
	return tiles, nil
}

func (f *frozen) TenantHeads(_ context.Context, log int, after troth.Tenant, limit int) (heads []audit.TenantHead, err error) {
	for _, t := range choose(f.tenants, limit, func(t *frozenTenant) bool {
		return t.Log == log && t.Tenant > after
	}, func(a, b frozenTenant) int { return cmp.Compare(a.Tenant, b.Tenant) }) {
		heads = append(heads, t.TenantHead)
	}
	return heads, nil
}

func bySize(a, b audit.CheckpointRow) int { return cmp.Compare(a.Size, b.Size) }

func (f *frozen) Checkpoint(_ context.Context, log int, size uint64) (row audit.CheckpointRow, found bool, err error) {
	rows := choose(f.checkpoints, all, func(c *audit.CheckpointRow) bool { return c.Log == log && c.Size <= size }, bySize)
	if len(rows) == 0 {
		return row, false, nil
	}
	return rows[len(rows)-1], true, nil
}

func (f *frozen) Checkpoints(_ context.Context, log int, size uint64, limit int) ([]audit.CheckpointRow, error) {
	return choose(f.checkpoints, limit, func(c *audit.CheckpointRow) bool { return c.Log == log && c.Size >= size }, bySize), nil
}

func (f *frozen) Parts(_ context.Context, tenant troth.Tenant, id troth.EntryID) (parts []audit.PartRow, err error) {
	for _, p := range choose(f.parts, all, func(p *frozenPart) bool { return p.Tenant == tenant && p.Entry == id },
		func(a, b frozenPart) int { return cmp.Compare(a.Part, b.Part) }) {
		parts = append(parts, p.PartRow)
	}
	return parts, nil
}

func (f *frozen) Stray(context.Context) (audit.RowError, bool, error) {
	none := func(log int) bool {
		return !slices.ContainsFunc(f.heads, func(h audit.Head) bool { return h.Log == log })
	}
	stray := func(table string) (audit.RowError, bool, error) {
		return audit.RowError{Table: "troth_audit_" + table}, true, nil
	}
	switch {
	case slices.ContainsFunc(f.entries, func(r audit.LogRow) bool { return none(r.Log) }):
		return stray("entry")
	case slices.ContainsFunc(f.tiles, func(t frozenTile) bool { return none(t.Log) || t.Level < 0 || t.Level > 7 }):
		return stray("tile")
	case slices.ContainsFunc(f.tenants, func(t frozenTenant) bool { return none(t.Log) || t.Tenant == "" }):
		return stray("tenant")
	case slices.ContainsFunc(f.checkpoints, func(c audit.CheckpointRow) bool { return none(c.Log) }):
		return stray("checkpoint")
	}
	return audit.RowError{}, false, nil
}
