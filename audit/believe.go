package audit

import (
	"context"

	"github.com/trothdev/troth/internal/merkle"
)

// rangeAt returns the right edge of the tree as it was at that size. Whether the
// hashes are the right ones, only a root can tell.
func (t *Trail) rangeAt(ctx context.Context, log int, size uint64) (merkle.Range, error) {
	src := t.tiles(ctx, log)
	missing := &DamageError{log, "tile", "those of size " + utoa(size), "are not there"}
	var tail [][32]byte
	if n := int(size % tileWidth); n > 0 {
		hashes, err := src.Tile(0, size/tileWidth, n)
		if err != nil {
			return merkle.Range{}, t.storedOr(err, missing)
		}
		tail = split(hashes)
	}
	front, err := merkle.FrontierAt(size, tail, src)
	if err != nil {
		return merkle.Range{}, t.storedOr(err, missing)
	}
	return front.Range(), nil
}

// explained returns a *DamageError for a redacted row of which no entry tells.
// Nothing but that entry says whose it was and what number it had: what is
// sequenced and signed next must not go by columns that anybody could have
// written. head was authenticated, and taken are rows that waited in the inbox.
func (t *Trail) explained(ctx context.Context, head Head, row LogRow, taken []InboxRow) error {
	if row.Leaf != nil || row.RedactedBy.IsZero() {
		return nil
	}
	env, err := t.reasonOf(ctx, head, row, taken)
	if err == nil && !redactionOf(&row)(env) {
		err = &DamageError{row.Log, "entry", "index " + utoa(row.Index), "is redacted without a reason on the trail"}
	}
	return err
}

// reasonOf returns the entry that the row names as its reason, the zero Envelope if
// there is none that can be believed.
func (t *Trail) reasonOf(ctx context.Context, head Head, row LogRow, taken []InboxRow) (Envelope, error) {
	for _, waited := range taken {
		if waited.Tenant != row.Tenant || waited.ID != row.RedactedBy {
			continue
		}
		env, err := t.fromInbox(ctx, waited)
		if isEntryError(err) {
			return Envelope{}, nil
		}
		return env, err
	}
	at, err := t.locate(ctx, row.Tenant, row.RedactedBy)
	if err != nil || at.row == nil {
		return at.env, notThere(err)
	}
	if at.row.Log != head.Log || at.row.Index >= head.Size {
		return Envelope{}, nil
	}
	if in, err := t.includes(ctx, head, at.row); err != nil || !in {
		return Envelope{}, err
	}
	return at.env, nil
}
