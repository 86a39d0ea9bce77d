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
	if !s.postgres() {
		if scope := s.h.Scope(ctx); scope != nil && scope.Current() {
			return true, nil // there is one writer, and it is this one
		}
		return s.h.Idle(s.h.Detach(ctx))
	}
	ctx = s.h.Detach(ctx) // the lock must not stay
	var free bool
	_, err := sqlstore.QueryRow(ctx, s.h.Querier(ctx), s.q.holds, []any{lockKey(name)}, &free)
	return free, err
}

// hold makes Settled false for the name until the transaction ends. It is
// called while the rows are locked, so that only Settled can be in its way, for
// a moment.
func (s *Store) hold(ctx context.Context, name vault.KeyName) error {
	if !s.postgres() {
		return nil
	}
	_, err := s.h.Querier(ctx).Exec(ctx, s.q.hold, lockKey(name))
	return err
}

// lockable refuses transactions that could overlook a row which is committed
// but not in their snapshot. SQLite lets nobody write on an old snapshot.
func (s *Store) lockable(ctx context.Context) error {
	if !s.postgres() {
		return nil
	}
	return s.current(ctx)
}

// fenceLock is the key of the advisory lock under which the fence is numbered.
const fenceLock = 0x74726f7468_66_6e // "troth" and "fn" in ASCII

// lockKey is the key of the advisory lock of a person, or of a tenant where the
// name has no person. Two names that share one only wait for each other.
// Identifiers hold no control characters, so the separator is unambiguous.
func lockKey(name vault.KeyName) int64 {
	sum := sha256.Sum256([]byte("troth.vaultsql.lock/1\x00" + string(name.Tenant) + "\x00" + name.SubjectID))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}
