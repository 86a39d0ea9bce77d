package redact

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MinTokenKey is the length in bytes that a key for tokens must have at least.
const MinTokenKey = 32

// Option changes what a core masks and adds.
type Option func(*rules) error

// WithFields declares names of fields that hold personal data. A field with
// such a name is replaced whole, whatever its value is. Names are compared in
// full and without regard to case. Given more than once, the names add up. What
// else zap writes of an error, under the name with "Verbose" or "Causes" behind
// it, is replaced too.
//
// Of a namespace with a declared name nothing is left that follows in it.
func WithFields(names ...string) Option {
	return func(r *rules) error {
		for _, name := range names {
			if strings.TrimSpace(name) == "" {
				return errors.New("redact: a declared field has no name")
			}
			r.names[strings.ToLower(name)] = struct{}{}
		}
		return nil
	}
}

// WithTokens adds to each marker a token of twelve letters, as in
// "[email:bcdfghjklmnp]". Under one key equal values have equal tokens, so that
// entries can be put together without being read. Values are compared without
// regard to case and outer space; numbers of telephones by their digits. Objects
// and arrays get no token. The key needs at least [MinTokenKey] random bytes
// and is copied.
func WithTokens(key []byte) Option {
	return func(r *rules) error {
		if len(key) < MinTokenKey {
			return fmt.Errorf("redact: the key for tokens has %d bytes, fewer than %d", len(key), MinTokenKey)
		}
		r.key = slices.Clone(key)
		return nil
	}
}

// WithTrace sets how the ids of trace and span are read from a context, see
// [Context]. They have the form of W3C Trace Context: 32 and 16 hexadecimal
// digits in lower case, not all of them zero. A trace id of another form is
// left out together with its span id, a span id of another form alone. So are
// both if ids panics.
func WithTrace(ids func(ctx context.Context) (traceID, spanID string)) Option {
	return func(r *rules) error {
		if ids == nil {
			return errors.New("redact: the source of trace ids is missing")
		}
		r.trace = ids
		return nil
	}
}
