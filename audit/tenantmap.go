package audit

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

// tenantMap makes the tenant map of a checkpoint again, from where tenants end
// now and what was sequenced since, and holds it to what was signed. It also
// returns where the tenant ended then; number 0 if it had no entry.
func (t *Trail) tenantMap(ctx context.Context, head Head, row CheckpointRow, tenant troth.Tenant) (*merkle.Map, TenantHead, error) {
	cp, err := t.openRow(row)
	if err != nil {
		return nil, TenantHead{}, err
	}
	heads, err := t.tenantHeads(ctx, head.Log)
	if err != nil {
		return nil, TenantHead{}, err
	}
	// Entries are read after the ends, so what the ends tell of is among them.
	if _, err := t.takeBack(ctx, head.Log, heads, cp.Size, nil); err != nil {
		return nil, TenantHead{}, err
	}
	names := mapOf(head.Salt, heads)
	if names.Root() != cp.TenantRoot || saltCommitment(head.Salt) != cp.SaltCommitment {
		return nil, TenantHead{}, endsDamaged(head.Log, cp.Size)
	}
	at := heads[tenant]
	if at.Number == 0 || at.Index != 0 {
		return names, at, nil
	}
	// It was taken back, which does not tell the index.
	at.Index, err = t.indexOf(ctx, head, tenant, at.Number)
	return names, at, err
}

// indexOf finds the index of a tenant's entry by its number; 0 if it was pruned.
func (t *Trail) indexOf(ctx context.Context, head Head, tenant troth.Tenant, number uint64) (uint64, error) {
	rows, err := t.store.LogEntries(ctx, LogPage{Tenant: tenant, Log: head.Log, Number: number - 1, Limit: 1})
	if err != nil {
		return 0, fmt.Errorf("audit: read entry: %w", err)
	}
	if len(rows) == 1 && rows[0].Log == head.Log && rows[0].Number == number {
		return rows[0].Index, nil
	}
	if head.Pruned > 0 {
		return 0, nil
	}
	return 0, &DamageError{head.Log, "entry", "number " + utoa(number) + " of its tenant", "is missing"}
}
