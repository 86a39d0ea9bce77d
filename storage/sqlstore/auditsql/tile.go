package auditsql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// maxTile is the length of a full tile, in bytes.
const maxTile = 256 * 32

// PutTiles implements audit.LogSystem.
func (s *Store) PutTiles(ctx context.Context, log int, tiles []audit.Tile) error {
	n := len(tiles)
	if !s.postgres() {
		_, err := s.execEach(ctx, s.log.putTile, n, func(i int) []any {
			return []any{log, tiles[i].Level, signed(tiles[i].N), tiles[i].Hashes}
		})
		return err
	}
	args := []any{
		log,
		ints(n, func(i int) int64 { return int64(tiles[i].Level) }),
		ints(n, func(i int) int64 { return signed(tiles[i].N) }),
	}
	hashes := collect(n, func(i int) []byte { return tiles[i].Hashes })
	_, err := s.exec(ctx, s.log.putTilesAll, append(args, hashes.args()...)...)
	return err
}

// Tile implements audit.LogSystem.
func (s *Store) Tile(ctx context.Context, log, level int, n uint64) ([]byte, bool, error) {
	tiles, err := s.readTiles(ctx, level, n, s.log.tile, log, level, signed(n))
	if err != nil || len(tiles) == 0 {
		return nil, false, err
	}
	return tiles[0].Hashes, true, nil
}

// Tiles implements audit.LogSystem.
func (s *Store) Tiles(ctx context.Context, log, level int, n uint64, limit int) ([]audit.Tile, error) {
	return s.readTiles(ctx, level, n, s.log.tiles, log, level, signed(n), limit)
}

// readTiles reads tiles of one level, the first of which is n or behind it. args
// begin with the log.
func (s *Store) readTiles(ctx context.Context, level int, n uint64, text string, args ...any) (tiles []audit.Tile, err error) {
	next := n
	q := reading{
		table: tileTable, text: text, args: args,
		place: func() string { return at("log %d, level %d, tile %d or the next after it", args[0], level, next)() },
	}
	err = s.read(ctx, q, func(rows *sqlstore.Rows) error {
		t := audit.Tile{Level: level}
		var at int64
		if err := rows.Scan(&at, &t.Hashes); err != nil {
			return err
		}
		if err := unsigned(&t.N, at); err != nil {
			return err
		}
		next = t.N
		if n := len(t.Hashes); n == 0 || n%32 != 0 {
			return errSize
		}
		next++
		tiles = append(tiles, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tiles, nil
}

// PutTenantHeads implements audit.LogSystem.
func (s *Store) PutTenantHeads(ctx context.Context, log int, heads []audit.TenantHead) error {
	n := len(heads)
	if !s.postgres() {
		_, err := s.execEach(ctx, s.log.putTenant, n, func(i int) []any {
			h := &heads[i]
			return []any{log, string(h.Tenant), signed(h.Number), signed(h.Index), h.Hash[:]}
		})
		return err
	}
	_, err := s.exec(ctx, s.log.putTenantsAll, log,
		texts(n, func(i int) string { return string(heads[i].Tenant) }),
		ints(n, func(i int) int64 { return signed(heads[i].Number) }),
		ints(n, func(i int) int64 { return signed(heads[i].Index) }),
		fixed(n, func(i int) []byte { return heads[i].Hash[:] }))
	return err
}

// TenantHead implements audit.LogStore.
func (s *Store) TenantHead(ctx context.Context, log int, tenant troth.Tenant) (audit.TenantHead, bool, error) {
	heads, err := s.tenantHeads(ctx, reading{
		table: tenantTable, text: s.log.tenantHead, args: []any{log, string(tenant)}, place: at("log %d, of one tenant", log),
	})
	if err != nil || len(heads) == 0 {
		return audit.TenantHead{}, false, err
	}
	return heads[0], true, nil
}

// TenantHeads implements audit.LogSystem.
func (s *Store) TenantHeads(ctx context.Context, log int, after troth.Tenant, limit int) ([]audit.TenantHead, error) {
	return s.tenantHeads(ctx, reading{
		table: tenantTable, text: s.log.tenantHeads, args: []any{log, string(after), limit}, place: at("log %d", log),
	})
}

func (s *Store) tenantHeads(ctx context.Context, q reading) (heads []audit.TenantHead, err error) {
	err = s.read(ctx, q, func(rows *sqlstore.Rows) error {
		var h audit.TenantHead
		var number, index int64
		var hash []byte
		if err := rows.Scan(&h.Tenant, &number, &index, &hash); err != nil {
			return err
		}
		err := firstError(unsigned(&h.Number, number), unsigned(&h.Index, index), copyFixed(h.Hash[:], hash))
		heads = append(heads, h)
		return err
	})
	if err != nil {
		return nil, err
	}
	return heads, nil
}
