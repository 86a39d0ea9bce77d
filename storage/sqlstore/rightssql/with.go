package rightssql

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/brief"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

// part is a request, or an item of those that were asked for with it.
type part struct {
	// key counts the keys from 1; 0 is the request.
	key     int
	request rights.RequestRow
	sealed  []byte
}

func scanPart(rows *sqlstore.Rows) (p part, err error) {
	var state, right string
	var open int64
	r := &p.request
	if err = rows.Scan(&p.key, &r.SubjectID, &state, &right, &r.Owner, &r.DueAt, &open, &r.ReceivedAt, &r.Record, &p.sealed); err != nil {
		return p, err
	}
	r.State, r.Right, r.Open = rights.State(state), rights.Right(right), open != 0
	if len(r.Record) > rights.MaxRecord || len(p.sealed) > rights.MaxSealed {
		return part{}, rights.ErrRecord
	}
	return p, nil
}

// RequestWith implements rights.Store: one statement, for as many keys as it takes.
func (s *Store) RequestWith(ctx context.Context, tenant troth.Tenant, id string, keys []rights.ItemKey) (row rights.RequestRow, found bool, items []rights.ItemRow, err error) {
	if len(keys) == 0 || len(keys) > maxRows {
		row, found, err = s.Request(ctx, tenant, id)
		if err != nil || !found {
			return row, found, nil, err
		}
		items, err = s.ItemsAt(ctx, keys)
		return row, found, items, err
	}
	args := []any{string(tenant), id}
	for _, k := range keys {
		args = append(args, placeOf(k)...)
	}
	parts, err := statement.Query(brief.Mark(ctx), s.db, scanPart, s.q.requestWith[len(keys)-1], args...)
	if err != nil {
		return row, false, nil, err
	}
	var at [maxRows + 1]*part // what a statement finds comes in no order
	for i := range parts {
		at[parts[i].key] = &parts[i]
	}
	if at[0] == nil {
		return row, false, nil, nil
	}
	row = at[0].request
	row.Tenant, row.ID = tenant, id
	for i, k := range keys {
		if p := at[i+1]; p != nil {
			items = append(items, rights.ItemRow{ItemKey: k, DueAt: p.request.DueAt, Record: p.request.Record, Sealed: p.sealed})
		}
	}
	return row, true, items, nil
}
