package audit

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// Continue opens a new log behind the one that is stored, under the trail's
// signer, whose origin must be one that the store has not seen. It is what to do
// after an older copy of the database was put back: the stored log lags behind
// checkpoints that others hold, and going on with it would fork it. known is the
// newest of those, as a signed note, or nil if nobody has any; the first entry
// of the new log pins it, beside what the store still has. The old log is closed:
// what it holds stays and can be proved, and is never added to.
//
// Make the trail with the new signer, and with [WithVerifiers] for the old
// origin; until Continue it answers [ErrSigner]. Tenants' numbers begin again at
// 1.
func (t *Trail) Continue(ctx context.Context, known []byte) error {
	if err := t.canSequence(ctx); err != nil {
		return err
	}
	if err := t.seq.lock(ctx); err != nil {
		return err
	}
	defer t.seq.unlock()
	var s *step
	err := t.tx.Atomically(ctx, func(ctx context.Context) error {
		l, err := t.successor(ctx, known)
		if err != nil {
			return err
		}
		s = l.step(t.now())
		if err := t.addOpening(ctx, s); err != nil {
			return err
		}
		return t.write(ctx, s)
	})
	if err != nil {
		return err
	}
	s.ledger.take(s)
	t.seq.ledger = s.ledger
	return nil
}

// successor creates the log behind the last one.
func (t *Trail) successor(ctx context.Context, known []byte) (*ledger, error) {
	ok, err := t.store.Elect(ctx)
	if err == nil && !ok {
		err = troth.ErrBusy
	}
	if err != nil {
		return nil, fmt.Errorf("audit: elect: %w", err)
	}
	heads, err := t.heads(ctx)
	if err != nil {
		return nil, err
	}
	if len(heads) == 0 {
		return nil, ErrNoLog
	}
	for _, h := range heads {
		if h.Origin == t.signer.Name() {
			return nil, fmt.Errorf("%w: a log of this origin is there", ErrSigner)
		}
	}
	last := heads[len(heads)-1]
	l := newLedger(last.Log+1, t.signer)
	l.pins = troth.Facts{
		"previous":  troth.Word(last.Origin),
		"kept-size": troth.Count(last.Size),
		"kept-root": troth.Digest(last.Root),
	}
	if known != nil {
		cp, err := t.open(known)
		if err != nil {
			return nil, err
		}
		if cp.Origin != last.Origin {
			return nil, fmt.Errorf("%w: the checkpoint is of another log", ErrSigner)
		}
		l.pins["size"], l.pins["root"] = troth.Count(cp.Size), troth.Digest(cp.Root)
	}
	return t.createLog(ctx, l)
}
