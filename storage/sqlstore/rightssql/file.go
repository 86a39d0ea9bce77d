package rightssql

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/internal/brief"
	"github.com/trothdev/troth/storage/sqlstore/internal/statement"
)

// part is one row of a file.
type part struct {
	is int
	// request is what the row says. Of an item SubjectID is its id and State its kind, of an
	// event DueAt its number.
	request rights.RequestRow
	sealed  []byte
}

// What a part is.
const (
	isRequest = iota
	isItem
	isEvent
)

func scanPart(rows *sqlstore.Rows) (p part, err error) {
	var state, right string
	var open int64
	r := &p.request
	if err = rows.Scan(&p.is, &r.SubjectID, &state, &right, &r.Owner, &r.DueAt, &open, &r.ReceivedAt, &r.Record, &p.sealed); err != nil {
		return p, err
	}
	r.State, r.Right, r.Open = rights.State(state), rights.Right(right), open != 0
	if len(r.Record) > rights.MaxRecord || len(p.sealed) > rights.MaxSealed {
		return part{}, rights.ErrRecord
	}
	return p, nil
}

// File implements rights.Store, with one statement.
func (s *Store) File(ctx context.Context, tenant troth.Tenant, id string, kinds []rights.ItemKind) (f rights.File, found bool, err error) {
	of, by := any(string(tenant)), any(id)
	args := append(make([]any, 0, 4+3*len(kinds)), of, by)
	for _, k := range kinds {
		args = append(args, of, by, string(k))
	}
	args = append(args, of, by)
	var query string
	if len(kinds) < len(s.q.file) {
		query = s.q.file[len(kinds)]
	} else {
		query = file(s.db.Dialect(), len(kinds))
	}
	parts, err := statement.Query(brief.Mark(ctx), s.db, scanPart, query, args...)
	if err != nil {
		return f, false, err
	}
	for i := range parts {
		r := &parts[i].request
		switch parts[i].is {
		case isRequest:
			f.Request, found = *r, true
			f.Request.Tenant, f.Request.ID = tenant, id
		case isItem:
			key := rights.ItemKey{Tenant: tenant, Owner: id, Kind: rights.ItemKind(r.State), ID: r.SubjectID}
			f.Items = append(f.Items, rights.ItemRow{ItemKey: key, DueAt: r.DueAt, Record: r.Record, Sealed: parts[i].sealed})
		case isEvent:
			e := rights.EventRow{Tenant: tenant, Request: id, Record: r.Record}
			if !statement.Small(r.DueAt, &e.Seq) {
				return rights.File{}, false, rights.ErrRecord
			}
			f.Events = append(f.Events, e)
		}
	}
	if !found {
		return rights.File{}, false, nil
	}
	// What a statement finds comes in no order.
	slices.SortFunc(f.Events, func(a, b rights.EventRow) int { return cmp.Compare(a.Seq, b.Seq) })
	slices.SortFunc(f.Items, func(a, b rights.ItemRow) int {
		return cmp.Or(slices.Index(kinds, a.Kind)-slices.Index(kinds, b.Kind), strings.Compare(a.ID, b.ID))
	})
	return f, true, nil
}
