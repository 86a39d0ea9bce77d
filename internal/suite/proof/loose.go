package proof

import (
	"context"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
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
type looseFeed[E comparable] struct {
	suite.Feed[E]
	flaw flaw
	mu   sync.Mutex
	all  []*looseEvent[E]
	head int64
}

type looseEvent[E comparable] struct {
	event E
	scope *troth.Scope
	told  bool
}

// Loose puts a feed for many writers in a feed's place, which is sound.
func Loose[E comparable](f *suite.Feed[E]) { loose(f, flawless) }

func loose[E comparable](f *suite.Feed[E], what flaw) {
	l := &looseFeed[E]{Feed: *f, flaw: what}
	f.Raise, f.Follow = l.raise, l.follow
}

func (f *looseFeed[E]) raise(ctx context.Context, e E) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := &looseEvent[E]{event: e, scope: f.TX.Scope(ctx)}
	if f.flaw == numbersOnRaising {
		f.head++
		*f.Position(&made.event) = f.head
	}
	f.all = append(f.all, made)
	return nil
}

func (f *looseFeed[E]) visible(e *looseEvent[E], from *troth.Scope) bool {
	if e.scope == nil || f.flaw == showsUncommitted {
		return true
	}
	state := e.scope.State()
	return state == troth.ScopeCommitted || state == troth.ScopeOpen && from != nil
}

func (f *looseFeed[E]) follow(ctx context.Context, after int64) (found suite.Followed[E], err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := f.TX.Scope(ctx)
	var fresh []*looseEvent[E]
	for _, e := range f.all {
		at := f.Position(&e.event)
		switch {
		case !f.visible(e, from) || (f.flaw == tellsOnce && e.told):
			continue
		case *at == 0 && from == nil && f.flaw != hidesUnnumbered:
			f.head++
			*at = f.head
		case *at == 0 && f.flaw == hidesUnnumbered:
			fresh = append(fresh, e)
			continue
		}
		if after >= 0 && (*at == 0 || *at > after) {
			e.told = true
			found.Events = append(found.Events, e.event)
		}
	}
	found.Head = f.head
	for _, e := range fresh {
		f.head++
		*f.Position(&e.event) = f.head
	}
	return found, nil
}
