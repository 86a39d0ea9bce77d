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

	// start is the index of the first entry that is read.
	start uint64
	front *merkle.Frontier
	// tenants are where tenants ended before the entry that is read now.
	tenants map[troth.Tenant]TenantHead
	// names is the tenant map, but for the tenants in dirty.
	names *merkle.Map
	dirty map[troth.Tenant]bool
	// checkpoints are those that are still ahead, and tiles those to compare.
	checkpoints checkpointCursor
	tiles       map[int]*tileCursor
}

func (w *walk) damage(table, place, reason string) error {
	return &DamageError{w.head.Log, table, place, reason}
}

// begin finds where to start, and what the log was there.
func (w *walk) begin(ctx context.Context) error {
	w.start = w.head.Pruned
	trusted := w.v.trusted
	if trusted != nil && trusted.Origin == w.head.Origin && trusted.Size > w.start {
		if err := w.trail.leadsTo(ctx, w.head, *trusted); err != nil {
			return err
		}
		w.start = trusted.Size
	} else {
		trusted = nil
	}
	src := w.trail.tiles(ctx, w.head.Log)
	tail, err := w.trail.tail(ctx, w.head.Log, w.start)
	if err != nil {
		return err
	}
	if w.front, err = merkle.FrontierAt(w.start, tail, src); err != nil {
		return w.trail.storedOr(err, w.damage("tile", "those of size "+utoa(w.start), "are not there"))
	}
	if trusted != nil && w.front.Root() != trusted.Root {
		return w.damage("tile", "those of size "+utoa(w.start), "do not make the root that was signed")
	}
	if err := w.beginTenants(ctx, trusted); err != nil {
		return err
	}
	w.tiles = make(map[int]*tileCursor)
	w.checkpoints = checkpointCursor{trail: w.trail, log: w.head.Log, from: w.start}
	return nil
}

// beginTenants finds where the tenants ended at the start.
func (w *walk) beginTenants(ctx context.Context, trusted *Checkpoint) error {
	w.tenants = make(map[troth.Tenant]TenantHead)
	if w.start > 0 {
		var err error
		if w.tenants, err = w.trail.tenantHeads(ctx, w.head.Log); err != nil {
			return err
		}
		if err := w.takeBack(ctx); err != nil {
			return err
		}
	}
	w.names, w.dirty = mapOf(w.head.Salt, w.tenants), make(map[troth.Tenant]bool)
	if trusted != nil {
		if trusted.SaltCommitment != saltCommitment(w.head.Salt) {
			return w.damage("head", "salt", "is not the one that was signed")
		}
		if w.names.Root() != trusted.TenantRoot {
			return endsDamaged(w.head.Log, w.start)
		}
	}
	return nil
}

// takeBack changes tenants to where they ended at the start. Unlike the
// sequencer's it passes over redacted entries: what one of them hides shows when
// the tenant's next leaf, or a checkpoint, does not fit.
func (w *walk) takeBack(ctx context.Context) error {
	seen := make(map[troth.Tenant]bool)
	for from := w.start; from < w.head.Size; {
		page, err := w.trail.store.LogRange(ctx, w.head.Log, from, loadPage)
		if err != nil {
			return fmt.Errorf("audit: verify: %w", err)
		}
		for i := range page {
			row := &page[i]
			from = row.Index + 1
			if seen[row.Tenant] {
				continue
			}
			seen[row.Tenant] = true
			prev := TenantHead{Tenant: row.Tenant, Number: row.Number - 1}
			if g, ok := glanceAt(row.Leaf); ok {
				copy(prev.Hash[:], g.prev)
			}
			if known := w.tenants[row.Tenant]; known.Index >= w.start || known.Number == 0 {
				w.tenants[row.Tenant] = prev
			}
		}
		if len(page) < loadPage {
			break
		}
	}
	return nil
}

// pageAhead is a page of entries that was read while the one before was checked.
type pageAhead struct {
	rows []LogRow
	err  error
}

