package rights

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// SafeError is an error of a source, or one that it wraps, which says in a word what is wrong:
// "no-route", "quota". The word is logged, as it stands, where the text of an error never is,
// since texts may name people. It has at most 40 letters a to z, digits and hyphens; another is
// not logged.
type SafeError interface {
	error
	SafeWord() string
}

const maxWord = 40

func isWord(s string) bool {
	return s != "" && len(s) <= maxWord && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// causes are the words for errors that every host knows.
var causes = []struct {
	err  error
	word string
}{
	{context.DeadlineExceeded, "deadline"},
	{context.Canceled, "cancelled"},
	{troth.ErrBusy, "busy"},
	{troth.ErrTxConcurrent, "transaction-concurrent"},
	{troth.ErrTxDone, "transaction-done"},
	{troth.ErrNotShared, "not-shared"},
	{troth.ErrNotPermitted, "not-permitted"},
	{ErrReport, "incomplete-report"},
	{ErrNeeds, "not-offered"},
}

// cause is what of a failure may be logged: the type of the error, and a word for it where
// there is one. A database's word is its SQLSTATE.
func cause(err error) []zap.Field {
	fields := []zap.Field{zap.String("type", typeOf(err))}
	if word := wordOf(err); isWord(word) {
		fields = append(fields, zap.String("cause", word))
	}
	return fields
}

func wordOf(err error) string {
	if safe, is := errors.AsType[SafeError](err); is && isWord(safe.SafeWord()) {
		return safe.SafeWord()
	}
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.word
		}
	}
	if state, is := errors.AsType[interface {
		error
		SQLState() string
	}](err); is && len(state.SQLState()) == 5 {
		return "sqlstate-" + strings.ToLower(state.SQLState())
	}
	return ""
}

// typeOf is the outermost type that says something: not those that only wrap.
func typeOf(err error) string {
	for at := []error{err}; len(at) > 0; at = at[1:] {
		name := fmt.Sprintf("%T", at[0])
		if !strings.HasPrefix(name, "*fmt.") && !strings.HasPrefix(name, "*errors.") {
			return name
		}
		switch e := at[0].(type) { //nolint:errorlint // each layer by itself
		case interface{ Unwrap() error }:
			if inner := e.Unwrap(); inner != nil {
				at = append(at, inner)
			}
		case interface{ Unwrap() []error }:
			at = append(at, e.Unwrap()...)
		}
	}
	return fmt.Sprintf("%T", err)
}
