package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/trothdev/troth"
)

// writer is the one that writes to a SQLite database on behalf of all callers
// of a handle. Each runs its closure in its own goroutine while it has the
// turn; see batch for how they share a commit.
type writer struct {
	h      *Handle
	memory bool     // fixed when the handle opens
	file   dataFile // likewise
	closed atomic.Bool
	queue  queue

	// The rest belongs to whoever has the turn.
	batch   *batch
	conn    *prepared
	timeout string // the busy timeout that the connection came with
	scratch scratch
}

// open makes sure that the database can be written to as it must be.
func (w *writer) open(ctx context.Context) error {
	deadline := w.h.deadline()
	c, err := w.h.take(ctx, deadline)
	if err != nil {
		return err
	}
	file, err := databaseFile(ctx, c)
	if err := errors.Join(err, c.Close()); err != nil {
		return wrap("open", err)
	}
	w.memory = file == ""
	if err := w.checkPool(); err != nil {
		return err
	}
	if err := w.queue.wait(ctx, deadline); err != nil {
		return err
	}
	defer w.queue.release()
	defer w.rest()
	if err := w.connect(ctx, deadline); err != nil {
		return err
	}
	w.file = newDataFile(file) // a new one exists only since it was configured
	return nil
}

func (w *writer) close() error {
	w.closed.Store(true)
	if err := w.queue.wait(context.Background(), w.h.deadline()); err != nil {
		return err
	}
	defer w.queue.release()
	if w.batch != nil {
		w.commit()
	}
	w.drop()
	return nil
}

// begin waits for the turn and starts the caller's part of a batch.
func (w *writer) begin(ctx context.Context) (*binding, func(error) error, error) {
	deadline := w.h.deadline()
	if err := w.queue.wait(ctx, deadline); err != nil {
		return nil, nil, err
	}
	m, err := w.join(ctx, deadline)
	if err != nil {
		w.pass()
		return nil, nil, err
	}
	return m.b, m.end, nil
}

// idle reports whether the write lock is free.
func (w *writer) idle(ctx context.Context) (bool, error) {
	for {
		taken, read := w.queue.try()
		if taken {
			break
		}
		if read == nil {
			return false, nil
		}
		select { // who reads does not write
		case <-read:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	defer w.queue.release()
	if err := w.connect(ctx, w.h.deadline()); err != nil {
		return false, err
	}
	defer w.rest()
	_, err := w.conn.ExecContext(context.WithoutCancel(ctx), "BEGIN IMMEDIATE")
	if err != nil {
		if isBusy(err) {
			return false, nil
		}
		w.drop()
		return false, wrap("idle", err)
	}
	if _, err = w.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
		w.drop()
	}
	return err == nil, wrap("idle", err)
}

// pass gives the turn on: with the batch still open if somebody waits and there
// is room, else after committing it.
func (w *writer) pass() {
	if w.batch != nil && w.batch.hasRoom(w.h) && w.scratch.migrating.Load() == 0 && w.queue.handOn() {
		return
	}
	if w.batch != nil {
		w.commit()
	}
	w.queue.release()
}

// connect makes sure that there is a connection with the right settings. It
// waits for nothing by itself: a busy database is asked again by the writer,
// which heeds the caller's context.
func (w *writer) connect(ctx context.Context, deadline time.Time) error {
	if w.closed.Load() {
		return ErrClosed
	}
	if w.conn != nil {
		return nil
	}
	c, err := w.h.take(ctx, deadline)
	if err != nil {
		return err
	}
	w.conn = newPrepared(c)
	w.scratch.memory, w.scratch.left = false, false
	if err := w.prepare(ctx, deadline); err != nil {
		w.drop()
		return err
	}
	return nil
}

func (w *writer) prepare(ctx context.Context, deadline time.Time) error {
	err := untilFree(ctx, deadline, func() (err error) {
		w.timeout, err = w.configure(context.WithoutCancel(ctx), w.conn)
		return err
	})
	if err == nil {
		_, err = queryText(context.WithoutCancel(ctx), w.conn, "PRAGMA busy_timeout = 0")
	}
	return wrap("configure", err)
}

// rest is called between batches. The connection is kept if the pool has
// others, else it goes back the way it came, and is configured anew when it is
// taken again: the host may have changed its settings meanwhile.
func (w *writer) rest() {
	if w.conn == nil || w.h.db.Stats().MaxOpenConnections != 1 {
		return
	}
	if _, err := queryText(context.Background(), w.conn, "PRAGMA busy_timeout = "+w.timeout); err != nil {
		w.drop()
		return
	}
	if w.scratch.memory && w.setScratch(context.Background(), scratchDefault) != nil {
		w.drop()
		return
	}
	w.conn.forget()
	_ = w.conn.Close()
	w.conn = nil
}

// drop throws the connection away, and with it whatever is open on it. A
// database in memory would be lost with its only connection, which goes back
// to the pool once nothing is open on it.
func (w *writer) drop() {
	if w.conn == nil {
		return
	}
	w.conn.forget()
	if w.memory && w.conn.PingContext(context.Background()) == nil {
		_, _ = w.conn.ExecContext(context.Background(), "ROLLBACK")
		_ = w.conn.Close()
	} else {
		discard(w.conn.Conn)
	}
	w.conn = nil
}

// start begins a transaction that holds the write lock.
func (w *writer) start(ctx context.Context, deadline time.Time) error {
	for attempt := 1; ; attempt++ {
		// Before connecting, which makes a new file where there is none.
		if err := w.file.check(); err != nil {
			return err
		}
		if err := w.connect(ctx, deadline); err != nil {
			return err
		}
		err := untilFree(ctx, deadline, func() error {
			if err := w.arrangeScratch(ctx); err != nil {
				return err
			}
			_, err := w.conn.ExecContext(context.WithoutCancel(ctx), "BEGIN IMMEDIATE")
			return err
		})
		if err == nil {
			return nil
		}
		if isBusy(err) || ctx.Err() != nil {
			w.rest()
			return wrap("begin", err)
		}
		w.drop()
		if attempt == staleConnections || !errors.Is(err, driver.ErrBadConn) {
			return wrap("begin", err)
		}
	}
}

// untilFree repeats try while the database is busy, until the deadline. SQLite's
// own busy handler would do so too, but deaf to ctx.
func untilFree(ctx context.Context, deadline time.Time, try func() error) error {
	const longest = 10 * time.Millisecond
	for pause := time.Millisecond; ; pause = min(2*pause, longest) {
		err := try()
		if err == nil || !isBusy(err) {
			return err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return fmt.Errorf("%w: %w", troth.ErrBusy, err)
		}
		timer := time.NewTimer(min(pause, left))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
