package retention

import (
	"context"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// purge destroys a record that is due, with a permit.
func (k *Keeper) purge(ctx context.Context, h *History, row *RecordRow, d *Decision, s *Swept) error {
	reg, ok := k.opt.types[row.Type]
	if !ok {
		return ErrUnregistered
	}
	o := orderOf(row, d)
	o.Visible = VisibleNone
	part := k.partings(h, row.Class, d.At)
	o.Copies = part.host()
	last := part.last
	destroy, found := reg.Handler.Destroy, "yes"
	if d.End == Anonymise {
		destroy = reg.Handler.Anonymise
	}
	err := k.mint(ctx, reg.ref(o), string(d.Purge.Ground), d.Policy, func(ctx context.Context, p troth.Permit) error {
		o.Permit = p
		err := k.guarded(ctx, o, destroy)
		if errors.Is(err, ErrNotFound) {
			found = "no"
		}
		return gone(err)
	})
	if err != nil {
		return err
	}
	if err := k.store.DeleteRecord(ctx, row.RecordKey); err != nil {
		return fmt.Errorf("retention: delete record: %w", err)
	}
	if d.End == Anonymise {
		s.Anonymised++
	} else {
		s.Destroyed++
	}
	if !d.GoneBy.IsZero() && d.GoneBy.Before(last) {
		s.Late++
	}
	entry, err := k.recorded(ctx, troth.Entry{Act: actPurge, Tenant: row.Tenant, SubjectID: row.SubjectID, Facts: troth.Facts{
		"record": troth.ID(row.Handle), "type": troth.Word(row.Type), "class": troth.Word(row.Class),
		"stage": troth.Word(row.Stage), "end": troth.Word(string(d.End)), "found": troth.Word(found),
		"due": troth.Instant(d.DestroyAt), "ground": troth.Word(string(d.Purge.Ground)),
		"rule": troth.Word(d.Purge.Rule), "gone": troth.Instant(last), "policy": troth.Digest(d.Policy),
	}})
	if err != nil {
		return err
	}
	return k.issue(ctx, h, row, d, d.End, part, entry)
}

// gone makes success of what is gone already.
func gone(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
