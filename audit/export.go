package audit

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

// Export writes all entries that the tenant has in the log of that origin, up to
// its newest checkpoint, with the proof that they are all: [VerifyTenant] checks
// it with nothing but the verifier key. An empty origin is the newest log, which
// is signed first where this trail can. It is written as it is read, so w may be
// anything that takes a stream; after an error what was written is void.
//
// It returns [ErrNoEntry] if the tenant had no entry at the checkpoint, and
// troth.ErrPending if an entry was redacted whose reason is not in the log yet.
func (t *Trail) Export(ctx context.Context, w io.Writer, tenant troth.Tenant, origin string) error {
	if err := tenant.Validate(); err != nil {
		return err
	}
	head, err := t.headOf(ctx, origin)
	if err != nil {
		return err
	}
	cp, err := t.freshCheckpoint(ctx, head)
	if err != nil {
		return err
	}
	names, at, err := t.tenantMap(ctx, head, cp, tenant)
	if err != nil {
		return err
	}
	if at.Number == 0 {
		return ErrNoEntry
	}
	e := &exporting{trail: t, head: head, tenant: tenant, end: at, w: bufio.NewWriter(w)}
	if err := e.writeEntries(ctx); err != nil {
		return err
	}
	return e.writeProof(ctx, cp, names)
}

// headOf returns the log of that origin, the newest if it is empty.
func (t *Trail) headOf(ctx context.Context, origin string) (Head, error) {
	heads, err := t.heads(ctx)
	if err != nil {
		return Head{}, err
	}
	for i := len(heads) - 1; i >= 0; i-- {
		if origin == "" || heads[i].Origin == origin {
			return heads[i], nil
		}
	}
	return Head{}, ErrNoLog
}

// freshCheckpoint returns the newest checkpoint of the log, after signing one
// where the log has grown and this trail can.
func (t *Trail) freshCheckpoint(ctx context.Context, head Head) (CheckpointRow, error) {
	row, found, err := t.store.Checkpoint(ctx, head.Log, maxSize)
	if err != nil {
		return row, fmt.Errorf("audit: read checkpoint: %w", err)
	}
	if (!found || row.Size < head.Size) && !head.Closed && t.signer != nil && t.tx.Scope(ctx) == nil {
		row, err = t.sign(ctx)
		return row, err
	}
	if !found {
		return row, ErrNoLog
	}
	return row, t.trust(row)
}

// exporting is one export.
type exporting struct {
	trail  *Trail
	head   Head
	tenant troth.Tenant
	// end is where the tenant's entries end at the checkpoint.
	end TenantHead
	w   *bufio.Writer
	// unexplained counts redacted entries without a reason yet.
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

func (e *exporting) writeEntries(ctx context.Context) error {
	e.unexplained = make(map[troth.EntryID]bool)
	if err := e.line(tenantHeader); err != nil {
		return err
	}
	if err := e.line("tenant", encode([]byte(e.tenant))); err != nil {
		return err
	}
	page := LogPage{Tenant: e.tenant, Log: e.head.Log, Limit: pageSize}
	var number uint64
	for number < e.end.Number {
		rows, err := e.trail.store.LogEntries(ctx, page)
		if err != nil {
			return fmt.Errorf("audit: export: %w", err)
		}
		for _, row := range rows {
			if row.Log != e.head.Log || row.Number > e.end.Number {
				break
			}
			if err := e.writeEntry(row, number); err != nil {
				return err
			}
			number, page.Number = row.Number, row.Number
		}
		if len(rows) < page.Limit || rows[len(rows)-1].Log != e.head.Log {
			break
		}
	}
	return e.finish(number)
}

// finish checks that nothing is missing at the end.
func (e *exporting) finish(number uint64) error {
	if number < e.end.Number {
		if number > 0 || e.end.Index >= e.head.Pruned {
			return e.missing(number + 1)
		}
		if err := e.line("pruned", utoa(e.end.Number), encode(e.end.Hash[:])); err != nil {
			return err
		}
	}
	if len(e.unexplained) > 0 {
		return troth.ErrPending
	}
	return e.line()
}

func (e *exporting) missing(number uint64) error {
	return &DamageError{e.head.Log, "entry", "number " + utoa(number) + " of its tenant", "is missing"}
}

// writeEntry writes the row that follows the given number.
func (e *exporting) writeEntry(row LogRow, number uint64) error {
	if row.Leaf == nil && !row.RedactedBy.IsZero() {
		if err := e.gap(row, number, unknownHash); err != nil {
			return err
		}
		e.unexplained[row.RedactedBy] = true
		return e.line("redacted", encode(row.Hash[:]))
	}
	leaf, err := checkRow(row, row.Index)
	if err != nil {
		return err
	}
	if err := e.gap(row, number, encode(leaf.Prev[:])); err != nil {
		return err
	}
	delete(e.unexplained, row.ID)
	return e.line("leaf", encode(row.Leaf))
}

// gap accounts for what is missing before the row: at the beginning, what was
// pruned; nothing elsewhere.
func (e *exporting) gap(row LogRow, number uint64, prev string) error {
	if row.Number == number+1 {
		return nil
	}
	if number > 0 || e.head.Pruned == 0 {
		return e.missing(number + 1)
	}
	return e.line("pruned", utoa(row.Number-1), prev)
}

func (e *exporting) writeProof(ctx context.Context, cp CheckpointRow, names *merkle.Map) error {
	index := utoa(e.end.Index)
	var inclusion [][32]byte
	if e.end.Index < e.head.Pruned {
		index = unknownIndex
	} else {
		var err error
		if inclusion, err = e.trail.inclusion(ctx, e.head.Log, e.end.Index, cp.Size); err != nil {
			return err
		}
	}
	path := names.Prove(tenantKey(e.head.Salt, e.tenant))
	lines := []string{"salt " + encode(e.head.Salt[:]), "map " + itoa(len(path.Siblings))}
	for _, h := range path.Siblings {
		lines = append(lines, encode(h[:]))
	}
	lines = append(lines, "index "+index)
	for _, h := range inclusion {
		lines = append(lines, encode(h[:]))
	}
	for _, line := range append(lines, "") {
		if err := e.line(line); err != nil {
			return err
		}
	}
	_, _ = e.w.Write(cp.Note) // a failure stays in the writer
	if err := e.w.Flush(); err != nil {
		return fmt.Errorf("audit: write export: %w", err)
	}
	return nil
}
