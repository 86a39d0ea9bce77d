package audit

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// Entry returns one entry of a tenant, whether it waits or is in the log. It
// returns [ErrNoEntry], and for one that cannot be read an *[EntryError] with a
// Record that holds its place and ID only.
func (t *Trail) Entry(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (Record, error) {
	if err := tenant.Validate(); err != nil {
		return Record{}, err
	}
	// First where it waits: it moves from there into the log, and never back.
	waiting, err := t.store.Entries(ctx, EntriesPage{Tenant: tenant, After: preceding(id), Limit: 1})
	if err != nil {
		return Record{}, fmt.Errorf("audit: find entry: %w", err)
	}
	if len(waiting) > 0 && waiting[0].ID == id {
		return t.readWaiting(ctx, waiting[0])
	}
	row, found, err := t.store.LogEntry(ctx, tenant, id)
	if err != nil {
		return Record{}, fmt.Errorf("audit: find entry: %w", err)
	}
	if !found {
		return Record{}, ErrNoEntry
	}
	return t.readRow(row)
}
