package audit

import (
	"context"

	"github.com/trothdev/troth"
)

func (w *walk) partDamage(index uint64, part int, reason string) *DamageError {
	return &DamageError{w.head.Log, "part", "index " + utoa(index) + " part " + itoa(part), reason}
}

// parts holds the sealed parts of an entry to what it commits to.
func (w *walk) parts(ctx context.Context, row *LogRow) error {
	_, env, err := ParseLeaf(row.Leaf)
	if err != nil {
		return w.entryDamage(row.Index, "is not a leaf")
	}
	parts, err := w.trail.store.Parts(ctx, row.Tenant, row.ID)
	if err != nil {
		return wrapVerify(err)
	}
	for i, p := range parts {
		switch {
		case p.Part > i && i < len(env.Commitments):
			return w.partDamage(row.Index, i, "is missing")
		case p.Part != i || i >= len(env.Commitments):
			return w.partDamage(row.Index, p.Part, "belongs to no entry")
		case p.RecordedAt != row.RecordedAt:
			return w.partDamage(row.Index, i, "has another time than its entry")
		}
		sealed, ok := p.sealed()
		switch {
		case !ok:
			if err := w.dropped(ctx, row, p); err != nil {
				return err
			}
		case !p.DroppedBy.IsZero():
			return w.partDamage(row.Index, i, "is there and said to be dropped")
		case CheckPart(env, i, sealed) != nil:
			return w.partDamage(row.Index, i, "is not what the entry commits to")
		}
		w.report.Parts++
	}
	if n := len(parts); n < len(env.Commitments) {
		return w.partDamage(row.Index, n, "is missing")
	}
	return nil
}

// redactedParts looks at the parts of an entry that was redacted: all of them
// are dropped.
func (w *walk) redactedParts(ctx context.Context, row *LogRow) error {
	parts, err := w.trail.store.Parts(ctx, row.Tenant, row.ID)
	if err != nil {
		return wrapVerify(err)
	}
	for _, p := range parts {
		if _, ok := p.sealed(); ok {
			return w.partDamage(row.Index, p.Part, "is there though its entry is redacted")
		}
		if err := w.dropped(ctx, row, p); err != nil {
			return err
		}
		w.report.Parts++
	}
	return nil
}

// dropped asks for the reason why a part is gone.
func (w *walk) dropped(ctx context.Context, row *LogRow, p PartRow) error {
	gone := w.partDamage(row.Index, p.Part, "is gone without a reason on the trail")
	if p.DroppedBy.IsZero() || p.Salt != nil || p.Box != nil {
		return gone
	}
	w.report.Dropped++
	return w.v.reasons.need(ctx, missing{
		log: row.Log, index: row.Index, by: TenantEntry{row.Tenant, p.DroppedBy},
		told: droppingOf(p.Entry, p.RecordedAt), damage: gone,
	})
}

// droppingOf tells the entry by which a part was dropped: by age, or with its
// entry.
func droppingOf(entry troth.EntryID, recordedAt int64) func(env Envelope) bool {
	return func(env Envelope) bool {
		switch env.Act {
		case actPartsDrop.Name:
			return recordedAt < env.fact("before").Number()
		case actRedact.Name:
			return env.says("entry", troth.ID(entry.String()))
		}
		return false
	}
}
