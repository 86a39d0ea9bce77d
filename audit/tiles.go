package audit

import (
	"context"
	"errors"
	"fmt"
)

// tileSource reads the hashes of one log: complete tiles from their rows, and
// the growing end of level 0 from the entries.
type tileSource struct {
	ctx   context.Context
	store LogSystem
	log   int
}

func (t *Trail) tiles(ctx context.Context, log int) tileSource {
	return tileSource{ctx: ctx, store: t.store, log: log}
}

// errTile says that hashes are missing; err of a store says that they could not be
// read.
var errTile = errors.New("audit: tile is missing or too short")

// hashSize and tileWidth are of the tiles: bytes of a hash, hashes of a full tile.
const (
	hashSize  = 32
	tileWidth = 256
)

// storeError marks what the store could not do, against what it does not have.
type storeError struct{ err error }

func (e *storeError) Error() string { return fmt.Sprintf("audit: read tile: %v", e.err) }
func (e *storeError) Unwrap() error { return e.err }

// Tile returns the first width hashes of a tile.
func (s tileSource) Tile(level int, n uint64, width int) ([]byte, error) {
	hashes, found, err := s.store.Tile(s.ctx, s.log, level, n)
	if err != nil {
		return nil, &storeError{err}
	}
	if !found && level == 0 && width < tileWidth {
		if hashes, err = s.store.LeafHashes(s.ctx, s.log, n*tileWidth, n*tileWidth+uint64(width)); err != nil {
			return nil, &storeError{err}
		}
	}
	if len(hashes) < width*hashSize || len(hashes) > tileWidth*hashSize {
		return nil, errTile
	}
	return hashes[:width*hashSize], nil
}

// tail returns the leaf hashes of the growing tile of level 0, at that size.
func (t *Trail) tail(ctx context.Context, log int, size uint64) ([][32]byte, error) {
	raw, err := t.store.LeafHashes(ctx, log, size-size%tileWidth, size)
	if err != nil {
		return nil, fmt.Errorf("audit: read hashes: %w", err)
	}
	return split(raw), nil
}

// storedOr returns the store's own error if err is one, and otherwise.
func (t *Trail) storedOr(err, otherwise error) error {
	if _, ok := errors.AsType[*storeError](err); ok {
		return err
	}
	return otherwise
}
