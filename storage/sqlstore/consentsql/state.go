package consentsql

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/sqlstore"
)

func scanState(rows *sqlstore.Rows) (r consent.StateRow, err error) {
	err = rows.Scan(&r.Tenant, &r.SubjectID, &r.Purpose, &r.Record)
	return r, firstError(err, within(maxState, r.Record))
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
	// In the order of the index, each once.
	ids := slices.Compact(slices.Sorted(slices.Values(subjectIDs)))
	if s.postgres() {
		return s.statesAtOnce(ctx, tenant, p, ids)
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, fmt.Errorf("consentsql: states of: %w", err)
	}
	return query(ctx, s, scanState, s.q.statesOf, string(tenant), string(p), string(list))
}

// statesAtOnce reads the states of many in one value.
func (s *Store) statesAtOnce(ctx context.Context, tenant troth.Tenant, p troth.Purpose, ids []string) ([]consent.StateRow, error) {
	var all []byte
	_, err := sqlstore.QueryRow(ctx, s.h.Querier(ctx), s.q.statesOf, []any{texts(ids), string(tenant), string(p)}, &all)
	if err != nil {
		return nil, err
	}
	found := make([]consent.StateRow, 0, len(ids))
	for len(all) > 0 {
		if len(all) < 8 {
			return nil, consent.ErrRecord
		}
		n, size := binary.BigEndian.Uint32(all), binary.BigEndian.Uint32(all[4:])
		all = all[8:]
		if n < 1 || int(n) > len(ids) || size > maxState || int(size) > len(all) {
			return nil, consent.ErrRecord
		}
		found = append(found, consent.StateRow{Tenant: tenant, SubjectID: ids[n-1], Purpose: p, Record: all[:size:size]})
		all = all[size:]
	}
	return found, nil
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
