package vaultsql

import (
	"context"
	"errors"
	"fmt"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// Whoever writes to the database past the vault must not decide how much of it
// is loaded. No vault writes more than this.
const (
	maxGenerations = vault.MaxGenerations
	maxSealed      = 4096    // bytes; the queries cut one after it
	maxEpochs      = 10_000  // a new one each day for 27 years
	maxTombstones  = 100_000 // of one person
)

// What the errors say is all: a stored value is not quoted, whatever it is.
var (
	errRecord      = fmt.Errorf("vaultsql: stored key or root has values out of range: %w", vault.ErrKeyRecord)
	errGenerations = fmt.Errorf("vaultsql: more than %d generations of a key: %w", maxGenerations, vault.ErrKeyRecord)
	errTooMany     = fmt.Errorf("vaultsql: more rows than any vault writes: %w", vault.ErrKeyRecord)
	errWindow      = errors.New("vaultsql: stored window has values out of range")
	errAlive       = errors.New("vaultsql: shred: the database did not keep what was written, look for triggers")
)

// limited reads the rows of a query whose last argument is their limit, and
// refuses more than most.
func limited[T any](
	ctx context.Context, s *Store, scan func(*sqlstore.Rows) (T, error), most int, text string, args ...any,
) ([]T, error) {
	rows, err := statement.Query(ctx, s.db, scan, text, append(args, most+1)...)
	if err == nil && len(rows) > most {
		return nil, errTooMany
	}
	return rows, err
}

// number is a yes or no as it is stored.
func number(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// allDead reads back what a shredding left: a trigger, or a rule, may have kept
// it from happening, or undone it, without an error.
func (s *Store) allDead(ctx context.Context, text string, args ...any) error {
	var rows, alive int64
	_, err := sqlstore.QueryRow(ctx, s.db.Querier(ctx), text, args, &rows, &alive)
	if err == nil && (rows == 0 || alive > 0) {
		err = errAlive
	}
	return err
}
