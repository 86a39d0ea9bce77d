package vaulttest

import (
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

var epochDefects = []defect{
	{"epochs come newest first", "epochs come back bit for bit, in order", breaks(func(s vault.Backend, b *broken) {
		b.epochs = func(ctx context.Context) ([]vault.EpochRow, error) {
			rows, err := s.Epochs(ctx)
			slices.Reverse(rows)
			return rows, err
		}
	})},
	{"every epoch is inserted, it is said", "an epoch is inserted once", breaks(epochAlways)},
	{"everybody opens an epoch, it is said", "of those who open one epoch, one does", breaks(epochAlways)},
	{"epochs are closed while roots live", "an epoch is closed once, when no root lives under it", breaks(closesAlways)},
	{"who closes does not wait for who adds", "who closes an epoch waits for who adds a root, and is told", breaks(noTransactions)},
	{"who closes does not wait for who renews", "who closes an epoch waits for who renews a root, and is told", breaks(noTransactions)},
	{"who adds does not wait for who closes", "who adds a root waits for who closes its epoch, and is told", breaks(noTransactions)},
	{"no epoch is ever closed", "a dead tenant keeps no epoch open", breaks(func(_ vault.Backend, b *broken) {
		b.closeEpoch = func(context.Context, uint32, int64) (bool, error) { return false, nil }
	})},
	{"any epoch is closed", "the highest epoch and unknown ones are not closed", breaks(closesAlways)},
	{"roots come under any epoch", "no root comes under a closed epoch", breaks(rootAlways)},
	{"an epoch ends without being closed", "an epoch ends once, after it was closed", breaks(func(s vault.Backend, b *broken) {
		b.endEpoch = func(ctx context.Context, epoch uint32, finalAt, destroyedAt int64) (bool, error) {
			_, err := s.EndEpoch(ctx, epoch, finalAt, destroyedAt)
			return true, err
		}
	})},
	{"epochs have no transactions", "epochs that are rolled back were never opened or closed", breaks(noTransactions)},
	{"index roots are overlooked", "living roots of lower epochs are found across tenants, in order", breaks(func(s vault.Backend, b *broken) {
		b.staleRoots = func(ctx context.Context, below uint32, after vault.RootPlace, limit int) ([]vault.RootPlace, error) {
			places, err := s.StaleRoots(ctx, below, after, limit)
			return slices.DeleteFunc(places, func(p vault.RootPlace) bool {
				_, found, _ := s.Root(ctx, p.Tenant, vault.WrapLineage)
				return !found
			}), err
		}
	})},
	{"dead keys are counted", "what is left in lower epochs is counted, and the slowest tenant named", breaks(func(s vault.Backend, b *broken) {
		var died int64
		b.shredKeys = func(ctx context.Context, p vault.ShredKeys) ([]vault.KeyRow, error) {
			rows, err := s.ShredKeys(ctx, p)
			died += int64(len(rows))
			return rows, err
		}
		b.staleness = func(ctx context.Context, below uint32) (vault.Staleness, error) {
			st, err := s.Staleness(ctx, below)
			st.Keys += died
			return st, err
		}
	})},
	{
		"every tenant's root is looked at", "among 10,000 tenants in the newest epoch the few behind it are found at once",
		breaks(func(s vault.Backend, b *broken) {
			b.staleRoots = func(ctx context.Context, below uint32, after vault.RootPlace, limit int) ([]vault.RootPlace, error) {
				<-time.After(idleBound * 10 / 9)
				return s.StaleRoots(ctx, below, after, limit)
			}
		}),
	},
	{"a key backup counts for every closing", "a key backup counts for an epoch that is closed as it is there, once", breaks(func(s vault.Backend, b *broken) {
		b.epochBackedUp = func(ctx context.Context, epoch uint32, _, at int64) (bool, error) {
			rows, err := s.Epochs(ctx)
			if err != nil || int(epoch) > len(rows) {
				return false, err
			}
			return s.EpochBackedUp(ctx, epoch, rows[epoch-1].ClosedAt, at)
		}
	})},
	{"all events are of deaths", "a fence event tells whether only roots changed", breaks(func(s vault.Backend, b *broken) {
		b.raiseFence = func(ctx context.Context, e vault.FenceEvent) error {
			e.Roots = false
			return s.RaiseFence(ctx, e)
		}
	})},
}

func epochAlways(s vault.Backend, b *broken) {
	b.insertEpoch = func(ctx context.Context, row vault.EpochRow) (bool, error) {
		_, err := s.InsertEpoch(ctx, row)
		return true, err
	}
}

func closesAlways(s vault.Backend, b *broken) {
	b.closeEpoch = func(ctx context.Context, epoch uint32, at int64) (bool, error) {
		_, err := s.CloseEpoch(ctx, epoch, at)
		return true, err
	}
}

var renewDefects = []defect{
	{"roots are listed newest first", "a tenant's roots are listed, of both lineages and in order", breaks(func(s vault.Backend, b *broken) {
		b.roots = func(ctx context.Context, t troth.Tenant) ([]vault.RootRow, error) {
			rows, err := s.Roots(ctx, t)
			slices.Reverse(rows)
			return rows, err
		}
	})},
	{"nothing is superseded", "roots are superseded where their lineage has a higher one, once", breaks(func(s vault.Backend, b *broken) {
		b.roots = func(ctx context.Context, t troth.Tenant) ([]vault.RootRow, error) {
			rows, err := s.Roots(ctx, t)
			for i := range rows {
				rows[i].SupersededAt = 0
			}
			return rows, err
		}
	})},
	{"renewing inserts where nothing was", "nobody renews a root that is not there", breaks(func(s vault.Backend, b *broken) {
		b.renewRoot = func(ctx context.Context, row vault.RootRow) (bool, error) {
			inserted, err := s.RenewRoot(ctx, row)
			if err == nil && !inserted {
				return s.InsertRoot(ctx, row)
			}
			return inserted, err
		}
	})},
	{"every root is renewed, it is said", "nobody renews a root into its own epoch or a lower one", breaks(renewsAlways)},
	{"dead roots are renewed, it is said", "nobody renews the root of a dead tenant", breaks(renewsAlways)},
	{"everybody renews a root, it is said", "of those who renew one root, one does", breaks(renewsAlways)},
	{"keys come under superseded roots", "no key comes under a superseded root, and the lock tells the newest", breaks(overwrites)},
	{"nobody waits for who creates under a root", "who supersedes a root waits for who creates under it, and finds the key", breaks(noTransactions)},
	{"the lock tells an old root", "who creates waits for who supersedes the root, and is told", breaks(func(s vault.Backend, b *broken) {
		b.lockPerson = func(ctx context.Context, t troth.Tenant, id string, l vault.Lock) (vault.PersonState, error) {
			state, err := s.LockPerson(ctx, t, id, l)
			state.Epoch = 1
			return state, err
		}
	})},
	{
		"who renews a root waits", "who renews a root waits for nobody who creates, and who creates then holds the new one",
		impatient,
	},
	{"who shreds a tenant misses its new root", "who shreds a tenant waits for who renews its root, and empties both", breaks(noTransactions)},
	{
		"emptied roots are no tombstones", "shredding a tenant turns emptied roots into tombstones too",
		breaks(func(s vault.Backend, b *broken) {
			b.shredRoots = func(ctx context.Context, t troth.Tenant, at int64) ([]vault.RootRow, error) {
				died, err := s.ShredRoots(ctx, t, at)
				return slices.DeleteFunc(died, func(row vault.RootRow) bool { return row.RetiredAt != 0 }), err
			}
		}),
	},
}

func renewsAlways(s vault.Backend, b *broken) {
	b.renewRoot = func(ctx context.Context, row vault.RootRow) (bool, error) {
		_, err := s.RenewRoot(ctx, row)
		return true, err
	}
}
