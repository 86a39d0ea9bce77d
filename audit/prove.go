package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

var _ troth.Prover = (*Trail)(nil)

// RedactedError says that an entry was redacted to its hash.
type RedactedError struct {
	ID troth.EntryID
	// By is the entry that tells why.
	By troth.EntryID
}

func (e *RedactedError) Error() string {
	return "audit: entry " + e.ID.String() + " was redacted, see entry " + e.By.String()
}

// Prove implements troth.Prover: a C2SP tlog-proof of the tenant's entry in the
// newest checkpoint, with the leaf in it, that [VerifyProof] checks with nothing
// but the verifier key. It returns troth.ErrPending while the entry waits in the
// inbox, or waits for a checkpoint where this trail cannot sign one; an entry
// that no checkpoint covers is signed for otherwise. Witnesses answer later than
// that, see [WithWitness]: the proof has the cosignatures that are there, and to
// verify it takes the keys of those witnesses. Further errors are
// [ErrNoEntry] and *[RedactedError].
func (t *Trail) Prove(ctx context.Context, tenant troth.Tenant, id troth.EntryID) ([]byte, error) {
	row, err := t.entry(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	cp, err := t.covering(ctx, row.Log, row.Index)
	if err != nil {
		return nil, err
	}
	hashes, err := t.inclusion(ctx, row.Log, row.Index, cp.Size)
	if err != nil {
		return nil, err
	}
	p := Proof{Index: row.Index, Hashes: hashes, Leaf: row.Leaf, Checkpoint: cp.Note}
	return p.Marshal(), nil
}

// entry returns a tenant's entry in the log, held to its leaf.
func (t *Trail) entry(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (LogRow, error) {
	if err := tenant.Validate(); err != nil {
		return LogRow{}, err
	}
	row, found, err := t.store.LogEntry(ctx, tenant, id)
	if err != nil {
		return row, fmt.Errorf("audit: read entry: %w", err)
	}
	if !found {
		return row, t.waitsOrNot(ctx, tenant, id)
	}
	if row.Leaf == nil && !row.RedactedBy.IsZero() {
		return row, &RedactedError{ID: id, By: row.RedactedBy}
	}
	_, err = checkRow(row, row.Index)
	return row, err
}

// waitsOrNot returns ErrPending if the entry is in the inbox, else ErrNoEntry.
func (t *Trail) waitsOrNot(ctx context.Context, tenant troth.Tenant, id troth.EntryID) error {
	_, waits, err := t.inInbox(ctx, tenant, id)
	switch {
	case err != nil:
		return err
	case waits:
		return troth.ErrPending
	default:
		return ErrNoEntry
	}
}

// covering returns the newest checkpoint of the log, which must cover the index.
func (t *Trail) covering(ctx context.Context, log int, index uint64) (CheckpointRow, error) {
	row, found, err := t.store.Checkpoint(ctx, log, maxSize)
	if err != nil {
		return row, fmt.Errorf("audit: read checkpoint: %w", err)
	}
	if found && row.Size > index {
		return row, t.trust(row)
	}
	if t.signer == nil || t.tx.Scope(ctx) != nil {
		return row, troth.ErrPending
	}
	if row, err = t.sign(ctx); err != nil {
		return row, err
	}
	if row.Log != log || row.Size <= index {
		return row, troth.ErrPending
	}
	return row, nil
}

// trust verifies a stored checkpoint, once for each that is newest.
func (t *Trail) trust(row CheckpointRow) error {
	if known := t.trusted.Load(); known != nil && known.equal(row) {
		return nil
	}
	if _, err := t.openRow(row); err != nil {
		return err
	}
	t.trusted.Store(&row)
	return nil
}

func (c *CheckpointRow) equal(o CheckpointRow) bool {
	return c.Log == o.Log && c.Size == o.Size && c.SignedAt == o.SignedAt && string(c.Note) == string(o.Note)
}

// inclusion returns the hashes that lead from a leaf to the root of that size.
func (t *Trail) inclusion(ctx context.Context, log int, index, size uint64) ([][32]byte, error) {
	hashes, err := merkle.Inclusion(index, size, t.tiles(ctx, log))
	if err != nil {
		return nil, t.storedOr(err, &DamageError{log, "tile", "those of index " + utoa(index), "are not there"})
	}
	return hashes, nil
}

// Consistency returns a proof that the newest checkpoint of the log that is open
// contains the whole of an earlier one, of the given size and of the same
// origin, for [VerifyConsistency]. Its form is that in which C2SP witnesses are
// asked.
func (t *Trail) Consistency(ctx context.Context, origin string, old uint64) ([]byte, error) {
	heads, err := t.heads(ctx)
	if err != nil {
		return nil, err
	}
	for _, head := range heads {
		if head.Origin == origin {
			return t.consistency(ctx, head, old)
		}
	}
	return nil, ErrNoLog
}

func (t *Trail) consistency(ctx context.Context, head Head, old uint64) ([]byte, error) {
	row, found, err := t.store.Checkpoint(ctx, head.Log, maxSize)
	if err != nil {
		return nil, fmt.Errorf("audit: read checkpoint: %w", err)
	}
	if !found {
		return nil, ErrNoLog
	}
	if err := t.trust(row); err != nil {
		return nil, err
	}
	if old > row.Size {
		return nil, &RolledBackError{Origin: head.Origin, Known: old, Have: row.Size}
	}
	return t.growth(ctx, head.Log, old, row.Size, row.Note)
}

// growth is the bundle that the log of the checkpoint, of that size, contains the
// one of the old size.
func (t *Trail) growth(ctx context.Context, log int, old, size uint64, checkpoint []byte) ([]byte, error) {
	hashes, err := merkle.Consistency(old, size, t.tiles(ctx, log))
	if err != nil {
		return nil, t.storedOr(err, &DamageError{log, "tile", "those of size " + utoa(old), "are not there"})
	}
	return Consistency{OldSize: old, Hashes: hashes, Checkpoint: checkpoint}.Marshal(), nil
}

// isEntryError reports whether err says that a row is no entry.
func isEntryError(err error) bool {
	_, ok := errors.AsType[*EntryError](err)
	return ok
}
