package unsubscribe

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/internal/recent"
	"github.com/trothdev/troth/unsubscribe/internal/index"
)

// feed follows what all processes record.
type feed struct {
	recent.Reading
	// at is how far the feed was read. It belongs to who has the turn.
	at index.Position
	// reading is set once loading began, opened once the index was loaded, loaded
	// while it has all that the feed tells up to at.
	reading, opened, loaded atomic.Bool
}

// feedPage is how many events are read at once, keyPage of how many keys the rows,
// rowPage how many rows where all are read.
const feedPage, keyPage, rowPage = 10_000, 1_000, 10_000

var (
	errNotLoaded = fmt.Errorf("%w: it is not loaded", ErrStale)
	// errHistory says that the feed is not the one that was followed before.
	errHistory = errors.New("unsubscribe: the feed has a gap")
)

// checkIndex makes sure that the index is young enough, by looking if need be.
func (g *Gate) checkIndex(ctx context.Context) error {
	now, loaded := g.mono(), g.feed.loaded.Load()
	if loaded && g.feed.Fresh(now) {
		return nil
	}
	if loaded && g.feed.Within(now, g.opt.age) {
		usable := func() bool { return g.feed.loaded.Load() && g.feed.Within(g.mono(), g.opt.age) }
		return g.feed.Renew(ctx, g.look, usable, func(err error) {
			g.r.log.Warn("unsubscribe: feed not read, going on within its bound", zap.Error(err))
		})
	}
	return g.catchUp(ctx, now-int64(g.opt.age))
}

// catchUp looks, unless one that was enough has begun after an instant of the monotonic clock.
func (g *Gate) catchUp(ctx context.Context, since int64) error {
	look := func(ctx context.Context) error {
		if !g.feed.opened.Load() {
			return errNotLoaded
		}
		return g.look(ctx)
	}
	return g.feed.Catch(ctx, look, func() bool { return g.feed.loaded.Load() && g.feed.AsOf() > since })
}

