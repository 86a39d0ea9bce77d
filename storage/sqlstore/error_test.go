package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
)

type stateError string

func (e stateError) Error() string    { return "state " + string(e) }
func (e stateError) SQLState() string { return string(e) }

type codeError int

func (e codeError) Error() string { return fmt.Sprint("code ", int(e)) }
func (e codeError) Code() int     { return int(e) }

// fieldError is made like the errors of drivers around SQLite in C.
type fieldError struct {
	Code         fieldNumber
	ExtendedCode fieldNumber
	SystemErrno  uintptr
}

type fieldNumber int

func (e fieldError) Error() string { return fmt.Sprint("field ", int(e.Code)) }

func TestSqliteCode_IsFoundWhereverDriversHaveIt(t *testing.T) {
	full := fieldError{Code: sqliteFull, ExtendedCode: sqliteFull}
	for _, c := range []struct {
		err  error
		want int
	}{
		{codeError(sqliteFull), sqliteFull},
		{codeError(sqliteConstraint | 8<<8), sqliteConstraint},
		{full, sqliteFull},
		{&full, sqliteFull},
		{fmt.Errorf("driver: %w", full), sqliteFull},
		{fmt.Errorf("%w: %w", errors.New("commit"), full), sqliteFull},
		{fieldError{Code: sqliteConstraint, ExtendedCode: sqliteConstraint | 8<<8}, sqliteConstraint},
		{errors.New("database or disk is full"), 0},
		{struct{ error }{errors.New("a struct")}, 0},
		{strange{Code: sqliteFull}, 0}, // of a host, perhaps
		{strange{Code: sqliteFull, ExtendedCode: "13"}, 0},
		{(*fieldError)(nil), 0},
		{nil, 0},
	} {
		require.Equal(t, c.want, sqliteCode(c.err), "%T %v", c.err, c.want)
	}
}

type strange struct {
	Code         int
	ExtendedCode string
}

func (strange) Error() string { return "strange" }

func TestWrap_Busy(t *testing.T) {
	for _, err := range []error{
		stateError("55P03"), stateError("40P01"), codeError(5), codeError(6),
		codeError(5 | 1<<8), // an extended code
		fmt.Errorf("driver: %w", codeError(5)),
		fieldError{Code: 5, ExtendedCode: 5 | 1<<8},
		fieldError{Code: 6, ExtendedCode: 6},
		errors.New("database is locked"), errors.New("database table is locked: a"),
	} {
		got := wrap("exec", err)
		require.ErrorIs(t, got, troth.ErrBusy, err)
		require.ErrorIs(t, got, err)
		require.True(t, troth.Retryable(got))
	}
	for _, err := range []error{stateError("23505"), codeError(19), codeError(13), errors.New("no such table: a")} {
		got := wrap("exec", err)
		require.NotErrorIs(t, got, troth.ErrBusy, err)
		require.ErrorIs(t, got, err)
	}
	require.NoError(t, wrap("exec", nil))
}

func TestWrap_EndedTransaction(t *testing.T) {
	require.ErrorIs(t, wrap("exec", sql.ErrTxDone), troth.ErrTxDone)
	require.ErrorIs(t, wrap("exec", sql.ErrConnDone), troth.ErrTxDone)
}

func TestWrap_CancellationStaysWhatItIs(t *testing.T) {
	got := wrap("exec", fmt.Errorf("%w: %w", context.Canceled, stateError("55P03")))
	require.ErrorIs(t, got, context.Canceled)
	require.NotErrorIs(t, got, troth.ErrBusy)
}

func TestBatchError(t *testing.T) {
	cause := codeError(13)
	known := fmt.Errorf("call: %w", &BatchError{Err: cause})
	require.ErrorIs(t, known, cause)
	require.True(t, troth.Retryable(known))
	require.False(t, troth.Retryable(&BatchError{Unknown: true, Err: cause}))
	require.NotEqual(t, (&BatchError{Err: cause}).Error(), (&BatchError{Unknown: true, Err: cause}).Error())
}

func TestOpen_Refuses(t *testing.T) {
	db := new(sql.DB)
	for name, open := range map[string]func() (*Handle, error){
		"no database":       func() (*Handle, error) { return Open(t.Context(), nil, SQLite) },
		"no dialect":        func() (*Handle, error) { return Open(t.Context(), db, 0) },
		"no waiting at all": func() (*Handle, error) { return Open(t.Context(), db, SQLite, WithWaitBound(0)) },
		"an empty batch":    func() (*Handle, error) { return Open(t.Context(), db, SQLite, WithBatch(0, time.Second)) },
		"a negative age":    func() (*Handle, error) { return Open(t.Context(), db, SQLite, WithBatch(1, -1)) },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open()
			require.Error(t, err)
		})
	}
}

func TestRefusesCommit(t *testing.T) {
	for err, want := range map[error]bool{
		stateError("23505"):          true, // a deferred constraint
		stateError("40001"):          true,
		stateError("40003"):          false, // says of itself that it does not know
		stateError("57P01"):          false, // the server shuts down
		stateError("08006"):          false,
		errors.New("unexpected EOF"): false,
		codeError(sqliteConstraint):  false,
		context.DeadlineExceeded:     false,
	} {
		require.Equal(t, want, refusesCommit(err), err)
	}
}
