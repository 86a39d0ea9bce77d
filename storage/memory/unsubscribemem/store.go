package unsubscribemem

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/internal/feed"
	"github.com/trothdev/troth/unsubscribe"
)

// Store is an unsubscribe.Backend on a memory handle.
type Store struct {
	db         *memory.DB
	entries    *memory.Table[unsubscribe.Cursor, unsubscribe.EntryRow]
	boxes      *memory.Table[boxKey, struct{}]
	events     *memory.Table[eventKey, unsubscribe.EventRow]
	ids        *memory.Table[textKey, eventKey]
	deliveries *memory.Table[deliveryKey, unsubscribe.DeliveryRow]
	epochs     *memory.Table[troth.Tenant, uint32]
	feed       *feed.Feed[unsubscribe.FeedEvent]
	// setting holds what there is one of: whether a keeper has taken over.
	setting *memory.Table[string, int64]
}

var _ unsubscribe.Backend = (*Store)(nil)

const managedSetting = "managed"

var (
	errNoTransaction = errors.New("unsubscribemem: not in a transaction")
	errNothing       = errors.New("unsubscribemem: no such row")
)

// boxKey finds the entries of a mailbox.
type boxKey struct {
	mailbox unsubscribe.Key
	at      unsubscribe.Cursor
}

type eventKey struct {
	tenant   troth.Tenant
	key      unsubscribe.Key
	recorded int64
	id       string
}

type textKey struct {
	tenant troth.Tenant
	id     string
}

type deliveryKey struct {
	tenant          troth.Tenant
	event, provider string
}

// New returns an empty store on db.
func New(db *memory.DB) *Store {
	return &Store{
		db:         db,
		entries:    memory.NewTable[unsubscribe.Cursor, unsubscribe.EntryRow](db, compareCursors),
		boxes:      memory.NewTable[boxKey, struct{}](db, boxKey.compare),
		events:     memory.NewTable[eventKey, unsubscribe.EventRow](db, eventKey.compare),
		ids:        memory.NewTable[textKey, eventKey](db, textKey.compare),
		deliveries: memory.NewTable[deliveryKey, unsubscribe.DeliveryRow](db, deliveryKey.compare),
		epochs:     memory.NewTable[troth.Tenant, uint32](db, cmp.Compare[troth.Tenant]),
		feed:       feed.New(db, func(e *unsubscribe.FeedEvent) (*int64, int64) { return &e.Position, e.At }),
		setting:    memory.NewTable[string, int64](db, strings.Compare),
	}
}

// Transactor implements unsubscribe.Store.
func (s *Store) Transactor() troth.Transactor { return s.db }

// Managed implements unsubscribe.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	_, found, err := s.setting.Get(ctx, managedSetting)
	return found, err
}

// SetManaged implements unsubscribe.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error { return s.setting.Put(ctx, managedSetting, 1) }

func compareCursors(a, b unsubscribe.Cursor) int {
	return cmp.Or(bytes.Compare(a.Key[:], b.Key[:]), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Channel, b.Channel),
		strings.Compare(a.List, b.List))
}

func (a boxKey) compare(b boxKey) int {
	return cmp.Or(bytes.Compare(a.mailbox[:], b.mailbox[:]), compareCursors(a.at, b.at))
}

func (a eventKey) compare(b eventKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), bytes.Compare(a.key[:], b.key[:]),
		cmp.Compare(a.recorded, b.recorded), strings.Compare(a.id, b.id))
}

func (a textKey) compare(b textKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.id, b.id))
}

func (a deliveryKey) compare(b deliveryKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.event, b.event), strings.Compare(a.provider, b.provider))
}

// own returns a copy of bytes that belongs to the caller.
func own(b []byte) []byte { return slices.Clone(b) }
