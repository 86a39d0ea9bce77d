package retention

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// Forget removes what was reported of an account, a person or a purpose when all is over:
// no record of it is left, and everything that happened has come to all of them; else it
// returns [ErrNotOver]. Events name what they are about by the host's id, so they are to go
// too. A record that comes later is not known to belong to something that ended. When an
// erasure is complete what was reported of its person is forgotten without being asked.
func (k *Keeper) Forget(ctx context.Context, w Whole, scope Scope) error {
	if err := w.validate(scope); err != nil {
		return err
	}
	return k.tx.Atomically(ctx, func(ctx context.Context) error { return k.forget(ctx, w, scope) })
}

func (w Whole) validate(scope Scope) error {
	if err := w.Tenant.Validate(); err != nil {
		return err
	}
	switch {
	case scope != OfAccount && scope != OfSubject && scope != OfPurpose:
		return ErrEvent
	case w.ID == "" && scope == OfAccount:
		return nil // the tenant itself
	}
	return checkName(string(scope), w.ID)
}

func (k *Keeper) forget(ctx context.Context, w Whole, scope Scope) error {
	of := Many{scope, w.ID}
	rows, err := k.store.EventsOf(ctx, w.Tenant, []Many{of})
	if err != nil {
		return fmt.Errorf("retention: read events: %w", err)
	}
	for i := range rows {
		if rows[i].DoneAt == 0 {
			return ErrNotOver
		}
	}
	left, err := k.store.RecordsOf(ctx, RecordKey{Tenant: w.Tenant}, of, 1)
	if err != nil {
		return fmt.Errorf("retention: look for records: %w", err)
	}
	if len(left) > 0 {
		return ErrNotOver
	}
	if len(rows) == 0 {
		return nil
	}
	n, err := k.store.DeleteEvents(ctx, w.Tenant, of)
	if err != nil {
		return fmt.Errorf("retention: delete events: %w", err)
	}
	return k.record(actorOr(ctx), troth.Entry{Act: actForget, Tenant: w.Tenant, Facts: troth.Facts{
		"scope": troth.Word(string(scope)), "events": troth.Count(n),
	}})
}
