package unsubscribesql

import (
	"context"
	"embed"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/feed"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/unsubscribe"
)

// ErrSnapshot says that the host's transaction reads an older snapshot, in which
// rows that matter here may be missing. Begin it as read committed.
var ErrSnapshot = errors.New("unsubscribesql: transaction reads an old snapshot")

// Store is an unsubscribe.Backend on a SQL handle. It is safe for concurrent use.
type Store struct {
	db   *statement.DB
	feed *feed.Feed
	q    *queries
}

var _ unsubscribe.Backend = (*Store)(nil)

//go:embed migrations/*.sql
var migrations embed.FS

// New brings the registry's tables up to date and returns the store on them.
func New(ctx context.Context, h *sqlstore.Handle) (*Store, error) {
	db, err := statement.Open(ctx, h, statement.Store{Name: "unsubscribesql", Migrations: migrations, Snapshot: ErrSnapshot})
	if err != nil {
		return nil, err
	}
	return &Store{db: db, feed: feed.New(db, feedTable), q: newQueries(h.Dialect())}, nil
}

// Transactor implements unsubscribe.Store.
func (s *Store) Transactor() troth.Transactor { return s.db.Handle }

// blob is b as an argument: NULL if it is nil.
func blob(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// fill copies a stored key; false if it is none.
func fill(to *unsubscribe.Key, from []byte) bool {
	return len(from) == len(to) && copy(to[:], from) == len(to)
}

// Managed implements unsubscribe.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	if s.db.Postgres() {
		if err := s.db.Current(ctx); err != nil {
			return false, err
		}
	}
	var value int64
	return sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.managed, nil, &value)
}

// SetManaged implements unsubscribe.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error {
	_, err := s.db.Exec(ctx, s.q.setManaged)
	return err
}
