package unsubscribe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe/internal/index"
)

// Load reads the index, from its file if there is a sound one (see
// [WithIndexFile]), else from the store, and then what changed since. Until it
// succeeded nobody is let through. In database mode it does nothing.
//
// Reading ten million entries from the store takes some minutes and, for a moment,
// twice the memory of the index.
func (g *Gate) Load(ctx context.Context) error {
	if g.opt.database {
		return nil
	}
	if err := g.feed.Begin(ctx); err != nil {
		return err
	}
	defer g.feed.End()
	g.feed.reading.Store(true)
	g.feed.loaded.Store(false)
	ctx = g.r.tx.Detach(ctx)
	if err := g.readFile(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			g.r.log.Warn("unsubscribe: the index's file is not used", zap.Error(err))
		}
		if err := g.rebuild(ctx); err != nil {
			return err
		}
	}
	return g.look(ctx)
}

// rebuild reads the whole registry. Who holds the token calls it.
func (g *Gate) rebuild(ctx context.Context) error {
	at, err := g.r.head(ctx)
	if err != nil {
		return err
	}
	b := &index.Builder[mark]{}
	for after := (Cursor{}); ; {
		rows, err := g.r.store.EntriesAfter(ctx, after, rowPage)
		if err != nil {
			return fmt.Errorf("unsubscribe: read entries: %w", err)
		}
		if len(rows) == 0 {
			break
		}
		for i := range rows {
			m, blocks := markOf(&rows[i])
			if !blocks {
				continue
			}
			for _, k := range rows[i].keys() {
				if err := b.Add((*index.Key)(&k), m); err != nil {
					return err
				}
			}
		}
		after = rows[len(rows)-1].Cursor()
	}
	built, err := b.Build()
	if err != nil {
		return err
	}
	g.replace(built, at)
	return nil
}

func (g *Gate) replace(b index.Built[mark], at index.Position) {
	// What was asked with keys from before is asked again with fresh ones.
	g.rekeys.Add(1)
	g.index.Replace(b)
	g.feed.at = at
}

// head is the newest event that has a position. All before it committed before.
func (r *Registry) head(ctx context.Context) (index.Position, error) {
	for {
		found, err := r.store.Follow(ctx, -1, 1)
		if err != nil {
			return index.Position{}, fmt.Errorf("unsubscribe: follow: %w", err)
		}
		if found.Head == 0 {
			return index.Position{}, nil
		}
		head := found.Head
		if found, err = r.store.Follow(ctx, head-1, 1); err != nil {
			return index.Position{}, fmt.Errorf("unsubscribe: follow: %w", err)
		}
		if len(found.Events) == 1 && found.Events[0].Position == head {
			return position(&found.Events[0]), nil
		}
		// It was pruned meanwhile: there is a newer one.
		if err := ctx.Err(); err != nil {
			return index.Position{}, err
		}
	}
}

func (g *Gate) format(ctx context.Context) index.Format[mark] {
	return index.Format[mark]{
		Append: appendMark, Parse: parseMark,
		Seal: func(sum [32]byte) ([32]byte, error) {
			ref := troth.KeyRef{Tenant: troth.Platform, Use: "unsubscribe.index", ID: "1"}
			return g.r.keys.MAC(ctx, ref, sum[:])
		},
	}
}

func (g *Gate) readFile(ctx context.Context) error {
	if g.opt.file == "" {
		return fs.ErrNotExist
	}
	f, err := os.Open(g.opt.file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	built, at, err := index.Read(f, info.Size(), g.format(ctx))
	if err == nil {
		g.replace(built, at)
	}
	return err
}

// Save writes the index's file, see [WithIndexFile]: the one that was there is
// replaced once the new one is on the disk.
func (g *Gate) Save(ctx context.Context) error {
	if g.opt.file == "" {
		return needs("WithIndexFile")
	}
	if err := g.feed.Begin(ctx); err != nil {
		return err
	}
	defer g.feed.End()
	if !g.feed.loaded.Load() {
		return errNotLoaded
	}
	dir, name := filepath.Split(g.opt.file)
	f, err := os.CreateTemp(filepath.Clean(dir), name+".*.new")
	if err != nil {
		return fmt.Errorf("unsubscribe: write index: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // where it was not renamed
	err = g.index.Write(f, g.feed.at, g.format(ctx))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), g.opt.file)
	}
	if err != nil {
		return fmt.Errorf("unsubscribe: write index: %w", err)
	}
	return nil
}

// overlayShare bounds what changed since the base was made: a part of the base, and
// at least so many keys.
const overlayShare, overlayLeast = 128, 4096

// Run keeps the index young, so that nobody who asks has to wait for that, and keeps
// it small; it loads it if that was not done. It blocks until ctx ends, and returns
// ctx's error. Errors on the way are logged and tried again: meanwhile the gate
// refuses, once its bound is reached.
func (g *Gate) Run(ctx context.Context) error {
	if g.opt.database {
		<-ctx.Done()
		return ctx.Err()
	}
	tick := time.NewTicker(g.opt.age / 2)
	defer tick.Stop()
	saved, written := g.mono(), uint64(0)
	for {
		if err := g.step(ctx); err != nil && ctx.Err() == nil {
			g.r.log.Error("unsubscribe: the index does not follow", zap.Error(err))
		}
		if now := g.index.Generation(); g.opt.file != "" && now != written && g.mono()-saved >= int64(g.opt.saving) {
			if err := g.Save(ctx); err != nil && ctx.Err() == nil {
				g.r.log.Error("unsubscribe: the index's file is not written", zap.Error(err))
			}
			saved, written = g.mono(), now
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

func (g *Gate) step(ctx context.Context) error {
	if !g.feed.loaded.Load() {
		return g.Load(ctx)
	}
	if err := g.catchUp(ctx, g.mono()-int64(g.opt.age)/4); err != nil {
		return err
	}
	if entries, changed := g.index.Len(); changed >= max(entries/overlayShare, overlayLeast) {
		return g.index.Merge()
	}
	return nil
}
