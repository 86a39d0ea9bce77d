package retention

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

// CountRecords implements [Counter], for [Diff].
func (k *Keeper) CountRecords(ctx context.Context, c Count) (int64, error) {
	n, err := k.store.CountRecords(ctx, c)
	if err != nil {
		return 0, fmt.Errorf("retention: count records: %w", err)
	}
	return n, nil
}

// Record returns where a record stands and what is decided for it now.
func (k *Keeper) Record(ctx context.Context, key RecordKey) (Decision, error) {
	row, found, err := k.store.Record(ctx, key)
	if err != nil {
		return Decision{}, fmt.Errorf("retention: read record: %w", err)
	}
	if !found {
		return Decision{}, ErrNotFound
	}
	det, err := row.detail()
	if err != nil {
		return Decision{}, err
	}
	holds, err := k.holds(ctx, key.Tenant)
	if err != nil {
		return Decision{}, err
	}
	h, err := k.history(ctx)
	if err != nil {
		return Decision{}, err
	}
	events, err := k.eventsFor(ctx, row)
	if err != nil {
		return Decision{}, err
	}
	if det.fold(&row, events) || det.Again {
		if err := h.stand(&row, &det); err != nil {
			return Decision{}, err
		}
	}
	return h.Evaluate(row.facts(&det, holds.of(row.SubjectID, row.Class, timeOf(row.Created))), k.now()), nil
}

// HostCount asks a type's handler how many records of a tenant the host has. More than
// the keeper knows are kept by nobody.
func (k *Keeper) HostCount(ctx context.Context, tenant troth.Tenant, recordType string) (int64, error) {
	reg, ok := k.opt.types[recordType]
	if !ok {
		return 0, ErrUnregistered
	}
	return reg.Handler.Count(ctx, tenant)
}

// Failing returns records whose handler fails, those that failed most often first, at
// most limit, of all tenants.
func (k *Keeper) Failing(ctx context.Context, limit int) ([]Failure, error) {
	rows, err := k.store.FailingRecords(ctx, limit)
	if err != nil {
		return nil, fmt.Errorf("retention: read failing records: %w", err)
	}
	var all []Failure
	for _, row := range rows {
		all = append(all, Failure{RecordKey: row.RecordKey, Handle: row.Handle, Tries: row.Tries})
	}
	return all, nil
}
