package audit

import (
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// Option changes how a [Trail] works.
type Option func(*Trail) error

// WithClock sets the clock that entries are dated by, time.Now by default.
func WithClock(now func() time.Time) Option {
	return func(t *Trail) error {
		if now == nil {
			return errors.New("audit: clock is missing")
		}
		t.now = now
		return nil
	}
}

// WithLogger sets where the trail reports stored entries that cannot be read.
// Nothing is logged by default, and never anything about a person.
func WithLogger(l *zap.Logger) Option {
	return func(t *Trail) error {
		if l == nil {
			return errors.New("audit: logger is missing")
		}
		t.log = l
		return nil
	}
}

// Unmanaged makes the trail accept permits that no retention keeper minted, see
// troth.UnmanagedPermit. The ground, in the host's words, is recorded as
// evidence each time such a trail is made. It is refused for ever on a store
// that a keeper has taken over.
func Unmanaged(ground string) Option {
	return func(t *Trail) error {
		if err := troth.Purpose(ground).Validate(); err != nil {
			return fmt.Errorf("audit: ground: %w", err)
		}
		t.unmanaged = ground
		return nil
	}
}
