package vaulttest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var rootDefects = []defect{
	{"there is always a root", "a tenant without a root has none", breaks(func(s vault.Backend, b *broken) {
		b.root = func(ctx context.Context, t troth.Tenant, l vault.Lineage) (vault.RootRow, bool, error) {
			row, _, err := s.Root(ctx, t, l)
			return row, true, err
		}
	})},
	{"instants are kept to the millisecond", "a root comes back bit for bit", breaks(milliseconds)},
	{"the root is the first one", "the root is the one of the highest epoch", breaks(func(s vault.Backend, b *broken) {
		b.root = func(ctx context.Context, t troth.Tenant, l vault.Lineage) (vault.RootRow, bool, error) {
			return s.RootAt(ctx, t, l, 0)
		}
	})},
	{"every root is inserted, it is said", "a lineage has one first root, whatever the epoch", breaks(rootAlways)},
	{"a root is inserted over a tombstone, it is said", "nobody inserts a root over a tombstone", breaks(rootAlways)},
	{"everybody inserts a root, it is said", "of those who insert one root, one does", breaks(rootAlways)},
	{
		"tombstones of roots are not told", "a lineage without a root gets a tombstone of epoch 0",
		breaks(func(s vault.Backend, b *broken) {
			b.shredRoots = func(ctx context.Context, t troth.Tenant, at int64) ([]vault.RootRow, error) {
				died, err := s.ShredRoots(ctx, t, at)
				return slices.DeleteFunc(died, func(row vault.RootRow) bool { return row.Commitment == [32]byte{} }), err
			}
		}),
	},
	{
		"not all dead roots are returned", "shredding roots empties all that live and returns them",
		breaks(func(s vault.Backend, b *broken) {
			b.shredRoots = func(ctx context.Context, t troth.Tenant, at int64) ([]vault.RootRow, error) {
				died, err := s.ShredRoots(ctx, t, at)
				return died[:min(1, len(died))], err
			}
		}),
	},
	{"roots die again and again", "roots die once", breaks(rootsDieAgain)},
	{"everybody shreds a tenant, it is said", "of those who shred one tenant, one does", breaks(rootsDieAgain)},
	{"shredding a tenant forgets which", "shredding a tenant shreds nothing of another's", breaks(allRoots)},
	{"a tenant's death is not its people's", "everybody under a shredded tenant is", breaks(func(s vault.Backend, b *broken) {
		b.person = func(ctx context.Context, t troth.Tenant, id string) (vault.PersonState, error) {
			state, err := s.Person(ctx, t, id)
			state.TenantShredded = false
			return state, err
		}
	})},
	{"tenants share their rows", "no insert meets another tenant's rows", breaks(oneTenant)},
	{"tenants read each other's rows", "no read sees another tenant's rows", breaks(oneTenant)},
}

func rootAlways(s vault.Backend, b *broken) {
	b.insertRoot = func(ctx context.Context, row vault.RootRow) (bool, error) {
		_, err := s.InsertRoot(ctx, row)
		return true, err
	}
}

func rootsDieAgain(s vault.Backend, b *broken) {
	var mu sync.Mutex
	var first []vault.RootRow
	b.shredRoots = func(ctx context.Context, t troth.Tenant, at int64) ([]vault.RootRow, error) {
		died, err := s.ShredRoots(ctx, t, at)
		mu.Lock()
		defer mu.Unlock()
		if first == nil {
			first = died
		}
		return first, err
	}
}

// allRoots shreds every tenant that has a root.
func allRoots(s vault.Backend, b *broken) {
	var tenants []troth.Tenant
	b.insertRoot = func(ctx context.Context, row vault.RootRow) (bool, error) {
		tenants = append(tenants, row.Tenant)
		return s.InsertRoot(ctx, row)
	}
	b.shredRoots = func(ctx context.Context, t troth.Tenant, at int64) ([]vault.RootRow, error) {
		died, err := s.ShredRoots(ctx, t, at)
		for _, t := range tenants {
			_, also := s.ShredRoots(ctx, t, at)
			err = errors.Join(err, also)
		}
		return died, err
	}
}

// milliseconds loses what is below.
func milliseconds(s vault.Backend, b *broken) {
	b.insertRoot = func(ctx context.Context, row vault.RootRow) (bool, error) {
		row.CreatedAt -= row.CreatedAt % 1000
		return s.InsertRoot(ctx, row)
	}
	b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
		row.CreatedAt -= row.CreatedAt % 1000
		return s.InsertKey(ctx, row)
	}
	b.insertWindow = func(ctx context.Context, w vault.WindowRow) error {
		w.OpenedAt -= w.OpenedAt % 1000
		return s.InsertWindow(ctx, w)
	}
	b.raiseFence = func(ctx context.Context, e vault.FenceEvent) error {
		e.At -= e.At % 1000
		return s.RaiseFence(ctx, e)
	}
}

// oneTenant forgets the tenant where keys, persons and windows are concerned.
func oneTenant(s vault.Backend, b *broken) {
	const all = "everybody"
	b.insertKey = func(ctx context.Context, row vault.KeyRow) (bool, error) {
		row.Tenant = all
		return s.InsertKey(ctx, row)
	}
	b.keys = func(ctx context.Context, n vault.KeyName) ([]vault.KeyRow, error) {
		asked := n.Tenant
		n.Tenant = all
		rows, err := s.Keys(ctx, n)
		for i := range rows {
			rows[i].Tenant = asked
		}
		return rows, err
	}
	b.person = func(ctx context.Context, _ troth.Tenant, id string) (vault.PersonState, error) {
		return s.Person(ctx, all, id)
	}
	b.shredRoots = func(ctx context.Context, _ troth.Tenant, at int64) ([]vault.RootRow, error) {
		return s.ShredRoots(ctx, all, at)
	}
}
