package redact

import (
	"fmt"
	"io"
)

// frozenError is an error as it printed when it was logged, redacted. It stays an
// error, so that cores which look for errors find one, and unwraps to nothing.
type frozenError struct{ text string }

func (e *frozenError) Error() string { return e.text }

// longError is one that prints more under %+v.
type longError struct {
	frozenError
	long string
}

// Format writes the long text for %+v, the short one else.
func (e *longError) Format(s fmt.State, verb rune) {
	text := e.text
	if verb == 'v' && s.Flag('+') {
		text = e.long
	}
	_, _ = io.WriteString(s, text)
}

// groupError is one that has several causes.
type groupError struct {
	frozenError
	causes []error
}

// Errors returns the causes, which zap lists.
func (e *groupError) Errors() []error { return e.causes }

// freeze asks err for all that zap would ask it for, once.
func (r *rules) freeze(err error, depth int) error {
	short := frozenError{r.text(err.Error())}
	switch e := err.(type) { //nolint:errorlint // zap prints this error, not what it wraps
	case interface{ Errors() []error }:
		return &groupError{short, r.freezeAll(e.Errors(), depth+1)}
	case fmt.Formatter:
		return &longError{short, r.text(fmt.Sprintf("%+v", e))}
	}
	return &short
}

func (r *rules) freezeAll(errs []error, depth int) []error {
	if depth >= maxDepth {
		return []error{&frozenError{Unreadable}}
	}
	causes := make([]error, 0, len(errs))
	for _, err := range errs {
		if err != nil {
			causes = append(causes, r.freeze(err, depth))
		}
	}
	return causes
}
