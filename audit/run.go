package audit

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// How long Run waits when there is nothing to do: shortest when something was
// recorded lately, and twice as long each time that nothing was there.
const (
	shortPoll = 5 * time.Millisecond
	longPoll  = 250 * time.Millisecond
	// yieldPause is how long it leaves the log to another process that moves it.
	yieldPause = 100 * time.Millisecond
	// failPause is how long it waits after a failure that may pass.
	failPause = time.Second
	// endTime is what the last steps have when ctx has ended.
	endTime = 5 * time.Second
)

// Run moves entries into the log as they are committed, signs checkpoints on the
// interval of [WithCheckpoints] and gives them to the sinks, until ctx ends; then
// it moves what is left, signs once more, and returns the error of ctx. Any
// number of processes may run it on one store: one at a time moves the log, and
// when it dies another goes on at once.
//
// Failures that may pass are logged and tried again. Run ends with the others:
// those of [Trail.Sequence].
func (t *Trail) Run(ctx context.Context) error {
	if err := t.canSequence(ctx); err != nil {
		return err
	}
	t.seq.run(1)
	defer t.seq.run(-1)
	out := t.newOutlet()
	defer out.close()
	err := t.run(ctx, out)
	if ctx.Err() == nil {
		return err
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	if err := t.finish(end, out); err != nil {
		t.log.Error("log was not signed at the end", zap.Error(err))
	}
	return ctx.Err()
}

func (t *Trail) run(ctx context.Context, out *outlet) error {
	poll := shortPoll
	due := signing{every: t.signEvery, idle: t.idleEvery}
	for {
		n, yielded, err := t.sequencePolitely(ctx)
		if head := t.stored(); err == nil && due.is(t.now(), head.Size) && (!yielded || due.late(t.now())) {
			err = t.signDue(ctx, &due, head, out)
		}
		switch {
		case err == nil && yielded:
			if err := pause(ctx, yieldPause); err != nil {
				return err
			}
			continue
		case err == nil && n > 0:
			poll = shortPoll
			continue
		case err == nil:
			poll = min(2*poll, longPoll)
		case ctx.Err() != nil:
			return ctx.Err()
		case !passes(err):
			return err
		default:
			t.log.Warn("log was not moved", zap.Error(err))
			poll = failPause
		}
		if poll, err = t.rest(ctx, poll); err != nil {
			return err
		}
	}
}

// rest waits for the poll, or for somebody who recorded, and returns how long to
// wait the next time.
func (t *Trail) rest(ctx context.Context, poll time.Duration) (time.Duration, error) {
	timer := time.NewTimer(poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return poll, ctx.Err()
	case <-t.seq.stir:
		return shortPoll, nil
	case <-timer.C:
		return poll, nil
	}
}

// passes reports whether a failure may be gone the next time: all but those
// that say that the log, the signer or the call is wrong.
func passes(err error) bool {
	if _, damaged := errors.AsType[*DamageError](err); damaged {
		return false
	}
	if _, back := errors.AsType[*RolledBackError](err); back {
		return false
	}
	return !errors.Is(err, ErrSigner) && !errors.Is(err, ErrNoSigner) && !errors.Is(err, troth.ErrNotShared)
}

// signing knows when the log is to be signed.
type signing struct {
	every, idle time.Duration
	size        uint64
	at          time.Time
	thinner     thinner
}

// is reports whether the log, of that size now, is due. A clock that was put
// back does not keep it from being signed.
func (s *signing) is(now time.Time, size uint64) bool {
	age := now.Sub(s.at)
	if size == 0 {
		return false
	}
	return s.size == 0 || age < 0 || age >= s.idle || size != s.size && age >= s.every
}

// late reports whether somebody else should have signed a growing log by now.
func (s *signing) late(now time.Time) bool { return now.Sub(s.at) >= s.every+s.every/2 }

// stored is the head of the log as this process saw it last.
func (t *Trail) stored() Head {
	t.seq.turn <- struct{}{}
	defer t.seq.unlock()
	return t.seq.stored
}

// signDue signs, unless another process did meanwhile.
func (t *Trail) signDue(ctx context.Context, due *signing, head Head, out *outlet) error {
	others, found, err := t.newest(ctx, head.Log)
	if err != nil {
		return err
	}
	now := t.now()
	if found && others.SignedAt.After(due.at) && !others.SignedAt.After(now) {
		due.size, due.at = others.Size, others.SignedAt
	}
	if !due.is(now, head.Size) {
		return nil
	}
	row, err := t.sign(ctx)
	if err != nil {
		return err
	}
	due.size, due.at = row.Size, time.UnixMicro(row.SignedAt)
	out.put(row.Note)
	return due.thinner.thin(ctx, t.store, row)
}

// finish moves what is left and signs it.
func (t *Trail) finish(ctx context.Context, out *outlet) error {
	for {
		n, err := t.Sequence(ctx)
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	row, err := t.sign(ctx)
	if err != nil {
		return err
	}
	out.put(row.Note)
	return nil
}
