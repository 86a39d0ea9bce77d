package unsubscribesql

import (
	"context"
	"database/sql"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/feed"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/unsubscribe"
)

// feedTable is where the feed is.
var feedTable = feed.Table{
	Name: "troth_unsubscribe_feed", Columns: []string{"tenant", "addr_key", "raised_at"}, At: "raised_at",
	Lock: 0x74726f7468_75_6e, // "troth" and "un" in ASCII
}

// Raise implements unsubscribe.Store.
func (s *Store) Raise(ctx context.Context, e unsubscribe.FeedEvent) error {
	return s.feed.Raise(ctx, string(e.Tenant), e.Key[:], e.At)
}

// Follow implements unsubscribe.SystemStore. Inside a transaction that reads an old
// snapshot it returns [ErrSnapshot].
func (s *Store) Follow(ctx context.Context, after int64, limit int) (unsubscribe.Followed, error) {
	if err := s.db.Current(ctx); err != nil {
		return unsubscribe.Followed{}, err
	}
	if s.db.Postgres() && s.db.Scope(ctx) == nil {
		var waits int
		waiting, err := sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.waiting, nil, &waits)
		if err != nil {
			return unsubscribe.Followed{}, err
		}
		if waiting {
			if err := s.feed.Number(ctx); err != nil {
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
		from, most = feed.MaxPosition, 0
	}
	args := []any{from, most}
	if s.db.Postgres() {
		args = append(args, most)
	}
	rows, err := statement.Query(ctx, s.db, scanSighted, s.q.follow, args...)
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

// PruneFeed implements unsubscribe.SystemStore.
func (s *Store) PruneFeed(ctx context.Context, at int64) error { return s.feed.Prune(ctx, at) }
