package feed

import (
	"context"
	"database/sql"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

// maxEvents is how many events are looked at one by one.
const maxEvents = 10_000

// Row is one row of a look at a feed: the head, and an event if there is one.
type Row[E any] struct {
	Head, Position sql.NullInt64
	There          bool
	Event          E
}

// Followed is what somebody who follows is told.
type Followed[E any] struct {
	Events []E
	Head   int64
	Gap    bool
}

// Follow tells what came after a position, all of it at once. More than 10,000 events
// are a gap: dropping everything is cheaper than looking at each. Inside a transaction
// that reads an old snapshot it returns the store's error for that.
func Follow[E any](ctx context.Context, f *Feed, after int64, scan func(*sqlstore.Rows) (Row[E], error)) (Followed[E], error) {
	if err := f.db.Current(ctx); err != nil {
		return Followed[E]{}, err
	}
	told, unnumbered, err := look(ctx, f, after, scan)
	if err != nil || unnumbered == 0 || f.db.Scope(ctx) != nil {
		return told, err
	}
	if err := f.Number(ctx); err != nil {
		return Followed[E]{}, err
	}
	told, _, err = look(ctx, f, after, scan)
	return told, err
}

func look[E any](ctx context.Context, f *Feed, after int64, scan func(*sqlstore.Rows) (Row[E], error)) (told Followed[E], unnumbered int64, err error) {
	from := after
	if after < 0 {
		from = MaxPosition
	}
	rows, err := statement.Query(ctx, f.db, scan, f.look, from, maxEvents+1)
	if err != nil {
		return told, 0, err
	}
	if len(rows) > maxEvents {
		// They may lack positions, and would come again for ever if they got none.
		if f.db.Postgres() && after >= 0 {
			unnumbered = 1
		}
		return Followed[E]{Head: rows[0].Head.Int64, Gap: after >= 0}, unnumbered, nil
	}
	for _, r := range rows {
		told.Head = r.Head.Int64
		if !r.There || after < 0 {
			continue
		}
		if !r.Position.Valid {
			unnumbered++
		}
		told.Events = append(told.Events, r.Event)
	}
	// Positions have no gaps but those that pruning left, wherever it was; and one
	// above the head is of another history.
	told.Gap = after >= 0 && int64(len(told.Events))-unnumbered != told.Head-after
	return told, unnumbered, nil
}
