package rights

import (
	"context"
	"time"
)

// collect asks sources what there is, until none of them names an identifier that the
// others have not been asked with, and notes all of it at once, with who was to be asked:
// asking changes nothing, and is done again after a crash.
func (d *Desk) collect(ctx context.Context, key ItemKey, b beginning) (more bool, err error) {
	c := d.seen(key, b.q)
	state := b.q.state
	round := search{c: c, asked: map[int]error{}, fresh: state == StateAccepted}
	if round.fresh {
		round.work = d.snapshot(b.q.right)
	} else {
		events, err := d.eventsOf(ctx, key, b.q, b.events)
		if err != nil {
			return false, err
		}
		s, err := d.sheetsIn(ctx, key, b.items, events)
		if err != nil {
			return false, err
		}
		round.work = s.all
	}
	if round.by, err = d.foundIn(ctx, b.items); err != nil {
		return false, err
	}
	known := len(round.by)
	for again := true; again; {
		if again, err = round.ask(ctx); err != nil {
			return false, err
		}
	}
	err = d.whenOf(ctx, key, state, &b.known, func(ctx context.Context, now *change) error {
		if round.fresh {
			h := began(round.work)
			h.at = c.now
			if err := now.fire(ctx, CollectionBegan, h); err != nil {
				return err
			}
		}
		more, err = now.collected(ctx, &round, known)
		return err
	})
	return more, err
}

// search is one look at all sources of a request.
type search struct {
	c    *change
	work []SourceWork
	by   []plainIdentifier
	// asked are the sources that were, by their place in work, with how that ended.
	asked map[int]error
	pause time.Duration
	// fresh says that nothing of it was noted yet.
	fresh bool
}

// ask asks those who have not been asked with all that is known; again says that somebody
// named something new.
func (r *search) ask(ctx context.Context) (again bool, err error) {
	d := r.c.d
	for i := range r.work {
		w := &r.work[i]
		s := d.source(w.Source)
		if w.Located && w.asked == uint32(len(r.by)) || s == nil || s.Locator == nil || w.Tries >= d.opt.sourceTries || r.asked[i] != nil {
			continue
		}
		n := len(r.by)
		q := r.c.inquiry(w.Source, r.by)
		there, err := guarded(func() (Located, error) { return s.Locator.Locate(ctx, q) })
		if err == nil {
			r.by, err = merged(r.by, there.Identifiers)
		}
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		r.asked[i] = err
		if err != nil {
			d.failed(ctx, stepKey(r.c.tenant, r.c.id), w.Source, "locate", err)
			w.Tries++
			r.pause = max(r.pause, pauseAfter(w.Tries))
			continue
		}
		w.Located, w.Found, w.asked, w.Tries = true, there.Records, uint32(n), 0
		again = again || len(r.by) > n
	}
	return again, nil
}

// collected notes what a search came to, which had begun with so many identifiers. more says
// that another process knows of others by now.
func (c *change) collected(ctx context.Context, r *search, began int) (more bool, err error) {
	count, err := c.addFound(ctx, r, began)
	if err != nil {
		return false, err
	}
	done := r.pause == 0 && count == len(r.by)
	for i := range r.work {
		w := &r.work[i]
		_, was := r.asked[i]
		if done && w.Tries > 0 { // what comes is tried as often, whoever could not be found out
			w.Tries, was = 0, true
		}
		if was && !r.fresh {
			if err := c.putWork(ctx, w); err != nil {
				return false, err
			}
		}
	}
	if r.fresh {
		c.beginWith(r.work)
	}
	switch {
	case r.pause > 0:
		c.stepAt(c.now + r.pause.Microseconds())
		return false, nil
	case !done:
		return true, nil
	}
	return false, c.fire(ctx, Collected, happening{})
}
