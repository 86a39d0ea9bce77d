package vaultmem

import (
	"cmp"
	"context"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// Epochs implements vault.SystemStore.
func (s *Store) Epochs(ctx context.Context) ([]vault.EpochRow, error) {
	rows, err := s.epochs.Scan(ctx, nil, 0, nil)
	if err != nil {
		return nil, err
	}
	all := make([]vault.EpochRow, len(rows))
	for i, r := range rows {
		all[i] = r.Value
	}
	return all, nil
}

// InsertEpoch implements vault.SystemStore.
func (s *Store) InsertEpoch(ctx context.Context, row vault.EpochRow) (inserted bool, err error) {
	row.BackedUpAt = 0
	return s.epochs.Insert(ctx, row.Epoch, row)
}

// CloseEpoch implements vault.SystemStore.
func (s *Store) CloseEpoch(ctx context.Context, epoch uint32, at int64) (closed bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		closed = false
		row, found, err := s.epochs.Get(ctx, epoch)
		if err != nil || !found || row.ClosedAt != 0 {
			return err
		}
		higher, err := s.epochs.Scan(ctx, &epoch, 1, nil)
		if err != nil || len(higher) == 0 {
			return err
		}
		left, err := s.stale(ctx, func(e uint32) bool { return e == epoch })
		if err != nil || len(left) > 0 {
			return err
		}
		closed, row.ClosedAt = true, at
		return s.epochs.Put(ctx, epoch, row)
	})
	return closed, err
}

// EndEpoch implements vault.SystemStore.
func (s *Store) EndEpoch(ctx context.Context, epoch uint32, finalAt, destroyedAt int64) (ended bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		ended = false
		row, found, err := s.epochs.Get(ctx, epoch)
		if err != nil || !found || row.ClosedAt == 0 || row.DestroyedAt != 0 {
			return err
		}
		ended, row.FinalAt, row.DestroyedAt = true, finalAt, destroyedAt
		return s.epochs.Put(ctx, epoch, row)
	})
	return ended, err
}

// stale returns the places of living roots of the chosen epochs, in order.
func (s *Store) stale(ctx context.Context, chosen func(epoch uint32) bool) (places []vault.RootPlace, err error) {
	lineages, err := s.roots.Scan(ctx, nil, 0, nil)
	for _, l := range lineages {
		for _, r := range l.Value {
			if len(r.Sealed) > 0 && chosen(r.Epoch) {
				places = append(places, vault.RootPlace{Epoch: r.Epoch, Tenant: r.Tenant})
			}
		}
	}
	slices.SortFunc(places, compareRoots)
	return slices.Compact(places), err
}

func compareRoots(a, b vault.RootPlace) int {
	return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Tenant, b.Tenant))
}

// StaleRoots implements vault.SystemStore.
func (s *Store) StaleRoots(ctx context.Context, below uint32, after vault.RootPlace, limit int) ([]vault.RootPlace, error) {
	places, err := s.stale(ctx, func(epoch uint32) bool { return epoch < below })
	if err != nil {
		return nil, err
	}
	places = slices.DeleteFunc(places, func(p vault.RootPlace) bool { return compareRoots(p, after) <= 0 })
	return places[:min(limit, len(places))], nil
}

// Staleness implements vault.SystemStore.
func (s *Store) Staleness(ctx context.Context, below uint32) (st vault.Staleness, err error) {
	places, err := s.stale(ctx, func(epoch uint32) bool { return epoch < below })
	if err != nil || len(places) == 0 {
		return st, err
	}
	st.Oldest, st.Slowest = places[0].Epoch, places[0].Tenant
	tenants := map[troth.Tenant]bool{}
	var most int64
	for _, p := range places {
		tenants[p.Tenant] = true
		keys, err := s.keysOf(ctx, p.Tenant, func(k *vault.KeyRow) bool { return k.Epoch == p.Epoch && k.ShreddedAt == 0 })
		if err != nil {
			return st, err
		}
		n := int64(len(keys))
		st.Keys += n
		if p.Epoch == st.Oldest && n > most {
			most, st.Slowest = n, p.Tenant
		}
	}
	st.Tenants = int64(len(tenants))
	return st, nil
}

// EpochBackedUp implements vault.SystemStore.
func (s *Store) EpochBackedUp(ctx context.Context, epoch uint32, closedAt, at int64) (noted bool, err error) {
	err = s.db.Atomically(ctx, func(ctx context.Context) error {
		row, found, err := s.epochs.Get(ctx, epoch)
		noted = err == nil && found && row.ClosedAt == closedAt && closedAt != 0 && row.BackedUpAt == 0
		if !noted {
			return err
		}
		row.BackedUpAt = at
		return s.epochs.Put(ctx, epoch, row)
	})
	return noted && err == nil, err
}
