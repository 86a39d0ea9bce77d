package audit

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/trothdev/troth"
)

// Export writes all entries that the tenant has in the log of that origin, up to
// its newest checkpoint, with the proof that they are all: [VerifyTenant] checks
// it with nothing but the verifier key. An empty origin is the newest log, which
// is signed first where this trail can. It is written as it is read, so w may be
// anything that takes a stream; after an error what was written is void.
//
// It returns [ErrNoEntry] if the tenant had no entry at the checkpoint, and
// troth.ErrPending if an entry was redacted and the checkpoint does not cover the
// reason yet, see [Trail.Redact], [ErrNoLog] if there is no log of that origin,
// troth.ErrBusy if the log was pruned meanwhile, and a *[DamageError]
// where the tenant's entries are not what the checkpoint says.
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
	names, end, err := t.tenantMap(ctx, head, cp, tenant)
	if err != nil {
		return err
	}
	if end.Number == 0 {
		return ErrNoEntry
	}
	e := &exporting{trail: t, head: head, tenant: tenant, end: end, cp: cp, w: bufio.NewWriter(w)}
	if err := e.writeHead(names); err != nil {
		return err
	}
	if err := e.writeEntries(ctx); err != nil {
		return err
	}
	if err := e.w.Flush(); err != nil {
		return fmt.Errorf("audit: write export: %w", err)
	}
	return nil
}

// headOf returns the log of that origin, the newest if it is empty.
func (t *Trail) headOf(ctx context.Context, origin string) (Head, error) {
	heads, err := t.heads(ctx)
	if err != nil {
		return Head{}, err
	}
	for _, head := range slices.Backward(heads) {
		if origin == "" || head.Origin == origin {
			return head, nil
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
	_, err = t.trust(row)
	return row, err
}
