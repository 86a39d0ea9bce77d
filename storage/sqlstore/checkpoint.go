package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// Checkpoint moves what SQLite's write-ahead log holds into the database's file
// and empties the log, so that what was overwritten is in neither. It waits for
// its turn to write, as transactions do, and for nobody else: where another
// connection is reading or writing it moves what it can and returns
// [troth.ErrBusy], as it does inside a transaction. Elsewhere it is
// errors.ErrUnsupported.
func (h *Handle) Checkpoint(ctx context.Context) error {
	switch {
	case h.dialect != SQLite:
		return fmt.Errorf("sqlstore: checkpoint: %w", errors.ErrUnsupported)
	case h.bound(ctx) != nil:
		return fmt.Errorf("sqlstore: checkpoint: inside a transaction: %w", troth.ErrBusy)
	case h.writer.memory:
		return nil
	}
	return h.writer.checkpoint(ctx)
}

func (w *writer) checkpoint(ctx context.Context) error {
	deadline := w.h.deadline()
	if err := w.queue.wait(ctx, deadline); err != nil {
		return err
	}
	defer w.queue.release()
	if w.batch != nil {
		w.commit()
	}
	if err := w.connect(ctx, deadline); err != nil {
		return err
	}
	defer w.rest()
	// The writer's connection has no busy timeout: SQLite would hold up all who
	// write for as long as it waits for a reader.
	rows, err := w.conn.QueryContext(context.WithoutCancel(ctx), "PRAGMA wal_checkpoint(TRUNCATE)")
	if err != nil {
		return wrap("checkpoint", err)
	}
	defer func() { _ = rows.Close() }()
	var busy, logged, moved int
	for rows.Next() {
		if err := rows.Scan(&busy, &logged, &moved); err != nil {
			return wrap("checkpoint", err)
		}
	}
	if err := rows.Err(); err != nil {
		return wrap("checkpoint", err)
	}
	if busy != 0 {
		return fmt.Errorf("sqlstore: checkpoint: others use the log: %w", troth.ErrBusy)
	}
	return nil
}
