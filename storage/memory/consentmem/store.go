package consentmem

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/internal/feed"
)

// Store is a consent.Backend on a memory handle.
type Store struct {
	db       *memory.DB
	terms    *memory.Table[versionKey, consent.TermsRow]
	notices  *memory.Table[versionKey, consent.NoticeRow]
	texts    *memory.Table[hashKey, []byte]
	people   *memory.Table[personKey, consent.PersonRow]
	marks    *memory.Table[hashKey, string]
	events   *memory.Table[eventKey, consent.EventRow]
	ids      *memory.Table[textKey, eventKey]
	states   *memory.Table[stateKey, consent.StateRow]
	links    *memory.Table[textKey, consent.LinkRow]
	requests *memory.Table[requestKey, consent.RequestRow]
	tokens   *memory.Table[hashKey, requestKey]
	delivers *memory.Table[deliveryKey, consent.DeliveryRow]
	due      *memory.Table[dueKey, consent.DueRow]
	refusals *memory.Table[dayKey, int64]
	feed     *feed.Feed[consent.FeedEvent]
	// setting holds what there is one of: whether a keeper has taken over.
	setting *memory.Table[string, int64]
}

var _ consent.Backend = (*Store)(nil)

const managedSetting = "managed"

type versionKey struct {
	tenant  troth.Tenant
	name    string
	version uint32
}

type hashKey struct {
	tenant troth.Tenant
	hash   [32]byte
}

type personKey struct {
	tenant  troth.Tenant
	subject string
}

// textKey is what has a name that is unique in the tenant.
type textKey struct {
	tenant troth.Tenant
	id     string
}

type eventKey struct {
	tenant   troth.Tenant
	subject  string
	recorded int64
	id       string
}

type stateKey struct {
	tenant  troth.Tenant
	subject string
	purpose troth.Purpose
}

type requestKey struct {
	tenant      troth.Tenant
	subject, id string
}

type deliveryKey struct {
	tenant           troth.Tenant
	event, processor string
}

type dueKey struct {
	tenant  troth.Tenant
	subject string
	kind    consent.DueKind
	purpose troth.Purpose
	ref     string
}

type dayKey struct {
	tenant  troth.Tenant
	purpose troth.Purpose
	day     int64
}

// New returns an empty store on db.
func New(db *memory.DB) *Store {
	return &Store{
		db:       db,
		terms:    memory.NewTable[versionKey, consent.TermsRow](db, versionKey.compare),
		notices:  memory.NewTable[versionKey, consent.NoticeRow](db, versionKey.compare),
		texts:    memory.NewTable[hashKey, []byte](db, hashKey.compare),
		people:   memory.NewTable[personKey, consent.PersonRow](db, personKey.compare),
		marks:    memory.NewTable[hashKey, string](db, hashKey.compare),
		events:   memory.NewTable[eventKey, consent.EventRow](db, eventKey.compare),
		ids:      memory.NewTable[textKey, eventKey](db, textKey.compare),
		states:   memory.NewTable[stateKey, consent.StateRow](db, stateKey.compare),
		links:    memory.NewTable[textKey, consent.LinkRow](db, textKey.compare),
		requests: memory.NewTable[requestKey, consent.RequestRow](db, requestKey.compare),
		tokens:   memory.NewTable[hashKey, requestKey](db, hashKey.compare),
		delivers: memory.NewTable[deliveryKey, consent.DeliveryRow](db, deliveryKey.compare),
		due:      memory.NewTable[dueKey, consent.DueRow](db, dueKey.compare),
		refusals: memory.NewTable[dayKey, int64](db, dayKey.compare),
		feed:     feed.New(db, func(e *consent.FeedEvent) (*int64, int64) { return &e.Position, e.At }),
		setting:  memory.NewTable[string, int64](db, strings.Compare),
	}
}

// Transactor implements consent.Store.
func (s *Store) Transactor() troth.Transactor { return s.db }

// Managed implements consent.SystemStore.
func (s *Store) Managed(ctx context.Context) (bool, error) {
	_, found, err := s.setting.Get(ctx, managedSetting)
	return found, err
}

// SetManaged implements consent.SystemStore.
func (s *Store) SetManaged(ctx context.Context) error {
	return s.setting.Put(ctx, managedSetting, 1)
}

func (a versionKey) compare(b versionKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.name, b.name), cmp.Compare(a.version, b.version))
}

func (a hashKey) compare(b hashKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), bytes.Compare(a.hash[:], b.hash[:]))
}

func (a personKey) compare(b personKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.subject, b.subject))
}

func (a textKey) compare(b textKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.id, b.id))
}

func (a eventKey) compare(b eventKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.subject, b.subject),
		cmp.Compare(a.recorded, b.recorded), strings.Compare(a.id, b.id))
}

func (a stateKey) compare(b stateKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.subject, b.subject), cmp.Compare(a.purpose, b.purpose))
}

func (a requestKey) compare(b requestKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.subject, b.subject), strings.Compare(a.id, b.id))
}

func (a deliveryKey) compare(b deliveryKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.event, b.event), strings.Compare(a.processor, b.processor))
}

func (a dueKey) compare(b dueKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.subject, b.subject), cmp.Compare(a.kind, b.kind),
		cmp.Compare(a.purpose, b.purpose), strings.Compare(a.ref, b.ref))
}

func (a dayKey) compare(b dayKey) int {
	return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.purpose, b.purpose), cmp.Compare(a.day, b.day))
}

// own returns a copy of bytes that belongs to the caller.
func own(b []byte) []byte { return slices.Clone(b) }
