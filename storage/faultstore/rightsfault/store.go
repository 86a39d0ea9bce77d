// Package rightsfault puts a plan of faults between the rights desk and its Store.
package rightsfault

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/faultstore"
)

// New returns s under the plan; it gives out tx as its transactor, which is the store's
// own or [faultstore.Transactor] of it.
func New(s rights.Backend, tx troth.Transactor, p *faultstore.Plan) rights.Backend {
	return &store{s: s, tx: tx, p: p}
}

type store struct {
	s  rights.Backend
	tx troth.Transactor
	p  *faultstore.Plan
}

// found is what reads of one row return beside the error.
type found[T any] struct {
	row   T
	found bool
}

func (s *store) Transactor() troth.Transactor { return s.tx }

func (s *store) PutRequest(ctx context.Context, row rights.RequestRow) error {
	return faultstore.Run(ctx, s.p, "PutRequest", func() error { return s.s.PutRequest(ctx, row) })
}

func (s *store) PutItem(ctx context.Context, row rights.ItemRow) error {
	return faultstore.Run(ctx, s.p, "PutItem", func() error { return s.s.PutItem(ctx, row) })
}

func (s *store) WriteItems(ctx context.Context, rows []rights.ItemRow) error {
	return faultstore.Run(ctx, s.p, "WriteItems", func() error { return s.s.WriteItems(ctx, rows) })
}

func (s *store) SetManaged(ctx context.Context) error {
	return faultstore.Run(ctx, s.p, "SetManaged", func() error { return s.s.SetManaged(ctx) })
}

func (s *store) InsertRequest(ctx context.Context, row rights.RequestRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertRequest", func() (bool, error) { return s.s.InsertRequest(ctx, row) })
}

func (s *store) DeleteRequest(ctx context.Context, tenant troth.Tenant, id string) (bool, error) {
	return faultstore.Do(ctx, s.p, "DeleteRequest", func() (bool, error) { return s.s.DeleteRequest(ctx, tenant, id) })
}

func (s *store) Requests(ctx context.Context, l rights.Listing) ([]rights.RequestRow, error) {
	return faultstore.Do(ctx, s.p, "Requests", func() ([]rights.RequestRow, error) { return s.s.Requests(ctx, l) })
}

func (s *store) RequestsOf(ctx context.Context, tenant troth.Tenant, subjectID string) ([]rights.RequestRow, error) {
	return faultstore.Do(ctx, s.p, "RequestsOf", func() ([]rights.RequestRow, error) { return s.s.RequestsOf(ctx, tenant, subjectID) })
}

func (s *store) InsertEvents(ctx context.Context, rows []rights.EventRow) (int, error) {
	return faultstore.Do(ctx, s.p, "InsertEvents", func() (int, error) { return s.s.InsertEvents(ctx, rows) })
}

func (s *store) Events(ctx context.Context, tenant troth.Tenant, request string) ([]rights.EventRow, error) {
	return faultstore.Do(ctx, s.p, "Events", func() ([]rights.EventRow, error) { return s.s.Events(ctx, tenant, request) })
}

func (s *store) InsertItem(ctx context.Context, row rights.ItemRow) (bool, error) {
	return faultstore.Do(ctx, s.p, "InsertItem", func() (bool, error) { return s.s.InsertItem(ctx, row) })
}

func (s *store) DeleteItem(ctx context.Context, key rights.ItemKey) (bool, error) {
	return faultstore.Do(ctx, s.p, "DeleteItem", func() (bool, error) { return s.s.DeleteItem(ctx, key) })
}

func (s *store) Items(ctx context.Context, q rights.ItemQuery) ([]rights.ItemRow, error) {
	return faultstore.Do(ctx, s.p, "Items", func() ([]rights.ItemRow, error) { return s.s.Items(ctx, q) })
}

func (s *store) ItemsAt(ctx context.Context, keys []rights.ItemKey) ([]rights.ItemRow, error) {
	return faultstore.Do(ctx, s.p, "ItemsAt", func() ([]rights.ItemRow, error) { return s.s.ItemsAt(ctx, keys) })
}

func (s *store) DueItems(ctx context.Context, kind rights.ItemKind, at int64, limit int) ([]rights.ItemKey, error) {
	return faultstore.Do(ctx, s.p, "DueItems", func() ([]rights.ItemKey, error) { return s.s.DueItems(ctx, kind, at, limit) })
}

func (s *store) Managed(ctx context.Context) (bool, error) {
	return faultstore.Do(ctx, s.p, "Managed", func() (bool, error) { return s.s.Managed(ctx) })
}

func (s *store) Request(ctx context.Context, tenant troth.Tenant, id string) (rights.RequestRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Request", func() (r found[rights.RequestRow], err error) {
		r.row, r.found, err = s.s.Request(ctx, tenant, id)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) File(ctx context.Context, tenant troth.Tenant, id string, kinds []rights.ItemKind) (rights.File, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "File", func() (r found[rights.File], err error) {
		r.row, r.found, err = s.s.File(ctx, tenant, id, kinds)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) LockRequestAs(ctx context.Context, tenant troth.Tenant, id string, record []byte) (bool, error) {
	return faultstore.Do(ctx, s.p, "LockRequestAs", func() (bool, error) { return s.s.LockRequestAs(ctx, tenant, id, record) })
}

func (s *store) LockRequest(ctx context.Context, tenant troth.Tenant, id string) (rights.RequestRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "LockRequest", func() (r found[rights.RequestRow], err error) {
		r.row, r.found, err = s.s.LockRequest(ctx, tenant, id)
		return r, err
	})
	return r.row, r.found, err
}

func (s *store) Item(ctx context.Context, key rights.ItemKey) (rights.ItemRow, bool, error) {
	r, err := faultstore.Do(ctx, s.p, "Item", func() (r found[rights.ItemRow], err error) {
		r.row, r.found, err = s.s.Item(ctx, key)
		return r, err
	})
	return r.row, r.found, err
}
