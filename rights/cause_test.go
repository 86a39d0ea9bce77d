package rights

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/trothdev/troth"
)

type safeError struct{ word string }

func (safeError) Error() string      { return "of ada@example.org" }
func (e safeError) SafeWord() string { return e.word }

type sqlError string

func (sqlError) Error() string      { return "duplicate key (ada@example.org)" }
func (e sqlError) SQLState() string { return string(e) }

// What is logged of a failure says what to do, and nothing of whom it was about.
func TestCause_TypeAndWordAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		err        error
		typ, cause string
	}{
		"a text":              {errors.New("no ada@example.org"), "*errors.errorString", ""},
		"a wrapped type":      {fmt.Errorf("ada@example.org: %w", &fs.PathError{Op: "open", Path: "ada", Err: fs.ErrNotExist}), "*fs.PathError", ""},
		"one of several":      {errors.Join(errors.New("ada"), fmt.Errorf("x: %w", &fs.PathError{Err: fs.ErrExist})), "*fs.PathError", ""},
		"a safe word":         {fmt.Errorf("ada: %w", safeError{"no-route"}), "rights.safeError", "no-route"},
		"a word that is none": {safeError{"ada@example.org"}, "rights.safeError", ""},
		"no word":             {safeError{}, "rights.safeError", ""},
		"a strange word":      {fmt.Errorf("%w: %w", safeError{"Ada"}, troth.ErrBusy), "rights.safeError", "busy"},
		"a deadline":          {fmt.Errorf("ada: %w", context.DeadlineExceeded), "context.deadlineExceededError", "deadline"},
		"a busy database":     {fmt.Errorf("sqlstore: x: %w: %w", troth.ErrBusy, sqlError("55P03")), "rights.sqlError", "busy"},
		"a database":          {fmt.Errorf("ada: %w", sqlError("23505")), "rights.sqlError", "sqlstate-23505"},
		"a strange state":     {sqlError("ada@x"), "rights.sqlError", ""},
		"a panic":             {&panicError{}, "*rights.panicError", ""},
	} {
		core, logs := observer.New(zapcore.WarnLevel)
		d := &Desk{log: zap.New(core)}
		d.failed(t.Context(), ItemKey{Tenant: "acme", Owner: "e"}, "shop", "erase", c.err)
		require.Equal(t, 1, logs.Len())
		fields := logs.All()[0].ContextMap()
		require.Equal(t, c.typ, fields["type"], name)
		word, _ := fields["cause"].(string)
		require.Equal(t, c.cause, word, name)
		require.NotContains(t, fmt.Sprint(fields), "ada", name)
	}
}