// entries reads all entries from the start on, one page ahead of checking.
func (w *walk) entries(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	pages := make(chan pageAhead, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(pages)
		w.readAhead(ctx, pages)
	}()
	defer func() {
		cancel()
		<-done
	}()
	if err := w.checkCheckpoints(ctx); err != nil {
		return err
	}
	index := w.start
	for page := range pages {
		if page.err != nil {
			return page.err
		}
		for i := range page.rows {
			if err := w.entry(ctx, &page.rows[i], index); err != nil {
				return err
			}
			index++
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if index != w.head.Size {
		return w.damage("entry", "index "+utoa(index), "is missing")
	}
	w.report.Read = index - w.start
	return nil
}

func (w *walk) readAhead(ctx context.Context, pages chan<- pageAhead) {
	for from := w.start; from < w.head.Size; {
		limit := int(min(loadPage, w.head.Size-from))
		rows, err := w.trail.store.LogRange(ctx, w.head.Log, from, limit)
		if err != nil {
			err = fmt.Errorf("audit: verify: %w", err)
		}
		select {
		case pages <- pageAhead{rows, err}:
		case <-ctx.Done():
			return
		}
		if err != nil || len(rows) < limit {
			return
		}
		from = rows[len(rows)-1].Index + 1
	}
}

// entry checks one entry and makes it part of the tree.
func (w *walk) entry(ctx context.Context, row *LogRow, index uint64) error {
	if row.Index != index {
		return w.damage("entry", "index "+utoa(index), "is missing")
	}
	prev := w.tenants[row.Tenant]
	if row.Number != prev.Number+1 {
		return w.damage("entry", "index "+utoa(index), "is not the next of its tenant")
	}
	if reason := w.content(ctx, row, prev); reason != "" {
		return w.damage("entry", "index "+utoa(index), reason)
	}
	if index == 0 {
		if err := w.opening(row); err != nil {
			return err
		}
	}
	w.tenants[row.Tenant] = TenantHead{Tenant: row.Tenant, Number: row.Number, Index: index, Hash: row.Hash}
	w.front.Append(row.Hash)
	w.dirty[row.Tenant] = true
	if err := w.compareTiles(ctx); err != nil {
		return err
	}
	return w.checkCheckpoints(ctx)
}

// content checks what a row holds, and returns what is wrong with it.
func (w *walk) content(_ context.Context, row *LogRow, prev TenantHead) string {
	if row.Leaf == nil && !row.Oversized {
		return w.redacted(row)
	}
	if !row.RedactedBy.IsZero() {
		return "is redacted and has a leaf"
	}
	if HashLeaf(row.Leaf) != row.Hash {
		return "hash does not match the leaf"
	}
	g, ok := glanceAt(row.Leaf)
	if !ok {
		return "is not a leaf"
	}
	if !g.fits(row) {
		return "columns do not match the leaf"
	}
	if row.Number > 1 && !bytes.Equal(g.prev, prev.Hash[:]) {
		return "does not follow the one before of its tenant"
	}
	return ""
}

func (w *walk) redacted(row *LogRow) string {
	if row.RedactedBy.IsZero() {
		return "has no leaf, and no reason for it"
	}
	if row.Act != "" || !row.Subject.IsZero() || row.RecordedAt != 0 {
		return "is redacted and has columns left"
	}
	w.report.Redacted++
	w.v.reasons.need(TenantEntry{row.Tenant, row.RedactedBy}, missing{
		damage: DamageError{row.Log, "entry", "index " + utoa(row.Index), "is redacted without a reason on the trail"},
		act:    actRedact.Name,
		facts: map[string]troth.Fact{
			"entry": troth.ID(row.ID.String()), "hash": troth.Digest(row.Hash),
			"index": troth.Count(row.Index), "number": troth.Count(row.Number), "log": troth.Count(row.Log),
		},
	})
	return ""
}

// opening checks the first entry of a log.
func (w *walk) opening(row *LogRow) error {
	_, env, err := ParseLeaf(row.Leaf)
	m := missing{facts: map[string]troth.Fact{
		"origin": troth.Word(w.head.Origin), "salt": troth.Digest(saltCommitment(w.head.Salt)),
	}}
	if err != nil || env.Act != actLogOpen.Name || !m.told(env) {
		return w.damage("head", "log "+itoa(w.head.Log), "origin or salt is not that of its first entry")
	}
	return nil
}

// checkCheckpoints compares the log with the checkpoint of its present size, if
// there is one.
func (w *walk) checkCheckpoints(ctx context.Context) error {
	row, found, err := w.checkpoints.at(ctx, w.front.Size())
	if err != nil || !found {
		return err
	}
	cp, err := w.trail.openRow(row)
	if err != nil {
		return err
	}
	for tenant := range w.dirty {
		w.names.Set(tenantKey(w.head.Salt, tenant), w.tenants[tenant].digest())
	}
	clear(w.dirty)
	damage := func(reason string) error { return w.damage("checkpoint", "size "+utoa(cp.Size), reason) }
	switch {
	case cp.Origin != w.head.Origin:
		return damage("is of another log")
	case cp.Root != w.front.Root():
		return damage("root is not that of the entries")
	case cp.SaltCommitment != saltCommitment(w.head.Salt):
		return w.damage("head", "salt", "is not the one that was signed")
	case cp.TenantRoot != w.names.Root():
		return damage("ends of tenants are not those of the entries")
	}
	w.report.Checkpoints++
	w.report.Signed, w.report.SignedAt = cp.Size, cp.SignedAt
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
	if w.head.Pruned > 0 {
		w.pruned()
	}
	row, found, err := w.checkpoints.at(ctx, maxSize)
	if err != nil {
		return err
	}
	if found && row.Size > w.head.Size && !w.moved(ctx) {
		return &RolledBackError{Origin: w.head.Origin, Known: row.Size, Have: w.head.Size}
	}
	return w.endTenants(ctx)
}

// moved reports whether the log grew while it was verified.
func (w *walk) moved(ctx context.Context) bool {
	heads, err := w.trail.heads(ctx)
	return err == nil && len(heads) >= w.head.Log && heads[w.head.Log-1].Size > w.head.Size
}

// pruned asks for the reason why the beginning of the log is gone.
func (w *walk) pruned() {
	w.v.reasons.need(TenantEntry{troth.Platform, w.head.PrunedBy}, missing{
		damage: DamageError{w.head.Log, "head", "log " + itoa(w.head.Log), "is pruned without a reason on the trail"},
		act:    actPrune.Name,
		facts:  map[string]troth.Fact{"log": troth.Count(w.head.Log), "before": troth.Count(w.head.Pruned)},
	})
}

// endTenants compares the stored ends of tenants with those of the entries.
func (w *walk) endTenants(ctx context.Context) error {
	stored, err := w.trail.tenantHeads(ctx, w.head.Log)
	if err != nil {
		return err
	}
	for tenant, h := range w.tenants {
		if h.Number == 0 {
			continue
		}
		got, found := stored[tenant]
		if !found {
			return w.damage("tenant", string(tenant), "is missing")
		}
		if got != h && !(got.Index >= w.head.Size && w.moved(ctx)) {
			return w.damage("tenant", string(tenant), "does not end where its entries do")
		}
		w.report.Tenants++
		delete(stored, tenant)
	}
	for tenant, h := range stored {
		if !(h.Index >= w.head.Size && w.moved(ctx)) {
			return w.damage("tenant", string(tenant), "has no entries")
		}
	}
	return nil
}

// checkpointCursor reads the checkpoints of a log in ascending order.
type checkpointCursor struct {
	trail *Trail
	log   int
	from  uint64
	page  []CheckpointRow
	done  bool
}

// at returns the checkpoint of that size; of maxSize, the next one there is. One
// that lies behind is an error: its size was passed.
func (c *checkpointCursor) at(ctx context.Context, size uint64) (CheckpointRow, bool, error) {
	if len(c.page) == 0 && !c.done {
		const limit = 64
		page, err := c.trail.store.Checkpoints(ctx, c.log, c.from, limit)
		if err != nil {
			return CheckpointRow{}, false, fmt.Errorf("audit: verify: %w", err)
		}
		c.page, c.done = page, len(page) < limit
		if len(page) > 0 {
			c.from = page[len(page)-1].Size + 1
		}
	}
	if len(c.page) == 0 {
		return CheckpointRow{}, false, nil
	}
	next := c.page[0]
	if next.Size != size && size != maxSize {
		return CheckpointRow{}, false, nil
	}
	c.page = c.page[1:]
	return next, true, nil
}
