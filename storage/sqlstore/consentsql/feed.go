package consentsql

import (
	"context"
	"database/sql"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/feed"
)

// feedTable is where the feed is.
var feedTable = feed.Table{
	Name: "troth_consent_feed", Columns: []string{"tenant", "subject", "raised_at"}, At: "raised_at",
	Values: `substr(e.tenant, 1, 1025), substr(e.subject, 1, 1025), e.raised_at`,
	Lock:   0x74726f7468_63_6e, // "troth" and "cn" in ASCII
}

// Raise implements consent.Store.
func (s *Store) Raise(ctx context.Context, e consent.FeedEvent) error {
	return s.feed.Raise(ctx, string(e.Tenant), e.SubjectID, e.At)
}

// Follow implements consent.SystemStore. Inside a transaction that reads an old
// snapshot it returns [ErrSnapshot]. More than 10,000 events at once are a gap.
func (s *Store) Follow(ctx context.Context, after int64) (consent.Followed, error) {
	told, err := feed.Follow(ctx, s.feed, after, scanSighted)
	return consent.Followed(told), err
}

func scanSighted(rows *sqlstore.Rows) (r feed.Row[consent.FeedEvent], err error) {
	var tenant, subject sql.NullString
	var at sql.NullInt64
	err = rows.Scan(&r.Head, &r.Position, &tenant, &subject, &at)
	r.There = tenant.Valid
	r.Event = consent.FeedEvent{
		Tenant: troth.Tenant(tenant.String), SubjectID: subject.String, Position: r.Position.Int64, At: at.Int64,
	}
	return r, err
}

// PruneFeed implements consent.SystemStore.
func (s *Store) PruneFeed(ctx context.Context, at int64) error { return s.feed.Prune(ctx, at) }
