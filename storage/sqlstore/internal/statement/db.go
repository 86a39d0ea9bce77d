// Package statement opens the stores that have tables of their own in a handle's
// database, and runs their statements.
package statement

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"

	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/brief"
)

// Store says whose statements they are.
type Store struct {
	// Name is that of the package, such as consentsql, with which its errors begin.
	// What is before "sql" is the namespace of its migrations.
	Name string
	// Migrations have a folder of that name.
	Migrations fs.FS
	// Snapshot is the package's error for transactions that read an old snapshot.
	Snapshot error
}

// DB is a handle on a database in which a store's tables are. It is safe for
// concurrent use.
type DB struct {
	*sqlstore.Handle
	// ErrLost says that a statement changed no row which was to change one.
	ErrLost error

	errNoTransaction, errSnapshot error
}

// Open brings the store's tables up to date.
func Open(ctx context.Context, h *sqlstore.Handle, s Store) (*DB, error) {
	if h == nil {
		return nil, errors.New(s.Name + ": new: no handle")
	}
	files, err := fs.Sub(s.Migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("%s: new: %w", s.Name, err)
	}
	err = h.Migrate(ctx, sqlstore.Migrations{Namespace: strings.TrimSuffix(s.Name, "sql"), FS: files})
	if err != nil {
		return nil, err
	}
	return &DB{
		Handle:           h,
		ErrLost:          errors.New(s.Name + ": the database did not keep what was written, or has no such row: look for triggers"),
		errNoTransaction: errors.New(s.Name + ": not in a transaction"),
		errSnapshot:      s.Snapshot,
	}, nil
}

// Postgres says that the database is not SQLite.
func (db *DB) Postgres() bool { return db.Dialect() == sqlstore.Postgres }

// Current demands a transaction, if there is one, whose reads see every commit made
// before them.
func (db *DB) Current(ctx context.Context) error {
	if scope := db.Scope(ctx); scope != nil && !scope.Current() {
		return db.errSnapshot
	}
	return nil
}

// Lockable refuses transactions that could overlook a row which is committed but not
// in their snapshot. SQLite lets nobody write on an old snapshot.
func (db *DB) Lockable(ctx context.Context) error {
	if !db.Postgres() {
		return nil
	}
	return db.Current(ctx)
}

// Locking demands a transaction, and one that is lockable.
func (db *DB) Locking(ctx context.Context) error {
	if db.Scope(ctx) == nil {
		return cmp.Or(ctx.Err(), db.errNoTransaction)
	}
	return db.Lockable(ctx)
}

// Exec runs a statement and returns how many rows it changed.
func (db *DB) Exec(ctx context.Context, text string, args ...any) (int, error) {
	res, err := db.Querier(ctx).Exec(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return int(n), err
}

// Affects runs a statement and reports whether it changed a row.
func (db *DB) Affects(ctx context.Context, text string, args ...any) (bool, error) {
	n, err := db.Exec(ctx, text, args...)
	return n > 0 && err == nil, err
}

// Must runs a statement that is to change a row: one that does not was kept from it by
// a trigger or a rule, or there is no such row.
func (db *DB) Must(ctx context.Context, text string, args ...any) error {
	changed, err := db.Affects(ctx, text, args...)
	if err == nil && !changed {
		err = db.ErrLost
	}
	return err
}

// Query reads all rows of a query.
func Query[T any](ctx context.Context, db *DB, scan func(*sqlstore.Rows) (T, error), text string, args ...any) ([]T, error) {
	rows, err := db.Querier(ctx).Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var found []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			// Rows that ended under the scan tell the better reason.
			return nil, cmp.Or(rows.Close(), err)
		}
		found = append(found, v)
	}
	return found, rows.Err()
}

// One reads the first row of a query that finds few.
func One[T any](ctx context.Context, db *DB, scan func(*sqlstore.Rows) (T, error), text string, args ...any) (v T, found bool, err error) {
	rows, err := Query(brief.Mark(ctx), db, scan, text, args...)
	if err != nil || len(rows) == 0 {
		return v, false, err
	}
	return rows[0], true, nil
}

// Small converts a stored number; false if it does not fit.
func Small(from int64, to *uint32) bool {
	*to = uint32(from)
	return from >= 0 && from <= math.MaxUint32
}

// Fill copies a stored value of a fixed size; false if it has another.
func Fill(to, from []byte) bool { return len(from) == copy(to, from) && len(from) == len(to) }
