package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// electTries bounds how long Checkpoint waits for another process that moves
// the log.
const (
	electTries = 100
	electPause = 10 * time.Millisecond
)

// Checkpoint signs the log as it is now, keeps the checkpoint and gives it to
// all sinks, see [WithSink] and [WithWitness]. It returns the signed note, with
// the cosignatures that came in. What is signed is committed before, so no
// checkpoint is ever contradicted.
//
// The errors are those of [Trail.Sequence], troth.ErrBusy where another
// process would not let go of the log, and a *[SinkError] where the checkpoint
// was kept and a sink did not take it.
func (t *Trail) Checkpoint(ctx context.Context) ([]byte, error) {
	row, err := t.sign(ctx)
	if err != nil {
		return nil, err
	}
	err = t.publish(ctx, row.Note)
	return t.withCosignatures(ctx, row).Note, err
}

// sign signs the log as it is and keeps the checkpoint. The signer may be slow:
// it is asked outside of transactions and locks.
func (t *Trail) sign(ctx context.Context) (row CheckpointRow, err error) {
	if err := t.canSequence(ctx); err != nil {
		return row, err
	}
	log, cp, err := t.unsigned(ctx)
	if err != nil {
		return row, err
	}
	note, err := SignCheckpoint(cp, t.signer)
	if err != nil {
		return row, fmt.Errorf("audit: sign: %w", err)
	}
	// What the trail itself would refuse must not leave it.
	if _, err := t.open(note); err != nil {
		return row, fmt.Errorf("audit: sign: %w", err)
	}
	row = CheckpointRow{Log: log, Size: cp.Size, SignedAt: cp.SignedAt.UnixMicro(), Note: note}
	if len(t.witnesses) > 0 { // signed in the same microsecond, it may have some
		row = t.withCosignatures(ctx, row)
	}
	if err := t.store.PutCheckpoint(ctx, row); err != nil {
		return row, fmt.Errorf("audit: keep checkpoint: %w", err)
	}
	return row, nil
}

// unsigned returns what there is to sign.
func (t *Trail) unsigned(ctx context.Context) (log int, cp Checkpoint, err error) {
	if err := t.seq.lock(ctx); err != nil {
		return 0, cp, err
	}
	defer t.seq.unlock()
	for range electTries {
		l, err := t.current(ctx)
		if err != nil {
			return 0, cp, err
		}
		if l != nil {
			return l.head.Log, l.checkpoint(t.now()), nil
		}
		if err := pause(ctx, electPause); err != nil {
			return 0, cp, err
		}
	}
	return 0, cp, fmt.Errorf("audit: sign: %w", troth.ErrBusy)
}

// checkpoint says what the log is.
func (l *ledger) checkpoint(at time.Time) Checkpoint {
	return Checkpoint{
		Origin: l.head.Origin, Size: l.head.Size, Root: l.head.Root,
		TenantRoot: l.names.Root(), SaltCommitment: saltCommitment(l.head.Salt),
		SignedAt: time.UnixMicro(at.UnixMicro()).UTC(),
	}
}

// current returns the ledger of the log as it is committed, nil where another
// process moves it just now. The log is opened if there is none.
func (t *Trail) current(ctx context.Context) (*ledger, error) {
	if err := t.askSinks(ctx); err != nil {
		return nil, err
	}
	// What this process moved last is committed, and needs no election.
	if l, err := t.unmoved(ctx); err != nil || l != nil {
		return l, err
	}
	var s *step
	err := t.tx.Atomically(ctx, func(ctx context.Context) error {
		s = nil
		head, elected, err := t.elect(ctx)
		if err != nil || !elected {
			return err
		}
		if s, err = t.begin(ctx, head, nil); err != nil || s.head.Size > 0 {
			return err
		}
		if err := t.addOpening(ctx, s); err != nil {
			return err
		}
		return t.write(ctx, s)
	})
	if err != nil || s == nil {
		return nil, err
	}
	s.ledger.take(s)
	t.seq.ledger = s.ledger
	return s.ledger, nil
}

// unmoved returns what this process knows of the log, nil if that is not how it
// stands.
func (t *Trail) unmoved(ctx context.Context) (*ledger, error) {
	l := t.seq.ledger
	if l == nil {
		return nil, nil //nolint:nilnil // it knows nothing
	}
	heads, err := t.heads(ctx)
	if err != nil || len(heads) == 0 || !l.stands(heads[len(heads)-1]) {
		return nil, err
	}
	if err := t.signs(heads[len(heads)-1]); err != nil {
		return nil, err
	}
	return l, nil
}

// Latest returns the newest signed checkpoint, [ErrNoLog] if there is none yet.
func (t *Trail) Latest(ctx context.Context) ([]byte, error) {
	row, err := t.latest(ctx)
	return row.Note, err
}

// latest is of the newest log that was signed.
func (t *Trail) latest(ctx context.Context) (row CheckpointRow, err error) {
	heads, err := t.heads(ctx)
	if err != nil {
		return row, err
	}
	for _, head := range slices.Backward(heads) {
		row, found, err := t.store.Checkpoint(ctx, head.Log, maxSize)
		if err != nil {
			return row, fmt.Errorf("audit: read checkpoint: %w", err)
		}
		if found {
			return row, nil
		}
	}
	return row, ErrNoLog
}

// newest returns the newest checkpoint of a log, verified.
func (t *Trail) newest(ctx context.Context, log int) (cp Checkpoint, found bool, err error) {
	row, found, err := t.store.Checkpoint(ctx, log, maxSize)
	if err != nil {
		return cp, false, fmt.Errorf("audit: read checkpoint: %w", err)
	}
	if !found {
		return cp, false, nil
	}
	if cp, err = t.openRow(row); err != nil {
		return cp, false, err
	}
	return cp, true, nil
}

// openRow verifies a stored checkpoint and holds it to its row.
func (t *Trail) openRow(row CheckpointRow) (Checkpoint, error) {
	cp, err := t.open(row.Note)
	if err == nil && (cp.Size != row.Size || cp.SignedAt.UnixMicro() != row.SignedAt) {
		err = errors.New("does not match its row")
	}
	if err != nil {
		return Checkpoint{}, &DamageError{row.Log, "checkpoint", "size " + utoa(row.Size), err.Error()}
	}
	return cp, nil
}

func (t *Trail) open(note []byte) (Checkpoint, error) {
	cp, _, err := OpenCheckpoint(note, t.verifiers)
	return cp, err
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
