package retentionmem

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/memory"
)

type tallyKey struct {
	tenant      troth.Tenant
	month       int64
	class, rule string
	ground      retention.Ground
}

type latenessKey struct {
	tenant      troth.Tenant
	class, rule string
	ground      retention.Ground
}

// warrantTables are those of what was destroyed.
type warrantTables struct {
	warrants *memory.Table[retention.WarrantKey, retention.WarrantRow]
	tallies  *memory.Table[tallyKey, retention.TallyRow]
	late     *memory.Table[latenessKey, retention.LatenessRow]
}

func newWarrantTables(db *memory.DB) warrantTables {
	return warrantTables{
		warrants: memory.NewTable[retention.WarrantKey, retention.WarrantRow](db, func(a, b retention.WarrantKey) int {
			return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), strings.Compare(a.ID, b.ID))
		}),
		tallies: memory.NewTable[tallyKey, retention.TallyRow](db, func(a, b tallyKey) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), cmp.Compare(a.month, b.month), strings.Compare(a.class, b.class),
				cmp.Compare(a.ground, b.ground), strings.Compare(a.rule, b.rule))
		}),
		late: memory.NewTable[latenessKey, retention.LatenessRow](db, func(a, b latenessKey) int {
			return cmp.Or(cmp.Compare(a.tenant, b.tenant), strings.Compare(a.class, b.class),
				cmp.Compare(a.ground, b.ground), strings.Compare(a.rule, b.rule))
		}),
	}
}

func ownWarrant(row retention.WarrantRow) retention.WarrantRow {
	row.Detail, row.MAC = slices.Clone(row.Detail), slices.Clone(row.MAC)
	return row
}

// InsertWarrant implements retention.Store.
func (s *Store) InsertWarrant(ctx context.Context, row retention.WarrantRow) error {
	inserted, err := s.warrants.Insert(ctx, row.Key(), ownWarrant(row))
	if err == nil && !inserted {
		err = errTaken
	}
	return err
}

// LockWarrant implements retention.Store.
func (s *Store) LockWarrant(ctx context.Context, key retention.WarrantKey, _ bool) (retention.WarrantRow, bool, error) {
	if err := s.locking(ctx); err != nil {
		return retention.WarrantRow{}, false, err
	}
	row, found, err := s.warrants.Get(ctx, key)
	return ownWarrant(row), found, err
}

// PutWarrant implements retention.Store.
func (s *Store) PutWarrant(ctx context.Context, row retention.WarrantRow) error {
	return replace(ctx, s.db, s.warrants, row.Key(), ownWarrant(row))
}

// DeleteWarrant implements retention.Store.
func (s *Store) DeleteWarrant(ctx context.Context, key retention.WarrantKey) error {
	deleted, err := s.warrants.Delete(ctx, key)
	if err == nil && !deleted {
		err = errNothing
	}
	return err
}

// findWarrants returns warrants in an order, at most limit if that is not 0.
func (s *Store) findWarrants(ctx context.Context, limit int, keep func(row *retention.WarrantRow) bool, order func(a, b retention.WarrantRow) int) ([]retention.WarrantRow, error) {
	rows, err := s.warrants.Scan(ctx, nil, 0, func(_ retention.WarrantKey, row retention.WarrantRow) bool { return keep(&row) })
	if err != nil {
		return nil, err
	}
	all := values(rows)
	slices.SortStableFunc(all, order)
	if limit > 0 {
		all = all[:min(len(all), limit)]
	}
	for i := range all {
		all[i] = ownWarrant(all[i])
	}
	return all, nil
}

// WarrantsOf implements retention.Store.
func (s *Store) WarrantsOf(ctx context.Context, tenant troth.Tenant, handle string) ([]retention.WarrantRow, error) {
	return s.findWarrants(ctx, 0, func(row *retention.WarrantRow) bool { return row.Tenant == tenant && row.Handle == handle },
		func(a, b retention.WarrantRow) int { return cmp.Compare(b.At, a.At) })
}

// Warrants implements retention.Store.
func (s *Store) Warrants(ctx context.Context, q retention.WarrantQuery) ([]retention.WarrantRow, error) {
	return s.findWarrants(ctx, q.Limit, func(row *retention.WarrantRow) bool {
		return row.Tenant == q.Tenant && row.Gone == 0 && row.ID > q.After &&
			(q.SubjectID == "" || row.SubjectID == "" || row.SubjectID == q.SubjectID)
	}, func(a, b retention.WarrantRow) int { return strings.Compare(a.ID, b.ID) })
}

// DueWarrants implements retention.SystemStore.
func (s *Store) DueWarrants(ctx context.Context, at int64, limit int) ([]retention.WarrantKey, error) {
	rows, err := s.findWarrants(ctx, limit, func(row *retention.WarrantRow) bool { return row.NextAt <= at },
		func(a, b retention.WarrantRow) int { return cmp.Compare(a.NextAt, b.NextAt) })
	var keys []retention.WarrantKey
	for i := range rows {
		keys = append(keys, rows[i].Key())
	}
	return keys, err
}

// WaitingWarrants implements retention.SystemStore.
func (s *Store) WaitingWarrants(ctx context.Context, limit int) ([]retention.WarrantRow, error) {
	return s.findWarrants(ctx, limit, func(row *retention.WarrantRow) bool { return row.Waits },
		func(a, b retention.WarrantRow) int { return cmp.Compare(a.At, b.At) })
}

// AddTally implements retention.Store.
func (s *Store) AddTally(ctx context.Context, row retention.TallyRow) error {
	key := tallyKey{row.Tenant, row.Month, row.Class, row.Rule, row.Ground}
	return s.db.Atomically(ctx, func(ctx context.Context) error {
		was, _, err := s.tallies.Get(ctx, key)
		if err != nil {
			return err
		}
		if row.Kept == 0 {
			row.KeptEntry = was.KeptEntry
		}
		if row.Broken == 0 {
			row.BrokenEntry, row.BrokenHandle, row.BrokenAt = was.BrokenEntry, was.BrokenHandle, was.BrokenAt
		}
		row.Kept += was.Kept
		row.Deferred += was.Deferred
		row.Broken += was.Broken
		return s.tallies.Put(ctx, key, row)
	})
}

// Tallies implements retention.Store.
func (s *Store) Tallies(ctx context.Context, tenant troth.Tenant, since int64) ([]retention.TallyRow, error) {
	rows, err := s.tallies.Scan(ctx, nil, 0, func(k tallyKey, _ retention.TallyRow) bool {
		return k.tenant == tenant && k.month >= since
	})
	return values(rows), err
}

// PutLateness implements retention.Store.
func (s *Store) PutLateness(ctx context.Context, row retention.LatenessRow) error {
	return s.late.Put(ctx, latenessKey{row.Tenant, row.Class, row.Rule, row.Ground}, row)
}

// Lateness implements retention.Store.
func (s *Store) Lateness(ctx context.Context, tenant troth.Tenant) ([]retention.LatenessRow, error) {
	rows, err := s.late.Scan(ctx, nil, 0, func(k latenessKey, _ retention.LatenessRow) bool { return k.tenant == tenant })
	return values(rows), err
}
