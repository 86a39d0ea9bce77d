package unsubscribetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/unsubscribe"
)

func (r *rig) entries(ctx context.Context, keys ...string) []unsubscribe.EntryRow {
	r.Helper()
	var wanted []unsubscribe.Key
	for _, k := range keys {
		wanted = append(wanted, keyOf(k))
	}
	rows, err := r.s.Entries(ctx, r.A, wanted)
	r.OK(err, "entries")
	return sorted(rows)
}

var entryChecks = []check{
	{Name: "entries come back exactly", Run: func(r *rig) {
		ctx := r.Context()
		want := []unsubscribe.EntryRow{entry(r.A, "42", ""), entry(r.A, "42", "list ß"), entry(r.A, "43", "")}
		want[1].Channel, want[1].Mailbox = unsubscribe.SMS, keyOf("box")
		r.keep(ctx, want...)
		r.Same(r.entries(ctx, "42", "43"), sorted(want), "entries")
		r.Same(r.entries(ctx, "44"), []unsubscribe.EntryRow{}, "of somebody unknown")
	}},
	{Name: "an entry is found by its mailbox, and once by both", Run: func(r *rig) {
		ctx := r.Context()
		row := entry(r.A, "tag", "")
		row.Mailbox = keyOf("box")
		r.keep(ctx, row, entry(r.A, "other", ""))
		for _, keys := range [][]string{{"tag"}, {"box"}, {"tag", "box"}, {"box", "tag", "box"}} {
			r.Same(r.entries(ctx, keys...), []unsubscribe.EntryRow{row}, fmt.Sprint(keys))
		}
	}},
	{Name: "thousands of keys are looked for at once", Run: func(r *rig) {
		ctx := r.Context()
		r.keep(ctx, entry(r.A, "7", ""), entry(r.A, "2999", ""))
		var keys []unsubscribe.Key
		for i := range 3000 {
			keys = append(keys, keyOf(fmt.Sprint(i)))
		}
		rows, err := r.s.Entries(ctx, r.A, keys)
		r.OK(err, "entries")
		r.Same(sorted(rows), sorted([]unsubscribe.EntryRow{entry(r.A, "7", ""), entry(r.A, "2999", "")}), "entries")
	}},
	{Name: "an entry that is put replaces all of it", Run: func(r *rig) {
		ctx := r.Context()
		r.keep(ctx, entry(r.A, "42", ""), entry(r.A, "42", "l"))
		row := entry(r.A, "42", "")
		row.Mailbox, row.Marks, row.OptInAt, row.Generation, row.Event = keyOf("b"), [4]int64{4, 3, 2, 1}, 5, 1<<32-1, "e9"
		r.OK(r.s.PutEntry(ctx, row), "put entry")
		r.Same(r.entries(ctx, "42"), sorted([]unsubscribe.EntryRow{row, entry(r.A, "42", "l")}), "entries")
		r.Same(r.entries(ctx, "b"), []unsubscribe.EntryRow{row}, "by its new mailbox")
	}},
	{Name: "an entry that is not there cannot be put", Run: func(r *rig) {
		if r.s.PutEntry(r.Context(), entry(r.A, "42", "")) == nil {
			r.Fatalf("no error")
		}
		r.Same(r.entries(r.Context(), "42"), []unsubscribe.EntryRow{}, "entries")
	}},
	{Name: "pages come in the order of cursors", Run: func(r *rig) {
		ctx := r.Context()
		var want []unsubscribe.EntryRow
		for i := range 7 {
			want = append(want, entry(r.A, fmt.Sprint(i/2), []string{"", "é", "z", "Z"}[i%4]))
		}
		r.keep(ctx, want...)
		r.keep(ctx, entry(r.B, "1", "Y"))
		slices.SortFunc(want, func(a, b unsubscribe.EntryRow) int {
			return cmp.Or(bytes.Compare(a.Key[:], b.Key[:]), cmp.Compare(a.List, b.List))
		})
		var got, all []unsubscribe.EntryRow
		for _, one := range []struct {
			to   *[]unsubscribe.EntryRow
			read func(after unsubscribe.Cursor) ([]unsubscribe.EntryRow, error)
		}{
			{&got, func(c unsubscribe.Cursor) ([]unsubscribe.EntryRow, error) { return r.s.EntriesOf(ctx, r.A, c, 3) }},
			{&all, func(c unsubscribe.Cursor) ([]unsubscribe.EntryRow, error) { return r.s.EntriesAfter(ctx, c, 3) }},
		} {
			var after unsubscribe.Cursor
			for {
				page, err := one.read(after)
				r.OK(err, "page")
				*one.to = append(*one.to, page...)
				if len(page) < 3 {
					break
				}
				after = page[2].Cursor()
			}
		}
		r.Same(got, want, "of the tenant")
		if !slices.ContainsFunc(all, func(row unsubscribe.EntryRow) bool { return row.Tenant == r.B }) {
			r.Fatalf("another tenant's entries are left out")
		}
		r.Same(slices.DeleteFunc(all, func(row unsubscribe.EntryRow) bool { return row.Tenant != r.A }), want, "of all")
	}},
}

