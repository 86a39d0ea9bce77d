package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ErrOtherLog says that a folder holds another log than the newest one.
var ErrOtherLog = errors.New("audit: folder holds another log")

// Publish writes the newest log's hashes and checkpoint into a folder, in the
// layout of [Trail.Handler], for any server of files. Tiles that are complete are
// written once; the checkpoint comes last, so the folder holds all that it
// covers at any time, but for what was pruned before it was first written.
// Entries are not among it. A call that ended half-way can be repeated; two at a
// time must not write one folder.
//
// What the folder holds is held against the log: it returns [ErrOtherLog] where
// that is of another origin, a *[RolledBackError] where the log does not lead on
// from it, [ErrPruned] or the errors of [OpenCheckpoint] where it cannot be told.
// So publish what is to be pruned before that, and give each origin a folder of its
// own under an URL of its own. What somebody prunes during the call may be missing.
//
// dir itself may be a link; in it none is followed, and one in the place of a folder is
// an error.
func (t *Trail) Publish(ctx context.Context, dir string) error {
	if dir == "" { // which would be wherever the process stands
		return errors.New("audit: publish: no folder is named")
	}
	for {
		head, err := t.headOf(ctx, "")
		if err != nil {
			return err
		}
		err = t.publishAt(ctx, head, dir)
		if _, pruned := t.prunedSince(ctx, head, err); !pruned {
			return err
		}
	}
}

// publishAt is Publish of a log as it stood, which fails where somebody prunes meanwhile.
func (t *Trail) publishAt(ctx context.Context, head Head, dir string) error {
	row, found, err := t.store.Checkpoint(ctx, head.Log, maxSize)
	if err != nil {
		return fmt.Errorf("audit: read checkpoint: %w", err)
	}
	if !found {
		return ErrNoLog
	}
	cp, err := t.openRow(row)
	if err != nil {
		return err
	}
	head.Size, head.Root = cp.Size, cp.Root // what is signed counts
	p := &publication{
		trail: t, ctx: ctx, dir: filepath.Clean(dir), head: head, row: row,
		touched: make(map[string]bool), within: make(map[string]bool),
	}
	return p.write()
}

// publication is one call of Publish.
type publication struct {
	trail *Trail
	ctx   context.Context
	dir   string
	head  Head
	row   CheckpointRow
	// done is the size that the folder covers already.
	done uint64
	// touched are the folders that files were put into.
	touched map[string]bool
	// within are folders that are known to be no links.
	within map[string]bool
}

// scratchPrefix begins the names of files that are not complete.
const scratchPrefix = ".troth-"

func (p *publication) write() error {
	if err := p.prepare(); err != nil {
		return err
	}
	for level := 0; p.row.Size>>(8*level) > 0; level++ {
		if err := p.level(level); err != nil {
			return err
		}
	}
	// The checkpoint must not outlive what it covers.
	for dir := range p.touched {
		if err := syncDir(dir); err != nil {
			return fmt.Errorf("audit: publish: %w", err)
		}
	}
	return writeFile(filepath.Join(p.dir, "checkpoint"), p.row.Note)
}

// prepare finds out what is there, and takes away what a call left that was
// ended.
func (p *publication) prepare() error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil { //nolint:gosec // public, and a web server may have a user of its own
		return fmt.Errorf("audit: publish: %w", err)
	}
	there, err := os.ReadDir(p.dir)
	if err != nil {
		return fmt.Errorf("audit: publish: %w", err)
	}
	for _, f := range there {
		if strings.HasPrefix(f.Name(), scratchPrefix) {
			if err := os.Remove(filepath.Join(p.dir, f.Name())); err != nil {
				return fmt.Errorf("audit: publish: %w", err)
			}
		}
	}
	note, err := os.ReadFile(filepath.Join(p.dir, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("audit: publish: %w", err)
	}
	return p.follow(note)
}

