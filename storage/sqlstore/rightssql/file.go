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

// What a row of a file is.
const (
	isRequest = iota
	isItem
	isEvent
)

// filing puts a file together from its rows.
type filing struct {
	file  rights.File
	found bool
	// row is what a row says, with what follows. Of an item SubjectID is its id, of an event
	// DueAt its number.
	row         rights.RequestRow
	is, open    int64
	state, kind string
	sealed      []byte
	// into is where a row's columns go.
	into []any
}

func newFiling(tenant troth.Tenant, id string) *filing {
	f := &filing{row: rights.RequestRow{Tenant: tenant, ID: id}}
	f.file.Items, f.file.Events = make([]rights.ItemRow, 0, 4), make([]rights.EventRow, 0, 8) // few have more
	r := &f.row
	f.into = []any{&f.is, &r.SubjectID, &f.state, &f.kind, &r.Owner, &r.DueAt, &f.open, &r.ReceivedAt, &r.Record, &f.sealed}
	return f
}

// add puts a row where it belongs.
func (f *filing) add(rows *sqlstore.Rows) (none struct{}, err error) {
	r := &f.row
	if err = rows.Scan(f.into...); err != nil {
		return none, err
	}
	if len(r.Record) > rights.MaxRecord || len(f.sealed) > rights.MaxSealed {
		return none, rights.ErrRecord
	}
	switch f.is {
	case isRequest:
		f.file.Request, f.found = *r, true
		f.file.Request.State, f.file.Request.Right, f.file.Request.Open = rights.State(f.state), rights.Right(f.kind), f.open != 0
	case isItem:
		key := rights.ItemKey{Tenant: r.Tenant, Owner: r.ID, Kind: rights.ItemKind(f.kind), ID: r.SubjectID}
		f.file.Items = append(f.file.Items, rights.ItemRow{ItemKey: key, DueAt: r.DueAt, Record: r.Record, Sealed: f.sealed})
	case isEvent:
		e := rights.EventRow{Tenant: r.Tenant, Request: r.ID, Record: r.Record}
		if !statement.Small(r.DueAt, &e.Seq) {
			return none, rights.ErrRecord
		}
		f.file.Events = append(f.file.Events, e)
	}
	r.Record, f.sealed = nil, nil
	return none, nil
}

// File implements rights.Store, with one statement.
func (s *Store) File(ctx context.Context, tenant troth.Tenant, id string, kinds []rights.ItemKind) (rights.File, bool, error) {
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
	f := newFiling(tenant, id)
	if _, err := statement.Query(brief.Mark(ctx), s.db, f.add, query, args...); err != nil || !f.found {
		return rights.File{}, false, err
	}
	// What a statement finds comes in no order.
	slices.SortFunc(f.file.Events, func(a, b rights.EventRow) int { return cmp.Compare(a.Seq, b.Seq) })
	slices.SortFunc(f.file.Items, func(a, b rights.ItemRow) int {
		return cmp.Or(slices.Index(kinds, a.Kind)-slices.Index(kinds, b.Kind), strings.Compare(a.ID, b.ID))
	})
	return f.file, true, nil
}
