package audit

import (
	"context"
	"errors"
	"fmt"
)

// errSuperseded says that another sequencer moved the log meanwhile.
var errSuperseded = errors.New("audit: another sequencer moved the log")

// Sequence moves entries that are committed from the inbox into the log, at most
// some thousand, in one transaction of its own, and returns how many. Where
// another process is at it, it returns 0: one at a time moves the log. The
// first call on an empty store opens the log.
//
// It returns [ErrNoSigner], [ErrSigner], [ErrInTransaction], a *[DamageError]
// where the stored log is not what it must be, and a *[RolledBackError] where
// it lags behind what a [Sink] knows: nothing is sequenced then. Where nothing
// waits it does not read the log, and so does not find out: [Trail.Checkpoint]
// does, and [Trail.Verify].
func (t *Trail) Sequence(ctx context.Context) (int, error) {
	if err := t.canSequence(ctx); err != nil {
		return 0, err
	}
	if err := t.seq.lock(ctx); err != nil {
		return 0, err
	}
	defer t.seq.unlock()
	t.seq.polite = false
	return t.sequence(ctx)
}

// sequencePolitely is Sequence for a process that does so all the time, of which
// there may be many: one that finds that another moved the log since it looked last
// leaves it to that one, since following what others do costs more than doing it.
// yielded says so.
func (t *Trail) sequencePolitely(ctx context.Context) (n int, yielded bool, err error) {
	if err := t.canSequence(ctx); err != nil {
		return 0, false, err
	}
	if err := t.seq.lock(ctx); err != nil {
		return 0, false, err
	}
	defer t.seq.unlock()
	t.seq.polite, t.seq.yielded = true, false
	n, err = t.sequence(ctx)
	return n, t.seq.yielded, err
}

func (t *Trail) canSequence(ctx context.Context) error {
	if t.signer == nil {
		return ErrNoSigner
	}
	if t.tx.Scope(ctx) != nil {
		return ErrInTransaction
	}
	return ctx.Err()
}

// sequenceTries bounds how often a step begins again without having moved
// anything out of its way.
const sequenceTries = 4

// sequence makes one step; the caller holds the turn.
func (t *Trail) sequence(ctx context.Context) (int, error) {
	if err := t.askSinks(ctx); err != nil {
		return 0, err
	}
	for tries := 0; ; {
		n, err := t.tryStep(ctx, nil)
		if err == nil {
			return n, nil
		}
		moved, again := t.afterFailure(ctx, err)
		switch {
		case again != nil:
			return 0, again
		case moved > 0:
			continue
		}
		if tries++; tries < sequenceTries {
			continue
		}
		switch {
		case errors.Is(err, errSuperseded):
			return 0, nil
		case errors.Is(err, ErrDuplicate):
			return 0, &DamageError{Table: "entry", Place: "behind the end of the log", Reason: "is in the way of the next"}
		}
		return 0, err
	}
}

// afterFailure returns no error if the step may be tried again, and how many
// rows it took aside.
func (t *Trail) afterFailure(ctx context.Context, err error) (moved int, again error) {
	if unfit, ok := errors.AsType[*unfitError](err); ok {
		return t.quarantine(ctx, unfit.rows)
	}
	if dup, ok := errors.AsType[*duplicateError](err); ok {
		known, err := t.store.Known(ctx, dup.rows)
		if err != nil {
			return 0, fmt.Errorf("audit: look for duplicates: %w", err)
		}
		if len(known) > 0 {
			return t.quarantine(ctx, known)
		}
		return 0, nil // another sequencer was faster
	}
	if errors.Is(err, errSuperseded) {
		return 0, nil
	}
	if row, ok := errors.AsType[*RowError](err); ok && row.Table == inboxTable {
		if moved, again := t.quarantine(ctx, nil); moved > 0 || again != nil {
			return moved, again
		}
	}
	return 0, err
}

// inboxTable is how adapters name the table of what waits.
const inboxTable = "troth_audit_inbox"

// duplicateError carries the rows of a step that the log refused.
type duplicateError struct{ rows []TenantEntry }

func (e *duplicateError) Error() string { return ErrDuplicate.Error() }
func (e *duplicateError) Unwrap() error { return ErrDuplicate }

