package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/trothdev/troth"
)

var (
	// ErrClosed says that the handle was closed.
	ErrClosed = errors.New("sqlstore: handle is closed")
	// ErrControl says that a statement tried to begin or end a transaction or
	// a savepoint, which is the handle's business, or that there was more than
	// one statement in a text, so that a later one could have.
	ErrControl = errors.New("sqlstore: statement controls the transaction")

	errOuter = fmt.Errorf("sqlstore: context from outside of an open savepoint: %w, %w", troth.ErrTxConcurrent, troth.ErrBusy)
	errLeft  = fmt.Errorf("sqlstore: closure ended with a statement or a savepoint still open: %w", troth.ErrTxConcurrent)
	// errPanicked marks the work of a closure that did not return.
	errPanicked = errors.New("sqlstore: closure did not return")
)

// BatchError says that the transaction which the call shared with others on
// SQLite came to nothing, whoever was the cause. Unless Unknown is set nothing
// was written and the call may be repeated.
type BatchError struct {
	// Unknown is set where the commit itself failed in a way that leaves open
	// whether a crash now would bring the work back.
	Unknown bool
	// Err is what the database reported.
	Err error
}

// Error says what happened to the batch.
func (e *BatchError) Error() string {
	if e.Unknown {
		return fmt.Sprintf("sqlstore: outcome of the commit is unknown: %v", e.Err)
	}
	return fmt.Sprintf("sqlstore: batch was rolled back: %v", e.Err)
}

// Unwrap returns what the database reported.
func (e *BatchError) Unwrap() error { return e.Err }

// Retryable reports whether nothing was written.
func (e *BatchError) Retryable() bool { return !e.Unknown }

// SettingError says that a database or a connection is not set up as the
// guarantees of this package need it.
type SettingError struct{ Setting, Want, Got string }

// Error names the setting, what it must be and what it is.
func (e *SettingError) Error() string {
	return fmt.Sprintf("sqlstore: setting %s must be %s, is %s", e.Setting, e.Want, e.Got)
}

// lost says that a whole transaction is gone.
func lost(cause error) error {
	return fmt.Errorf("sqlstore: transaction was rolled back: %w: %w", troth.ErrTxDone, cause)
}

// wrap adds the verb to what a driver reported, and troth's sentinel where the
// report means one of them. Cancellation stays what it is.
func wrap(verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("sqlstore: %s: %w", verb, err)
	case errors.Is(err, sql.ErrTxDone), errors.Is(err, sql.ErrConnDone):
		return fmt.Errorf("sqlstore: %s: %w: %w", verb, troth.ErrTxDone, err)
	case isBusy(err) && !errors.Is(err, troth.ErrBusy):
		return fmt.Errorf("sqlstore: %s: %w: %w", verb, troth.ErrBusy, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", verb, err)
}

// isBusy judges by what drivers have in common: a method that gives the code
// of the database, and failing that SQLite's own words.
func isBusy(err error) bool {
	if code := sqlState(err); code != "" {
		switch code {
		case "55P03", // lock not available
			"40P01", // deadlock detected
			"40001", // serialization failure, to be tried again
			"53300": // too many connections
			return true
		}
		return false
	}
	switch sqliteCode(err) {
	case sqliteBusy, sqliteLocked:
		return true
	}
	text := err.Error()
	return strings.Contains(text, "database is locked") || strings.Contains(text, "database table is locked")
}

// sqlState returns PostgreSQL's code of err, "" if it has none.
func sqlState(err error) string {
	e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	if !ok {
		return ""
	}
	return e.SQLState()
}

// refusesCommit reports whether PostgreSQL answered a COMMIT with a refusal that
// undid everything: a deferred constraint, or a conflict. Of other errors, such
// as the end of the connection, nobody knows on which side of the commit they
// came.
func refusesCommit(err error) bool {
	const completionUnknown = "40003"
	code := sqlState(err)
	return (strings.HasPrefix(code, "23") || strings.HasPrefix(code, "40")) && code != completionUnknown
}

// Primary result codes of SQLite, https://www.sqlite.org/rescode.html.
const (
	sqliteBusy       = 5
	sqliteLocked     = 6
	sqliteFull       = 13
	sqliteConstraint = 19
)

// sqliteCode returns the primary result code of err, 0 if it has none.
func sqliteCode(err error) int {
	e, ok := errors.AsType[interface {
		error
		Code() int
	}](err)
	if ok {
		return e.Code() & 0xff
	}
	return fieldCode(err) & 0xff
}

// fieldCode returns the code of an error of the drivers around SQLite in C, which have
// it in a field: Code, beside ExtendedCode. 0 if there is none.
func fieldCode(err error) int {
	switch v := reflect.Indirect(reflect.ValueOf(err)); {
	case v.Kind() != reflect.Struct:
	case !v.FieldByName("ExtendedCode").CanInt():
	default:
		if code := v.FieldByName("Code"); code.CanInt() {
			return int(code.Int())
		}
	}
	switch e := err.(type) { //nolint:errorlint // it walks the tree by itself: there is no type to look for
	case interface{ Unwrap() error }:
		return fieldCode(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			if code := fieldCode(err); code != 0 {
				return code
			}
		}
	}
	return 0
}
