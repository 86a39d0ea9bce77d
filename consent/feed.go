package consent

import (
	"context"
	"fmt"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/recent"
)

// feed follows what all processes record. Caches may be used for as long as the
// feed was read recently enough; the bound on its age is the longest time for
// which this process may go on allowing what another one recorded a no to.
type feed struct {
	recent.Reading
	position atomic.Int64
}

// checkFeed makes sure that the feed is young enough, by looking if need be. It
// is called outside of transactions, where caches are used.
func (l *Ledger) checkFeed(ctx context.Context) error { return l.checkFeedAt(ctx, l.mono()) }

// checkFeedAt is checkFeed for who has just asked the clock.
func (l *Ledger) checkFeedAt(ctx context.Context, now int64) error {
	if l.feed.Fresh(now) {
		return nil
	}
	usable := func() bool { return l.feed.Within(l.mono(), l.opt.feedAge) }
	if l.feed.Within(now, l.opt.feedAge) {
		return l.feed.Renew(ctx, l.look, usable, func(err error) {
			l.log.Warn("consent: feed not read, going on within its bound", zap.Error(err))
		})
	}
	return l.feed.Catch(ctx, l.look, usable)
}

// look reads the feed and evicts what changed. The caller has the turn.
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
	l.feed.Read(began, l.opt.feedAge)
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
