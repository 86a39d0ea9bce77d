package rightssql

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/brief"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

// part is a request, or an item of those that were asked for with it: then SubjectID is its
// id and State its kind.
type part struct {
	item    bool
	request rights.RequestRow
	sealed  []byte
}

func scanPart(rows *sqlstore.Rows) (p part, err error) {
	var state, right string
	var open, item int64
	r := &p.request
	if err = rows.Scan(&item, &r.SubjectID, &state, &right, &r.Owner, &r.DueAt, &open, &r.ReceivedAt, &r.Record, &p.sealed); err != nil {
		return p, err
	}
	p.item, r.State, r.Right, r.Open = item != 0, rights.State(state), rights.Right(right), open != 0
	if len(r.Record) > rights.MaxRecord || len(p.sealed) > rights.MaxSealed {
		return part{}, rights.ErrRecord
	}
	return p, nil
}

// RequestWith implements rights.Store: one statement, for as many kinds as it takes.
func (s *Store) RequestWith(ctx context.Context, tenant troth.Tenant, id string, kinds []rights.ItemKind) (row rights.RequestRow, found bool, items []rights.ItemRow, err error) {
	first := kinds[:min(len(kinds), maxRows)]
	if row, found, items, err = s.requestWith(ctx, tenant, id, first); err != nil || !found {
		return row, false, nil, err
	}
	for _, k := range kinds[len(first):] {
		some, err := s.Items(ctx, rights.ItemQuery{Tenant: tenant, Owner: id, Kind: k, Limit: math.MaxInt32})
		if err != nil {
			return row, false, nil, err
		}
		items = append(items, some...)
	}
	return row, true, items, nil
}

func (s *Store) requestWith(ctx context.Context, tenant troth.Tenant, id string, kinds []rights.ItemKind) (row rights.RequestRow, found bool, items []rights.ItemRow, err error) {
	if len(kinds) == 0 {
		row, found, err = s.Request(ctx, tenant, id)
		return row, found, nil, err
	}
	of, by := any(string(tenant)), any(id)
	args := append(make([]any, 0, 2+3*len(kinds)), of, by)
	for _, k := range kinds {
		args = append(args, of, by, string(k))
	}
	parts, err := statement.Query(brief.Mark(ctx), s.db, scanPart, s.q.requestWith[len(kinds)-1], args...)
	if err != nil {
		return row, false, nil, err
	}
	for i := range parts {
		r := &parts[i].request
		if !parts[i].item {
			row, found = *r, true
			row.Tenant, row.ID = tenant, id
			continue
		}
		key := rights.ItemKey{Tenant: tenant, Owner: id, Kind: rights.ItemKind(r.State), ID: r.SubjectID}
		items = append(items, rights.ItemRow{ItemKey: key, DueAt: r.DueAt, Record: r.Record, Sealed: parts[i].sealed})
	}
	slices.SortFunc(items, func(a, b rights.ItemRow) int { // what a statement finds comes in no order
		return cmp.Or(slices.Index(kinds, a.Kind)-slices.Index(kinds, b.Kind), strings.Compare(a.ID, b.ID))
	})
	return row, found, items, nil
}
