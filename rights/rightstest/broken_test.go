package rightstest

import (
	"context"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// broken is a store of which single methods can be replaced, or looked at from outside
// of the caller's transaction.
type broken struct {
	rights.Backend
	request      func(row rights.RequestRow, found bool) (rights.RequestRow, bool)
	putRequest   func(ctx context.Context, row rights.RequestRow) error
	lockAs       func(ctx context.Context, t troth.Tenant, id string, record []byte) (bool, error)
	lock         func(ctx context.Context, t troth.Tenant, id string) (rights.RequestRow, bool, error)
	delete       func(ctx context.Context, t troth.Tenant, id string) (bool, error)
	listing      func(l rights.Listing) rights.Listing
	of           func(rows []rights.RequestRow) []rights.RequestRow
	events       func(rows []rights.EventRow) []rights.EventRow
	item         func(row rights.ItemRow) rights.ItemRow
	insertItem   func(ctx context.Context, row rights.ItemRow) (bool, error)
	putItem      func(ctx context.Context, row rights.ItemRow) error
	writeItems   func(ctx context.Context, rows []rights.ItemRow) error
	insertEvents func(ctx context.Context, rows []rights.EventRow) (int, error)
	deleteItem   func(ctx context.Context, k rights.ItemKey) (bool, error)
	itemsAt      func(ctx context.Context, keys []rights.ItemKey) ([]rights.ItemRow, error)
	file         func(f rights.File, found bool) rights.File
	items        func(rows []rights.ItemRow) []rights.ItemRow
	due          func(at int64) int64
	setManaged   func(ctx context.Context) error
	// ctx is what methods get in place of their own.
	ctx func(ctx context.Context) context.Context
}

func whole(s rights.Backend) *broken {
	return &broken{
		Backend:    s,
		request:    func(row rights.RequestRow, found bool) (rights.RequestRow, bool) { return row, found },
		putRequest: s.PutRequest, lock: s.LockRequest, lockAs: s.LockRequestAs, delete: s.DeleteRequest,
		listing:    func(l rights.Listing) rights.Listing { return l },
		of:         func(rows []rights.RequestRow) []rights.RequestRow { return rows },
		events:     func(rows []rights.EventRow) []rights.EventRow { return rows },
		item:       func(row rights.ItemRow) rights.ItemRow { return row },
		insertItem: s.InsertItem, putItem: s.PutItem, itemsAt: s.ItemsAt, writeItems: s.WriteItems, insertEvents: s.InsertEvents, deleteItem: s.DeleteItem,
		file:  func(f rights.File, _ bool) rights.File { return f },
		items: func(rows []rights.ItemRow) []rights.ItemRow { return rows },
		due:   func(at int64) int64 { return at }, setManaged: s.SetManaged,
		ctx: func(ctx context.Context) context.Context { return ctx },
	}
}

func (b *broken) InsertRequest(ctx context.Context, row rights.RequestRow) (bool, error) {
	return b.Backend.InsertRequest(b.ctx(ctx), row)
}

func (b *broken) Request(ctx context.Context, t troth.Tenant, id string) (rights.RequestRow, bool, error) {
	row, found, err := b.Backend.Request(ctx, t, id)
	row, found = b.request(row, found)
	return row, found, err
}

func (b *broken) File(ctx context.Context, t troth.Tenant, id string, kinds []rights.ItemKind) (rights.File, bool, error) {
	f, found, err := b.Backend.File(ctx, t, id, kinds)
	return b.file(f, found), found, err
}

func (b *broken) PutRequest(ctx context.Context, row rights.RequestRow) error {
	return b.putRequest(b.ctx(ctx), row)
}

func (b *broken) LockRequestAs(ctx context.Context, t troth.Tenant, id string, record []byte) (bool, error) {
	return b.lockAs(ctx, t, id, record)
}

func (b *broken) LockRequest(ctx context.Context, t troth.Tenant, id string) (rights.RequestRow, bool, error) {
	return b.lock(ctx, t, id)
}

func (b *broken) DeleteRequest(ctx context.Context, t troth.Tenant, id string) (bool, error) {
	return b.delete(ctx, t, id)
}

func (b *broken) Requests(ctx context.Context, l rights.Listing) ([]rights.RequestRow, error) {
	return b.Backend.Requests(ctx, b.listing(l))
}

func (b *broken) RequestsOf(ctx context.Context, t troth.Tenant, subject string) ([]rights.RequestRow, error) {
	rows, err := b.Backend.RequestsOf(ctx, t, subject)
	return b.of(rows), err
}

func (b *broken) Events(ctx context.Context, t troth.Tenant, id string) ([]rights.EventRow, error) {
	rows, err := b.Backend.Events(ctx, t, id)
	return b.events(rows), err
}

func (b *broken) InsertItem(ctx context.Context, row rights.ItemRow) (bool, error) {
	return b.insertItem(b.ctx(ctx), row)
}

func (b *broken) Item(ctx context.Context, k rights.ItemKey) (rights.ItemRow, bool, error) {
	row, found, err := b.Backend.Item(ctx, k)
	return b.item(row), found, err
}

func (b *broken) PutItem(ctx context.Context, row rights.ItemRow) error {
	return b.putItem(b.ctx(ctx), row)
}

func (b *broken) ItemsAt(ctx context.Context, keys []rights.ItemKey) ([]rights.ItemRow, error) {
	return b.itemsAt(ctx, keys)
}

func (b *broken) WriteItems(ctx context.Context, rows []rights.ItemRow) error {
	return b.writeItems(b.ctx(ctx), rows)
}

func (b *broken) InsertEvents(ctx context.Context, rows []rights.EventRow) (int, error) {
	return b.insertEvents(b.ctx(ctx), rows)
}

func (b *broken) DeleteItem(ctx context.Context, k rights.ItemKey) (bool, error) {
	return b.deleteItem(ctx, k)
}

func (b *broken) Items(ctx context.Context, q rights.ItemQuery) ([]rights.ItemRow, error) {
	rows, err := b.Backend.Items(ctx, q)
	return b.items(rows), err
}

func (b *broken) DueItems(ctx context.Context, kind rights.ItemKind, at int64, limit int) ([]rights.ItemKey, error) {
	return b.Backend.DueItems(ctx, kind, b.due(at), limit)
}

func (b *broken) SetManaged(ctx context.Context) error { return b.setManaged(ctx) }
