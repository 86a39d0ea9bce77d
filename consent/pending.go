package consent

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trothdev/troth"
)

// pending is something that this process recorded in a transaction whose end is
// not known yet. Until then what is committed counts, and beside it every no that
// the transaction would commit: a no takes effect at once, a yes waits.
type pending struct {
	who   troth.Subject // without an ID it is the tenant's catalogue
	scope *troth.Scope
	// nos are the events that deny.
	nos []no
	// event is one of those that were recorded: once it can be read they are
	// committed.
	event string
	// until is when to give up, on the monotonic clock: troth never hears the end
	// of the host's own transactions.
	until int64
}

// no is an event that denies a purpose.
type no struct {
	purpose troth.Purpose
	event   string
	reason  Reason
	given   int64
}

// pendingLife is for how long a transaction of the host's is thought to be open.
// One that lasts longer still reaches this process, by the feed.
const pendingLife = 10 * time.Minute

type pendings struct {
	// count spares who finds nothing the lock.
	count atomic.Int64
	mu    sync.Mutex
	open  map[troth.Subject][]*pending
}

func (p *pendings) add(one *pending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil {
		p.open = make(map[troth.Subject][]*pending)
	}
	p.open[one.who] = append(p.open[one.who], one)
	p.count.Add(1)
}

func (p *pendings) remove(one *pending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.open[one.who]
	i := slices.Index(all, one)
	if i < 0 {
		return
	}
	p.count.Add(-1)
	if all = slices.Delete(slices.Clone(all), i, i+1); len(all) == 0 {
		delete(p.open, one.who)
	} else {
		p.open[one.who] = all
	}
}

func (p *pendings) of(who troth.Subject) []*pending {
	if p.count.Load() == 0 {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.open[who])
}

func (p *pendings) all() []*pending {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*pending
	for _, of := range p.open {
		all = append(all, of...)
	}
	return all
}

// undecided settles what is pending about a person and returns what is left.
func (l *Ledger) undecided(ctx context.Context, who troth.Subject) ([]*pending, error) {
	var left []*pending
	for _, p := range l.pendings.of(who) {
		decided, err := l.decided(ctx, p)
		if err != nil {
			return nil, err
		}
		if !decided {
			left = append(left, p)
		}
	}
	return left, nil
}

// decided reports whether the end of a pending transaction is known, and forgets
// it then.
func (l *Ledger) decided(ctx context.Context, p *pending) (bool, error) {
	switch p.scope.State() {
	case troth.ScopeCommitted, troth.ScopeRolledBack:
	default:
		if l.mono() < p.until {
			committed, err := l.committed(ctx, p)
			if err != nil || !committed {
				return false, err
			}
		}
	}
	l.settled(p)
	return true, nil
}

// committed reports whether what was recorded can be read by everybody.
func (l *Ledger) committed(ctx context.Context, p *pending) (bool, error) {
	if p.event == "" {
		return false, nil
	}
	_, found, err := l.store.Event(l.tx.Detach(ctx), p.who.Tenant, p.event)
	if err != nil {
		return false, fmt.Errorf("consent: read event: %w", err)
	}
	return found, nil
}

// settled forgets a pending whose end is known. What was cached before is of
// before.
func (l *Ledger) settled(p *pending) {
	if p.who.ID == "" {
		l.tenants.evict(p.who.Tenant)
	} else {
		l.cache.evict(p.who)
	}
	l.pendings.remove(p)
}

// settleEnded settles those whose end the ledger has heard: it is called after a
// transaction of its own.
func (l *Ledger) settleEnded(who troth.Subject) {
	for _, p := range l.pendings.of(who) {
		if s := p.scope.State(); s == troth.ScopeCommitted || s == troth.ScopeRolledBack {
			l.settled(p)
		}
	}
}
