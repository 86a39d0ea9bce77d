package consentsql

import (
	"context"
	"embed"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/feed"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

// ErrSnapshot says that the host's transaction reads an older snapshot, in which
// rows that matter here may be missing. Begin it as read committed.
var ErrSnapshot = errors.New("consentsql: transaction reads an old snapshot")

// Store is a consent.Backend on a SQL handle. It is safe for concurrent use.
type Store struct {
	db   *statement.DB
	feed *feed.Feed
	q    *queries
}

var _ consent.Backend = (*Store)(nil)

//go:embed migrations/*.sql
var migrations embed.FS

// New brings the ledger's tables up to date and returns the store on them.
func New(ctx context.Context, h *sqlstore.Handle) (*Store, error) {
	db, err := statement.Open(ctx, h, statement.Store{Name: "consentsql", Migrations: migrations, Snapshot: ErrSnapshot})
	if err != nil {
		return nil, err
	}
	return &Store{db: db, feed: feed.New(db, feedTable), q: newQueries(h.Dialect())}, nil
}

// Transactor implements consent.Store.
func (s *Store) Transactor() troth.Transactor { return s.db.Handle }

// run runs statements in one transaction.
func (s *Store) run(ctx context.Context, args []any, texts ...string) error {
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		for _, text := range texts {
			if _, err := s.db.Exec(ctx, text, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

var errNobody = errors.New("consentsql: the person has no row")

// blob is b as an argument: NULL if it is nil.
func blob(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// bytesOf is b as an argument that is never NULL.
func bytesOf(b []byte) any {
	if b == nil {
		return []byte{}
	}
	return b
}

// Whoever writes to the database past the ledger must not decide how much of it is
// loaded: queries cut what is too long one byte after the limit, and it is refused.
const (
	maxSealed = 64 << 10
	maxState  = 8 << 10
	maxText   = consent.MaxNotice
)

// within refuses what no ledger wrote.
func within(limit int, values ...[]byte) error {
	for _, v := range values {
		if len(v) > limit {
			return consent.ErrRecord
		}
	}
	return nil
}

// Managed implements consent.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	if err := s.db.Lockable(ctx); err != nil {
		return false, err
	}
	var value int64
	return sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.managed, nil, &value)
}

// SetManaged implements consent.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error {
	_, err := s.db.Exec(ctx, s.q.setManaged)
	return err
}
