package vaultsql

import (
	"context"
	"database/sql"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/vault"
)

// RaiseFence implements vault.Store.
func (s *Store) RaiseFence(ctx context.Context, e vault.FenceEvent) error {
	_, err := s.h.Querier(ctx).Exec(ctx, s.q.raise, string(e.Tenant), e.SubjectID, string(e.Compartment), e.At)
	return err
}

// Follow implements vault.SystemStore. Inside a transaction that reads an old
// snapshot it returns [ErrSnapshot].
func (s *Store) Follow(ctx context.Context, after int64) (vault.Followed, error) {
	if err := s.current(ctx); err != nil {
		return vault.Followed{}, err
	}
	f, unnumbered, err := s.follow(ctx, after)
	if err != nil || unnumbered == 0 || s.h.Scope(ctx) != nil {
		return f, err
	}
	if err := s.number(ctx); err != nil {
		return vault.Followed{}, err
	}
	f, _, err = s.follow(ctx, after)
	return f, err
}

// sighted is one row of a look at the fence: the head, and an event if there is
// one.
type sighted struct {
	head, position, at           sql.NullInt64
	tenant, subject, compartment sql.NullString
}

func scanSighted(rows *sqlstore.Rows) (r sighted, err error) {
	err = rows.Scan(&r.head, &r.position, &r.tenant, &r.subject, &r.compartment, &r.at)
	return r, err
}

func (s *Store) follow(ctx context.Context, after int64) (f vault.Followed, unnumbered int64, err error) {
	from := after
	if after < 0 {
		from = maxPosition
	}
	rows, err := query(ctx, s, scanSighted, s.q.follow, from)
	if err != nil {
		return f, 0, err
	}
	for _, r := range rows {
		f.Head = r.head.Int64
		if !r.tenant.Valid || after < 0 {
			continue
		}
		if !r.position.Valid {
			unnumbered++
		}
		f.Events = append(f.Events, vault.FenceEvent{
			KeyName: vault.KeyName{
				Tenant: troth.Tenant(r.tenant.String), SubjectID: r.subject.String,
				Compartment: troth.Compartment(r.compartment.String),
			},
			Position: r.position.Int64, At: r.at.Int64,
		})
	}
	// Positions have no gaps but those that pruning left, wherever it was; and
	// one above the head is of another history.
	f.Gap = after >= 0 && int64(len(f.Events))-unnumbered != f.Head-after
	return f, unnumbered, nil
}

// maxPosition is above every position.
const maxPosition = 1<<63 - 1

// number gives positions to the committed events that have none, unless
// somebody else is at it.
func (s *Store) number(ctx context.Context) error {
	return s.h.Atomically(ctx, func(ctx context.Context) error {
		q := s.h.Querier(ctx)
		var gained bool
		_, err := sqlstore.QueryRow(ctx, q, s.q.numberLock, []any{int64(fenceLock)}, &gained)
		if err != nil || !gained {
			return err
		}
		// A statement of its own: its snapshot is younger than the lock, so it
		// sees what the last holder numbered.
		_, err = q.Exec(ctx, s.q.number)
		return err
	})
}

// PruneFence implements vault.SystemStore. An event without a position stays:
// nobody could tell that it was ever there.
func (s *Store) PruneFence(ctx context.Context, at int64) error {
	_, err := s.h.Querier(ctx).Exec(ctx, s.q.prune, at)
	return err
}
