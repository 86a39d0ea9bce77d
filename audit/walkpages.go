package audit

import (
	"context"
	"errors"
	"iter"
)

// Pages of entries are some thousand bytes and never more than their rows can
// hold: leaves may be 64 KiB each, so a page that was long makes the next one
// have fewer rows.
const (
	firstPage = 64
	maxPage   = 512
	pageBytes = 1 << 20
)

// nextPage returns how many rows to read after a page.
func nextPage(rows []LogRow) int {
	bytes := 1
	for i := range rows {
		bytes += len(rows[i].Leaf)
	}
	return max(1, min(maxPage, pageBytes*len(rows)/bytes))
}

// pages reads the entries of a log in [from, to), and what comes behind them in
// the last page. Rows that come with an error are those before the one that
// cannot be read.
func (t *Trail) pages(ctx context.Context, log int, from, to uint64) iter.Seq2[[]LogRow, error] {
	return func(yield func([]LogRow, error) bool) {
		for size := firstPage; from < to; {
			limit := int(min(uint64(size), to-from))
			rows, err := t.store.LogRange(ctx, log, from, limit)
			if err != nil {
				yield(rows, wrapVerify(err))
				return
			}
			if len(rows) == 0 || !yield(rows, nil) || len(rows) < limit {
				return
			}
			from, size = rows[len(rows)-1].Index+1, nextPage(rows)
		}
	}
}

// errStopped ends a goroutine that reads ahead for nobody.
var errStopped = errors.New("audit: nobody reads on")

// readAhead is pages, one of which is read while the one before is used.
func (t *Trail) readAhead(ctx context.Context, log int, from, to uint64) iter.Seq2[[]LogRow, error] {
	return func(yield func([]LogRow, error) bool) {
		type pageOrError struct {
			rows []LogRow
			err  error
		}
		reading, stop := context.WithCancelCause(ctx)
		pages := make(chan pageOrError)
		go func() {
			defer close(pages)
			for rows, err := range t.pages(reading, log, from, to) {
				select {
				case pages <- pageOrError{rows, err}:
				case <-reading.Done():
					return
				}
			}
		}()
		defer func() {
			stop(errStopped)
			for range pages { // until the goroutine has ended
			}
		}()
		for page := range pages {
			if !yield(page.rows, page.err) || page.err != nil {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		}
	}
}
