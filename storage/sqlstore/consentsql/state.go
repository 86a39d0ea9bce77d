package consentsql

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/sqlstore"
)

func scanState(rows *sqlstore.Rows) (r consent.StateRow, err error) {
	err = rows.Scan(&r.Tenant, &r.SubjectID, &r.Purpose, &r.Record)
	return r, firstError(err, within(maxSealed, r.Record))
}

// PutState implements consent.Store.
func (s *Store) PutState(ctx context.Context, row consent.StateRow) error {
	return s.must(ctx, s.q.putState, string(row.Tenant), row.SubjectID, string(row.Purpose), bytesOf(row.Record))
}

// DeleteState implements consent.Store.
func (s *Store) DeleteState(ctx context.Context, tenant troth.Tenant, subjectID string, p troth.Purpose) error {
	_, err := s.exec(ctx, s.q.deleteState, string(tenant), subjectID, string(p))
	return err
}

// States implements consent.Store.
func (s *Store) States(ctx context.Context, tenant troth.Tenant, subjectID string) ([]consent.StateRow, error) {
	return query(ctx, s, scanState, s.q.states, string(tenant), subjectID)
}

// StatesOf implements consent.Store.
func (s *Store) StatesOf(ctx context.Context, tenant troth.Tenant, p troth.Purpose, subjectIDs []string) ([]consent.StateRow, error) {
	if len(subjectIDs) == 0 {
		return nil, nil
	}
	// In the order of the index, which is then walked once.
	sorted := slices.Clone(subjectIDs)
	slices.Sort(sorted)
	var list string
	if s.postgres() {
		list = texts(sorted)
	} else {
		b, err := json.Marshal(sorted)
		if err != nil {
			return nil, err
		}
		list = string(b)
	}
	return query(ctx, s, scanState, s.q.statesOf, string(tenant), string(p), list)
}

// texts is PostgreSQL's array of texts, which the driver does not know.
func texts(all []string) string {
	var b strings.Builder
	b.WriteByte('{')
	quote := strings.NewReplacer(`"`, `\"`, `\`, `\\`)
	for i, s := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		if strings.ContainsAny(s, `"\`) {
			s = quote.Replace(s)
		}
		b.WriteString(s)
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

// StatesAfter implements consent.Store.
func (s *Store) StatesAfter(ctx context.Context, tenant troth.Tenant, p troth.Purpose, after string, limit int) ([]consent.StateRow, error) {
	return query(ctx, s, scanState, s.q.statesAfter, string(tenant), string(p), after, limit)
}

func scanLink(rows *sqlstore.Rows) (r consent.LinkRow, err error) {
	err = rows.Scan(&r.Tenant, &r.Device, &r.Account, &r.Record)
	return r, firstError(err, within(maxSealed, r.Record))
}

// InsertLink implements consent.Store.
func (s *Store) InsertLink(ctx context.Context, row consent.LinkRow) (bool, error) {
	return s.affects(ctx, s.q.insertLink, string(row.Tenant), row.Device, row.Account, bytesOf(row.Record))
}

// Link implements consent.Store.
func (s *Store) Link(ctx context.Context, tenant troth.Tenant, device string) (consent.LinkRow, bool, error) {
	return one(ctx, s, scanLink, s.q.link, string(tenant), device)
}

// Links implements consent.Store.
func (s *Store) Links(ctx context.Context, tenant troth.Tenant, account string) ([]consent.LinkRow, error) {
	return query(ctx, s, scanLink, s.q.links, string(tenant), account)
}