var lockChecks = []check{
	{Name: "the first lock makes the row, later ones leave it", Run: func(r *rig) {
		ctx := r.Context()
		r.Atomically(ctx, func(ctx context.Context) {
			r.Same(r.lock(ctx, entry(r.A, "42", "")), entry(r.A, "42", ""), "first")
			other := entry(r.A, "42", "")
			other.Generation, other.Mailbox = 99, keyOf("other")
			r.Same(r.lock(ctx, other), entry(r.A, "42", ""), "second")
		})
		r.Same(r.entries(ctx, "42"), []unsubscribe.EntryRow{entry(r.A, "42", "")}, "entries")
	}},
	{Name: "what must be locked needs a transaction", Run: func(r *rig) {
		ctx := r.Context()
		_, err := r.s.LockEntry(ctx, entry(r.A, "42", ""))
		_, err2 := r.s.HoldEpoch(ctx, r.A)
		_, _, err3 := r.s.LockDelivery(ctx, r.A, "e1", "mailer")
		_, err4 := r.s.Rekey(ctx, unsubscribe.RekeyParams{Tenant: r.A, From: 1, To: 2, Wrap: flip})
		if err == nil || err2 == nil || err3 == nil || err4 == nil {
			r.Fatalf("LockEntry %v, HoldEpoch %v, LockDelivery %v, Rekey %v", err, err2, err3, err4)
		}
		r.Same(r.entries(ctx, "42"), []unsubscribe.EntryRow{}, "entries")
	}},
	{Name: "a crowd that counts under the lock loses nothing", Run: func(r *rig) {
		ctx := r.Context()
		r.Race(func(int) error {
			return r.TX.Atomically(ctx, func(ctx context.Context) error {
				fresh := entry(r.A, "42", "")
				fresh.Generation = 0
				row, err := r.s.LockEntry(ctx, fresh)
				if err != nil {
					return err
				}
				row.Generation++
				return r.s.PutEntry(ctx, row)
			})
		})
		want := entry(r.A, "42", "")
		want.Generation = crowd
		r.Same(r.entries(ctx, "42"), []unsubscribe.EntryRow{want}, "entries")
	}},
	{Name: "who locks waits for who holds", Needs: suite.ManyWriters, Run: func(r *rig) {
		ctx := r.Context()
		r.keep(ctx, entry(r.A, "42", ""))
		var got atomic.Bool
		done := make(chan error, 1)
		r.Atomically(ctx, func(in context.Context) {
			r.lock(in, entry(r.A, "42", ""))
			go func() {
				done <- r.TX.Atomically(ctx, func(ctx context.Context) error {
					_, err := r.s.LockEntry(ctx, entry(r.A, "42", ""))
					got.Store(true)
					return err
				})
			}()
			<-time.After(patience)
			if got.Load() {
				r.Errorf("two hold one entry")
			}
		})
		r.OK(<-done, "the other")
	}},
}