// follow holds the log to the checkpoint that the folder has.
func (p *publication) follow(note []byte) error {
	cp, err := p.trail.open(note)
	if err != nil {
		return fmt.Errorf("audit: publish: checkpoint of the folder: %w", err)
	}
	if cp.Origin != p.head.Origin {
		return ErrOtherLog
	}
	if err := p.trail.leadsTo(p.ctx, p.head, cp); err != nil {
		return err
	}
	p.done = cp.Size
	return nil
}

// level writes the tiles of a level. Where the folder's checkpoint ends, all up
// to there is known to be complete; behind it may be files of a call that ended
// half-way, which are complete too, but may be of a log that was put back since, or of
// another.
func (p *publication) level(level int) error {
	hashes := p.row.Size >> (8 * level)
	full := hashes / tileWidth
	first := p.done >> (8 * level) / tileWidth
	if level == 0 {
		first = max(first, p.head.Pruned/tileWidth) // what is before is gone
	}
	for n := first; n < full; n++ {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		id := tileID{level, n, tileWidth}
		if err := p.tile(id); err != nil {
			return err
		}
		// Whoever needs a part of it takes the whole.
		if err := os.RemoveAll(filepath.Join(p.dir, id.file()) + ".p"); err != nil {
			return fmt.Errorf("audit: publish: %w", err)
		}
	}
	if width := int(hashes % tileWidth); width > 0 {
		return p.tile(tileID{level, full, width})
	}
	return nil
}

// file is the name of the tile's file.
func (id tileID) file() string { return filepath.Join("tile", filepath.FromSlash(id.path())) }

// covers reports whether the folder's checkpoint covers a tile. Only then is what lies
// there known to be of this log.
func (p *publication) covers(id tileID) bool {
	return id.n*tileWidth+uint64(id.width) <= p.done>>(8*id.level)
}

func (p *publication) tile(id tileID) error {
	if err := p.inside(filepath.Dir(id.file())); err != nil {
		return err
	}
	there, err := os.Lstat(filepath.Join(p.dir, id.file()))
	is := err == nil && there.Mode().IsRegular()
	if is && p.covers(id) {
		return nil
	}
	data, err := p.trail.tiles(p.ctx, p.head.Log).Tile(id.level, id.n, id.width)
	if err != nil {
		missing := &DamageError{p.head.Log, "tile", "of level " + itoa(id.level) + ", number " + utoa(id.n), "is not there"}
		return fmt.Errorf("audit: publish: %w", p.trail.storedOr(err, missing))
	}
	return p.file(id.file(), data, is)
}

// inside refuses a folder of the publication that is a link, or in one: what is written
// or taken away there is somebody else's. One that is not there yet is none.
func (p *publication) inside(dir string) error {
	if dir == "." || p.within[dir] {
		return nil
	}
	if err := p.inside(filepath.Dir(dir)); err != nil {
		return err
	}
	there, err := os.Lstat(filepath.Join(p.dir, dir))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // it is made as one
	case err != nil:
		return fmt.Errorf("audit: publish: %w", err)
	case !there.IsDir():
		return fmt.Errorf("audit: publish: %s in the folder is a link, or no folder", filepath.ToSlash(dir))
	}
	p.within[dir] = true
	return nil
}

// file writes a file, unless it is there with that content. Its name is made durable in
// either case: the call that wrote it may have ended before it did that.
func (p *publication) file(name string, data []byte, there bool) error {
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // public, and a web server may have a user of its own
		return fmt.Errorf("audit: publish: %w", err)
	}
	for dir := filepath.Dir(path); len(dir) >= len(p.dir) && !p.touched[dir]; dir = filepath.Dir(dir) {
		p.touched[dir] = true
	}
	if there {
		if kept, err := os.ReadFile(path); err == nil && bytes.Equal(kept, data) {
			return nil
		}
	}
	return replaceFile(path, p.dir, data)
}