// look reads the feed and what changed. The caller has the turn.
func (g *Gate) look(ctx context.Context) error {
	ctx = g.r.tx.Detach(ctx)
	began, waiting := g.mono(), g.pendings.all()
	for _, p := range waiting {
		p.committed = p.committed || p.scope.State() == troth.ScopeCommitted
	}
	err := g.follow(ctx, waiting)
	if errors.Is(err, errHistory) {
		// Nobody is let through until all is read anew.
		g.feed.loaded.Store(false)
		g.r.log.Warn("unsubscribe: the feed has a gap, reading everything")
		if err = g.rebuild(ctx); err == nil {
			err = g.follow(ctx, waiting)
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%w: %w", ErrStale, err)
	}
	g.feed.Read(began, g.opt.age)
	g.feed.loaded.Store(true)
	g.feed.opened.Store(true)
	if g.mono()-began > int64(g.opt.age) {
		return fmt.Errorf("%w: reading it took longer than its bound", ErrStale)
	}
	return nil
}

// follow reads the feed to its end, and what it tells of.
func (g *Gate) follow(ctx context.Context, waiting []*pending) error {
	changed := map[Key]bool{}
	err := g.r.events(ctx, &g.feed.at, func(events []FeedEvent) error {
		for i := range events {
			changed[events[i].Key] = true
		}
		return g.apply(ctx, events)
	})
	if err != nil {
		return err
	}
	return g.settle(ctx, waiting, changed)
}

// events reads the feed to its end, from a position that it moves on. It begins with
// the event that stands there: if another one does, the feed is of another history, and
// the error errHistory.
func (r *Registry) events(ctx context.Context, at *index.Position, use func([]FeedEvent) error) error {
	for {
		found, err := r.store.Follow(ctx, max(at.Number-1, 0), feedPage)
		if err != nil {
			return fmt.Errorf("unsubscribe: follow: %w", err)
		}
		events := found.Events
		if at.Number > 0 {
			if found.Gap || len(events) == 0 || position(&events[0]) != *at {
				return errHistory
			}
			events = events[1:]
		} else if found.Gap {
			return errHistory
		}
		if err := use(events); err != nil {
			return err
		}
		for i := range events {
			if events[i].Position > 0 {
				*at = position(&events[i])
			}
		}
		if !found.More {
			return nil
		}
	}
}

// position is where an event stands, and what it is.
func position(e *FeedEvent) index.Position {
	b := canon.AppendText(canon.AppendDomain(nil, "troth.unsubscribe.feed-event/1"), e.Tenant)
	return index.Position{
		Number: e.Position,
		Event:  sha256.Sum256(canon.AppendInt(canon.AppendBytes(b, e.Key[:]), e.At)),
	}
}

// apply reads the rows that changed, as they are now.
func (g *Gate) apply(ctx context.Context, events []FeedEvent) error {
	byTenant := map[troth.Tenant]map[Key]bool{}
	for _, e := range events {
		if byTenant[e.Tenant] == nil {
			byTenant[e.Tenant] = map[Key]bool{}
		}
		byTenant[e.Tenant][e.Key] = true
	}
	for tenant, keys := range byTenant {
		if keys[Key{}] { // all of them
			if err := g.reload(ctx, tenant); err != nil {
				return err
			}
			continue
		}
		list := make([]Key, 0, len(keys))
		for k := range keys {
			list = append(list, k)
		}
		for some := range slices.Chunk(list, keyPage) {
			if err := g.refresh(ctx, tenant, some); err != nil {
				return err
			}
		}
	}
	return nil
}

// refresh reads what stands under keys of one registry, and under the mailboxes that
// these lead to.
func (g *Gate) refresh(ctx context.Context, tenant troth.Tenant, keys []Key) error {
	rows, err := g.r.store.Entries(ctx, tenant, keys)
	if err != nil {
		return fmt.Errorf("unsubscribe: read entries: %w", err)
	}
	under := underKeys(keys, rows)
	var mailboxes []Key
	for i := range rows {
		if _, read := under[rows[i].Mailbox]; !read && !slices.Contains(mailboxes, rows[i].Mailbox) {
			mailboxes = append(mailboxes, rows[i].Mailbox)
		}
	}
	if len(mailboxes) > 0 {
		if rows, err = g.r.store.Entries(ctx, tenant, mailboxes); err != nil {
			return fmt.Errorf("unsubscribe: read entries: %w", err)
		}
		maps.Copy(under, underKeys(mailboxes, rows))
	}
	for k, marks := range under {
		g.put(tenant, k, marks)
	}
	return nil
}

// underKeys are the marks of rows by the keys that were asked for.
func underKeys(keys []Key, rows []EntryRow) map[Key][]mark {
	under := make(map[Key][]mark, len(keys))
	for _, k := range keys {
		under[k] = nil
	}
	for i := range rows {
		m, blocks := markOf(&rows[i])
		if !blocks {
			continue
		}
		for _, k := range rows[i].keys() {
			if marks, asked := under[k]; asked {
				under[k] = append(marks, m)
			}
		}
	}
	return under
}

// keys are those that the row is found under.
func (r *EntryRow) keys() []Key {
	if r.Mailbox == r.Key || r.Mailbox.IsZero() {
		return []Key{r.Key}
	}
	return []Key{r.Key, r.Mailbox}
}

// put replaces what one registry has under a key. What another has there, which is
// forged, is not its to take away.
func (g *Gate) put(tenant troth.Tenant, k Key, marks []mark) {
	had := g.index.Get((*index.Key)(&k))
	for i := range had.Len() {
		if m := had.At(i); m.registry != tenant {
			marks = append(marks, m)
		}
	}
	g.index.Put((*index.Key)(&k), marks)
}

// reload reads all of a registry, whose keys changed. What stands under the old keys
// stays in memory until the index is loaded anew; nobody has such keys.
func (g *Gate) reload(ctx context.Context, tenant troth.Tenant) error {
	g.rekeys.Add(1)
	var after Cursor
	for {
		rows, err := g.r.store.EntriesOf(ctx, tenant, after, keyPage)
		if err != nil {
			return fmt.Errorf("unsubscribe: read entries: %w", err)
		}
		if len(rows) == 0 {
			break
		}
		keys := make([]Key, 0, len(rows))
		for i := range rows {
			keys = append(keys, rows[i].Key)
		}
		slices.SortFunc(keys, func(a, b Key) int { return slices.Compare(a[:], b[:]) })
		if err := g.refresh(ctx, tenant, slices.Compact(keys)); err != nil {
			return err
		}
		after = rows[len(rows)-1].Cursor()
	}
	return nil
}

// settle forgets what was pending before a look, where the index has it now, or has
// what came after it.
func (g *Gate) settle(ctx context.Context, waiting []*pending, changed map[Key]bool) error {
	for _, p := range g.pendings.all() { // also what is pending only since
		p.told = p.told || changed[p.row.Key]
	}
	var done []*pending
	for _, p := range waiting {
		switch {
		case p.committed, g.has(p), p.scope.State() == troth.ScopeRolledBack, g.mono()-p.noted > pendingLife:
			done = append(done, p)
		case p.told:
			_, found, err := g.r.store.Event(ctx, p.row.Tenant, p.row.Event)
			if err != nil {
				return fmt.Errorf("unsubscribe: read event: %w", err)
			}
			// It may have committed after the feed was read.
			p.committed = found
		}
	}
	if len(done) > 0 {
		g.pendings.remove(done)
	}
	return nil
}

// has reports whether the index blocks all that the pending row does.
func (g *Gate) has(p *pending) bool {
	for _, k := range p.row.keys() {
		live := byte(0)
		found := g.index.Get((*index.Key)(&k))
		for i := range found.Len() {
			m := found.At(i)
			if m.registry == p.m.registry && m.channel == p.m.channel && m.list == p.m.list {
				live |= m.live
			}
		}
		if live&p.m.live != p.m.live {
			return false
		}
	}
	return true
}