var rekeyChecks = []check{
	{Name: "the first epoch is 1, also for who holds it", Run: func(r *rig) {
		ctx := r.Context()
		epoch, err := r.s.Epoch(ctx, r.A)
		r.OK(err, "epoch")
		r.Atomically(ctx, func(ctx context.Context) {
			held, err := r.s.HoldEpoch(ctx, r.A)
			r.OK(err, "hold epoch")
			if epoch != 1 || held != 1 {
				r.Fatalf("epoch %d, held %d", epoch, held)
			}
		})
	}},
	{Name: "changing keys changes every key of the tenant and nothing else", Run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.A)
		r.fill(ctx, r.B)
		other := r.dump(ctx, r.B)
		r.Atomically(ctx, func(ctx context.Context) {
			n, err := r.s.Rekey(ctx, unsubscribe.RekeyParams{Tenant: r.A, From: 1, To: 2, Wrap: flip})
			r.OK(err, "rekey")
			if n != 3 {
				r.Fatalf("%d entries, want 3", n)
			}
		})
		r.Same(r.dump(ctx, r.B), other, "the other tenant")
		r.Same(r.entries(ctx, "42"), []unsubscribe.EntryRow{}, "under the old key")
		rows, err := r.s.Entries(ctx, r.A, []unsubscribe.Key{flip(keyOf("42"))})
		r.OK(err, "entries")
		want := []unsubscribe.EntryRow{entry(r.A, "42", ""), entry(r.A, "42", "l")}
		for i := range want {
			want[i].Key, want[i].Mailbox = flip(want[i].Key), flip(want[i].Mailbox)
		}
		r.Same(sorted(rows), sorted(want), "under the new key")
		events, err := r.s.Events(ctx, r.A, flip(keyOf("42")))
		r.OK(err, "events")
		row := said(r.A, "42", "e1", instant)
		row.Key, row.Mailbox = flip(row.Key), flip(row.Mailbox)
		r.Same(events, []unsubscribe.EventRow{row}, "events")
		epoch, err := r.s.Epoch(ctx, r.A)
		r.OK(err, "epoch")
		r.Same(epoch, uint32(2), "epoch")
	}},
	{Name: "keys of an epoch that is over are not changed", Run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.A)
		before := r.dump(ctx, r.A)
		err := r.TX.Atomically(ctx, func(ctx context.Context) error {
			_, err := r.s.Rekey(ctx, unsubscribe.RekeyParams{Tenant: r.A, From: 2, To: 3, Wrap: flip})
			return err
		})
		r.Is(err, unsubscribe.ErrEpoch, "rekey")
		r.Same(r.dump(ctx, r.A), before, "rows")
	}},
	{Name: "changing keys waits for who holds the epoch", Needs: suite.ManyWriters, Run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.A)
		var got atomic.Bool
		done := make(chan error, 1)
		late := entry(r.A, "late", "")
		r.Atomically(ctx, func(in context.Context) {
			_, err := r.s.HoldEpoch(in, r.A)
			r.OK(err, "hold epoch")
			go func() {
				done <- r.TX.Atomically(ctx, func(ctx context.Context) error {
					_, err := r.s.Rekey(ctx, unsubscribe.RekeyParams{Tenant: r.A, From: 1, To: 2, Wrap: flip})
					got.Store(true)
					return err
				})
			}()
			<-time.After(patience)
			if got.Load() {
				r.Errorf("keys change under somebody who writes")
			}
			r.lock(in, late)
		})
		r.OK(<-done, "rekey")
		r.Same(r.entries(ctx, "late"), []unsubscribe.EntryRow{}, "what was written before the change, under its old key")
	}},
}
