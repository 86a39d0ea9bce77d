package unsubscribetest

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// flaw is what is wrong with a loose feed.
type flaw int

const (
	flawless flaw = iota
	// numbersOnRaising gives positions before the commit, as ids do.
	numbersOnRaising
	// showsUncommitted waits for no commit.
	showsUncommitted
	// tellsOnce takes an event for seen when somebody saw it.
	tellsOnce
	// hidesUnnumbered returns events with a position only, and numbers late.
	hidesUnnumbered
)

// looseFeed is a feed for many writers in memory, beside the one writer that
// everything else has: events are kept with the scope that raised them.
type looseFeed struct {
	tx   troth.Transactor
	flaw flaw
	mu   sync.Mutex
	all  []*looseEvent
	head int64
}

type looseEvent struct {
	unsubscribe.FeedEvent
	scope *troth.Scope
	told  bool
}

func loose(s unsubscribe.Backend, f flaw) unsubscribe.Backend {
	b, feed := whole(s), &looseFeed{tx: s.Transactor(), flaw: f}
	b.raise, b.follow = feed.raise, feed.follow
	return b
}

func (f *looseFeed) raise(ctx context.Context, e unsubscribe.FeedEvent) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := &looseEvent{FeedEvent: e, scope: f.tx.Scope(ctx)}
	if f.flaw == numbersOnRaising {
		f.head++
		made.Position = f.head
	}
	f.all = append(f.all, made)
	return nil
}

func (f *looseFeed) visible(e *looseEvent, from *troth.Scope) bool {
	if e.scope == nil || f.flaw == showsUncommitted {
		return true
	}
	state := e.scope.State()
	return state == troth.ScopeCommitted || state == troth.ScopeOpen && from != nil
}

func (f *looseFeed) follow(ctx context.Context, after int64, limit int) (found unsubscribe.Followed, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := f.tx.Scope(ctx)
	var fresh []*looseEvent
	for _, e := range f.all {
		switch {
		case !f.visible(e, from) || (f.flaw == tellsOnce && e.told):
			continue
		case e.Position == 0 && from == nil && f.flaw != hidesUnnumbered:
			f.head++
			e.Position = f.head
		case e.Position == 0 && f.flaw == hidesUnnumbered:
			fresh = append(fresh, e)
			continue
		}
		if after >= 0 && (e.Position == 0 || e.Position > after) {
			e.told = true
			found.Events = append(found.Events, e.FeedEvent)
		}
	}
	found.Head = f.head
	slices.SortStableFunc(found.Events, func(a, b unsubscribe.FeedEvent) int { return cmp.Compare(a.Position, b.Position) })
	if found.More = len(found.Events) > limit; found.More {
		found.Events = found.Events[:limit]
	}
	for _, e := range fresh {
		f.head++
		e.Position = f.head
	}
	return found, nil
}
