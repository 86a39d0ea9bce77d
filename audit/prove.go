package audit

import (
	"bytes"
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
	if err := tenant.Validate(); err != nil {
		return nil, err
	}
	rows, err := t.proofRows(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	row := &rows.Entry
	if row.Leaf == nil && !row.RedactedBy.IsZero() {
		return nil, &RedactedError{ID: id, By: row.RedactedBy}
	}
	if err := holdsTogether(row); err != nil {
		return nil, err
	}
	note, cp, err := t.covering(ctx, row.Log, row.Index, rows.Checkpoint)
	if err != nil {
		return nil, err
	}
	hashes, err := t.inclusion(ctx, rows, cp)
	if _, damaged := errors.AsType[*DamageError](err); damaged {
		if _, found, failed := t.store.LogEntry(ctx, tenant, id); failed == nil && !found {
			return nil, t.waitsOrNot(ctx, tenant, id) // it was pruned just now
		}
	}
	if err != nil {
		return nil, err
	}
	p := Proof{Index: row.Index, Hashes: hashes, Leaf: row.Leaf, Checkpoint: note}
	return p.Marshal(), nil
}

// ProofRows is what a proof of an entry is made of.
type ProofRows struct {
	Entry LogRow
	// Checkpoint is the newest one of the entry's log.
	Checkpoint CheckpointRow
	// Neighbours are the hashes of the complete tile of level 0 that the entry
	// is in; nil if it is not complete.
	Neighbours []byte
}

// proofStore is a store that finds all of that in one go.
type proofStore interface {
	// ProofRows returns what LogEntry, Checkpoint and Tile do. found is false
	// where there is no such entry, or no checkpoint of its log.
	ProofRows(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (p ProofRows, found bool, err error)
}

// proofRows finds an entry, and as much of the rest as the store finds along with it.
func (t *Trail) proofRows(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (rows ProofRows, err error) {
	if store, ok := t.store.(proofStore); ok {
		rows, found, err := store.ProofRows(ctx, tenant, id)
		if err != nil {
			return rows, fmt.Errorf("audit: read entry: %w", err)
		}
		if found {
			return rows, nil
		}
	}
	var found bool
	if rows.Entry, found, err = t.store.LogEntry(ctx, tenant, id); err != nil {
		return rows, fmt.Errorf("audit: read entry: %w", err)
	}
	if !found {
		return rows, t.waitsOrNot(ctx, tenant, id)
	}
	return rows, nil
}

// holdsTogether is checkRow for a row that is not taken apart.
func holdsTogether(row *LogRow) error {
	g, ok := glanceAt(row.Leaf)
	if !ok || HashLeaf(row.Leaf) != row.Hash || !g.fits(row) {
		_, err := checkRow(*row, row.Index) // which names what is wrong
		return err
	}
	return nil
}

// waitsOrNot returns ErrPending if the entry is in the inbox, else ErrNoEntry.
func (t *Trail) waitsOrNot(ctx context.Context, tenant troth.Tenant, id troth.EntryID) error {
	_, waits, err := t.inInbox(ctx, tenant, id)
	switch {
	case err != nil:
		return err
	case waits:
		return fmt.Errorf("audit: the entry is recorded and not in the log yet, see Trail.Await: %w", troth.ErrPending)
	default:
		return ErrNoEntry
	}
}

// covering returns the newest checkpoint of the log, as it was signed and what it
// says. It must cover the index. row is that checkpoint, if it was read already.
func (t *Trail) covering(ctx context.Context, log int, index uint64, row CheckpointRow) (note []byte, cp Checkpoint, err error) {
	found := len(row.Note) > 0
	if !found {
		if row, found, err = t.store.Checkpoint(ctx, log, maxSize); err != nil {
			return nil, cp, fmt.Errorf("audit: read checkpoint: %w", err)
		}
	}
	if !found || row.Size <= index {
		if t.signer == nil || t.tx.Scope(ctx) != nil {
			return nil, cp, fmt.Errorf("audit: no checkpoint covers the entry yet, see Trail.Checkpoint: %w", troth.ErrPending)
		}
		if row, err = t.sign(ctx); err != nil {
			return nil, cp, err
		}
		if row.Log != log || row.Size <= index {
			return nil, cp, troth.ErrPending
		}
	}
	cp, err = t.trust(row)
	return row.Note, cp, err
}

// believed is a checkpoint that was verified.
type believed struct {
	row CheckpointRow
	cp  Checkpoint
}

// trust verifies a stored checkpoint, once for each that is newest.
func (t *Trail) trust(row CheckpointRow) (Checkpoint, error) {
	if known := t.trusted.Load(); known != nil && known.row.equal(row) {
		return known.cp, nil
	}
	cp, err := t.openRow(row)
	if err == nil {
		t.trusted.Store(&believed{row, cp})
	}
	return cp, err
}

func (c *CheckpointRow) equal(o CheckpointRow) bool {
	return c.Log == o.Log && c.Size == o.Size && c.SignedAt == o.SignedAt && bytes.Equal(c.Note, o.Note)
}

// hotTiles is how many tiles are kept in memory, of up to 16 KiB: the levels above
// the lowest of a log of some 16 million entries.
const hotTiles = 256

// inclusion returns the hashes that lead from a leaf to the root that was signed. A
// proof that leads elsewhere does not leave the trail.
func (t *Trail) inclusion(ctx context.Context, rows ProofRows, cp Checkpoint) ([][32]byte, error) {
	log, index, leaf := rows.Entry.Log, rows.Entry.Index, rows.Entry.Hash
	tiles := t.tiles(ctx, log)
	if t.tx.Scope(ctx) == nil { // a transaction's own tiles may never be committed
		near := nearTiles{tileSource: tiles, n: index / tileWidth, hashes: rows.Neighbours}
		hashes, err := merkle.Inclusion(index, cp.Size, t.hot.Source(uint64(log), near))
		if err == nil && merkle.VerifyInclusion(index, cp.Size, leaf, cp.Root, hashes) == nil {
			return hashes, nil
		}
		// What is kept may be of a database that was replaced since.
	}
	hashes, err := merkle.Inclusion(index, cp.Size, tiles)
	damage := &DamageError{log, "tile", "those of index " + utoa(index), "are not there"}
	if err != nil {
		return nil, t.storedOr(err, damage)
	}
	if merkle.VerifyInclusion(index, cp.Size, leaf, cp.Root, hashes) != nil {
		damage.Reason = "do not lead to the root that was signed"
		return nil, damage
	}
	return hashes, nil
}

// nearTiles is a source of tiles of which one was read already.
type nearTiles struct {
	tileSource
	n      uint64
	hashes []byte
}

// Tile returns the first width hashes of a tile.
func (s nearTiles) Tile(level int, n uint64, width int) ([]byte, error) {
	if level == 0 && n == s.n && s.hashes != nil {
		return s.hashes[:width*hashSize], nil
	}
	return s.tileSource.Tile(level, n, width)
}

// Consistency returns a proof that the newest checkpoint of the log that is open
// contains the whole of an earlier one, of the given size and of the same
// origin, for [VerifyConsistency]. Its form is that in which C2SP witnesses are
// asked. It returns [ErrNoLog] for an origin that is not in the store, [ErrPruned],
// and a *[RolledBackError] if no checkpoint is that large.
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
	if _, err := t.trust(row); err != nil {
		return nil, err
	}
	if old > row.Size {
		return nil, &RolledBackError{Origin: head.Origin, Known: old, Have: row.Size}
	}
	return t.growth(ctx, head, old, row.Size, row.Note)
}

// growth is the bundle that the log of the checkpoint, of that size, contains the
// one of the old size.
func (t *Trail) growth(ctx context.Context, head Head, old, size uint64, checkpoint []byte) ([]byte, error) {
	if old < head.Pruned && old%tileWidth != 0 {
		return nil, ErrPruned
	}
	hashes, err := merkle.Consistency(old, size, t.tiles(ctx, head.Log))
	if err != nil {
		err = t.storedOr(err, &DamageError{head.Log, "tile", "those of size " + utoa(old), "are not there"})
		if now, pruned := t.prunedSince(ctx, head, err); pruned {
			return t.growth(ctx, now, old, size, checkpoint)
		}
		return nil, err
	}
	return Consistency{OldSize: old, Hashes: hashes, Checkpoint: checkpoint}.Marshal(), nil
}

// isEntryError reports whether err says that a row is no entry.
func isEntryError(err error) bool {
	_, ok := errors.AsType[*EntryError](err)
	return ok
}
