package vaultsql

import (
	"context"
	"database/sql"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
	"github.com/trothdev/troth/vault"
)

// InsertRestriction implements vault.Store.
func (s *Store) InsertRestriction(ctx context.Context, r vault.RestrictionRow) (inserted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		inserted, err = s.db.Affects(ctx, s.q.insertRestriction, string(r.Tenant), r.ID[:], r.SubjectID,
			joinPurposes(r.Except), r.Ground, r.At, r.MAC[:])
		if err != nil || !inserted {
			return err
		}
		_, err = s.db.Affects(ctx, s.q.restrict, string(r.Tenant), r.SubjectID)
		return err
	})
	return inserted, err
}

// LiftRestriction implements vault.Store.
func (s *Store) LiftRestriction(ctx context.Context, r vault.RestrictionRow) (lifted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		lifted, err = s.db.Affects(ctx, s.q.lift, r.LiftedAt, r.Grant[:], r.LiftedBy[:], r.MAC[:], string(r.Tenant), r.ID[:])
		if err != nil || !lifted {
			return err
		}
		_, err = s.db.Affects(ctx, s.q.unrestrict, string(r.Tenant), string(r.Tenant), r.ID[:])
		return err
	})
	return lifted, err
}

// Restrictions implements vault.Store.
func (s *Store) Restrictions(ctx context.Context, tenant troth.Tenant, subjectID string) ([]vault.RestrictionRow, error) {
	return statement.Query(ctx, s.db, scanRestriction, s.q.restrictions, string(tenant), subjectID)
}

// Restriction implements vault.Store.
func (s *Store) Restriction(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (row vault.RestrictionRow, found bool, err error) {
	rows, err := statement.Query(ctx, s.db, scanRestriction, s.q.restriction, string(tenant), id[:])
	if err != nil || len(rows) == 0 {
		return row, false, err
	}
	return rows[0], true, nil
}

// RestrictionsPage implements vault.Store.
func (s *Store) RestrictionsPage(ctx context.Context, tenant troth.Tenant, after troth.EntryID, limit int) ([]vault.RestrictionRow, error) {
	return statement.Query(ctx, s.db, scanRestriction, s.q.restrictionsPage, string(tenant), after[:], limit)
}

func scanRestriction(rows *sqlstore.Rows) (r vault.RestrictionRow, err error) {
	var id, grant, by, mac []byte
	var excepted string
	err = rows.Scan(&r.Tenant, &id, &r.SubjectID, &excepted, &r.Ground, &r.At, &r.LiftedAt, &grant, &by, &mac)
	if err != nil || !statement.Fill(r.ID[:], id) || !fillOrNone(r.Grant[:], grant) || !fillOrNone(r.LiftedBy[:], by) ||
		!statement.Fill(r.MAC[:], mac) || len(excepted) > maxSealed || max(len(r.SubjectID), len(r.Ground)) > troth.MaxIdentifier {
		return r, errRecord
	}
	r.Except = splitPurposes(excepted)
	return r, nil
}

// A purpose holds no line break.
func joinPurposes(ps []troth.Purpose) string {
	var b strings.Builder
	for i, p := range ps {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(string(p))
	}
	return b.String()
}

func splitPurposes(lines string) []troth.Purpose {
	if lines == "" {
		return nil
	}
	var ps []troth.Purpose
	for line := range strings.SplitSeq(lines, "\n") {
		ps = append(ps, troth.Purpose(line))
	}
	return ps
}

// fillOrNone is fill for what may be NULL.
func fillOrNone(to, from []byte) bool { return len(from) == 0 || statement.Fill(to, from) }

// InsertGrant implements vault.Store.
func (s *Store) InsertGrant(ctx context.Context, g vault.GrantRow) (inserted bool, err error) {
	return s.db.Affects(ctx, s.q.insertGrant, string(g.Tenant), g.ID[:], g.SubjectID, g.Restriction[:], g.Ground,
		g.Announced, g.At, g.MAC[:])
}

// Grant implements vault.Store.
func (s *Store) Grant(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (row vault.GrantRow, found bool, err error) {
	rows, err := statement.Query(ctx, s.db, scanGrant, s.q.grant, string(tenant), id[:])
	if err != nil || len(rows) == 0 {
		return row, false, err
	}
	return rows[0], true, nil
}

// Grants implements vault.Store.
func (s *Store) Grants(ctx context.Context, tenant troth.Tenant, subjectID string) ([]vault.GrantRow, error) {
	return statement.Query(ctx, s.db, scanGrant, s.q.grants, string(tenant), subjectID)
}

// GrantsPage implements vault.Store.
func (s *Store) GrantsPage(ctx context.Context, tenant troth.Tenant, after troth.EntryID, limit int) ([]vault.GrantRow, error) {
	return statement.Query(ctx, s.db, scanGrant, s.q.grantsPage, string(tenant), after[:], limit)
}

func scanGrant(rows *sqlstore.Rows) (g vault.GrantRow, err error) {
	var id, restriction, mac []byte
	err = rows.Scan(&g.Tenant, &id, &g.SubjectID, &restriction, &g.Ground, &g.Announced, &g.At, &mac)
	if err != nil || !statement.Fill(g.ID[:], id) || !statement.Fill(g.Restriction[:], restriction) || !statement.Fill(g.MAC[:], mac) ||
		max(len(g.SubjectID), len(g.Ground)) > troth.MaxIdentifier {
		return g, errRecord
	}
	return g, nil
}

// Tenants implements vault.SystemStore.
func (s *Store) Tenants(ctx context.Context, after troth.Tenant, limit int) ([]troth.Tenant, error) {
	var found []troth.Tenant
	for len(found) < limit {
		args := make([]any, len(tenantTables))
		for i := range args {
			args[i] = string(after)
		}
		var next sql.NullString
		_, err := sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.nextTenant, args, &next)
		if err != nil {
			return nil, err
		}
		if !next.Valid {
			break
		}
		after = troth.Tenant(next.String)
		found = append(found, after)
	}
	return found, nil
}

// Mark implements vault.SystemStore.
func (s *Store) Mark(ctx context.Context, name string) (mark []byte, err error) {
	_, err = sqlstore.QueryRow(ctx, s.db.Querier(ctx), s.q.mark, []any{name}, &mark)
	if err == nil && len(mark) > maxSealed {
		err = errRecord
	}
	return mark, err
}

// SetMark implements vault.SystemStore.
func (s *Store) SetMark(ctx context.Context, name string, mark []byte) error {
	if mark == nil {
		mark = []byte{}
	}
	_, err := s.db.Querier(ctx).Exec(ctx, s.q.setMark, name, mark)
	return err
}
