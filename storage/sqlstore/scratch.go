package sqlstore

import (
	"context"
	"sync/atomic"
)

// scratch is where the writer's connection keeps pages as they were before a
// savepoint or a statement that may be undone by itself, and what it sorts. SQLite
// takes a file for it that nothing wipes, and two calls of the system for each page;
// the writer has it take memory, which each savepoint gives back at its end. While
// somebody migrates it is a file as ever, since an index is made by sorting all of
// its table.
type scratch struct {
	memory bool // as the connection is now
	// left says that the connection is the host's to arrange: it said where, or has
	// temporary tables, which would be gone.
	left bool

	migrating atomic.Int32
}

// SQLite's numbers for what a connection came with, and for memory.
const (
	scratchDefault = "0"
	scratchMemory  = "2"
)

// arrangeScratch is called between batches only: inside a transaction SQLite
// refuses. A connection that goes back to the host after each batch it leaves alone.
func (w *writer) arrangeScratch(ctx context.Context) error {
	s := &w.scratch
	want := s.migrating.Load() == 0
	if s.left || s.memory == want || w.h.db.Stats().MaxOpenConnections == 1 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	if !s.memory {
		now, err := queryText(ctx, w.conn, "PRAGMA temp_store")
		if err != nil {
			return err
		}
		if now != scratchDefault {
			s.left = true
			return nil
		}
	}
	tables, err := queryText(ctx, w.conn, "SELECT count(*) FROM sqlite_temp_master")
	if err != nil {
		return err
	}
	if tables != "0" {
		s.left = true
		return nil
	}
	value := scratchDefault
	if want {
		value = scratchMemory
	}
	return w.setScratch(ctx, value)
}

func (w *writer) setScratch(ctx context.Context, value string) error {
	_, err := queryText(ctx, w.conn, "PRAGMA temp_store = "+value)
	if err == nil {
		w.scratch.memory = value == scratchMemory
	}
	return err
}

// migrates keeps scratch in a file until the returned function is called: batches
// that begin from now on have it so, and none that began before takes anybody in.
func (w *writer) migrates() (done func()) {
	if w == nil {
		return func() {}
	}
	w.scratch.migrating.Add(1)
	return func() { w.scratch.migrating.Add(-1) }
}
