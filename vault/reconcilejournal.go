package vault

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// journalTells reports whether the erasure journal has a line about the tenant, or
// the person, of that entry: after a restore the entry itself may be lost, with
// what the trail had recorded since, and tombstones that came back with the key
// tables name it still. It counts as unchecked, since the line does not tell how
// many there were, nor what a restriction left.
func (r *reconciler) journalTells(ctx context.Context, subject string, entry troth.EntryID) (bool, error) {
	if r.v.journal == nil || entry.IsZero() {
		return false, nil
	}
	n, err := r.v.names(ctx)
	if err != nil {
		return false, err
	}
	key, err := r.v.journalKey(ctx, linesKey)
	if err != nil {
		return false, err
	}
	for _, tenant := range []troth.Tenant{r.tenant, troth.Platform} {
		row, found, err := r.v.store.Line(ctx, tenant, entry)
		if err != nil {
			return false, fmt.Errorf("vault: read line: %w", err)
		}
		if !found {
			continue
		}
		e, err := parseErasure(key, row.Line)
		want := n.tenant(r.tenant)
		if subject != "" {
			want = n.person(r.tenant, subject)
		}
		if err == nil && e.entry == entry && e.name == want {
			r.report.Unchecked++
			return true, nil
		}
	}
	return false, nil
}
