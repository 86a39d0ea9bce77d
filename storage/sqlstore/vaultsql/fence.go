package vaultsql

import (
	"context"
	"database/sql"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/feed"
	"github.com/trothdev/troth/vault"
)

// fenceTable is where the fence is.
var fenceTable = feed.Table{
	Name: "troth_vault_fence", Columns: []string{"tenant", "subject", "compartment", "died_at", "roots"}, At: "died_at",
	Values: `substr(e.tenant, 1, 1025), substr(e.subject, 1, 1025), substr(e.compartment, 1, 1025), e.died_at, e.roots`,
	Lock:   0x74726f7468_66_6e, // "troth" and "fn" in ASCII
}

// RaiseFence implements vault.Store.
func (s *Store) RaiseFence(ctx context.Context, e vault.FenceEvent) error {
	return s.fence.Raise(ctx, string(e.Tenant), e.SubjectID, string(e.Compartment), e.At, number(e.Roots))
}

// Follow implements vault.SystemStore. Inside a transaction that reads an old
// snapshot it returns [ErrSnapshot]. More than 10,000 events at once are a gap.
func (s *Store) Follow(ctx context.Context, after int64) (vault.Followed, error) {
	told, err := feed.Follow(ctx, s.fence, after, scanSighted)
	return vault.Followed(told), err
}

func scanSighted(rows *sqlstore.Rows) (r feed.Row[vault.FenceEvent], err error) {
	var tenant, subject, compartment sql.NullString
	var at, roots sql.NullInt64
	err = rows.Scan(&r.Head, &r.Position, &tenant, &subject, &compartment, &at, &roots)
	r.There = tenant.Valid
	r.Event = vault.FenceEvent{
		KeyName: vault.KeyName{
			Tenant: troth.Tenant(tenant.String), SubjectID: subject.String, Compartment: troth.Compartment(compartment.String),
		},
		Position: r.Position.Int64, At: at.Int64, Roots: roots.Int64 == 1,
	}
	return r, err
}

// PruneFence implements vault.SystemStore.
func (s *Store) PruneFence(ctx context.Context, at int64) error { return s.fence.Prune(ctx, at) }
