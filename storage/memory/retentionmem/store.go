package retentionmem

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/memory"
)

// Store is a retention.Backend on a memory handle.
type Store struct {
	db       *memory.DB
	policies *memory.Table[policyKey, retention.PolicyRow]
	records  *memory.Table[retention.RecordKey, retention.RecordRow]
	holds    *memory.Table[holdKey, retention.HoldRow]
	events   *memory.Table[retention.EventKey, retention.EventRow]
	leases   *memory.Table[string, leased]
	warrantTables

	plans      *memory.Table[planKey, retention.PlanRow]
	allowances *memory.Table[nameKey, retention.AllowanceRow]
	stops      *memory.Table[nameKey, retention.StopRow]
}

var _ retention.Backend = (*Store)(nil)

var (
	errNoTransaction = errors.New("retentionmem: not in a transaction")
	errTaken         = errors.New("retentionmem: the id is taken")
	errNothing       = errors.New("retentionmem: no such row")
)

type policyKey struct {
	tenant  troth.Tenant
	version uint32
}

type holdKey struct {
	tenant troth.Tenant
	id     string
}

// New returns an empty store on db.
func New(db *memory.DB) *Store {
	return &Store{
		db: db,
		policies: memory.NewTable[policyKey, retention.PolicyRow](db, func(a, b policyKey) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.version, b.version))
		}),
		records: memory.NewTable[retention.RecordKey, retention.RecordRow](db, compareKeys),
		holds: memory.NewTable[holdKey, retention.HoldRow](db, func(a, b holdKey) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.id, b.id))
		}),
		events:        memory.NewTable[retention.EventKey, retention.EventRow](db, compareEvents),
		leases:        memory.NewTable[string, leased](db, strings.Compare),
		warrantTables: newWarrantTables(db),

		plans:      memory.NewTable[planKey, retention.PlanRow](db, comparePlans),
		allowances: memory.NewTable[nameKey, retention.AllowanceRow](db, compareNames),
		stops:      memory.NewTable[nameKey, retention.StopRow](db, compareNames),
	}
}

func compareKeys(a, b retention.RecordKey) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), strings.Compare(a.Type, b.Type), strings.Compare(a.ID, b.ID))
}

// Transactor implements retention.Store.
func (s *Store) Transactor() troth.Transactor { return s.db }

// LockTenant implements retention.Store. There is one writer, so whoever is in a
// transaction is alone.
func (s *Store) LockTenant(ctx context.Context, _ troth.Tenant, _ bool) error { return s.locking(ctx) }

func (s *Store) locking(ctx context.Context) error {
	if s.db.Scope(ctx) == nil {
		return cmp.Or(ctx.Err(), errNoTransaction)
	}
	return ctx.Err()
}

// InsertPolicy implements retention.Store.
func (s *Store) InsertPolicy(ctx context.Context, row retention.PolicyRow) (bool, error) {
	row.Text = slices.Clone(row.Text)
	return s.policies.Insert(ctx, policyKey{row.Tenant, row.Version}, row)
}

// Policies implements retention.Store.
func (s *Store) Policies(ctx context.Context, tenant troth.Tenant, above uint32) ([]retention.PolicyRow, error) {
	rows, err := s.policies.Scan(ctx, &policyKey{tenant, above}, 0, func(k policyKey, _ retention.PolicyRow) bool {
		return k.tenant == tenant
	})
	all := values(rows)
	for i := range all {
		all[i].Text = slices.Clone(all[i].Text)
	}
	return all, err
}

// InsertHold implements retention.Store.
func (s *Store) InsertHold(ctx context.Context, row retention.HoldRow) (bool, error) {
	row.Proposer = slices.Clone(row.Proposer)
	return s.holds.Insert(ctx, holdKey{row.Tenant, row.ID}, row)
}

// PutHold implements retention.Store.
func (s *Store) PutHold(ctx context.Context, row retention.HoldRow) error {
	row.Proposer = slices.Clone(row.Proposer)
	return replace(ctx, s.db, s.holds, holdKey{row.Tenant, row.ID}, row)
}

// Hold implements retention.Store.
func (s *Store) Hold(ctx context.Context, tenant troth.Tenant, id string) (retention.HoldRow, bool, error) {
	row, found, err := s.holds.Get(ctx, holdKey{tenant, id})
	row.Proposer = slices.Clone(row.Proposer)
	return row, found, err
}

// ActiveHolds implements retention.Store.
func (s *Store) ActiveHolds(ctx context.Context, tenant troth.Tenant) ([]retention.HoldRow, error) {
	rows, err := s.holds.Scan(ctx, &holdKey{tenant: tenant}, 0, func(k holdKey, row retention.HoldRow) bool {
		return k.tenant == tenant && row.ReleasedAt == 0
	})
	all := values(rows)
	for i := range all {
		all[i].Proposer = slices.Clone(all[i].Proposer)
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

func values[K comparable, V any](rows []memory.Row[K, V]) []V {
	var all []V
	for _, r := range rows {
		all = append(all, r.Value)
	}
	return all
}
