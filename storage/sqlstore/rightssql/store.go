package rightssql

import (
	"context"
	"embed"
	"errors"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

// ErrSnapshot says that the host's transaction reads an older snapshot, in which what
// happened to a request may be missing. Begin it as read committed.
var ErrSnapshot = errors.New("rightssql: transaction reads an old snapshot")

// Store is a rights.Backend on a SQL handle. It is safe for concurrent use.
type Store struct {
	db *statement.DB
	q  *queries
}

var _ rights.Backend = (*Store)(nil)

//go:embed migrations/*.sql
var migrations embed.FS

// New brings the desk's tables up to date and returns the store on them.
func New(ctx context.Context, h *sqlstore.Handle) (*Store, error) {
	db, err := statement.Open(ctx, h, statement.Store{Name: "rightssql", Migrations: migrations, Snapshot: ErrSnapshot})
	if err != nil {
		return nil, err
	}
	return &Store{db: db, q: newQueries(h.Dialect())}, nil
}

// Transactor implements rights.Store.
func (s *Store) Transactor() troth.Transactor { return s.db.Handle }

// many writes rows with as few statements as there are texts for, which are by how many rows
// they write, and returns how many were changed: all of it in one transaction.
func many[T any](ctx context.Context, s *Store, texts []string, rows []T, add func(args []any, row *T) []any) (changed int, err error) {
	if len(rows) > len(texts) {
		err = s.db.Atomically(ctx, func(ctx context.Context) error {
			changed = 0
			for some := range slices.Chunk(rows, len(texts)) {
				n, err := many(ctx, s, texts, some, add)
				if err != nil {
					return err
				}
				changed += n
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
		return changed, nil
	}
	if len(rows) == 0 {
		return 0, ctx.Err()
	}
	args := make([]any, 0, 8*len(rows))
	for i := range rows {
		args = add(args, &rows[i])
	}
	return s.db.Exec(ctx, texts[len(rows)-1], args...)
}

func scanNumber(rows *sqlstore.Rows) (n int64, err error) {
	err = rows.Scan(&n)
	return n, err
}
