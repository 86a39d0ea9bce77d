package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// Rotate makes the trail's signer the one who signs the log, after old, whose
// key it still has. Make a trail with the new signer of the same origin, and
// with [WithVerifiers] for the old key, and call it: until then the trail
// cannot sequence, and answers [ErrSigner]. Trails with the old signer answer so
// from then on.
//
// The change is an entry of the log, and the last checkpoint under the old key
// covers it. Rotate returns a size of the log that parts the keys: the old one signed
// none beyond it, and the new one signs none before it. Where another process sequences
// during the call, the old key's last checkpoint may be of a smaller size. Pin the old
// key to sizes up to and including the one returned, and the new one to sizes from it on,
// as [Verifiers.WithSizes] shows, for the trail and for everybody who verifies. A call
// that failed half-way can be repeated: one that the new key signed behind is answered
// with the first size that it signed.
func (t *Trail) Rotate(ctx context.Context, old Signer) (size uint64, err error) {
	if err := t.canSequence(ctx); err != nil {
		return 0, err
	}
	if old.Name() != t.signer.Name() || old.VerifierKey() == t.signer.VerifierKey() {
		return 0, fmt.Errorf("%w: it must have the same name and another key", ErrSigner)
	}
	if !t.verifiers.names(old.Name(), old.VerifierKey()) {
		return 0, fmt.Errorf("%w: its key is not among those to verify with", ErrSigner)
	}
	if size, err = t.rotated(ctx); err != nil || size > 0 {
		return size, err
	}
	before := t.under(old)
	if err := before.recordRotation(ctx, t.signer); err != nil {
		return 0, err
	}
	if _, err := before.Checkpoint(ctx); err != nil {
		if _, kept := errors.AsType[*SinkError](err); !kept {
			return 0, err
		}
		t.log.Warn("checkpoint did not reach every sink", zap.Error(err))
	}
	if err := t.seq.lock(ctx); err != nil {
		return 0, err
	}
	defer t.seq.unlock()
	err = t.tx.Atomically(ctx, func(ctx context.Context) error {
		head, elected, err := before.elect(ctx)
		if err != nil {
			return err
		}
		if !elected {
			return fmt.Errorf("audit: rotate: %w", troth.ErrBusy)
		}
		size = head.Size
		to := head
		to.Signer = t.signer.VerifierKey()
		moved, err := t.moveHead(ctx, head, to)
		if err == nil && !moved {
			err = fmt.Errorf("audit: rotate: %w", troth.ErrBusy)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return size, nil
}

// rotated returns the size at which the log came to be the signer's, 0 if it did
// not yet: the first that it signed, else the one that the log has.
func (t *Trail) rotated(ctx context.Context) (uint64, error) {
	heads, err := t.heads(ctx)
	if err != nil || len(heads) == 0 {
		return 0, err
	}
	head := heads[len(heads)-1]
	if head.Origin != t.signer.Name() || head.Signer != t.signer.VerifierKey() {
		return 0, nil
	}
	for size := uint64(0); ; {
		rows, err := t.store.Checkpoints(ctx, head.Log, size, thinPage)
		if err != nil {
			return 0, fmt.Errorf("audit: read checkpoints: %w", err)
		}
		for _, row := range rows {
			_, sigs, err := OpenCheckpoint(row.Note, t.verifiers)
			if err != nil {
				return 0, fmt.Errorf("audit: read checkpoints: %w", err)
			}
			if sigs[0].KeyID == t.signer.KeyHash() {
				return row.Size, nil
			}
			size = row.Size + 1
		}
		if len(rows) < thinPage {
			return head.Size, nil
		}
	}
}

// under returns the trail as another signer would have it.
func (t *Trail) under(s Signer) *Trail {
	other := t.clone()
	other.signer = s
	return other
}

func (t *Trail) recordRotation(ctx context.Context, next Signer) error {
	e := troth.Entry{
		Act: actRotate, Tenant: troth.Platform,
		Facts: troth.Facts{
			"from": troth.Digest(sha256.Sum256([]byte(t.signer.VerifierKey()))),
			"to":   troth.Digest(sha256.Sum256([]byte(next.VerifierKey()))),
		},
	}
	if _, err := t.sequenceOwn(ctx, e); err != nil {
		return err
	}
	return nil
}

// sequenceOwn puts an entry of the trail itself at the end of the log.
func (t *Trail) sequenceOwn(ctx context.Context, e troth.Entry) (LogRow, error) {
	if err := t.seq.lock(ctx); err != nil {
		return LogRow{}, err
	}
	defer t.seq.unlock()
	if _, err := t.sequence(ctx); err != nil { // opens the log if need be
		return LogRow{}, err
	}
	var s *step
	err := t.tx.Atomically(ctx, func(ctx context.Context) error {
		head, elected, err := t.elect(ctx)
		if err == nil && (!elected || head.Size == 0) {
			err = fmt.Errorf("audit: sequence: %w", troth.ErrBusy)
		}
		if err != nil {
			return err
		}
		if s, err = t.begin(ctx, head, nil); err != nil {
			return err
		}
		if err := t.addOwn(ctx, s, e); err != nil {
			return err
		}
		return t.write(ctx, s)
	})
	if err != nil {
		return LogRow{}, err
	}
	s.ledger.take(s)
	t.seq.ledger = s.ledger
	return s.rows[0], nil
}
