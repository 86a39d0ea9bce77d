package unsubscribesql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/unsubscribe"
)

// Raise implements unsubscribe.Store.
func (s *Store) Raise(ctx context.Context, e unsubscribe.FeedEvent) error {
	event := []any{string(e.Tenant), e.Key[:], e.At}
	raised, err := s.affects(ctx, s.q.raise, event...)
	if err == nil && !raised && !s.postgres() {
		err = s.h.Atomically(ctx, func(ctx context.Context) error {
			var head int64
			if head, err = s.newEra(ctx); err != nil {
				return err
			}
			raised, err = s.affects(ctx, s.q.raiseAt, append([]any{head + 1}, event...)...)
			return err
		})
	}
	if err == nil && !raised {
		err = errLost
	}
	return err
}

// No registry numbers above maxPosition, and recording for as long as the world
// lasts does not come near it. Rows above it, or below 1, are not the feed's,
// whoever wrote them: nothing counts them.
const (
	maxPosition = 1 << 62
	// lastPosition is the highest that leaves room to number what is waiting.
	lastPosition = maxPosition - 1<<32
)

// newEra makes room where somebody has forged a high position: it empties the feed
// of what has a position, and returns a head from which to count on. It is drawn at
// random, so that nobody who followed stands there: all others find a gap and read
// everything again, which covers what was removed.
func (s *Store) newEra(ctx context.Context) (head int64, err error) {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand documents
	head = 1<<60 + int64(binary.BigEndian.Uint64(b[:])>>4)
	q := s.h.Querier(ctx)
	if _, err = q.Exec(ctx, s.q.clear); err == nil && !s.postgres() {
		_, err = q.Exec(ctx, s.q.restart, head)
	}
	return head, err
}

// Follow implements unsubscribe.SystemStore. Inside a transaction that reads an old
// snapshot it returns [ErrSnapshot].
func (s *Store) Follow(ctx context.Context, after int64, limit int) (unsubscribe.Followed, error) {
	if err := s.current(ctx); err != nil {
		return unsubscribe.Followed{}, err
	}
	if s.postgres() && s.h.Scope(ctx) == nil {
		var waits int
		waiting, err := sqlstore.QueryRow(ctx, s.h.Querier(ctx), s.q.waiting, nil, &waits)
		if err != nil {
			return unsubscribe.Followed{}, err
		}
		if waiting {
			if err := s.number(ctx); err != nil {
				return unsubscribe.Followed{}, err
			}
		}
	}
	return s.follow(ctx, after, limit)
}

// sighted is one row of a look at the feed: the head, and an event if there is
// one.
type sighted struct {
	head, position, at sql.NullInt64
	tenant             sql.NullString
	key                []byte
}

func scanSighted(rows *sqlstore.Rows) (r sighted, err error) {
	err = rows.Scan(&r.head, &r.position, &r.tenant, &r.key, &r.at)
	return r, err
}

func (s *Store) follow(ctx context.Context, after int64, limit int) (f unsubscribe.Followed, err error) {
	from, most := after, limit+1
	if after < 0 {
		from, most = maxPosition, 0
	}
	args := []any{from, most}
	if s.postgres() {
		args = append(args, most)
	}
	rows, err := query(ctx, s, scanSighted, s.q.follow, args...)
	if err != nil {
		return f, err
	}
	var unnumbered []unsubscribe.FeedEvent
	for _, r := range rows {
		f.Head = r.head.Int64
		if !r.tenant.Valid {
			continue
		}
		e := unsubscribe.FeedEvent{Tenant: troth.Tenant(r.tenant.String), Position: r.position.Int64, At: r.at.Int64}
		if !fill(&e.Key, r.key) {
			return unsubscribe.Followed{}, unsubscribe.ErrRecord
		}
		if r.position.Valid {
			f.Events = append(f.Events, e)
		} else {
			unnumbered = append(unnumbered, e)
		}
	}
	if after < 0 {
		return f, nil
	}
	slices.SortFunc(f.Events, func(a, b unsubscribe.FeedEvent) int { return int(a.Position - b.Position) })
	// Positions have no gaps but those that pruning left, wherever it was; and one
	// above the head is of another history.
	f.Gap = after > f.Head || len(f.Events) == 0 && after < f.Head
	for i, e := range f.Events {
		f.Gap = f.Gap || e.Position != after+int64(i)+1
	}
	f.Events = append(f.Events, unnumbered...)
	if f.More = len(f.Events) > limit; f.More {
		f.Events = f.Events[:limit]
	}
	return f, nil
}

// number gives positions to the committed events that have none, unless somebody
// else is at it.
func (s *Store) number(ctx context.Context) error {
	return s.h.Atomically(ctx, func(ctx context.Context) error {
		q := s.h.Querier(ctx)
		var gained bool
		_, err := sqlstore.QueryRow(ctx, q, s.q.numberLock, []any{int64(feedLock)}, &gained)
		if err != nil || !gained {
			return err
		}
		// A statement of its own: its snapshot is younger than the lock, so it
		// sees what the last holder numbered.
		var head int64
		if _, err := sqlstore.QueryRow(ctx, q, s.q.head, nil, &head); err != nil {
			return err
		}
		if head >= lastPosition {
			if head, err = s.newEra(ctx); err != nil {
				return err
			}
		}
		_, err = q.Exec(ctx, s.q.number, head)
		return err
	})
}

// PruneFeed implements unsubscribe.SystemStore. An event without a position stays:
// nobody could tell that it was ever there. What no registry wrote goes.
func (s *Store) PruneFeed(ctx context.Context, at int64) error {
	_, err := s.exec(ctx, s.q.prune, at)
	return err
}

// feedLock is the key of the advisory lock under which the feed is numbered.
const feedLock = 0x74726f7468_75_6e // "troth" and "un" in ASCII
