package vaulttest

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

func epochRow(epoch uint32) vault.EpochRow {
	return vault.EpochRow{Epoch: epoch, Place: "folder", OpenedAt: instant + int64(epoch)}
}

func (r *rig) openEpochs(ctx context.Context, epochs ...uint32) {
	r.Helper()
	for _, e := range epochs {
		inserted, err := r.s.InsertEpoch(ctx, epochRow(e))
		r.wants(true, inserted, err, "insert epoch")
	}
}

// epochs demands these epochs, in this order.
func (r *rig) epochs(ctx context.Context, want ...vault.EpochRow) {
	r.Helper()
	got, err := r.s.Epochs(ctx)
	r.ok(err, "epochs")
	if !slices.Equal(got, want) {
		r.Fatalf("epochs: got %+v, want %+v", got, want)
	}
}

func (r *rig) closes(want bool, epoch uint32, at int64) {
	r.Helper()
	closed, err := r.s.CloseEpoch(r.Context(), epoch, at)
	r.wants(want, closed, err, "close epoch")
}

// stale demands these places of roots in epochs below 3, from after on.
func (r *rig) stale(after vault.RootPlace, limit int, want ...vault.RootPlace) {
	r.Helper()
	got, err := r.s.StaleRoots(r.Context(), 3, after, limit)
	r.ok(err, "stale roots")
	if !slices.Equal(got, want) {
		r.Fatalf("stale roots: got %+v, want %+v", got, want)
	}
}

