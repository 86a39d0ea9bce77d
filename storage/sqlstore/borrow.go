package sqlstore

import (
	"context"

	"github.com/trothdev/troth/storage/sqlstore/internal/brief"
)

// borrow runs a brief read on the writer's connection, if nobody is writing: that one has
// the pages of the last commit, while every other connection forgets its own after each
// commit, and reads them again. nil says that the pool is to be asked, which also tells what
// is wrong with a read. Whoever comes to write meanwhile waits until the rows are closed.
func (q poolQuerier) borrow(ctx context.Context, query string, args []any) *Rows {
	w := q.h.writer
	if w == nil || len(args) == 0 || !brief.Is(ctx) || !w.queue.borrow() {
		return nil
	}
	if w.conn == nil || w.file.check() != nil {
		w.queue.release()
		return nil
	}
	rows, err := w.conn.QueryContext(context.WithoutCancel(ctx), query, args...) //nolint:rowserrcheck // whoever reads them asks
	if err != nil {
		w.queue.release()
		return nil
	}
	return &Rows{ctx: ctx, rows: rows, release: func(err error) error {
		w.queue.release()
		return wrap("read rows", err)
	}}
}
