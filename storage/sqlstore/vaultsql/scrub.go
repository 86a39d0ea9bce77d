package vaultsql

import (
	"context"

	"github.com/trothdev/troth/vault"
)

var _ vault.Scrubber = (*Store)(nil)

// Scrub implements vault.Scrubber: on SQLite it empties the write-ahead log,
// where old pages stay otherwise until it is started anew. On PostgreSQL it does
// nothing: VACUUM is the operator's.
func (s *Store) Scrub(ctx context.Context) error {
	if s.db.Postgres() {
		return nil
	}
	return s.db.Checkpoint(ctx)
}