var epochChecks = []check{
	{name: "epochs come back bit for bit, in order", run: func(r *rig) {
		ctx := r.Context()
		r.epochs(ctx)
		rows := []vault.EpochRow{
			{Epoch: 1, Place: "kms", OpenedAt: instant, ClosedAt: instant + 1, FinalAt: instant + 2, DestroyedAt: instant + 3},
			epochRow(2), epochRow(10),
		}
		for _, i := range []int{2, 0, 1} {
			inserted, err := r.s.InsertEpoch(ctx, rows[i])
			r.wants(true, inserted, err, "insert epoch")
		}
		r.epochs(ctx, rows...)
	}},
	{name: "an epoch is inserted once", run: func(r *rig) {
		r.openEpochs(r.Context(), 1)
		again := epochRow(1)
		again.Place = "elsewhere"
		inserted, err := r.s.InsertEpoch(r.Context(), again)
		r.wants(false, inserted, err, "insert epoch again")
		r.epochs(r.Context(), epochRow(1))
	}},
	{name: "of those who open one epoch, one does", run: func(r *rig) {
		var winners atomic.Int64
		r.race(func(int) error {
			inserted, err := r.s.InsertEpoch(r.Context(), epochRow(1))
			if inserted {
				winners.Add(1)
			}
			return err
		})
		r.one(&winners)
	}},
	{name: "an epoch is closed once, when no root lives under it", run: func(r *rig) {
		ctx := r.Context()
		r.openEpochs(ctx, 1, 2)
		for _, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
			r.insertRoot(ctx, rootRow(r.a, l, 1))
		}
		r.closes(false, 1, instant)
		for i, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
			r.renewRoot(ctx, rootRow(r.a, l, 2))
			r.retires(ctx, r.a, 2, 1-i)
			r.closes(i == 1, 1, instant+7)
		}
		r.closes(false, 1, instant+8)
		want := epochRow(1)
		want.ClosedAt = instant + 7
		r.epochs(ctx, want, epochRow(2))
	}},
	{name: "a dead tenant keeps no epoch open", run: func(r *rig) {
		r.openEpochs(r.Context(), 1, 2)
		r.insertRoot(r.Context(), rootRow(r.a, vault.WrapLineage, 1))
		r.shredRoots(r.Context(), r.a, instant)
		r.closes(true, 1, instant)
	}},
	{name: "the highest epoch and unknown ones are not closed", run: func(r *rig) {
		r.openEpochs(r.Context(), 1, 3)
		for _, e := range []uint32{0, 2, 3, 4} {
			r.closes(false, e, instant)
		}
		r.epochs(r.Context(), epochRow(1), epochRow(3))
	}},
	{name: "no root comes under a closed epoch", run: func(r *rig) {
		ctx := r.Context()
		r.openEpochs(ctx, 1, 2)
		first := r.insertRoot(ctx, rootRow(r.b, vault.WrapLineage, 0))
		r.closes(true, 1, instant)
		inserted, err := r.s.InsertRoot(ctx, rootRow(r.a, vault.WrapLineage, 1))
		r.wants(false, inserted, err, "insert root")
		inserted, err = r.s.RenewRoot(ctx, rootRow(r.b, vault.WrapLineage, 1))
		r.wants(false, inserted, err, "renew root")
		r.root(ctx, first)
		r.renewRoot(ctx, rootRow(r.b, vault.WrapLineage, 2))
	}},
	{name: "who closes an epoch waits for who adds a root, and is told", run: func(r *rig) {
		r.openEpochs(r.Context(), 1, 2)
		closed := true
		r.waits(func(ctx context.Context) {
			r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 1))
		}, func(ctx context.Context) (err error) {
			closed, err = r.s.CloseEpoch(ctx, 1, instant)
			return err
		})
		r.wants(false, closed, nil, "close epoch")
	}},
	{name: "who closes an epoch waits for who renews a root, and is told", run: func(r *rig) {
		r.openEpochs(r.Context(), 1, 2)
		r.insertRoot(r.Context(), rootRow(r.a, vault.WrapLineage, 0))
		closed := true
		r.waits(func(ctx context.Context) {
			r.renewRoot(ctx, rootRow(r.a, vault.WrapLineage, 1))
		}, func(ctx context.Context) (err error) {
			closed, err = r.s.CloseEpoch(ctx, 1, instant)
			return err
		})
		r.wants(false, closed, nil, "close epoch")
	}},
	{name: "who adds a root waits for who closes its epoch, and is told", run: func(r *rig) {
		r.openEpochs(r.Context(), 1, 2)
		inserted := true
		r.waits(func(ctx context.Context) {
			closed, err := r.s.CloseEpoch(ctx, 1, instant)
			r.wants(true, closed, err, "close epoch")
		}, func(ctx context.Context) (err error) {
			inserted, err = r.s.InsertRoot(ctx, rootRow(r.a, vault.WrapLineage, 1))
			return err
		})
		r.wants(false, inserted, nil, "insert root")
	}},
	{name: "an epoch ends once, after it was closed", run: func(r *rig) {
		ctx := r.Context()
		r.openEpochs(ctx, 1, 2)
		ends := func(want bool, finalAt, destroyedAt int64) {
			ended, err := r.s.EndEpoch(ctx, 1, finalAt, destroyedAt)
			r.wants(want, ended, err, "end epoch")
		}
		ends(false, instant, instant)
		r.closes(true, 1, instant)
		ends(true, instant+5, 0)
		ends(true, instant+6, instant+7)
		ends(false, instant+8, instant+9)
		want := epochRow(1)
		want.ClosedAt, want.FinalAt, want.DestroyedAt = instant, instant+6, instant+7
		r.epochs(ctx, want, epochRow(2))
	}},
	{name: "epochs that are rolled back were never opened or closed", run: func(r *rig) {
		r.openEpochs(r.Context(), 1, 2)
		r.refused(r.Context(), func(ctx context.Context) {
			r.openEpochs(ctx, 3)
			closed, err := r.s.CloseEpoch(ctx, 1, instant)
			r.wants(true, closed, err, "close epoch")
		})
		r.epochs(r.Context(), epochRow(1), epochRow(2))
	}},
	{name: "living roots of lower epochs are found across tenants, in order", run: func(r *rig) {
		ctx := r.Context()
		place := func(epoch uint32, t troth.Tenant) vault.RootPlace { return vault.RootPlace{Epoch: epoch, Tenant: t} }
		r.stale(vault.RootPlace{}, many)
		for i, t := range []troth.Tenant{r.b, r.a + "-2", r.a} {
			r.insertRoot(ctx, rootRow(t, vault.WrapLineage, uint32(i)))
			r.insertRoot(ctx, rootRow(t, vault.IndexLineage, uint32(i)))
		}
		r.insertRoot(ctx, rootRow(r.a+"-3", vault.IndexLineage, 0))
		r.insertRoot(ctx, rootRow(r.a+"-4", vault.WrapLineage, 3))
		r.insertRoot(ctx, rootRow(r.a+"-5", vault.WrapLineage, 1))
		r.shredRoots(ctx, r.a+"-5", instant)
		all := []vault.RootPlace{place(0, r.a+"-3"), place(0, r.b), place(1, r.a+"-2"), place(2, r.a)}
		r.stale(vault.RootPlace{}, many, all...)
		r.stale(vault.RootPlace{}, 2, all[:2]...)
		r.stale(all[1], 1, all[2])
		r.stale(all[3], many)
	}},
	{name: "what is left in lower epochs is counted, and the slowest tenant named", run: func(r *rig) {
		ctx := r.Context()
		left := func(want vault.Staleness) {
			got, err := r.s.Staleness(ctx, 3)
			r.ok(err, "staleness")
			if got != want {
				r.Fatalf("left: got %+v, want %+v", got, want)
			}
		}
		left(vault.Staleness{})
		for _, t := range []troth.Tenant{r.a, r.b} {
			r.insertRoot(ctx, rootRow(t, vault.WrapLineage, 1))
			r.insertRoot(ctx, rootRow(t, vault.IndexLineage, 1))
		}
		left(vault.Staleness{Tenants: 2, Slowest: r.a, Oldest: 1})
		for i, n := range []vault.KeyName{name(r.a, "1", "profile"), name(r.b, "1", "profile"), name(r.b, "2", "profile"), name(r.b, "3", "profile")} {
			row := keyRow(n, 1, uint32(i+1))
			row.Epoch = 1
			r.insertKey(ctx, row)
		}
		r.shred(ctx, vault.ShredKeys{Tenant: r.b, SubjectID: "3", At: instant})
		left(vault.Staleness{Tenants: 2, Keys: 3, Slowest: r.b, Oldest: 1})
		r.renewRoot(ctx, rootRow(r.b, vault.WrapLineage, 2))
		left(vault.Staleness{Tenants: 2, Keys: 3, Slowest: r.b, Oldest: 1})
		r.shredRoots(ctx, r.b, instant)
		left(vault.Staleness{Tenants: 1, Keys: 1, Slowest: r.a, Oldest: 1})
	}},
	{name: "among 10,000 tenants in the newest epoch the few behind it are found at once", run: func(r *rig) {
		ctx := r.Context()
		r.atomically(ctx, func(ctx context.Context) {
			for i := range tenants {
				r.insertRoot(ctx, rootRow(r.a+"-"+troth.Tenant(strconv.Itoa(i)), vault.WrapLineage, 3))
			}
		})
		r.insertRoot(ctx, rootRow(r.b, vault.WrapLineage, 2))
		r.fast(func() { r.stale(vault.RootPlace{}, many, vault.RootPlace{Epoch: 2, Tenant: r.b}) })
	}},
	{name: "a key backup counts for an epoch that is closed as it is there, once", run: func(r *rig) {
		ctx := r.Context()
		r.openEpochs(ctx, 1, 2)
		note := func(want bool, epoch uint32, closedAt, at int64) {
			noted, err := r.s.EpochBackedUp(ctx, epoch, closedAt, at)
			r.wants(want, noted, err, "epoch backed up")
		}
		is := func(want int64) {
			rows, err := r.s.Epochs(ctx)
			r.ok(err, "epochs")
			if rows[0].BackedUpAt != want || rows[1].BackedUpAt != 0 {
				r.Fatalf("epochs: got %+v, want %d for the first alone", rows, want)
			}
		}
		note(false, 1, 0, instant) // it is open
		closed, err := r.s.CloseEpoch(ctx, 1, instant)
		r.wants(true, closed, err, "close epoch")
		note(false, 1, instant-1, instant+5) // closed, and another time
		note(false, 1, 0, instant+5)
		note(false, 3, instant, instant+5)
		is(0)
		r.refused(ctx, func(ctx context.Context) {
			noted, err := r.s.EpochBackedUp(ctx, 1, instant, instant+5)
			r.wants(true, noted, err, "epoch backed up")
		})
		is(0)
		note(true, 1, instant, instant-5) // whatever the clock showed
		is(instant - 5)
		note(false, 1, instant, instant+5)
		is(instant - 5)
	}},
	{name: "a fence event tells whether only roots changed", run: func(r *rig) {
		moved, died := vault.FenceEvent{KeyName: vault.KeyName{Tenant: r.a}, At: instant, Roots: true}, event(r.b, "42", instant)
		r.raise(r.Context(), moved, died)
		for _, e := range r.follow(r.Context(), 0).Events {
			if e.Roots != (e.Tenant == r.a) {
				r.Fatalf("event: %+v", e)
			}
		}
		r.happened(r.follow(r.Context(), 0), moved, died)
	}},
}
