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
// origin; until Continue it answers [ErrSigner]. The old key has to stay among
// those of WithVerifiers, else [Trail.Verify] cannot believe the old log. Tenants'
// numbers begin again at 1. A call that failed can be repeated with the same
// checkpoint. It returns a *[DamageError] where the head of the log before is not
// what the trail wrote, and a *[RolledBackError] where a sink knows a log of the new
// origin that the store has not.
func (t *Trail) Continue(ctx context.Context, known []byte) error {
	if err := t.canSequence(ctx); err != nil {
		return err
	}
	if err := t.seq.lock(ctx); err != nil {
		return err
	}
	defer t.seq.unlock()
	err := t.askSinksOf(ctx, t.signer.Name())
	if err != nil {
		return err
	}
	var s *step
	err = t.tx.Atomically(ctx, func(ctx context.Context) error {
		s = nil
		l, err := t.successor(ctx, known)
		if err != nil || l == nil {
			return err
		}
		s = l.step(t.now())
		if err := t.addOpening(ctx, s); err != nil {
			return err
		}
		return t.write(ctx, s)
	})
	if err != nil || s == nil {
		return err
	}
	s.ledger.take(s)
	t.seq.ledger = s.ledger
	return nil
}

// successor creates the log behind the last one; nil if that was done before.
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
	for i, h := range heads {
		if h.Origin != t.signer.Name() {
			continue
		}
		if i > 0 && i == len(heads)-1 && h.Signer == t.signer.VerifierKey() {
			return nil, t.continued(ctx, h, heads[i-1], known)
		}
		return nil, errOriginTaken
	}
	last := heads[len(heads)-1]
	// What it says is pinned for ever.
	if err := t.checkHead(ctx, last); err != nil {
		return nil, err
	}
	l := newLedger(last.Log+1, t.signer)
	if l.pins, err = t.pins(last, known); err != nil {
		return nil, err
	}
	return t.createLog(ctx, l)
}

// errOriginTaken is for a signer whose origin is of a log that is there.
var errOriginTaken = fmt.Errorf("%w: a log of this origin is there", ErrSigner)

// pins are the facts about the log before.
func (t *Trail) pins(last Head, known []byte) (troth.Facts, error) {
	pins := troth.Facts{
		"previous":  troth.Word(last.Origin),
		"kept-size": troth.Count(last.Size),
		"kept-root": troth.Digest(last.Root),
	}
	if known == nil {
		return pins, nil
	}
	cp, err := t.open(known)
	if err != nil {
		return nil, err
	}
	if cp.Origin != last.Origin {
		return nil, fmt.Errorf("%w: the checkpoint is of another log", ErrSigner)
	}
	pins["size"], pins["root"] = troth.Count(cp.Size), troth.Digest(cp.Root)
	return pins, nil
}

// continued returns nil if the log is what the same call would open: the one
// before did it, and was told that it failed.
func (t *Trail) continued(ctx context.Context, head, last Head, known []byte) error {
	pins, err := t.pins(last, known)
	if err != nil {
		return err
	}
	rows, err := t.store.LogRange(ctx, head.Log, 0, 1)
	if err != nil {
		return fmt.Errorf("audit: read entry: %w", err)
	}
	if len(rows) == 0 {
		return errOriginTaken // its beginning was pruned long ago
	}
	if _, err := checkRow(rows[0], 0); err != nil {
		return err
	}
	_, env, err := ParseLeaf(rows[0].Leaf)
	if err != nil {
		return err
	}
	own := 0
	for _, f := range env.Facts {
		if f.Name == "origin" || f.Name == "salt" {
			own++
			continue
		}
		if want, ok := pins[f.Name]; !ok || !sameFact(want, f.Fact) {
			return errOriginTaken
		}
	}
	if len(env.Facts)-own != len(pins) {
		return errOriginTaken
	}
	return nil
}

func sameFact(a, b troth.Fact) bool {
	return a.Kind() == b.Kind() && a.Text() == b.Text() && a.Number() == b.Number()
}
