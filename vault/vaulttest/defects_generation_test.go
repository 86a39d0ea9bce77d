package vaulttest

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/trothdev/troth/vault"
)

var generationDefects = []defect{
	{"keys come by compartment first", "the newest keys come by name, one for each that lives", breaks(func(s vault.Backend, b *broken) {
		b.newestKeys = func(ctx context.Context, after vault.KeyName, limit int) ([]vault.KeyRow, error) {
			rows, err := s.NewestKeys(ctx, after, limit)
			slices.SortStableFunc(rows, func(a, b vault.KeyRow) int { return cmp.Compare(a.Compartment, b.Compartment) })
			return rows, err
		}
	})},
	{"the page begins with the name itself", "the newest keys come by name, one for each that lives", breaks(func(s vault.Backend, b *broken) {
		b.newestKeys = func(ctx context.Context, after vault.KeyName, limit int) ([]vault.KeyRow, error) {
			rows, err := s.NewestKeys(ctx, after, limit)
			if own, keysErr := s.Keys(ctx, after); keysErr == nil && len(own) > 0 {
				rows = append(own[:1], rows...)
			}
			return rows, err
		}
	})},
	{"what was retired is shown as it was", "a retired generation is a tombstone that nobody lists", breaks(func(s vault.Backend, b *broken) {
		b.retireKey = func(ctx context.Context, n vault.KeyName, g uint32, at int64) (vault.KeyRow, bool, error) {
			rows, _ := s.Keys(ctx, n)
			row, retired, err := s.RetireKey(ctx, n, g, at)
			for _, before := range rows {
				if before.Generation == g {
					row.Sealed = before.Sealed
				}
			}
			return row, retired, err
		}
	})},
	{"everything is retired, it is said", "the newest generation is not retired, nor one that is not there", breaks(retiresKeysAlways)},
	{"what is dead is retired, it is said", "a dead generation is not retired", breaks(retiresKeysAlways)},
	{"key ids of what was retired are free", "a retired generation and its key id stay taken", breaks(sharesKeyIDs)},
	{"what was retired dies again", "shredding leaves what was retired as it is", breaks(retiredDieAgain)},
	{"retiring is not rolled back", "retiring ends with its transaction", breaks(func(s vault.Backend, b *broken) {
		var mu sync.Mutex
		gone := map[uint32]bool{}
		b.retireKey = func(ctx context.Context, n vault.KeyName, g uint32, at int64) (vault.KeyRow, bool, error) {
			mu.Lock()
			defer mu.Unlock()
			gone[g] = true
			return s.RetireKey(ctx, n, g, at)
		}
		b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
			mu.Lock()
			defer mu.Unlock()
			rows, err := s.Keys(ctx, n)
			return slices.DeleteFunc(rows, func(r vault.KeyRow) bool { return gone[r.Generation] }), err
		}
	})},
	{"generations retire in every tenant", "no key of another tenant's is listed or retired", breaks(func(s vault.Backend, b *broken) {
		var others []vault.KeyName
		b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
			others = append(others, row.KeyName)
			return s.InsertKey(ctx, row)
		}
		b.retireKey = func(ctx context.Context, n vault.KeyName, g uint32, at int64) (vault.KeyRow, bool, error) {
			for _, other := range others {
				if other != n {
					if _, _, err := s.RetireKey(ctx, other, g, at); err != nil {
						return vault.KeyRow{}, false, err
					}
				}
			}
			return s.RetireKey(ctx, n, g, at)
		}
	})},
}

func retiresKeysAlways(s vault.Backend, b *broken) {
	b.retireKey = func(ctx context.Context, n vault.KeyName, g uint32, at int64) (vault.KeyRow, bool, error) {
		row, _, err := s.RetireKey(ctx, n, g, at)
		return row, true, err
	}
}

// retiredDieAgain tells of what was retired whenever the compartment dies.
func retiredDieAgain(s vault.Backend, b *broken) {
	var gone []vault.KeyRow
	b.retireKey = func(ctx context.Context, n vault.KeyName, g uint32, at int64) (vault.KeyRow, bool, error) {
		row, retired, err := s.RetireKey(ctx, n, g, at)
		gone = append(gone, row)
		return row, retired, err
	}
	b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
		died, err := s.ShredKeys(ctx, p)
		for _, row := range gone {
			if slices.Contains(p.Compartments, row.Compartment) {
				died = append(died, row)
			}
		}
		return died, err
	}
}
