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

// WithSigner lets the trail keep the log: sequence, and sign checkpoints. The
// signer's name is the origin of the log: a name that is unique in the world,
// such as a domain and a path without a scheme. Every process that runs the
// sequencer needs the same signer; those that only record need none.
func WithSigner(s Signer) Option {
	return func(t *Trail) error {
		if s == nil {
			return errors.New("audit: signer is missing")
		}
		t.signer = s
		return nil
	}
}

// WithVerifiers sets the keys by which the trail believes checkpoints: those of
// signers before, of witnesses, or of the log where the trail has no signer.
// The signer's own key is among them by itself, and is the only one by default.
func WithVerifiers(v Verifiers) Option {
	return func(t *Trail) error {
		t.verifiers = v
		return nil
	}
}

// WithSink adds a place outside of the store that keeps checkpoints. Without one, and without
// a witness, nothing shows that an older copy of the store was put back.
func WithSink(s Sink) Option {
	return func(t *Trail) error {
		if s == nil {
			return errors.New("audit: sink is missing")
		}
		t.sinks = append(t.sinks, guardSink(s))
		return nil
	}
}

// WithCheckpoints sets how often [Trail.Run] signs: every is for a log that
// grew, ten seconds by default; idle for one that did not, an hour, which
// proves that nothing happened.
func WithCheckpoints(every, idle time.Duration) Option {
	return func(t *Trail) error {
		if every <= 0 || idle < every {
			return errors.New("audit: intervals of checkpoints must be positive, and idle the longer one")
		}
		t.signEvery, t.idleEvery = every, idle
		return nil
	}
}
