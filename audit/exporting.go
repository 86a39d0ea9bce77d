package audit

import (
	"bufio"
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

// exporting is one export.
type exporting struct {
	trail  *Trail
	head   Head
	tenant troth.Tenant
	// end is where the tenant's entries end at the checkpoint cp.
	end TenantHead
	cp  CheckpointRow
	w   *bufio.Writer
	// last is the entry that was written last; its Number is 0 before.
	last LogRow
	// unexplained are the entries that tell why others were redacted, and were not
	// written yet.
	unexplained map[troth.EntryID]bool
}

func (e *exporting) line(parts ...string) error {
	for i, p := range parts {
		if i > 0 {
			_ = e.w.WriteByte(' ') // a failure stays in the writer
		}
		_, _ = e.w.WriteString(p)
	}
	if err := e.w.WriteByte('\n'); err != nil {
		return fmt.Errorf("audit: write export: %w", err)
	}
	return nil
}

func (e *exporting) hashes(hashes [][32]byte) error {
	for _, h := range hashes {
		if err := e.line(encode(h[:])); err != nil {
			return err
		}
	}
	return nil
}

// writeHead writes where the entries end, and that the checkpoint says so.
func (e *exporting) writeHead(names *merkle.Map) error {
	path := names.Prove(tenantKey(e.head.Salt, e.tenant)).Siblings
	for _, line := range [][]string{
		{tenantHeader},
		{tenantLine, encode([]byte(e.tenant))},
		{saltLine, encode(e.head.Salt[:])},
		{headLine, utoa(e.end.Number), encode(e.end.Hash[:])},
		{mapLine, itoa(len(path))},
	} {
		if err := e.line(line...); err != nil {
			return err
		}
	}
	if err := e.hashes(path); err != nil {
		return err
	}
	return e.line("\n" + string(e.cp.Note)) // the empty line behind it is line's
}

func (e *exporting) writeEntries(ctx context.Context) error {
	e.unexplained = make(map[troth.EntryID]bool)
	page := LogPage{Tenant: e.tenant, Log: e.head.Log, Limit: pageSize}
	for e.last.Number < e.end.Number {
		rows, err := e.trail.store.LogEntries(ctx, page)
		if err != nil {
			return fmt.Errorf("audit: export: %w", err)
		}
		for _, row := range rows {
			if row.Log != e.head.Log || row.Number > e.end.Number {
				return e.finish(ctx)
			}
			if err := e.writeEntry(ctx, row); err != nil {
				return err
			}
			e.last, page.Number = row, row.Number
		}
		if len(rows) < page.Limit {
			break
		}
	}
	return e.finish(ctx)
}

// finish checks that nothing is missing at the end.
func (e *exporting) finish(ctx context.Context) error {
	if e.last.Number == 0 && e.end.Index < e.head.Pruned {
		return e.line(prunedLine, utoa(e.end.Number), encode(e.end.Hash[:]))
	}
	if e.last.Number < e.end.Number {
		return e.missing(ctx)
	}
	if e.last.Hash != e.end.Hash {
		return &DamageError{e.head.Log, "tenant", string(e.tenant), "does not end where its entries do"}
	}
	if len(e.unexplained) > 0 {
		return fmt.Errorf("audit: export: no checkpoint covers the reason of a redaction yet: %w", troth.ErrPending)
	}
	return e.writeAt(ctx)
}

// missing says that the entry behind the last one is not there, unless it was
// pruned just now.
func (e *exporting) missing(ctx context.Context) error {
	head, err := e.trail.logHead(ctx, e.head.Log)
	if err != nil {
		return err
	}
	if head.Pruned != e.head.Pruned {
		return fmt.Errorf("audit: export: log was pruned meanwhile: %w", troth.ErrBusy)
	}
	place := "number " + utoa(e.last.Number+1) + " of its tenant"
	return &DamageError{e.head.Log, "entry", place, "is missing"}
}

// writeEntry writes the row that follows the last one.
func (e *exporting) writeEntry(ctx context.Context, row LogRow) error {
	if row.Leaf == nil && !row.RedactedBy.IsZero() {
		return e.writeRedacted(ctx, row)
	}
	leaf, err := checkRow(row, row.Index)
	if err != nil {
		return err
	}
	if err := e.gap(ctx, row, encode(leaf.Prev[:])); err != nil {
		return err
	}
	if e.last.Number > 0 && leaf.Prev != e.last.Hash {
		return &DamageError{row.Log, "entry", "index " + utoa(row.Index), "does not name the one before it"}
	}
	delete(e.unexplained, row.ID)
	return e.line(leafLine, encode(row.Leaf))
}

// writeRedacted writes what is left of an entry, which does not name the one
// before it any more: that is shown to stand in the tree.
func (e *exporting) writeRedacted(ctx context.Context, row LogRow) error {
	if err := e.gap(ctx, row, unknownHash); err != nil {
		return err
	}
	if e.last.Number > 0 {
		if err := e.writeAt(ctx); err != nil {
			return err
		}
	}
	later, err := e.explainedLater(ctx, row)
	if err != nil {
		return err
	}
	if later {
		return e.line(redactedLine, encode(row.Hash[:]), elsewhere)
	}
	e.unexplained[row.RedactedBy] = true
	return e.line(redactedLine, encode(row.Hash[:]))
}

// explainedLater reports whether the reason of a redaction is in a later log, as
// it is where the log was closed before, or was until it was pruned there.
func (e *exporting) explainedLater(ctx context.Context, row LogRow) (bool, error) {
	if !e.head.Closed {
		return false, nil
	}
	by, found, err := e.trail.store.LogEntry(ctx, e.tenant, row.RedactedBy)
	if err != nil {
		return false, fmt.Errorf("audit: export: %w", err)
	}
	if found {
		return by.Log > e.head.Log, nil
	}
	_, waits, err := e.trail.inInbox(ctx, e.tenant, row.RedactedBy)
	return !waits && err == nil, err
}

// writeAt writes where the last entry stands in the tree.
func (e *exporting) writeAt(ctx context.Context) error {
	cp, err := e.trail.trust(e.cp)
	if err != nil {
		return err
	}
	hashes, err := e.trail.inclusion(ctx, ProofRows{Entry: e.last}, cp)
	if err != nil {
		return err
	}
	if err := e.line(atLine, utoa(e.last.Index), itoa(len(hashes))); err != nil {
		return err
	}
	return e.hashes(hashes)
}

// gap accounts for what is missing before the row: at the beginning, what was
// pruned; nothing elsewhere.
func (e *exporting) gap(ctx context.Context, row LogRow, prev string) error {
	if row.Number == e.last.Number+1 {
		return nil
	}
	if e.last.Number > 0 || e.head.Pruned == 0 {
		return e.missing(ctx)
	}
	return e.line(prunedLine, utoa(row.Number-1), prev)
}
