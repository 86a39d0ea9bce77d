package audit

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
)

// indexLook is a look at the indexes of the store, beside the walk through the
// log, which tells it of the rows.
type indexLook struct {
	check  IndexCheck
	cancel context.CancelFunc
	done   chan struct{}
	// over says that the walk has waited for the look once.
	over bool
	err  error
}

// lookAtIndexes begins to look at the indexes of those logs; check is nil if there
// is nothing to look at. stop must be called.
func lookAtIndexes(ctx context.Context, check IndexCheck) *indexLook {
	ctx, cancel := context.WithCancel(ctx)
	l := &indexLook{check: check, cancel: cancel, done: make(chan struct{})}
	if check == nil {
		close(l.done)
		return l
	}
	go func() {
		defer close(l.done)
		l.err = check.Read(ctx)
	}()
	return l
}

// begin begins a walk through all entries.
func (l *indexLook) begin() {
	if l.check != nil {
		l.check.Begin()
	}
}

// row tells of an entry that was verified.
func (l *indexLook) row(row *LogRow) {
	if l.check != nil {
		l.check.Row(row)
	}
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
func (l *indexLook) result(ctx context.Context) error {
	<-l.done
	if l.check == nil || l.err != nil {
		return wrapIf(l.err)
	}
	row, found, err := l.check.Misindexed(ctx)
	if err != nil || !found {
		return wrapIf(err)
	}
	damage := asDamage(&row).(*DamageError) //nolint:errorlint // as it was made
	damage.Reason = "index and rows do not fit"
	return damage
}

func wrapIf(err error) error {
	if err == nil {
		return nil
	}
	return wrapVerify(err)
}
