package audit

import (
	"bytes"
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

// walk goes through one log from one end to the other and holds every row to
// the one before it.
type walk struct {
	v      *verification
	trail  *Trail
	head   Head
	report LogReport

	// start is the index of the first entry that is read; trusted is the
	// checkpoint of that size, nil if the walk does not begin at one.
	start   uint64
	trusted *Checkpoint
	front   *merkle.Frontier

	// ends are where tenants ended before the entry that is read now, and last
	// is the one that was used last.
	ends map[troth.Tenant]*tenantEnd
	last *tenantEnd
	// unknown counts the ends of which the hash is not known.
	unknown int
	// names is the tenant map, but for the tenants in dirty.
	names *merkle.Map
	dirty []*tenantEnd

	keys        keyHistory
	checkpoints checkpointCursor
	tiles       [maxLevel + 1]*tileCursor
}

func (w *walk) damage(table, place, reason string) error {
	return &DamageError{w.head.Log, table, place, reason}
}

func (w *walk) entryDamage(index uint64, reason string) error {
	return w.damage("entry", "index "+utoa(index), reason)
}

func wrapVerify(err error) error { return fmt.Errorf("audit: verify: %w", err) }

// begin finds where to start, and what the log was there.
func (w *walk) begin(ctx context.Context) error {
	if err := w.findStart(ctx); err != nil {
		return err
	}
	if err := w.beginTree(ctx); err != nil {
		return err
	}
	if err := w.beginTenants(ctx); err != nil {
		return err
	}
	w.checkpoints = checkpointCursor{trail: w.trail, log: w.head.Log, from: w.start}
	if err := w.oldCheckpoints(ctx); err != nil {
		return err
	}
	w.report.Pruned = min(w.start, w.head.Pruned)
	if w.start > 0 && w.head.Pruned == 0 {
		return w.openingBehind(ctx)
	}
	return nil
}

// findStart begins at the trusted checkpoint, at the first entry that pruning
// has left, or at the beginning.
func (w *walk) findStart(ctx context.Context) error {
	if cp := w.v.trusted; cp != nil && cp.Origin == w.head.Origin && cp.Size > w.head.Pruned {
		err := w.trail.leadsTo(ctx, w.head, *cp)
		if err == nil {
			w.start, w.trusted = cp.Size, cp
			return nil
		}
		if !w.head.Closed || !isRolledBack(err) {
			return err
		}
		// The next log may admit it; what is there is read from the beginning.
	}
	if w.head.Pruned == 0 {
		return nil
	}
	w.start = w.head.Pruned
	rows, err := w.trail.store.LogRange(ctx, w.head.Log, 0, 1)
	if err != nil {
		return wrapVerify(err)
	}
	if len(rows) > 0 {
		w.start = min(rows[0].Index, w.start)
	}
	return nil
}

// beginTree makes the right edge of the tree at the start.
func (w *walk) beginTree(ctx context.Context) error {
	src := w.trail.tiles(ctx, w.head.Log)
	missing := w.damage("tile", "those of size "+utoa(w.start), "are not there")
	var tail [][32]byte
	if n := int(w.start % tileWidth); n > 0 {
		hashes, err := src.Tile(0, w.start/tileWidth, n)
		if err != nil {
			return w.trail.storedOr(err, missing)
		}
		tail = split(hashes)
	}
	var err error
	if w.front, err = merkle.FrontierAt(w.start, tail, src); err != nil {
		return w.trail.storedOr(err, missing)
	}
	if w.trusted != nil {
		if w.front.Root() != w.trusted.Root {
			return w.damage("tile", "those of size "+utoa(w.start), "do not make the root that was signed")
		}
		return nil
	}
	return w.oldTiles(ctx)
}

// entries reads all entries from the start on, one page ahead of checking.
func (w *walk) entries(ctx context.Context) error {
	if err := w.checkCheckpoints(ctx); err != nil {
		return err
	}
	index := w.start
	for page, err := range w.trail.readAhead(ctx, w.head.Log, w.start, w.head.Size) {
		for i := range page {
			if err := w.entry(ctx, &page[i], index); err != nil {
				return err
			}
			index++
		}
		if err != nil {
			return err
		}
	}
	if index != w.head.Size {
		return w.entryDamage(index, "is missing")
	}
	w.report.Read = index - w.start
	return nil
}

// entry checks one entry and makes it part of the tree.
func (w *walk) entry(ctx context.Context, row *LogRow, index uint64) error {
	switch {
	case row.Index > index:
		return w.entryDamage(index, "is missing")
	case row.Index < index:
		return w.entryDamage(row.Index, "is there twice")
	}
	end := w.endOf(row.Tenant)
	if row.Number != end.Number+1 {
		return w.notNext(row, end)
	}
	if err := w.content(ctx, row, end); err != nil {
		return err
	}
	w.move(end, row)
	w.v.look.row(row)
	w.front.Append(row.Hash)
	if (index+1)%tileWidth == 0 {
		if err := w.compareTiles(ctx); err != nil {
			return err
		}
	}
	if index+1 == w.checkpoints.next {
		return w.checkCheckpoints(ctx)
	}
	return nil
}

// content checks what a row holds.
func (w *walk) content(ctx context.Context, row *LogRow, end *tenantEnd) error {
	damage := func(reason string) error { return w.entryDamage(row.Index, reason) }
	if row.Leaf == nil && !row.Oversized {
		return w.redacted(ctx, row)
	}
	if !row.RedactedBy.IsZero() {
		return damage("is redacted and has a leaf")
	}
	if HashLeaf(row.Leaf) != row.Hash {
		return damage("hash does not match the leaf")
	}
	g, ok := glanceAt(row.Leaf)
	if !ok {
		return damage("is not a leaf")
	}
	if !g.fits(row) {
		return damage("columns do not match the leaf")
	}
	if row.Number > 1 && !end.unknown && !bytes.Equal(g.prev, end.Hash[:]) {
		return damage("does not follow the one before of its tenant")
	}
	if g.commitments > 0 {
		if err := w.parts(ctx, row); err != nil {
			return err
		}
	}
	if row.Tenant == troth.Platform {
		return w.structural(row)
	}
	return nil
}

// redacted checks an entry of which only the hash is left.
func (w *walk) redacted(ctx context.Context, row *LogRow) error {
	switch {
	case row.RedactedBy.IsZero():
		return w.entryDamage(row.Index, "has no leaf, and no reason for it")
	case row.Act != "" || !row.Subject.IsZero() || row.RecordedAt != 0:
		return w.entryDamage(row.Index, "is redacted and has columns left")
	case row.Index == 0:
		return w.entryDamage(0, "opens the log and is redacted")
	}
	w.report.Redacted++
	err := w.v.reasons.need(ctx, missing{
		log: row.Log, index: row.Index, by: TenantEntry{row.Tenant, row.RedactedBy},
		damage: &DamageError{row.Log, "entry", "index " + utoa(row.Index), "is redacted without a reason on the trail"},
		told:   redactionOf(row),
	})
	if err != nil {
		return err
	}
	return w.redactedParts(ctx, row)
}

// structural reads what the log says of itself.
func (w *walk) structural(row *LogRow) error {
	switch {
	case row.Index == 0:
		return w.opening(row)
	case row.Act == actLogOpen.Name:
		return w.entryDamage(row.Index, "opens a log that is open")
	case row.Act == actRotate.Name:
		return w.rotation(row)
	}
	return nil
}

// end compares what the entries made with the head, the tenants and whatever
// stands behind the end.
func (w *walk) end(ctx context.Context) error {
	if w.front.Root() != w.head.Root {
		return w.damage("head", "size "+utoa(w.head.Size), "root is not that of the entries")
	}
	if err := w.endTiles(ctx); err != nil {
		return err
	}
	if err := w.noMoreEntries(ctx); err != nil {
		return err
	}
	if err := w.endCheckpoints(ctx); err != nil {
		return err
	}
	if err := w.endKeys(); err != nil {
		return err
	}
	if w.head.Pruned > 0 {
		if err := w.prunedFor(ctx); err != nil {
			return err
		}
	}
	return w.endTenants(ctx)
}

// noMoreEntries looks for entries behind the head, and for a second one in the
// last place.
func (w *walk) noMoreEntries(ctx context.Context) error {
	last := w.head.Size - 1
	rows, err := w.trail.store.LogRange(ctx, w.head.Log, last, 2)
	if err != nil {
		return wrapVerify(err)
	}
	if len(rows) > 0 && rows[0].Index == last {
		rows = rows[1:]
	}
	switch {
	case len(rows) == 0:
		return nil
	case rows[0].Index == last:
		return w.entryDamage(last, "is there twice")
	case w.moved(ctx):
		return nil
	}
	return w.entryDamage(rows[0].Index, "is behind the end of the log")
}

// moved reports whether the log grew while it was verified.
func (w *walk) moved(ctx context.Context) bool {
	heads, err := w.trail.heads(ctx)
	return err == nil && len(heads) >= w.head.Log && heads[w.head.Log-1].Size > w.head.Size
}
