package auditmem

import (
	"bytes"
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// PutTiles implements audit.LogSystem.
func (s *Store) PutTiles(ctx context.Context, log int, tiles []audit.Tile) error {
	return s.atomically(ctx, func(ctx context.Context) error {
		for _, t := range tiles {
			if err := s.tiles.Put(ctx, tile{log, t.Level, t.N}, bytes.Clone(t.Hashes)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Tile implements audit.LogSystem.
func (s *Store) Tile(ctx context.Context, log, level int, n uint64) ([]byte, bool, error) {
	hashes, found, err := s.tiles.Get(ctx, tile{log, level, n})
	return bytes.Clone(hashes), found, err
}

// Tiles implements audit.LogSystem.
func (s *Store) Tiles(ctx context.Context, log, level int, n uint64, limit int) ([]audit.Tile, error) {
	found, err := s.tiles.Scan(ctx, nil, limit, func(at tile, _ []byte) bool {
		return at.log == log && at.level == level && at.n >= n
	})
	if err != nil {
		return nil, err
	}
	var tiles []audit.Tile
	for _, f := range found {
		tiles = append(tiles, audit.Tile{Level: level, N: f.Key.n, Hashes: bytes.Clone(f.Value)})
	}
	return tiles, nil
}

// PutTenantHeads implements audit.LogSystem.
func (s *Store) PutTenantHeads(ctx context.Context, log int, heads []audit.TenantHead) error {
	return s.atomically(ctx, func(ctx context.Context) error {
		for _, h := range heads {
			if err := s.tenants.Put(ctx, tenantLog{log, h.Tenant}, h); err != nil {
				return err
			}
		}
		return nil
	})
}

// TenantHead implements audit.LogStore.
func (s *Store) TenantHead(ctx context.Context, log int, tenant troth.Tenant) (audit.TenantHead, bool, error) {
	return s.tenants.Get(ctx, tenantLog{log, tenant})
}

// TenantHeads implements audit.LogSystem.
func (s *Store) TenantHeads(ctx context.Context, log int, after troth.Tenant, limit int) ([]audit.TenantHead, error) {
	found, err := s.tenants.Scan(ctx, &tenantLog{log, after}, limit, nil)
	if err != nil {
		return nil, err
	}
	var heads []audit.TenantHead
	for _, f := range found {
		if f.Key.log != log {
			break
		}
		heads = append(heads, f.Value)
	}
	return heads, nil
}
