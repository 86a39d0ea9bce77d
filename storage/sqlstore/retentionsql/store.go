package retentionsql

import (
	"context"
	"embed"
	"errors"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

// ErrSnapshot says that the host's transaction reads an older snapshot, in which holds
// and records may be missing. Begin it as read committed.
var ErrSnapshot = errors.New("retentionsql: transaction reads an old snapshot")

// maxMAC is the longest MAC that any keeper writes.
const maxMAC = 32

// Store is a retention.Backend on a SQL handle. It is safe for concurrent use.
type Store struct {
	db *statement.DB
	q  *queries
}

var _ retention.Backend = (*Store)(nil)

//go:embed migrations/*.sql
var migrations embed.FS

// New brings the keeper's tables up to date and returns the store on them.
func New(ctx context.Context, h *sqlstore.Handle) (*Store, error) {
	db, err := statement.Open(ctx, h, statement.Store{Name: "retentionsql", Migrations: migrations, Snapshot: ErrSnapshot})
	if err != nil {
		return nil, err
	}
	return &Store{db: db, q: newQueries(h.Dialect())}, nil
}

// Transactor implements retention.Store.
func (s *Store) Transactor() troth.Transactor { return s.db.Handle }

// LockTenant implements retention.Store. On SQLite the writer is alone; it is the
// statement that makes the transaction one that writes, before anything is read. Whoever
// locks a tenant for the first time makes its row, and is alone with it.
func (s *Store) LockTenant(ctx context.Context, tenant troth.Tenant, alone bool) error {
	if err := s.db.Locking(ctx); err != nil {
		return err
	}
	if !s.db.Postgres() {
		_, err := s.db.Exec(ctx, s.q.insertGate, string(tenant))
		return err
	}
	lock := s.q.lockShared
	if alone {
		lock = s.q.lockAlone
	}
	for range 2 {
		_, found, err := statement.One(ctx, s.db, scanText, lock, string(tenant))
		if err != nil || found {
			return err
		}
		if _, err := s.db.Exec(ctx, s.q.insertGate, string(tenant)); err != nil {
			return err
		}
	}
	return s.db.ErrLost
}

func scanText(rows *sqlstore.Rows) (t string, err error) {
	err = rows.Scan(&t)
	return t, err
}

func scanNumber(rows *sqlstore.Rows) (n int64, err error) {
	err = rows.Scan(&n)
	return n, err
}
