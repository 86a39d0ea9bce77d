package sqlstore

import (
	"errors"
	"time"
)

// Option changes how a [Handle] works.
type Option func(*Handle) error

const (
	defaultWait     = 5 * time.Second
	defaultBatchMax = 64
	defaultBatchAge = 20 * time.Millisecond
)

// WithWaitBound sets how long a call waits for the writer, for a lock or for a
// connection before it gives up with troth.ErrBusy. The default is 5 seconds.
func WithWaitBound(d time.Duration) Option {
	return func(h *Handle) error {
		if d < time.Millisecond {
			return errors.New("sqlstore: the wait bound must be at least a millisecond")
		}
		h.wait = d
		return nil
	}
}

// WithBatch bounds how much work shares one commit on SQLite: at most members
// closures, and none that starts later than age after the batch began. The
// default is 64 and 20 milliseconds; one of 1 gives every closure a commit
// of its own. It has no effect on PostgreSQL.
func WithBatch(members int, age time.Duration) Option {
	return func(h *Handle) error {
		if members < 1 || age < 0 {
			return errors.New("sqlstore: a batch holds at least one closure and its age is not negative")
		}
		h.batchMax, h.batchAge = members, age
		return nil
	}
}
