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
		r.Wants(true, inserted, err, "insert epoch")
	}
}

// epochs demands these epochs, in this order.
func (r *rig) epochs(ctx context.Context, want ...vault.EpochRow) {
	r.Helper()
	got, err := r.s.Epochs(ctx)
	r.OK(err, "epochs")
	if !slices.Equal(got, want) {
		r.Fatalf("epochs: got %+v, want %+v", got, want)
	}
}

func (r *rig) closes(want bool, epoch uint32, at int64) {
	r.Helper()
	closed, err := r.s.CloseEpoch(r.Context(), epoch, at)
	r.Wants(want, closed, err, "close epoch")
}

// stale demands these places of roots in epochs below 3, from after on.
func (r *rig) stale(after vault.RootPlace, limit int, want ...vault.RootPlace) {
	r.Helper()
	got, err := r.s.StaleRoots(r.Context(), 3, after, limit)
	r.OK(err, "stale roots")
	if !slices.Equal(got, want) {
		r.Fatalf("stale roots: got %+v, want %+v", got, want)
	}
}

var epochChecks = []check{
	{Name: "epochs come back bit for bit, in order", Run: func(r *rig) {
		ctx := r.Context()
		r.epochs(ctx)
		rows := []vault.EpochRow{
			{Epoch: 1, Place: "kms", OpenedAt: instant, ClosedAt: instant + 1, FinalAt: instant + 2, DestroyedAt: instant + 3},
			epochRow(2), epochRow(10),
		}
		for _, i := range []int{2, 0, 1} {
			inserted, err := r.s.InsertEpoch(ctx, rows[i])
			r.Wants(true, inserted, err, "insert epoch")
		}
		r.epochs(ctx, rows...)
	}},
	{Name: "an epoch is inserted once", Run: func(r *rig) {
		r.openEpochs(r.Context(), 1)
		again := epochRow(1)
		again.Place = "elsewhere"
		inserted, err := r.s.InsertEpoch(r.Context(), again)
		r.Wants(false, inserted, err, "insert epoch again")
		r.epochs(r.Context(), epochRow(1))
	}},
	{Name: "of those who open one epoch, one does", Run: func(r *rig) {
		var winners atomic.Int64
		r.Race(func(int) error {
			inserted, err := r.s.InsertEpoch(r.Context(), epochRow(1))
			if inserted {
				winners.Add(1)
			}
			return err
		})
		r.one(&winners)
	}},
	{Name: "an epoch is closed once, when no root lives under it", Run: func(r *rig) {
		ctx := r.Context()
		r.openEpochs(ctx, 1, 2)
		for _, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
			r.insertRoot(ctx, rootRow(r.A, l, 1))
		}
		r.closes(false, 1, instant)
		for i, l := range []vault.Lineage{vault.WrapLineage, vault.IndexLineage} {
			r.renewRoot(ctx, rootRow(r.A, l, 2))
			r.retires(ctx, r.A, 2, 1-i)
			r.closes(i == 1, 1, instant+7)
		}
		r.closes(false, 1, instant+8)
		want := epochRow(1)
		want.ClosedAt = instant + 7
		r.epochs(ctx, want, epochRow(2))
	}},
	{Name: "a dead tenant keeps no epoch open", Run: func(r *rig) {
		r.openEpochs(r.Context(), 1, 2)
		r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 1))
		r.shredRoots(r.Context(), r.A, instant)
		r.closes(true, 1, instant)
	}},
	{Name: "the highest epoch and unknown ones are not closed", Run: func(r *rig) {
		r.openEpochs(r.Context(), 1, 3)
		for _, e := range []uint32{0, 2, 3, 4} {
			r.closes(false, e, instant)
		}
		r.epochs(r.Context(), epochRow(1), epochRow(3))
	}},
	{Name: "no root comes under a closed epoch", Run: func(r *rig) {
		ctx := r.Context()
		r.openEpochs(ctx, 1, 2)
		first := r.insertRoot(ctx, rootRow(r.B, vault.WrapLineage, 0))
		r.closes(true, 1, instant)
		inserted, err := r.s.InsertRoot(ctx, rootRow(r.A, vault.WrapLineage, 1))
		r.Wants(false, inserted, err, "insert root")
		inserted, err = r.s.RenewRoot(ctx, rootRow(r.B, vault.WrapLineage, 1))
		r.Wants(false, inserted, err, "renew root")
		r.root(ctx, first)
		r.renewRoot(ctx, rootRow(r.B, vault.WrapLineage, 2))
	}},
	{Name: "who closes an epoch waits for who adds a root, and is told", Run: func(r *rig) {
		r.openEpochs(r.Context(), 1, 2)
		closed := true
		r.waits(func(ctx context.Context) {
			r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 1))
		}, func(ctx context.Context) (err error) {
			closed, err = r.s.CloseEpoch(ctx, 1, instant)
			return err
		})
		r.Wants(false, closed, nil, "close epoch")
	}},
	{Name: "who closes an epoch waits for who renews a root, and is told", Run: func(r *rig) {
		r.openEpochs(r.Context(), 1, 2)
		r.insertRoot(r.Context(), rootRow(r.A, vault.WrapLineage, 0))
		closed := true
		r.waits(func(ctx context.Context) {
			r.renewRoot(ctx, rootRow(r.A, vault.WrapLineage, 1))
		}, func(ctx context.Context) (err error) {
			closed, err = r.s.CloseEpoch(ctx, 1, instant)
			return err
		})
		r.Wants(false, closed, nil, "close epoch")
	}},
	{Name: "who adds a root waits for who closes its epoch, and is told", Run: func(r *rig) {
		r.openEpochs(r.Context(), 1, 2)
		inserted := true
		r.waits(func(ctx context.Context) {
			closed, err := r.s.CloseEpoch(ctx, 1, instant)
			r.Wants(true, closed, err, "close epoch")
		}, func(ctx context.Context) (err error) {
			inserted, err = r.s.InsertRoot(ctx, rootRow(r.A, vault.WrapLineage, 1))
			return err
		})
		r.Wants(false, inserted, nil, "insert root")
	}},
	{Name: "an epoch ends once, after it was closed", Run: func(r *rig) {
		ctx := r.Context()
		r.openEpochs(ctx, 1, 2)
		ends := func(want bool, finalAt, destroyedAt int64) {
			ended, err := r.s.EndEpoch(ctx, 1, finalAt, destroyedAt)
			r.Wants(want, ended, err, "end epoch")
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
	{Name: "epochs that are rolled back were never opened or closed", Run: func(r *rig) {
		r.openEpochs(r.Context(), 1, 2)
		r.Refused(r.Context(), func(ctx context.Context) {
			r.openEpochs(ctx, 3)
			closed, err := r.s.CloseEpoch(ctx, 1, instant)
			r.Wants(true, closed, err, "close epoch")
		})
		r.epochs(r.Context(), epochRow(1), epochRow(2))
	}},
	{Name: "living roots of lower epochs are found across tenants, in order", Run: func(r *rig) {
		ctx := r.Context()
		place := func(epoch uint32, t troth.Tenant) vault.RootPlace { return vault.RootPlace{Epoch: epoch, Tenant: t} }
		r.stale(vault.RootPlace{}, many)
		for i, t := range []troth.Tenant{r.B, r.A + "-2", r.A} {
			r.insertRoot(ctx, rootRow(t, vault.WrapLineage, uint32(i)))
			r.insertRoot(ctx, rootRow(t, vault.IndexLineage, uint32(i)))
		}
		r.insertRoot(ctx, rootRow(r.A+"-3", vault.IndexLineage, 0))
		r.insertRoot(ctx, rootRow(r.A+"-4", vault.WrapLineage, 3))
		r.insertRoot(ctx, rootRow(r.A+"-5", vault.WrapLineage, 1))
		r.shredRoots(ctx, r.A+"-5", instant)
		all := []vault.RootPlace{place(0, r.A+"-3"), place(0, r.B), place(1, r.A+"-2"), place(2, r.A)}
		r.stale(vault.RootPlace{}, many, all...)
		r.stale(vault.RootPlace{}, 2, all[:2]...)
		r.stale(all[1], 1, all[2])
		r.stale(all[3], many)
	}},
	{Name: "what is left in lower epochs is counted, and the slowest tenant named", Run: func(r *rig) {
		ctx := r.Context()
		left := func(want vault.Staleness) {
			got, err := r.s.Staleness(ctx, 3)
			r.OK(err, "staleness")
			if got != want {
				r.Fatalf("left: got %+v, want %+v", got, want)
			}
		}
		left(vault.Staleness{})
		for _, t := range []troth.Tenant{r.A, r.B} {
			r.insertRoot(ctx, rootRow(t, vault.WrapLineage, 1))
			r.insertRoot(ctx, rootRow(t, vault.IndexLineage, 1))
		}
		left(vault.Staleness{Tenants: 2, Slowest: r.A, Oldest: 1})
		for i, n := range []vault.KeyName{name(r.A, "1", "profile"), name(r.B, "1", "profile"), name(r.B, "2", "profile"), name(r.B, "3", "profile")} {
			row := keyRow(n, 1, uint32(i+1))
			row.Epoch = 1
			r.insertKey(ctx, row)
		}
		r.shred(ctx, vault.ShredKeys{Tenant: r.B, SubjectID: "3", At: instant})
		left(vault.Staleness{Tenants: 2, Keys: 3, Slowest: r.B, Oldest: 1})
		r.renewRoot(ctx, rootRow(r.B, vault.WrapLineage, 2))
		left(vault.Staleness{Tenants: 2, Keys: 3, Slowest: r.B, Oldest: 1})
		r.shredRoots(ctx, r.B, instant)
		left(vault.Staleness{Tenants: 1, Keys: 1, Slowest: r.A, Oldest: 1})
	}},
	{Name: "among 10,000 tenants in the newest epoch the few behind it are found at once", Run: func(r *rig) {
		ctx := r.Context()
		r.Atomically(ctx, func(ctx context.Context) {
			for i := range tenants {
				r.insertRoot(ctx, rootRow(r.A+"-"+troth.Tenant(strconv.Itoa(i)), vault.WrapLineage, 3))
			}
		})
		r.insertRoot(ctx, rootRow(r.B, vault.WrapLineage, 2))
		r.fast(func() { r.stale(vault.RootPlace{}, many, vault.RootPlace{Epoch: 2, Tenant: r.B}) })
	}},
	{Name: "a key backup counts for an epoch that is closed as it is there, once", Run: func(r *rig) {
		ctx := r.Context()
		r.openEpochs(ctx, 1, 2)
		note := func(want bool, epoch uint32, closedAt, at int64) {
			noted, err := r.s.EpochBackedUp(ctx, epoch, closedAt, at)
			r.Wants(want, noted, err, "epoch backed up")
		}
		is := func(want int64) {
			rows, err := r.s.Epochs(ctx)
			r.OK(err, "epochs")
			if rows[0].BackedUpAt != want || rows[1].BackedUpAt != 0 {
				r.Fatalf("epochs: got %+v, want %d for the first alone", rows, want)
			}
		}
		note(false, 1, 0, instant) // it is open
		closed, err := r.s.CloseEpoch(ctx, 1, instant)
		r.Wants(true, closed, err, "close epoch")
		note(false, 1, instant-1, instant+5) // closed, and another time
		note(false, 1, 0, instant+5)
		note(false, 3, instant, instant+5)
		is(0)
		r.Refused(ctx, func(ctx context.Context) {
			noted, err := r.s.EpochBackedUp(ctx, 1, instant, instant+5)
			r.Wants(true, noted, err, "epoch backed up")
		})
		is(0)
		note(true, 1, instant, instant-5) // whatever the clock showed
		is(instant - 5)
		note(false, 1, instant, instant+5)
		is(instant - 5)
	}},
	{Name: "a fence event tells whether only roots changed", Run: func(r *rig) {
		moved, died := vault.FenceEvent{KeyName: vault.KeyName{Tenant: r.A}, At: instant, Roots: true}, event(r.B, "42", instant)
		r.feed().Raise(r.Context(), moved, died)
		for _, e := range r.feed().Follow(r.Context(), 0).Events {
			if e.Roots != (e.Tenant == r.A) {
				r.Fatalf("event: %+v", e)
			}
		}
		r.feed().Happened(r.feed().Follow(r.Context(), 0), moved, died)
	}},
}
