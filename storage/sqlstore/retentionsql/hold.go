package retentionsql

import (
	"cmp"
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

func scanPolicy(rows *sqlstore.Rows) (p retention.PolicyRow, err error) {
	var tenant string
	var version int64
	var hash []byte
	if err = rows.Scan(&tenant, &version, &hash, &p.Text, &p.ActivatedAt); err != nil {
		return p, err
	}
	p.Tenant = troth.Tenant(tenant)
	if !statement.Small(version, &p.Version) || len(hash) != len(p.Hash) {
		return retention.PolicyRow{}, retention.ErrRecord
	}
	copy(p.Hash[:], hash)
	return p, nil
}

// InsertPolicy implements retention.Store.
func (s *Store) InsertPolicy(ctx context.Context, row retention.PolicyRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertPolicy, string(row.Tenant), int64(row.Version), row.Hash[:], row.Text, row.ActivatedAt)
}

// Policies implements retention.Store.
func (s *Store) Policies(ctx context.Context, tenant troth.Tenant, above uint32) ([]retention.PolicyRow, error) {
	return statement.Query(ctx, s.db, scanPolicy, s.q.policies, string(tenant), int64(above))
}

func scanHold(rows *sqlstore.Rows) (h retention.HoldRow, err error) {
	var tenant string
	err = rows.Scan(&tenant, &h.ID, &h.Matter, &h.SubjectID, &h.Class, &h.From, &h.To, &h.PlacedAt, &h.ReviewAt,
		&h.ProposedAt, &h.Proposer, &h.ReleasedAt, &h.Where, &h.ToldAt)
	if len(h.Where) > retention.MaxDetail {
		err = cmp.Or(err, retention.ErrRecord)
	}
	if len(h.Where) == 0 {
		h.Where = nil
	}
	h.Tenant = troth.Tenant(tenant)
	return h, err
}

func holdRest(h *retention.HoldRow) []any {
	var proposer any
	if h.Proposer != nil {
		proposer = h.Proposer
	}
	return []any{
		h.Matter, h.SubjectID, h.Class, h.From, h.To, h.PlacedAt, h.ReviewAt, h.ProposedAt, proposer, h.ReleasedAt,
		filled(h.Where), h.ToldAt,
	}
}

// InsertHold implements retention.Store.
func (s *Store) InsertHold(ctx context.Context, row retention.HoldRow) (bool, error) {
	return s.db.Affects(ctx, s.q.insertHold, append([]any{string(row.Tenant), row.ID}, holdRest(&row)...)...)
}

// PutHold implements retention.Store.
func (s *Store) PutHold(ctx context.Context, row retention.HoldRow) error {
	return s.db.Must(ctx, s.q.putHold, append(holdRest(&row), string(row.Tenant), row.ID)...)
}

// Hold implements retention.Store.
func (s *Store) Hold(ctx context.Context, tenant troth.Tenant, id string) (retention.HoldRow, bool, error) {
	return statement.One(ctx, s.db, scanHold, s.q.hold, string(tenant), id)
}

// ActiveHolds implements retention.Store.
func (s *Store) ActiveHolds(ctx context.Context, tenant troth.Tenant) ([]retention.HoldRow, error) {
	return statement.Query(ctx, s.db, scanHold, s.q.activeHolds, string(tenant))
}

// HoldsToReview implements retention.SystemStore.
func (s *Store) HoldsToReview(ctx context.Context, at int64, limit int) ([]retention.HoldRow, error) {
	return statement.Query(ctx, s.db, scanHold, s.q.toReview, at, limit)
}
