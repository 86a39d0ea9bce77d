package consent

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// feed follows what all processes record. Caches may be used for as long as the
// feed was read recently enough; the bound on its age is the longest time for
// which this process may go on allowing what another one recorded a no to.
type feed struct {
	// looking holds a token while somebody looks, so that others need not; who
	// waits for it can give up.
	looking  chan struct{}
	position atomic.Int64
	// asOf is when the last look that succeeded began, on the monotonic clock:
	// everything committed before it has been seen.
	asOf atomic.Int64
	// freshUntil is asOf plus half the bound: until then nobody need look.
	freshUntil atomic.Int64
}

func newFeed() feed { return feed{looking: make(chan struct{}, 1)} }

// reset makes the feed too old.
func (f *feed) reset(bound time.Duration) {
	f.position.Store(-1)
	f.asOf.Store(-int64(bound) - 1)
	f.freshUntil.Store(-1)
}

// checkFeed makes sure that the feed is young enough, by looking if need be. It
// is called outside of transactions, where caches are used.
func (l *Ledger) checkFeed(ctx context.Context) error { return l.checkFeedAt(ctx, l.mono()) }

// checkFeedAt is checkFeed for who has just asked the clock.
func (l *Ledger) checkFeedAt(ctx context.Context, now int64) error {
	if now <= l.feed.freshUntil.Load() {
		return nil
	}
	bound := int64(l.opt.feedAge)
	if now-l.feed.asOf.Load() <= bound {
		// Young enough to go on. One caller looks, the others do not wait.
		select {
		case l.feed.looking <- struct{}{}:
			defer l.feed.stopLooking()
			if err := l.look(ctx); err != nil {
				if ctx.Err() != nil || l.mono()-l.feed.asOf.Load() > bound {
					return err // it took so long that the look before is too old now
				}
				l.log.Warn("consent: feed not read, going on within its bound", zap.Error(err))
			}
		default:
		}
		return nil
	}
	if err := l.feed.startLooking(ctx); err != nil {
		return err
	}
	defer l.feed.stopLooking()
	if l.mono()-l.feed.asOf.Load() <= bound {
		return nil
	}
	return l.look(ctx)
}

func (f *feed) startLooking(ctx context.Context) error {
	select {
	case f.looking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *feed) stopLooking() { <-f.looking }

// look reads the feed and evicts what changed. It holds the token.
func (l *Ledger) look(ctx context.Context) error {
	began := l.mono()
	found, err := l.store.Follow(ctx, l.feed.position.Load())
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: %w", ErrStale, err)
	}
	l.apply(found)
	l.feed.position.Store(found.Head) // after a gap it may be lower, as after a restore
	l.feed.asOf.Store(began)
	l.feed.freshUntil.Store(began + int64(l.opt.feedAge)/2)
	if l.mono()-began > int64(l.opt.feedAge) {
		return fmt.Errorf("%w: reading it took longer than its bound", ErrStale)
	}
	return nil
}

func (l *Ledger) apply(found Followed) {
	if found.Gap {
		l.cache.evictAll()
		l.tenants.evictAll()
		return
	}
	for _, e := range found.Events {
		if e.SubjectID == "" {
			l.tenants.evict(e.Tenant)
		} else {
			l.cache.evict(troth.Subject{Tenant: e.Tenant, ID: e.SubjectID})
		}
	}
}

// raise tells the other processes that something changed.
func (l *Ledger) raise(ctx context.Context, tenant troth.Tenant, subjectID string) error {
	e := FeedEvent{Tenant: tenant, SubjectID: subjectID, At: l.micros()}
	if err := l.store.Raise(ctx, e); err != nil {
		return fmt.Errorf("consent: raise: %w", err)
	}
	return nil
}
