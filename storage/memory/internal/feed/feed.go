// Package feed keeps the events that processes follow to learn what others changed, in
// memory. There is one writer, so positions are given in the order of commits, and a
// rollback takes its own back.
package feed

import (
	"cmp"
	"context"

	"github.com/trothdev/troth/storage/memory"
)

// Feed is a feed of events of one type.
type Feed[E any] struct {
	db     *memory.DB
	events *memory.Table[int64, E]
	heads  *memory.Table[int, int64]
	at     func(e *E) (position *int64, raised int64)
}

// head is the one key of the heads.
const head = 0

// New returns an empty feed on db. at tells where an event keeps its position, and when
// it was raised.
func New[E any](db *memory.DB, at func(e *E) (position *int64, raised int64)) *Feed[E] {
	return &Feed[E]{
		db: db, at: at,
		events: memory.NewTable[int64, E](db, cmp.Compare[int64]),
		heads:  memory.NewTable[int, int64](db, cmp.Compare[int]),
	}
}

// Raise adds an event.
func (f *Feed[E]) Raise(ctx context.Context, e E) error {
	return f.db.Atomically(ctx, func(ctx context.Context) error {
		last, _, err := f.heads.Get(ctx, head)
		if err != nil {
			return err
		}
		position, _ := f.at(&e)
		*position = last + 1
		if err := f.heads.Put(ctx, head, last+1); err != nil {
			return err
		}
		return f.events.Put(ctx, last+1, e)
	})
}

// Followed is what somebody who follows is told.
type Followed[E any] struct {
	Events []E
	Head   int64
	More   bool
	Gap    bool
}

// Follow tells what came after a position, the oldest first and at most limit of it,
// or all where limit is zero.
func (f *Feed[E]) Follow(ctx context.Context, after int64, limit int) (told Followed[E], err error) {
	told.Head, _, err = f.heads.Get(ctx, head)
	if err != nil || after < 0 {
		return told, err
	}
	most := limit
	if limit > 0 {
		most++
	}
	rows, err := f.events.Scan(ctx, &after, most, nil)
	if err != nil {
		return Followed[E]{}, err
	}
	if told.More = limit > 0 && len(rows) > limit; told.More {
		rows = rows[:limit]
	}
	// Positions have no gaps but those that pruning left, wherever it was; and one
	// above the head is of another history.
	for i, r := range rows {
		told.Gap = told.Gap || r.Key != after+int64(i)+1
		told.Events = append(told.Events, r.Value)
		told.Head = max(told.Head, r.Key) // it may have moved since it was read
	}
	told.Gap = told.Gap || after > told.Head || len(rows) == 0 && after < told.Head
	return told, nil
}

// Prune deletes what was raised before, but for the newest.
func (f *Feed[E]) Prune(ctx context.Context, before int64) error {
	return f.db.Atomically(ctx, func(ctx context.Context) error {
		last, _, err := f.heads.Get(ctx, head)
		if err != nil {
			return err
		}
		old, err := f.events.Scan(ctx, nil, 0, func(p int64, e E) bool {
			_, raised := f.at(&e)
			return raised < before && p != last
		})
		if err != nil {
			return err
		}
		for _, r := range old {
			if _, err := f.events.Delete(ctx, r.Key); err != nil {
				return err
			}
		}
		return nil
	})
}
