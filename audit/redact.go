package audit

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// structural are the acts whose entries the log needs to be understood: how it
// began, who signs it, and why something of it is gone.
var structural = map[string]bool{
	"audit.log-open": true, "audit.key-rotate": true,
	actRedact.Name: true, actPrune.Name: true, actPartsDrop.Name: true,
}

// Redact destroys an entry but for its hash, with the parts of its payload, and
// records that it did. The log verifies as before: the hash stands where the
// entry was, and by is the entry that tells of it. Redacting an entry twice is
// redacting it once. An export of the tenant holds the reason too, so it waits
// until by is in the log: see [Trail.Await].
//
// Only what is in the log can be redacted: the error is troth.ErrPending while
// the entry waits in the inbox, [ErrNoEntry] if the tenant has none of that id,
// [ErrStructure] for one without which the log could not be understood, and an
// *[EntryError] for one that was tampered with, which no redaction must hide.
//
// The permit must be for the entry's [EntryRef], minted in the transaction of
// ctx; else the error is troth.ErrNotPermitted. Permits without a keeper are
// accepted as [Unmanaged] says.
func (t *Trail) Redact(ctx context.Context, permit troth.Permit, tenant troth.Tenant, id troth.EntryID) (by troth.EntryID, err error) {
	if err := tenant.Validate(); err != nil {
		return by, err
	}
	err = t.destroy(ctx, permit, func(ctx context.Context, d deed) error {
		at, err := t.locate(ctx, tenant, id)
		if err != nil {
			return err
		}
		switch {
		case at.row == nil:
			return fmt.Errorf("audit: only what is in the log can be redacted, see Trail.Await: %w", troth.ErrPending)
		case at.redacted():
			by = at.row.RedactedBy
			return nil
		case structural[at.env.Act]:
			return ErrStructure
		}
		by, err = t.redact(ctx, d, *at.row)
		return err
	}, EntryRef(tenant, id))
	if err != nil {
		return troth.EntryID{}, err
	}
	return by, nil
}

// redact destroys what the row holds. Where another process was faster it
// returns the entry that tells of that.
func (t *Trail) redact(ctx context.Context, d deed, row LogRow) (by troth.EntryID, err error) {
	redacted, err := t.store.Redact(ctx, Redaction{Tenant: row.Tenant, ID: row.ID, By: d.entry})
	if err != nil {
		return by, fmt.Errorf("audit: redact: %w", err)
	}
	if !redacted {
		return t.redactedBy(ctx, row)
	}
	drop := PartsDrop{Tenant: row.Tenant, By: d.entry, Entry: row.ID, Limit: 1}
	if _, err := t.store.DropParts(ctx, drop); err != nil {
		return by, fmt.Errorf("audit: drop parts: %w", err)
	}
	return d.entry, t.tell(ctx, d, troth.Entry{Act: actRedact, Tenant: row.Tenant, Facts: troth.Facts{
		"entry":  troth.ID(row.ID.String()),
		"hash":   troth.Digest(row.Hash),
		"index":  troth.Count(row.Index),
		"number": troth.Count(row.Number),
		"log":    troth.Count(row.Log),
	}}, Pseudonym{})
}

func (t *Trail) redactedBy(ctx context.Context, row LogRow) (troth.EntryID, error) {
	now, found, err := t.store.LogEntry(ctx, row.Tenant, row.ID)
	if err != nil {
		return troth.EntryID{}, fmt.Errorf("audit: find entry: %w", err)
	}
	if !found || now.RedactedBy.IsZero() {
		return troth.EntryID{}, ErrNoEntry // it was pruned meanwhile
	}
	return now.RedactedBy, nil
}
