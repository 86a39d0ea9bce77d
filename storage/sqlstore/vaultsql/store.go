package vaultsql

import (
	"context"
	"embed"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/feed"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// ErrSnapshot says that the host's transaction reads an older snapshot, in
// which rows that matter here may be missing. Begin it as read committed.
var ErrSnapshot = errors.New("vaultsql: transaction reads an old snapshot")

// Store is a vault.Backend on a SQL handle. It is safe for concurrent use.
type Store struct {
	db    *statement.DB
	fence *feed.Feed
	q     *queries
	j     *journalQueries
}

var _ vault.Backend = (*Store)(nil)

//go:embed migrations/*.sql
var migrations embed.FS

// New brings the vault's tables up to date and returns the store on them.
func New(ctx context.Context, h *sqlstore.Handle) (*Store, error) {
	db, err := statement.Open(ctx, h, statement.Store{Name: "vaultsql", Migrations: migrations, Snapshot: ErrSnapshot})
	if err != nil {
		return nil, err
	}
	return &Store{db: db, fence: feed.New(db, fenceTable), q: newQueries(h.Dialect()), j: newJournalQueries(h.Dialect())}, nil
}

// Transactor implements vault.Store.
func (s *Store) Transactor() troth.Transactor { return s.db.Handle }

// blob is b as an argument: NULL if it is empty.
func blob(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}
