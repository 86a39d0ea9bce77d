package vaultsql

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/vault"
)

// Settled implements vault.Store. On SQLite everything is decided when nobody
// writes. On PostgreSQL who shreds holds an advisory lock until their
// transaction ends, and it is tried: a row would not do, because one that the
// transaction inserted is not there for others.
func (s *Store) Settled(ctx context.Context, name vault.KeyName) (bool, error) {
	if !s.db.Postgres() {
		if scope := s.db.Scope(ctx); scope != nil && scope.Current() {
			return true, nil // there is one writer, and it is this one
		}
		return s.db.Idle(s.db.Detach(ctx))
	}
	ctx = s.db.Detach(ctx) // the lock must not stay
	var free bool
	_, err := sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.holds, []any{lockKey(name)}, &free)
	return free, err
}

// hold makes Settled false for the name until the transaction ends. It is
// called while the rows are locked, so that only Settled can be in its way, for
// a moment.
func (s *Store) hold(ctx context.Context, name vault.KeyName) error {
	if !s.db.Postgres() {
		return nil
	}
	_, err := s.db.Querier(ctx).Exec(ctx, s.q.hold, lockKey(name))
	return err
}

// lockKey is the key of the advisory lock of a person, or of a tenant where the
// name has no person. Two names that share one only wait for each other.
// Identifiers hold no control characters, so the separator is unambiguous.
func lockKey(name vault.KeyName) int64 {
	sum := sha256.Sum256([]byte("troth.vaultsql.lock/1\x00" + string(name.Tenant) + "\x00" + name.SubjectID))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
