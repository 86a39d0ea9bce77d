package audit

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
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
// it lags behind what a [Sink] knows: nothing is sequenced then.
func (t *Trail) Sequence(ctx context.Context) (int, error) {
	if err := t.canSequence(ctx); err != nil {
		return 0, err
	}
	if err := t.seq.lock(ctx); err != nil {
		return 0, err
	}
	defer t.seq.unlock()
	return t.sequence(ctx)
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

// sequenceTries bounds how often a step begins again because of what it found:
// rows that are no evidence, or another sequencer.
const sequenceTries = 4

// sequence makes one step; the caller holds the lock.
func (t *Trail) sequence(ctx context.Context) (int, error) {
	var err error
	for range sequenceTries {
		var n int
		if n, err = t.tryStep(ctx); err == nil {
			return n, nil
		}
		if again := t.afterFailure(ctx, err); again != nil {
			return 0, again
		}
	}
	return 0, err
}

// afterFailure returns nil if the step may be tried again.
func (t *Trail) afterFailure(ctx context.Context, err error) error {
	if unfit, ok := errors.AsType[*unfitError](err); ok {
		return t.quarantine(ctx, unfit.rows)
	}
	if dup, ok := errors.AsType[*duplicateError](err); ok {
		known, err := t.store.Known(ctx, dup.rows)
		if err != nil {
			return fmt.Errorf("audit: look for duplicates: %w", err)
		}
		if len(known) > 0 {
			return t.quarantine(ctx, known)
		}
		t.seq.ledger = nil
		return nil
	}
	if errors.Is(err, errSuperseded) {
		t.seq.ledger = nil
		return nil
	}
	return err
}

// duplicateError carries the rows of a step that the log refused.
type duplicateError struct{ rows []TenantEntry }

func (e *duplicateError) Error() string { return ErrDuplicate.Error() }
func (e *duplicateError) Unwrap() error { return ErrDuplicate }

// tryStep makes one step in one transaction.
func (t *Trail) tryStep(ctx context.Context) (n int, err error) {
	var s *step
	err = t.tx.Atomically(ctx, func(ctx context.Context) error {
		s = nil
		l, err := t.elected(ctx)
		if err != nil || l == nil {
			return err
		}
		waiting, err := t.store.TakeInbox(ctx, batchLimit)
		if err != nil {
			return fmt.Errorf("audit: take from inbox: %w", err)
		}
		s = l.step(t.now())
		if l.head.Size == 0 {
			if err := t.addOpening(ctx, s); err != nil {
				return err
			}
		}
		if err := t.addWaiting(ctx, s, waiting); err != nil {
			return err
		}
		n = len(waiting)
		if len(s.rows) == 0 {
			return nil
		}
		err = t.write(ctx, s)
		if errors.Is(err, ErrDuplicate) {
			return &duplicateError{names(waiting)}
		}
		return err
	})
	if err != nil || s == nil {
		return 0, err
	}
	s.ledger.take(s)
	t.seq.ledger = s.ledger
	t.arrived(s.rows)
	return n, nil
}

func names(rows []InboxRow) []TenantEntry {
	ids := make([]TenantEntry, len(rows))
	for i, r := range rows {
		ids[i] = TenantEntry{r.Tenant, r.ID}
	}
	return ids
}

// elected returns the ledger of the open log, or nil where another process
// moves it just now. ctx carries the transaction in which it may be moved.
func (t *Trail) elected(ctx context.Context) (*ledger, error) {
	ok, err := t.store.Elect(ctx)
	if err != nil {
		return nil, fmt.Errorf("audit: elect: %w", err)
	}
	if !ok {
		return nil, nil //nolint:nilnil // not elected is no error
	}
	heads, err := t.heads(ctx)
	if err != nil {
		return nil, err
	}
	if len(heads) == 0 {
		return t.createLog(ctx, newLedger(1, t.signer))
	}
	head := heads[len(heads)-1]
	if head.Origin != t.signer.Name() || head.Signer != t.signer.VerifierKey() {
		return nil, ErrSigner
	}
	if t.seq.ledger.stands(head) {
		// What may change without a step: see HeadMove and Prune.
		t.seq.ledger.head = head
		return t.seq.ledger, nil
	}
	return t.load(ctx, head)
}

func (t *Trail) heads(ctx context.Context) ([]Head, error) {
	heads, err := t.store.Heads(ctx)
	if err != nil {
		return nil, fmt.Errorf("audit: read heads: %w", err)
	}
	return heads, nil
}

func (t *Trail) createLog(ctx context.Context, l *ledger) (*ledger, error) {
	created, err := t.store.CreateHead(ctx, l.head)
	if err != nil {
		return nil, fmt.Errorf("audit: open log: %w", err)
	}
	if !created {
		return nil, errSuperseded
	}
	return l, nil
}

// addOpening puts the entry that opens a log at its beginning.
func (t *Trail) addOpening(ctx context.Context, s *step) error {
	e := troth.Entry{
		Act: actLogOpen, Tenant: troth.Platform,
		Facts: troth.Facts{
			"origin": troth.Word(s.ledger.head.Origin),
			"salt":   troth.Digest(saltCommitment(s.ledger.head.Salt)),
		},
	}
	for name, fact := range s.ledger.pins {
		e.Facts[name] = fact
	}
	return t.addOwn(ctx, s, e)
}

// addOwn puts an entry of the trail itself into the log, past the inbox.
func (t *Trail) addOwn(ctx context.Context, s *step, e troth.Entry) error {
	if err := e.Validate(); err != nil {
		return err
	}
	env := t.envelope(e)
	var err error
	if env.Actor, err = t.actorRef(ctx, self); err != nil {
		return err
	}
	s.add(env, env.Append(nil))
	return nil
}

// quarantine takes rows out of the way of the others, and says so on the trail.
func (t *Trail) quarantine(ctx context.Context, rows []TenantEntry) error {
	t.log.Error("rows of the inbox are not evidence", zap.Int("rows", len(rows)))
	return t.tx.Atomically(ctx, func(ctx context.Context) error {
		moved, err := t.store.Quarantine(ctx, rows)
		if err != nil {
			return fmt.Errorf("audit: quarantine: %w", err)
		}
		if moved == 0 {
			return nil
		}
		_, err = t.Record(troth.WithActor(ctx, self), troth.Entry{
			Act: actQuarantine, Tenant: troth.Platform,
			Facts: troth.Facts{"rows": troth.Count(moved)},
		})
		return err
	})
}
