package consent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

const (
	// feedKeep is how long events of the feed are kept: a process that looks less
	// often forgets its whole cache instead.
	feedKeep = 24 * time.Hour
	// chores is how often Run sweeps.
	chores = time.Minute
	// sweepPage is how much is looked for at once, sweepPages how often at most in
	// one sweep.
	sweepPage, sweepPages = 200, 100
)

// Run drives the ledger until ctx ends, and returns its error: it looks at the
// feed so that nobody waits for that, and sweeps once a minute. Without it the
// feed is read on demand, and nothing is swept.
func (l *Ledger) Run(ctx context.Context) error {
	looks := time.NewTicker(l.opt.feedAge / 3)
	defer looks.Stop()
	rest := time.NewTicker(chores)
	defer rest.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-looks.C:
			err = l.lookAhead(ctx)
		case <-rest.C:
			err = l.Sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			l.log.Warn("consent: run: will try again", zap.Error(err))
		}
	}
}

func (l *Ledger) lookAhead(ctx context.Context) error {
	if err := l.feed.Begin(ctx); err != nil {
		return err
	}
	defer l.feed.End()
	if err := l.settleAll(ctx); err != nil {
		return err
	}
	return l.look(ctx)
}

// settleAll forgets everything pending whose end is known by now, so that it does not
// pile up for people whom nobody asks about.
func (l *Ledger) settleAll(ctx context.Context) error {
	for _, p := range l.pendings.all() {
		if _, err := l.decided(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// Sweep does what is due: it erases requests that nobody confirmed in time, has
// people asked again whose consent is old or who came of age, and destroys the
// proof of erased people when its time is over. Hosts that have a scheduler of
// their own call it, once a minute or so, instead of Run.
//
// What cannot be done now, because a hold forbids it or an option is missing, is
// left and tried again by the next sweep, and does not keep the rest from being
// done; the error joins why.
func (l *Ledger) Sweep(ctx context.Context) error {
	ctx = troth.WithActor(l.tx.Detach(ctx), self)
	var failures []error
	if err := l.settleAll(ctx); err != nil {
		failures = append(failures, err)
	}
	for range sweepPages {
		n, err := l.sweepPage(ctx, &failures)
		if err != nil {
			return errors.Join(append(failures, err)...)
		}
		if n < sweepPage {
			break
		}
	}
	if err := l.store.PruneFeed(ctx, l.now().Add(-feedKeep).UnixMicro()); err != nil {
		failures = append(failures, fmt.Errorf("consent: prune feed: %w", err))
	}
	return errors.Join(failures...)
}

// sweepPage does what is due first, and returns how much that was.
func (l *Ledger) sweepPage(ctx context.Context, failures *[]error) (int, error) {
	now := l.micros()
	rows, err := l.store.Due(ctx, now, sweepPage)
	if err != nil {
		return 0, fmt.Errorf("consent: read what is due: %w", err)
	}
	for _, row := range rows {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err := l.sweep(ctx, row); err != nil {
			*failures = append(*failures, err)
			// Behind the others, so that many that are held do not hide the rest.
			if err := l.postpone(ctx, row, now); err != nil {
				return 0, fmt.Errorf("consent: postpone: %w", err)
			}
		}
	}
	return len(rows), nil
}

// postponed is when what could not be done is tried again.
const postponed = int64(time.Hour / time.Microsecond)

func (l *Ledger) postpone(ctx context.Context, row DueRow, now int64) error {
	row.At = now + postponed
	return l.store.PutDue(ctx, row)
}

func (l *Ledger) sweep(ctx context.Context, row DueRow) error {
	switch row.Kind {
	case DueRefresh:
		return l.askAgain(ctx, row, WhyRefresh)
	case DueMajority:
		return l.askAgain(ctx, row, WhyMajority)
	case DueRequest:
		return l.eraseRequest(ctx, row)
	case DueProof:
		return l.eraseProof(ctx, row)
	}
	return fmt.Errorf("%w: what is due is of an unknown kind", ErrRecord)
}

// askAgain enqueues that somebody is asked, once for each date.
func (l *Ledger) askAgain(ctx context.Context, row DueRow, why Why) error {
	if l.opt.enqueuer == nil {
		return needs("WithEnqueuer, to ask people again")
	}
	d, err := l.tenant(ctx, row.Tenant)
	if err != nil {
		return err
	}
	return l.tx.Atomically(ctx, func(ctx context.Context) error {
		who := troth.Subject{Tenant: row.Tenant, ID: row.SubjectID}
		w, err := l.lock(ctx, d, who)
		if errors.Is(err, ErrErased) {
			return l.store.DeleteDue(ctx, row)
		} else if err != nil {
			return err
		}
		// Under the lock: they may have said something since the row was read.
		row.At = w.dueAt(row.Kind, row.Purpose)
		if row.At > l.micros() {
			return l.store.PutDue(ctx, row)
		}
		if err := l.store.DeleteDue(ctx, row); err != nil {
			return fmt.Errorf("consent: sweep: %w", err)
		}
		t := inForce(d.catalogue[row.Purpose], l.micros(), forever)
		if row.At == 0 || t == nil || t.Retired {
			return nil
		}
		return l.enqueueNotify(ctx, Notification{Subject: who, Purpose: row.Purpose, Version: t.Version, Why: why}, fmt.Sprint(row.At))
	})
}

// dueAt is when the person is to be asked again, by what they said last; 0 if they
// are not.
func (w *writing) dueAt(kind DueKind, p troth.Purpose) int64 {
	choice := &w.states.of(p).own[choiceTrack]
	t := w.d.catalogue.Version(p, choice.version)
	switch {
	case !choice.consents() || t == nil:
		return 0
	case kind == DueMajority:
		return choice.comesOfAge
	case t.Refresh.IsZero():
		return 0
	}
	return after(choice.given, t.Refresh)
}
