package rightsmem

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/memory"
)

// Store is a rights.Backend on a memory handle.
type Store struct {
	db       *memory.DB
	requests *memory.Table[requestKey, rights.RequestRow]
	people   *memory.Table[personKey, rights.RequestRow] // the same rows, by whom they are about
	events   *memory.Table[eventKey, rights.EventRow]
	items    *memory.Table[rights.ItemKey, rights.ItemRow]
	managed  *memory.Table[bool, bool]
}

var _ rights.Backend = (*Store)(nil)

var (
	errNoTransaction = errors.New("rightsmem: not in a transaction")
	errNothing       = errors.New("rightsmem: no such row")
)

type requestKey struct {
	tenant troth.Tenant
	id     string
}

type personKey struct {
	tenant      troth.Tenant
	subject, id string
}

type eventKey struct {
	tenant  troth.Tenant
	request string
	seq     uint32
}

// New returns an empty store on db.
func New(db *memory.DB) *Store {
	return &Store{
		db: db,
		requests: memory.NewTable[requestKey, rights.RequestRow](db, func(a, b requestKey) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.id, b.id))
		}),
		people: memory.NewTable[personKey, rights.RequestRow](db, func(a, b personKey) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.subject, b.subject), strings.Compare(a.id, b.id))
		}),
		events: memory.NewTable[eventKey, rights.EventRow](db, func(a, b eventKey) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.request, b.request), cmp.Compare(a.seq, b.seq))
		}),
		items: memory.NewTable[rights.ItemKey, rights.ItemRow](db, func(a, b rights.ItemKey) int {
			return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), strings.Compare(a.Owner, b.Owner), cmp.Compare(a.Kind, b.Kind), strings.Compare(a.ID, b.ID))
		}),
		managed: memory.NewTable[bool, bool](db, func(a, b bool) int {
			switch {
			case a == b:
				return 0
			case b:
				return -1
			}
			return 1
		}),
	}
}

// Transactor implements rights.Store.
func (s *Store) Transactor() troth.Transactor { return s.db }

func (s *Store) locking(ctx context.Context) error {
	if s.db.Scope(ctx) == nil {
		return cmp.Or(ctx.Err(), errNoTransaction)
	}
	return ctx.Err()
}

func own(row rights.RequestRow) rights.RequestRow {
	row.Record = slices.Clone(row.Record)
	return row
}

// InsertRequest implements rights.Store.
func (s *Store) InsertRequest(ctx context.Context, row rights.RequestRow) (inserted bool, err error) {
	row = own(row)
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		if inserted, err = s.requests.Insert(ctx, requestKey{row.Tenant, row.ID}, row); err != nil || !inserted {
			return err
		}
		return s.people.Put(ctx, personOf(row), row)
	})
	return inserted && err == nil, err
}

func personOf(row rights.RequestRow) personKey { return personKey{row.Tenant, row.SubjectID, row.ID} }

// Request implements rights.Store.
func (s *Store) Request(ctx context.Context, tenant troth.Tenant, id string) (rights.RequestRow, bool, error) {
	row, found, err := s.requests.Get(ctx, requestKey{tenant, id})
	return own(row), found, err
}

// File implements rights.Store. Nobody is waited for: what was read while the request was
// written is read again.
func (s *Store) File(ctx context.Context, tenant troth.Tenant, id string, kinds []rights.ItemKind) (f rights.File, found bool, err error) {
	for {
		if f, found, err = s.file(ctx, tenant, id, kinds); err != nil || !found {
			return rights.File{}, false, err
		}
		row, there, err := s.requests.Get(ctx, requestKey{tenant, id})
		if err != nil || there && bytes.Equal(row.Record, f.Request.Record) {
			return f, err == nil, err
		}
	}
}

func (s *Store) file(ctx context.Context, tenant troth.Tenant, id string, kinds []rights.ItemKind) (f rights.File, found bool, err error) {
	if f.Request, found, err = s.Request(ctx, tenant, id); err != nil || !found {
		return rights.File{}, false, err
	}
	if f.Events, err = s.Events(ctx, tenant, id); err != nil {
		return rights.File{}, false, err
	}
	for _, k := range kinds {
		some, err := s.Items(ctx, rights.ItemQuery{Tenant: tenant, Owner: id, Kind: k, Limit: math.MaxInt})
		if err != nil {
			return rights.File{}, false, err
		}
		f.Items = append(f.Items, some...)
	}
	return f, true, nil
}

// LockRequest implements rights.Store. There is one writer, so whoever is in a
// transaction is alone.
func (s *Store) LockRequest(ctx context.Context, tenant troth.Tenant, id string) (rights.RequestRow, bool, error) {
	if err := s.locking(ctx); err != nil {
		return rights.RequestRow{}, false, err
	}
	return s.Request(ctx, tenant, id)
}

// LockRequestAs implements rights.Store.
func (s *Store) LockRequestAs(ctx context.Context, tenant troth.Tenant, id string, record []byte) (same bool, err error) {
	if err := s.locking(ctx); err != nil {
		return false, err
	}
	row, found, err := s.requests.Get(ctx, requestKey{tenant, id})
	return found && bytes.Equal(row.Record, record), err
}

