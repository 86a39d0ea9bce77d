package audit

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
)

// indexLook is a look at the indexes of the store, beside the walk through the
// log: it costs about as much, and neither needs what the other reads.
type indexLook struct {
	cancel context.CancelFunc
	done   chan struct{}
	// over says that the walk has waited for the look once.
	over  bool
	row   RowError
	found bool
	err   error
}

// lookAtIndexes begins to look, unless that is not wanted. stop must be called.
func (t *Trail) lookAtIndexes(ctx context.Context, wanted bool) *indexLook {
	ctx, cancel := context.WithCancel(ctx)
	l := &indexLook{cancel: cancel, done: make(chan struct{})}
	if !wanted {
		close(l.done)
		return l
	}
	go func() {
		defer close(l.done)
		l.row, l.found, l.err = t.store.Misindexed(ctx)
	}()
	return l
}

// stop ends the look and waits until it has ended.
func (l *indexLook) stop() {
	l.cancel()
	<-l.done
}

// kept reports whether the look may have kept the walk waiting too long, as where
// there is one connection to the database. It has ended then, and the walk may
// begin again.
func (l *indexLook) kept(err error) bool {
	if l.over || !errors.Is(err, troth.ErrBusy) {
		return false
	}
	l.over = true
	<-l.done
	return true
}

// result waits for what was found.
func (l *indexLook) result() error {
	<-l.done
	if l.err != nil {
		return wrapVerify(l.err)
	}
	if !l.found {
		return nil
	}
	damage := asDamage(&l.row).(*DamageError) //nolint:errorlint // as it was made
	damage.Reason = "index and rows do not fit"
	return damage
}
