package consentsql

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/sqlstore"
)

// Raise implements consent.Store.
func (s *Store) Raise(ctx context.Context, e consent.FeedEvent) error {
	event := []any{string(e.Tenant), e.SubjectID, e.At}
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

// No ledger numbers above maxPosition, and recording for as long as the world
// lasts does not come near it. Rows above it, or below 1, are not the feed's,
// whoever wrote them: nothing counts them.
const (
	// maxEvents is how many events of the feed are looked at one by one.
	maxEvents   = 10_000
	maxPosition = 1 << 62
	// lastPosition is the highest that leaves room to number what is waiting.
	lastPosition = maxPosition - 1<<32
)

// newEra makes room where somebody has forged a high position: it empties the
// feed of what has a position, and returns a head from which to count on. It
// is drawn at random, so that nobody who followed stands there: all others find
// a gap and forget everything, which covers what was removed.
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

// Follow implements consent.SystemStore. Inside a transaction that reads an old
// snapshot it returns [ErrSnapshot]. More than 10,000 events at once are a gap.
func (s *Store) Follow(ctx context.Context, after int64) (consent.Followed, error) {
	if err := s.current(ctx); err != nil {
		return consent.Followed{}, err
	}
	f, unnumbered, err := s.follow(ctx, after)
	if err != nil || unnumbered == 0 || s.h.Scope(ctx) != nil {
		return f, err
	}
	if err := s.number(ctx); err != nil {
		return consent.Followed{}, err
	}
	f, _, err = s.follow(ctx, after)
	return f, err
}

// sighted is one row of a look at the feed: the head, and an event if there is
// one.
type sighted struct {
	head, position, at sql.NullInt64
	tenant, subject    sql.NullString
}

func scanSighted(rows *sqlstore.Rows) (r sighted, err error) {
	err = rows.Scan(&r.head, &r.position, &r.tenant, &r.subject, &r.at)
	return r, err
}

func (s *Store) follow(ctx context.Context, after int64) (f consent.Followed, unnumbered int64, err error) {
	from := after
	if after < 0 {
		from = maxPosition
	}
	rows, err := query(ctx, s, scanSighted, s.q.follow, from, maxEvents+1)
	if err != nil {
		return f, 0, err
	}
	if len(rows) > maxEvents {
		// Dropping everything is cheaper than looking at each. They may lack
		// positions, and would come again for ever if they got none.
		if s.postgres() && after >= 0 {
			unnumbered = 1
		}
		return consent.Followed{Head: rows[0].head.Int64, Gap: after >= 0}, unnumbered, nil
	}
	for _, r := range rows {
		f.Head = r.head.Int64
		if !r.tenant.Valid || after < 0 {
			continue
		}
		if !r.position.Valid {
			unnumbered++
		}
		f.Events = append(f.Events, consent.FeedEvent{
			Tenant: troth.Tenant(r.tenant.String), SubjectID: r.subject.String,
			Position: r.position.Int64, At: r.at.Int64,
		})
	}
	// Positions have no gaps but those that pruning left, wherever it was; and
	// one above the head is of another history.
	f.Gap = after >= 0 && int64(len(f.Events))-unnumbered != f.Head-after
	return f, unnumbered, nil
}

// number gives positions to the committed events that have none, unless
// somebody else is at it.
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

// PruneFeed implements consent.SystemStore. An event without a position stays:
// nobody could tell that it was ever there. What no ledger wrote goes.
func (s *Store) PruneFeed(ctx context.Context, at int64) error {
	_, err := s.h.Querier(ctx).Exec(ctx, s.q.prune, at)
	return err
}

// feedLock is the key of the advisory lock under which the feed is numbered.
const feedLock = 0x74726f7468_63_6e // "troth" and "cn" in ASCII
