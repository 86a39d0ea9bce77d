package audit

import "context"

// checkpointCursor reads the checkpoints of a log in ascending order.
type checkpointCursor struct {
	trail *Trail
	log   int
	from  uint64
	// next is the size of the first of page, maxSize if there is none.
	next uint64
	page []CheckpointRow
	// again is set once a page was read: the next one begins with the last row of
	// it, so that a second row in its place is met.
	again, done bool
}

const checkpointPage = 64

// fill reads the next page if there is nothing left of this one.
func (c *checkpointCursor) fill(ctx context.Context) error {
	if len(c.page) == 0 && !c.done {
		page, err := c.trail.store.Checkpoints(ctx, c.log, c.from, checkpointPage)
		if err != nil {
			return wrapVerify(err)
		}
		c.done = len(page) < checkpointPage
		if c.again && len(page) > 0 && page[0].Size == c.from {
			page = page[1:]
		}
		c.page, c.again = page, true
		if len(page) > 0 {
			c.from = page[len(page)-1].Size
		}
	}
	c.next = maxSize
	if len(c.page) > 0 {
		c.next = c.page[0].Size
	}
	return nil
}

// checkCheckpoints compares the log with the checkpoint of its present size, if
// there is one.
func (w *walk) checkCheckpoints(ctx context.Context) error {
	c := &w.checkpoints
	if err := c.fill(ctx); err != nil || c.next != w.front.Size() {
		return err
	}
	if err := w.checkpoint(c.page[0]); err != nil {
		return err
	}
	c.page = c.page[1:]
	return c.fill(ctx)
}

func (w *walk) checkpoint(row CheckpointRow) error {
	cp, err := w.trail.openRow(row)
	if err != nil {
		return err
	}
	damage := func(reason string) error { return w.damage("checkpoint", "size "+utoa(cp.Size), reason) }
	switch {
	case cp.Origin != w.head.Origin:
		return damage("is of another log")
	case cp.Root != w.front.Root():
		return damage("root is not that of the entries")
	case cp.SaltCommitment != saltCommitment(w.head.Salt):
		return w.damage("head", "salt", "is not the one that was signed")
	case w.mapRoot() != cp.TenantRoot && w.unknown == 0:
		return damage("ends of tenants are not those of the entries")
	}
	w.report.Checkpoints++
	w.report.Signed, w.report.SignedAt = cp.Size, cp.SignedAt
	return nil
}

// oldCheckpoints looks at the checkpoints from before what pruning has left. They were
// signed by the log's key, for the salt that it has; whether the log leads to one is
// told by the tiles that are left, where it ends with one.
func (w *walk) oldCheckpoints(ctx context.Context) error {
	if w.trusted != nil || w.start == 0 {
		return nil
	}
	old := checkpointCursor{trail: w.trail, log: w.head.Log}
	for {
		if err := old.fill(ctx); err != nil || old.next >= w.start {
			return err
		}
		if err := w.oldCheckpoint(ctx, old.page[0]); err != nil {
			return err
		}
		old.page = old.page[1:]
	}
}

func (w *walk) oldCheckpoint(ctx context.Context, row CheckpointRow) error {
	cp, err := w.trail.openRow(row)
	if err != nil {
		return err
	}
	damage := func(reason string) error { return w.damage("checkpoint", "size "+utoa(cp.Size), reason) }
	switch {
	case cp.Origin != w.head.Origin:
		return damage("is of another log")
	case cp.SaltCommitment != saltCommitment(w.head.Salt):
		return damage("has another salt than the log")
	case cp.Size%tileWidth != 0:
		return nil
	}
	err = w.trail.leadsTo(ctx, w.head, cp)
	if isRolledBack(err) {
		return damage("root is not that of the entries")
	}
	return err
}

// endCheckpoints looks at what is left behind the end: a checkpoint of a log
// that was longer once, or of no log.
func (w *walk) endCheckpoints(ctx context.Context) error {
	c := &w.checkpoints
	if len(c.page) > 0 {
		row := c.page[0]
		if row.Size <= w.head.Size {
			return w.damage("checkpoint", "size "+utoa(row.Size), "is there twice, or of a size that cannot be")
		}
		cp, err := w.trail.openRow(row)
		if err != nil {
			return err
		}
		if !w.moved(ctx) {
			return &RolledBackError{Origin: cp.Origin, Known: cp.Size, Have: w.head.Size}
		}
	}
	if w.head.Pruned > 0 && w.report.Checkpoints == 0 && w.trusted == nil && !w.moved(ctx) {
		return w.damage("checkpoint", "of size "+utoa(w.head.Pruned)+" or more", "is missing, and the log is pruned")
	}
	return nil
}