// tryStep makes one step in one transaction. more, if there is one, adds to it
// behind what waited in the inbox, unless another process moves the log.
func (t *Trail) tryStep(ctx context.Context, more func(ctx context.Context, s *step) error) (n int, err error) {
	var s *step
	err = t.tx.Atomically(ctx, func(ctx context.Context) (err error) {
		n, s, err = t.prepareStep(ctx, more)
		if err != nil {
			return &unwrittenError{err}
		}
		return nil
	})
	if err != nil || s == nil {
		return 0, err
	}
	s.ledger.take(s)
	t.seq.ledger, t.seq.stored = s.ledger, s.ledger.head
	t.arrived(s.rows)
	return n, nil
}

// unwrittenError is why a step was given up before its commit: nothing of it is
// stored.
type unwrittenError struct{ error }

func (e *unwrittenError) Unwrap() error { return e.error }

// prepareStep writes a step; ctx carries its transaction. s is nil if there is
// none to make.
func (t *Trail) prepareStep(ctx context.Context, more func(ctx context.Context, s *step) error) (n int, s *step, err error) {
	before := t.seq.stored
	head, elected, err := t.elect(ctx)
	if err != nil || !elected {
		t.seq.yielded = err == nil
		return 0, nil, err
	}
	if t.seq.polite && more == nil && head.Log == before.Log && head.Size > before.Size {
		t.seq.yielded = true
		return 0, nil, nil
	}
	t.seq.recorded.Store(false)
	waiting, err := t.store.TakeInbox(ctx, batchLimit)
	if err != nil {
		return 0, nil, fmt.Errorf("audit: take from inbox: %w", err)
	}
	if len(waiting) == batchLimit {
		t.seq.recorded.Store(true)
	}
	if len(waiting) == 0 && head.Size > 0 && more == nil {
		return 0, nil, nil // whatever others did, there is no need to know it now
	}
	if s, err = t.begin(ctx, head, waiting); err != nil {
		return 0, nil, err
	}
	if s.head.Size == 0 {
		if err := t.addOpening(ctx, s); err != nil {
			return 0, nil, err
		}
	}
	if err := t.addWaiting(ctx, s, waiting); err != nil {
		return 0, nil, err
	}
	if more != nil {
		if err := more(ctx, s); err != nil {
			return 0, nil, err
		}
	}
	if len(s.rows) == 0 {
		return 0, nil, nil
	}
	err = t.write(ctx, s)
	if errors.Is(err, ErrDuplicate) {
		err = &duplicateError{names(waiting)}
	}
	return len(waiting), s, err
}

func names(rows []InboxRow) []TenantEntry {
	ids := make([]TenantEntry, len(rows))
	for i, r := range rows {
		ids[i] = TenantEntry{r.Tenant, r.ID}
	}
	return ids
}

// elect returns the head of the open log, of size 0 if there is none, unless
// another process moves it just now. ctx carries the transaction in which it may
// be moved.
func (t *Trail) elect(ctx context.Context) (head Head, elected bool, err error) {
	elected, err = t.store.Elect(ctx)
	if err != nil {
		return head, false, fmt.Errorf("audit: elect: %w", err)
	}
	if !elected {
		return head, false, nil
	}
	heads, err := t.heads(ctx)
	if err != nil || len(heads) == 0 {
		return head, err == nil, err
	}
	head = heads[len(heads)-1]
	if head.Size == 0 { // else it would be taken for a log that is to be opened
		return head, false, &DamageError{head.Log, "head", "log " + itoa(head.Log), emptyHead}
	}
	if err := t.signs(head); err != nil {
		return head, false, err
	}
	if head.Closed {
		return head, false, &DamageError{head.Log, "head", "log " + itoa(head.Log), "is closed, and no log took over"}
	}
	t.seq.stored = head
	return head, true, nil
}

// emptyHead is what is wrong with a head of no size: a log begins with an entry.
const emptyHead = "is empty, or of a size that cannot be"

// signs returns nil if the log is the signer's, else [ErrSigner] with what is
// different.
func (t *Trail) signs(head Head) error {
	switch {
	case head.Origin != t.signer.Name():
		return fmt.Errorf("%w: its origin is %q, and the signer's name %q", ErrSigner, head.Origin, t.signer.Name())
	case head.Signer != t.signer.VerifierKey():
		return fmt.Errorf("%w: the key of its origin is another one", ErrSigner)
	}
	return nil
}
