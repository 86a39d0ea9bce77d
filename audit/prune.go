package audit

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

const (
	// pruneStep is what the beginning of a log is cut to: whole tiles of hashes.
	pruneStep = 256
	// pruneLimit is how many entries one call destroys unless the caller says
	// otherwise.
	pruneLimit = 4096
)

// PruneTo says how much of a log to destroy.
type PruneTo struct {
	// Log is the number of the log, from 1; it may be closed.
	Log int
	// Before is the position of the first entry that stays. It is rounded down to
	// a multiple of 256, so up to 255 entries more than that stay.
	Before uint64
	// Limit is the most entries that one call destroys; 4096 if zero.
	Limit int
}

// Pruned is how far a log was pruned.
type Pruned struct {
	Log int
	// Before is the position of the first entry that stays; zero if all do.
	Before uint64
	// By is the entry that tells of it.
	By troth.EntryID
	// Left counts the entries below Before that are still there, for the next
	// call.
	Left int
}

// Prune destroys the beginning of a log: the entries of all tenants before a
// position, with the parts of their payloads, behind a signed checkpoint that
// covers them and is kept. What is left verifies as before, against that
// checkpoint and every later one; of what is gone the checkpoint proves only
// that it was there.
//
// The first call records it, on the platform's trail. Each call destroys no more
// than the limit and is complete in itself: call it again until Left is zero.
// A log that was pruned as far before, or further, is not pruned anew; what was
// left of that is destroyed.
//
// The trail must know who signs, see [WithSigner] and [WithVerifiers]. It returns
// [ErrNoLog] where there is no such log, [ErrNoCheckpoint] where no checkpoint
// covers what should go, a *[DamageError] where the one that does cannot be
// believed, and troth.ErrBusy where another process began to prune the log at
// the same time. The permit must be for [LogRef],
// minted in the transaction of ctx; else the error is troth.ErrNotPermitted.
// Permits without a keeper are accepted as [Unmanaged] says.
func (t *Trail) Prune(ctx context.Context, permit troth.Permit, to PruneTo) (Pruned, error) {
	to.Before -= to.Before % pruneStep
	if to.Limit <= 0 {
		to.Limit = pruneLimit
	}
	var p Pruned
	err := t.destroy(ctx, permit, func(ctx context.Context, d deed) error {
		head, err := t.logHead(ctx, to.Log)
		if err != nil {
			return err
		}
		by, before := head.PrunedBy, head.Pruned
		if to.Before > head.Pruned {
			by, before = d.entry, to.Before
			if err := t.tellPruning(ctx, d, head, before); err != nil {
				return err
			}
		}
		p, err = t.prune(ctx, Pruning{Log: to.Log, Before: before, By: by}, to.Limit)
		return err
	}, LogRef(to.Log))
	if err != nil {
		return Pruned{}, err
	}
	return p, nil
}

// tellPruning records that the log is pruned, and behind which checkpoint.
func (t *Trail) tellPruning(ctx context.Context, d deed, head Head, before uint64) error {
	cp, err := t.checkpointBehind(ctx, head, before)
	if err != nil {
		return err
	}
	return t.tell(ctx, d, troth.Entry{Act: actPrune, Tenant: troth.Platform, Facts: troth.Facts{
		"log":    troth.Count(head.Log),
		"before": troth.Count(before),
		"size":   troth.Count(cp.Size),
		"root":   troth.Digest(cp.Root),
	}}, Pseudonym{})
}

func (t *Trail) prune(ctx context.Context, pruning Pruning, limit int) (Pruned, error) {
	p := Pruned{Log: pruning.Log, Before: pruning.Before, By: pruning.By}
	if pruning.Before == 0 {
		return p, nil
	}
	var err error
	if p.Left, err = t.store.Prune(ctx, pruning, limit); err != nil {
		return p, fmt.Errorf("audit: prune: %w", err)
	}
	head, err := t.logHead(ctx, pruning.Log)
	if err != nil {
		return p, err
	}
	if head.PrunedBy != pruning.By {
		// The entry that was just recorded would tell of what another process
		// did.
		return p, fmt.Errorf("audit: prune: %w", troth.ErrBusy)
	}
	return p, nil
}

// logHead returns the state of a log.
func (t *Trail) logHead(ctx context.Context, log int) (Head, error) {
	heads, err := t.heads(ctx)
	if err != nil {
		return Head{}, err
	}
	for _, h := range heads {
		if h.Log == log {
			return h, nil
		}
	}
	return Head{}, ErrNoLog
}

// checkpointBehind returns the earliest checkpoint that covers all entries
// before a position, verified.
func (t *Trail) checkpointBehind(ctx context.Context, head Head, before uint64) (Checkpoint, error) {
	rows, err := t.store.Checkpoints(ctx, head.Log, before, 1)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("audit: read checkpoint: %w", err)
	}
	if len(rows) == 0 || rows[0].Size > head.Size {
		return Checkpoint{}, ErrNoCheckpoint
	}
	cp, err := t.openRow(rows[0])
	if err != nil {
		return Checkpoint{}, err
	}
	if cp.Origin != head.Origin || (cp.Size == head.Size && cp.Root != head.Root) {
		return Checkpoint{}, &DamageError{head.Log, "checkpoint", "size " + utoa(cp.Size), "is not of this log"}
	}
	return cp, nil
}