// PutRequest implements rights.Store.
func (s *Store) PutRequest(ctx context.Context, row rights.RequestRow) error {
	row = own(row)
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		was, found, err := s.requests.Get(ctx, requestKey{row.Tenant, row.ID})
		if err == nil && !found {
			err = errNothing
		}
		if err == nil && was.SubjectID != row.SubjectID {
			_, err = s.people.Delete(ctx, personOf(was))
		}
		if err != nil {
			return err
		}
		if err := s.requests.Put(ctx, requestKey{row.Tenant, row.ID}, row); err != nil {
			return err
		}
		return s.people.Put(ctx, personOf(row), row)
	})
}

// DeleteRequest implements rights.Store.
func (s *Store) DeleteRequest(ctx context.Context, tenant troth.Tenant, id string) (deleted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		row, found, err := s.requests.Get(ctx, requestKey{tenant, id})
		if deleted = found; err != nil || !found {
			return err
		}
		if _, err := s.requests.Delete(ctx, requestKey{tenant, id}); err != nil {
			return err
		}
		if _, err := s.people.Delete(ctx, personOf(row)); err != nil {
			return err
		}
		events, err := s.events.ScanWhile(ctx, &eventKey{tenant: tenant, request: id}, 0, func(k eventKey) bool {
			return k.tenant == tenant && k.request == id
		})
		if err != nil {
			return err
		}
		for _, e := range events {
			if _, err := s.events.Delete(ctx, e.Key); err != nil {
				return err
			}
		}
		items, err := s.items.ScanWhile(ctx, &rights.ItemKey{Tenant: tenant, Owner: id}, 0, func(k rights.ItemKey) bool {
			return k.Tenant == tenant && k.Owner == id
		})
		for _, i := range items {
			if _, err := s.items.Delete(ctx, i.Key); err != nil {
				return err
			}
		}
		return err
	})
	return deleted && err == nil, err
}

// Requests implements rights.Store.
func (s *Store) Requests(ctx context.Context, l rights.Listing) ([]rights.RequestRow, error) {
	rows, err := s.requests.Scan(ctx, &requestKey{tenant: l.Tenant}, 0, func(k requestKey, row rights.RequestRow) bool {
		return k.tenant == l.Tenant && row.Open != l.Closed && (l.State == "" || row.State == l.State) &&
			(l.Owner == "" || row.Owner == l.Owner) && (l.Right == "" || row.Right == l.Right) &&
			(row.DueAt > l.After.DueAt || row.DueAt == l.After.DueAt && row.ID > l.After.ID)
	})
	all := ordered(rows, func(row rights.RequestRow) int64 { return row.DueAt })
	return all[:min(len(all), max(l.Limit, 0))], err
}

// RequestsOf implements rights.Store.
func (s *Store) RequestsOf(ctx context.Context, tenant troth.Tenant, subjectID string) ([]rights.RequestRow, error) {
	rows, err := s.people.ScanWhile(ctx, &personKey{tenant: tenant, subject: subjectID}, 0, func(k personKey) bool {
		return k.tenant == tenant && k.subject == subjectID
	})
	return ordered(rows, func(row rights.RequestRow) int64 { return row.ReceivedAt }), err
}

// ordered are requests by a number and their id.
func ordered[K comparable](rows []memory.Row[K, rights.RequestRow], by func(rights.RequestRow) int64) []rights.RequestRow {
	var all []rights.RequestRow
	for _, r := range rows {
		all = append(all, own(r.Value))
	}
	slices.SortStableFunc(all, func(a, b rights.RequestRow) int {
		return cmp.Or(cmp.Compare(by(a), by(b)), strings.Compare(a.ID, b.ID))
	})
	return all
}

// InsertEvents implements rights.Store.
func (s *Store) InsertEvents(ctx context.Context, rows []rights.EventRow) (n int, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		n = 0
		for _, row := range rows {
			row.Record = slices.Clone(row.Record)
			inserted, err := s.events.Insert(ctx, eventKey{row.Tenant, row.Request, row.Seq}, row)
			if err != nil {
				return err
			}
			if inserted {
				n++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Events implements rights.Store.
func (s *Store) Events(ctx context.Context, tenant troth.Tenant, request string) ([]rights.EventRow, error) {
	rows, err := s.events.ScanWhile(ctx, &eventKey{tenant: tenant, request: request}, 0, func(k eventKey) bool {
		return k.tenant == tenant && k.request == request
	})
	var all []rights.EventRow
	for _, r := range rows {
		r.Value.Record = slices.Clone(r.Value.Record)
		all = append(all, r.Value)
	}
	return all, err
}

// replace puts a row where there is one.
func replace[K comparable, V any](ctx context.Context, db *memory.DB, t *memory.Table[K, V], k K, v V) error {
	return db.Atomically(ctx, func(ctx context.Context) error {
		_, found, err := t.Get(ctx, k)
		if err == nil && !found {
			err = errNothing
		}
		if err != nil {
			return err
		}
		return t.Put(ctx, k, v)
	})
}
