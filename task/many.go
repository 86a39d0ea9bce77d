package task

import (
	"context"

	"github.com/trothdev/troth"
)

// manyAtOnce is how many works are added by one call of the store.
const manyAtOnce = 1000

// EnqueueMany makes works durable in one transaction, that of ctx or one of its
// own, all of them or none, and returns their ids in the same order. It does what
// [Engine.Enqueue] does for one after the other, and is many times faster where
// works have neither payload nor group nor prerequisites: say in their keys what
// they are about, and look that up when they run. Works that wait for others of the
// same call are for [Engine.EnqueueAll].
func (e *Engine) EnqueueMany(ctx context.Context, works []troth.Work) (ids []string, err error) {
	all := make([]NewTask, len(works))
	for i, w := range works {
		if all[i], err = e.prepare(w); err != nil {
			return nil, err
		}
	}
	err = e.tx.Atomically(ctx, func(ctx context.Context) error {
		ids = make([]string, len(works))
		var plain []int
		for i, w := range works {
			if plainWork(w) && len(w.After) == 0 {
				if plain = append(plain, i); len(plain) < manyAtOnce {
					continue
				}
				if err := e.insertPlain(ctx, all, plain, ids); err != nil {
					return err
				}
				plain = plain[:0]
				continue
			}
			id, err := e.enqueue(ctx, w, all[i])
			if err != nil {
				return err
			}
			ids[i] = id.String()
		}
		return e.insertPlain(ctx, all, plain, ids)
	})
	if err != nil {
		return nil, err
	}
	if e.tx.Scope(ctx) == nil {
		e.Nudge()
	}
	return ids, nil
}

// insertPlain adds those of the works at the given places, and sets their ids.
func (e *Engine) insertPlain(ctx context.Context, all []NewTask, places []int, ids []string) error {
	if len(places) == 0 {
		return nil
	}
	ns := make([]NewTask, len(places))
	for i, at := range places {
		ns[i] = all[at]
	}
	got, err := e.store.InsertAll(ctx, ns)
	if err != nil {
		return wrap("insert", err)
	}
	for i, at := range places {
		ids[at] = got[i].ID.String()
		if !got[i].New {
			continue
		}
		if err := e.dispatchNew(ctx, ns[i]); err != nil {
			return err
		}
	}
	return nil
}
