package redact

import (
	"fmt"
	"io"
)

// frozen is an error as it printed when it was logged, redacted. It stays an
// error, so that cores which look for errors find one, and unwraps to nothing.
type frozen struct{ text string }

func (e *frozen) Error() string { return e.text }

// frozenLong is one that prints more under %+v.
type frozenLong struct {
	frozen
	long string
}

// Format writes the long text for %+v, the short one else.
func (e *frozenLong) Format(s fmt.State, verb rune) {
	text := e.text
	if verb == 'v' && s.Flag('+') {
		text = e.long
	}
	_, _ = io.WriteString(s, text)
}

// frozenGroup is one that has several causes.
type frozenGroup struct {
	frozen
	causes []error
}

// Errors returns the causes, which zap lists.
func (e *frozenGroup) Errors() []error { return e.causes }

// freeze asks err for all that zap would ask it for, once.
func (r *rules) freeze(err error, depth int) error {
	short := frozen{r.text(err.Error())}
	switch e := err.(type) { //nolint:errorlint // zap prints this error, not what it wraps
	case interface{ Errors() []error }:
		return &frozenGroup{short, r.freezeAll(e.Errors(), depth+1)}
	case fmt.Formatter:
		return &frozenLong{short, r.text(fmt.Sprintf("%+v", e))}
	}
	return &short
}

func (r *rules) freezeAll(errs []error, depth int) []error {
	if depth >= maxDepth {
		return []error{&frozen{Unreadable}}
	}
	causes := make([]error, 0, len(errs))
	for _, err := range errs {
		if err != nil {
			causes = append(causes, r.freeze(err, depth))
		}
	}
	return causes
}
