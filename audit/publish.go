package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
)

// Publish writes the newest log's hashes and checkpoint into a folder, in the
// layout of [Trail.Handler], for any server of files. Tiles that are complete are
// written once; the checkpoint comes last, so the folder holds all that it
// covers at any time. Entries are not among it.
func (t *Trail) Publish(ctx context.Context, dir string) error {
	heads, err := t.heads(ctx)
	if err != nil {
		return err
	}
	if len(heads) == 0 {
		return ErrNoLog
	}
	log := heads[len(heads)-1].Log
	row, found, err := t.store.Checkpoint(ctx, log, maxSize)
	if err != nil {
		return fmt.Errorf("audit: read checkpoint: %w", err)
	}
	if !found {
		return ErrNoLog
	}
	src := t.tiles(ctx, log)
	for level := 0; row.Size>>(8*level) > 0; level++ {
		if err := publishLevel(ctx, dir, src, level, row.Size>>(8*level)); err != nil {
			return err
		}
	}
	return writeFile(filepath.Join(dir, "checkpoint"), row.Note)
}

// publishLevel writes the tiles of a level, which has that many hashes. Complete
// tiles are written in order, so those that are there are the first ones.
func publishLevel(ctx context.Context, dir string, src tileSource, level int, hashes uint64) error {
	full := hashes / tileWidth
	first := uint64(sort.Search(int(full), func(n int) bool {
		_, err := os.Stat(tileID{level, uint64(n), tileWidth}.file(dir))
		return err != nil
	}))
	for n := first; n < full; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		id := tileID{level, n, tileWidth}
		if err := publishTile(dir, src, id); err != nil {
			return err
		}
		// Whoever needs a part of it takes the whole.
		if err := os.RemoveAll(id.file(dir) + ".p"); err != nil {
			return fmt.Errorf("audit: publish: %w", err)
		}
	}
	if width := int(hashes % tileWidth); width > 0 {
		return publishTile(dir, src, tileID{level, full, width})
	}
	return nil
}

func (id tileID) file(dir string) string {
	return filepath.Join(dir, "tile", filepath.FromSlash(id.path()))
}

func publishTile(dir string, src tileSource, id tileID) error {
	data, err := src.Tile(id.level, id.n, id.width)
	if err != nil {
		return fmt.Errorf("audit: publish: %w", err)
	}
	path := id.file(dir)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("audit: publish: %w", err)
	}
	return writeFile(path, data)
}

// writeFile replaces a file as a whole: who reads it sees the old one or the
// new one, also after a crash.
func writeFile(path string, data []byte) (err error) {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".troth-*")
	if err != nil {
		return fmt.Errorf("audit: write file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("audit: write file: %w", err), os.Remove(tmp.Name()))
		}
	}()
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
