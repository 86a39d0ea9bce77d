package auditsql

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/sqlstore"
)

// Names of the tables, as errors give them.
const (
	inboxTable      = "troth_audit_inbox"
	pseudonymTable  = "troth_audit_pseudonym"
	headTable       = "troth_audit_head"
	entryTable      = "troth_audit_entry"
	tileTable       = "troth_audit_tile"
	tenantTable     = "troth_audit_tenant"
	checkpointTable = "troth_audit_checkpoint"
	partTable       = "troth_audit_part"
)

// read runs a query and gives its rows to scan one by one. scan returns an
// error for a row that cannot be read; place says in words which one that is,
// after scan has seen it, for the *audit.RowError that becomes of it.
func (s *Store) read(ctx context.Context, q reading, scan func(rows *sqlstore.Rows) error) (err error) {
	rows, err := s.handle.Querier(ctx).Query(ctx, q.text, q.args...)
	if err != nil {
		return err
	}
	defer func() {
		if closed := rows.Close(); err == nil {
			err = closed
		}
	}()
	for rows.Next() {
		if err := scan(rows); err != nil {
			if ended := rows.Err(); ended != nil { // by its context, not by what is stored
				return ended
			}
			return &audit.RowError{Table: q.table, Place: q.place(), Err: err}
		}
	}
	return rows.Err()
}

// reading is one query and where it reads.
type reading struct {
	table string
	place func() string
	text  string
	args  []any
}

// at is a place that is known before the row.
func at(format string, args ...any) func() string {
	return func() string { return fmt.Sprintf(format, args...) }
}

// copyFixed copies a value that must have the length of dst.
func copyFixed(dst, src []byte) error {
	if len(src) != len(dst) {
		return errSize
	}
	copy(dst, src)
	return nil
}

// copyOptional is copyFixed for a value that may be NULL, which is zeros; so
// zeros must not be stored.
func copyOptional(dst, src []byte) error {
	if src == nil {
		clear(dst)
		return nil
	}
	if err := copyFixed(dst, src); err != nil {
		return err
	}
	if !slices.ContainsFunc(dst, func(b byte) bool { return b != 0 }) {
		return errZeros
	}
	return nil
}

// errZeros says that zeros are stored, which stand for nothing.
var errZeros = errors.New("auditsql: stored value is all zeros")

// errSize says that a stored value has not the length that it must have.
var errSize = errors.New("auditsql: stored value has the wrong length")

// errNegative says that a stored number is below zero.
var errNegative = errors.New("auditsql: stored number is negative")

// unsigned returns the numbers as they were before they were stored.
func unsigned(dst *uint64, src int64) error {
	if src < 0 {
		return errNegative
	}
	*dst = uint64(src)
	return nil
}

// idOrNil is nil for zeros.
func idOrNil[ID troth.EntryID | audit.Pseudonym](id ID) []byte {
	if id == (ID{}) {
		return nil
	}
	b := [16]byte(id)
	return b[:]
}

// orNull keeps a nil slice from being stored as an empty value.
func orNull(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}

// signed is a number as it is stored: one that no log reaches is as good as any
// other.
func signed(n uint64) int64 { return int64(min(n, math.MaxInt64)) }
