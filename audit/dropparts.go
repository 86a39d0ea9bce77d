package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// dropLimit is how many entries lose their parts in one call unless the caller
// says otherwise.
const dropLimit = 256

// OldParts chooses the parts of a tenant's payloads by age.
type OldParts struct {
	Tenant troth.Tenant
	// Before chooses those of the entries that were recorded before that
	// instant.
	Before time.Time
	// Limit is the most entries whose parts are dropped in one call, the oldest
	// first; 256 if zero.
	Limit int
}

// DropParts destroys the sealed parts of old entries, as many as the limit
// allows, and records that it did; the entries stay, and whatever is proved of
// them. It returns how many parts it dropped. To drop all of them, call it until
// that is zero: each call is complete in itself, and where nothing was left to
// drop nothing is recorded.
//
// The permit must be for [PartsRef], minted in the transaction of ctx; else the
// error is troth.ErrNotPermitted. Permits without a keeper are accepted as
// [Unmanaged] says.
func (t *Trail) DropParts(ctx context.Context, permit troth.Permit, old OldParts) (dropped int, err error) {
	if err := old.Tenant.Validate(); err != nil {
		return 0, err
	}
	before := old.Before.UnixMicro()
	if before <= 0 || old.Limit < 0 {
		return 0, fmt.Errorf("audit: drop parts: %w", errOldParts)
	}
	if old.Limit == 0 {
		old.Limit = dropLimit
	}
	err = t.destroy(ctx, permit, func(ctx context.Context, d deed) error {
		var err error
		dropped, err = t.store.DropParts(ctx, PartsDrop{
			Tenant: old.Tenant, By: d.entry, Before: before, Limit: old.Limit,
		})
		if err != nil {
			return fmt.Errorf("audit: drop parts: %w", err)
		}
		if dropped == 0 {
			return nil
		}
		return t.tell(ctx, d, troth.Entry{Act: actPartsDrop, Tenant: old.Tenant, Facts: troth.Facts{
			"before": troth.Instant(old.Before), "parts": troth.Count(dropped),
		}}, Pseudonym{})
	}, PartsRef(old.Tenant))
	if err != nil {
		return 0, err
	}
	return dropped, nil
}
