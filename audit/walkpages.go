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
// cannot be read. Each page is read from the last row of the one before, so that a
// second row in that place, which a key that was taken away has let in, is met.
func (t *Trail) pages(ctx context.Context, log int, from, to uint64) iter.Seq2[[]LogRow, error] {
	return func(yield func([]LogRow, error) bool) {
		again := uint64(0) // how many rows of a page were met before
		for size := firstPage; from < to; again = 1 {
			limit := int(min(uint64(size), to-from) + again)
			rows, err := t.store.LogRange(ctx, log, from-again, limit)
			full := len(rows) == limit
			if again > 0 && len(rows) > 0 && rows[0].Index == from-1 {
				rows = rows[1:]
			}
			if err != nil {
				yield(rows, wrapVerify(err))
				return
			}
			if len(rows) == 0 || !yield(rows, nil) || !full {
				return
			}
			from, size = rows[len(rows)-1].Index+1, nextPage(rows)
		}
	}
}

// errStopped ends a goroutine that reads ahead for nobody.
var errStopped = errors.New("audit: nobody reads on")

// ahead is how many pages wait to be used. With fewer, two goroutines wait for each
// other more than they work where others want the processor too.
const ahead = 4

// readAhead is pages, of which some are read while those before are used.
func (t *Trail) readAhead(ctx context.Context, log int, from, to uint64) iter.Seq2[[]LogRow, error] {
	return func(yield func([]LogRow, error) bool) {
		type pageOrError struct {
			rows []LogRow
			err  error
		}
		reading, stop := context.WithCancelCause(ctx)
		pages := make(chan pageOrError, ahead)
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
