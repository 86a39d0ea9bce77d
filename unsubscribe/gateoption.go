package unsubscribe

import (
	"errors"
	"time"
)

// GateOption changes a default of [NewGate].
type GateOption func(*gateOptions) error

type gateOptions struct {
	age      time.Duration
	file     string
	saving   time.Duration
	database bool
}

func gateDefaults() gateOptions {
	return gateOptions{
		age:    5 * time.Second,
		saving: 10 * time.Minute,
	}
}

// WithIndexAge bounds for how long the gate may let through whom another process has
// recorded a no of: after at most d it has learnt of it or refuses. Default 5 s, at
// least 10 ms. A shorter bound asks the store more often.
func WithIndexAge(d time.Duration) GateOption {
	return func(o *gateOptions) error {
		if d < 10*time.Millisecond {
			return errors.New("unsubscribe: the index's age is below 10 ms")
		}
		o.age = d
		return nil
	}
}

// WithIndexFile keeps the index in a file, so that [Gate.Load] need not read the whole
// registry. [Gate.Run] writes it every ten minutes, if anything changed, and
// [Gate.Save] at once. The file holds keyed hashes of addresses, which are personal
// data; one that is not, byte for byte, as a gate on the same keys wrote it is not
// used. Processes may share it.
func WithIndexFile(path string) GateOption {
	return func(o *gateOptions) error {
		o.file = path
		if path == "" {
			return errors.New("unsubscribe: the index's file has no name")
		}
		return nil
	}
}

// WithDatabaseMode makes the gate ask the store about each batch, for hosts that have
// no memory for an index. It needs no Load, and knows at once what others committed.
//
// A campaign that is long beside the registry reads the first bytes of all keys once,
// for as long as it runs, and looks up only whom these do not let pass: that takes about
// 1.5 MB for a million entries. Give it the whole campaign by one call of
// [Gate.Filter] rather than piece by piece.
func WithDatabaseMode() GateOption {
	return func(o *gateOptions) error { o.database = true; return nil }
}
