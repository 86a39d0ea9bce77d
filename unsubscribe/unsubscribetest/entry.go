package unsubscribetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/trothdev/troth/unsubscribe"
)

func (r *rig) entries(ctx context.Context, keys ...string) []unsubscribe.EntryRow {
	r.Helper()
	var wanted []unsubscribe.Key
	for _, k := range keys {
		wanted = append(wanted, keyOf(k))
	}
	rows, err := r.s.Entries(ctx, r.a, wanted)
	r.ok(err, "entries")
	return sorted(rows)
}

var entryChecks = []check{
	{name: "entries come back exactly", run: func(r *rig) {
		ctx := r.Context()
		want := []unsubscribe.EntryRow{entry(r.a, "42", ""), entry(r.a, "42", "list ß"), entry(r.a, "43", "")}
		want[1].Channel, want[1].Mailbox = unsubscribe.SMS, keyOf("box")
		r.keep(ctx, want...)
		r.same(r.entries(ctx, "42", "43"), sorted(want), "entries")
		r.same(r.entries(ctx, "44"), []unsubscribe.EntryRow{}, "of somebody unknown")
	}},
	{name: "an entry is found by its mailbox, and once by both", run: func(r *rig) {
		ctx := r.Context()
		row := entry(r.a, "tag", "")
		row.Mailbox = keyOf("box")
		r.keep(ctx, row, entry(r.a, "other", ""))
		for _, keys := range [][]string{{"tag"}, {"box"}, {"tag", "box"}, {"box", "tag", "box"}} {
			r.same(r.entries(ctx, keys...), []unsubscribe.EntryRow{row}, fmt.Sprint(keys))
		}
	}},
	{name: "thousands of keys are looked for at once", run: func(r *rig) {
		ctx := r.Context()
		r.keep(ctx, entry(r.a, "7", ""), entry(r.a, "2999", ""))
		var keys []unsubscribe.Key
		for i := range 3000 {
			keys = append(keys, keyOf(fmt.Sprint(i)))
		}
		rows, err := r.s.Entries(ctx, r.a, keys)
		r.ok(err, "entries")
		r.same(sorted(rows), sorted([]unsubscribe.EntryRow{entry(r.a, "7", ""), entry(r.a, "2999", "")}), "entries")
	}},
	{name: "an entry that is put replaces all of it", run: func(r *rig) {
		ctx := r.Context()
		r.keep(ctx, entry(r.a, "42", ""), entry(r.a, "42", "l"))
		row := entry(r.a, "42", "")
		row.Mailbox, row.Marks, row.OptInAt, row.Generation, row.Event = keyOf("b"), [4]int64{4, 3, 2, 1}, 5, 1<<32-1, "e9"
		r.ok(r.s.PutEntry(ctx, row), "put entry")
		r.same(r.entries(ctx, "42"), sorted([]unsubscribe.EntryRow{row, entry(r.a, "42", "l")}), "entries")
		r.same(r.entries(ctx, "b"), []unsubscribe.EntryRow{row}, "by its new mailbox")
	}},
	{name: "an entry that is not there cannot be put", run: func(r *rig) {
		if r.s.PutEntry(r.Context(), entry(r.a, "42", "")) == nil {
			r.Fatalf("no error")
		}
		r.same(r.entries(r.Context(), "42"), []unsubscribe.EntryRow{}, "entries")
	}},
	{name: "pages come in the order of cursors", run: func(r *rig) {
		ctx := r.Context()
		var want []unsubscribe.EntryRow
		for i := range 7 {
			want = append(want, entry(r.a, fmt.Sprint(i/2), []string{"", "é", "z", "Z"}[i%4]))
		}
		r.keep(ctx, want...)
		r.keep(ctx, entry(r.b, "1", "Y"))
		slices.SortFunc(want, func(a, b unsubscribe.EntryRow) int {
			return cmp.Or(bytes.Compare(a.Key[:], b.Key[:]), cmp.Compare(a.List, b.List))
		})
		var got, all []unsubscribe.EntryRow
		for _, one := range []struct {
			to   *[]unsubscribe.EntryRow
			read func(after unsubscribe.Cursor) ([]unsubscribe.EntryRow, error)
		}{
			{&got, func(c unsubscribe.Cursor) ([]unsubscribe.EntryRow, error) { return r.s.EntriesOf(ctx, r.a, c, 3) }},
			{&all, func(c unsubscribe.Cursor) ([]unsubscribe.EntryRow, error) { return r.s.EntriesAfter(ctx, c, 3) }},
		} {
			var after unsubscribe.Cursor
			for {
				page, err := one.read(after)
				r.ok(err, "page")
				*one.to = append(*one.to, page...)
				if len(page) < 3 {
					break
				}
				after = page[2].Cursor()
			}
		}
		r.same(got, want, "of the tenant")
		if !slices.ContainsFunc(all, func(row unsubscribe.EntryRow) bool { return row.Tenant == r.b }) {
			r.Fatalf("another tenant's entries are left out")
		}
		r.same(slices.DeleteFunc(all, func(row unsubscribe.EntryRow) bool { return row.Tenant != r.a }), want, "of all")
	}},
}

var lockChecks = []check{
	{name: "the first lock makes the row, later ones leave it", run: func(r *rig) {
		ctx := r.Context()
		r.atomically(ctx, func(ctx context.Context) {
			r.same(r.lock(ctx, entry(r.a, "42", "")), entry(r.a, "42", ""), "first")
			other := entry(r.a, "42", "")
			other.Generation, other.Mailbox = 99, keyOf("other")
			r.same(r.lock(ctx, other), entry(r.a, "42", ""), "second")
		})
		r.same(r.entries(ctx, "42"), []unsubscribe.EntryRow{entry(r.a, "42", "")}, "entries")
	}},
	{name: "what must be locked needs a transaction", run: func(r *rig) {
		ctx := r.Context()
		_, err := r.s.LockEntry(ctx, entry(r.a, "42", ""))
		_, err2 := r.s.HoldEpoch(ctx, r.a)
		_, _, err3 := r.s.LockDelivery(ctx, r.a, "e1", "mailer")
		_, err4 := r.s.Rekey(ctx, unsubscribe.RekeyParams{Tenant: r.a, From: 1, To: 2, Wrap: flip})
		if err == nil || err2 == nil || err3 == nil || err4 == nil {
			r.Fatalf("LockEntry %v, HoldEpoch %v, LockDelivery %v, Rekey %v", err, err2, err3, err4)
		}
		r.same(r.entries(ctx, "42"), []unsubscribe.EntryRow{}, "entries")
	}},
	{name: "a crowd that counts under the lock loses nothing", run: func(r *rig) {
		ctx := r.Context()
		r.race(func(int) error {
			return r.tx.Atomically(ctx, func(ctx context.Context) error {
				fresh := entry(r.a, "42", "")
				fresh.Generation = 0
				row, err := r.s.LockEntry(ctx, fresh)
				if err != nil {
					return err
				}
				row.Generation++
				return r.s.PutEntry(ctx, row)
			})
		})
		want := entry(r.a, "42", "")
		want.Generation = crowd
		r.same(r.entries(ctx, "42"), []unsubscribe.EntryRow{want}, "entries")
	}},
	{name: "who locks waits for who holds", needs: manyWriters, run: func(r *rig) {
		ctx := r.Context()
		r.keep(ctx, entry(r.a, "42", ""))
		var got atomic.Bool
		done := make(chan error, 1)
		r.atomically(ctx, func(in context.Context) {
			r.lock(in, entry(r.a, "42", ""))
			go func() {
				done <- r.tx.Atomically(ctx, func(ctx context.Context) error {
					_, err := r.s.LockEntry(ctx, entry(r.a, "42", ""))
					got.Store(true)
					return err
				})
			}()
			<-time.After(patience)
			if got.Load() {
				r.Errorf("two hold one entry")
			}
		})
		r.ok(<-done, "the other")
	}},
}

var rekeyChecks = []check{
	{name: "the first epoch is 1, also for who holds it", run: func(r *rig) {
		ctx := r.Context()
		epoch, err := r.s.Epoch(ctx, r.a)
		r.ok(err, "epoch")
		r.atomically(ctx, func(ctx context.Context) {
			held, err := r.s.HoldEpoch(ctx, r.a)
			r.ok(err, "hold epoch")
			if epoch != 1 || held != 1 {
				r.Fatalf("epoch %d, held %d", epoch, held)
			}
		})
	}},
	{name: "changing keys changes every key of the tenant and nothing else", run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		r.fill(ctx, r.b)
		other := r.dump(ctx, r.b)
		r.atomically(ctx, func(ctx context.Context) {
			n, err := r.s.Rekey(ctx, unsubscribe.RekeyParams{Tenant: r.a, From: 1, To: 2, Wrap: flip})
			r.ok(err, "rekey")
			if n != 3 {
				r.Fatalf("%d entries, want 3", n)
			}
		})
		r.same(r.dump(ctx, r.b), other, "the other tenant")
		r.same(r.entries(ctx, "42"), []unsubscribe.EntryRow{}, "under the old key")
		rows, err := r.s.Entries(ctx, r.a, []unsubscribe.Key{flip(keyOf("42"))})
		r.ok(err, "entries")
		want := []unsubscribe.EntryRow{entry(r.a, "42", ""), entry(r.a, "42", "l")}
		for i := range want {
			want[i].Key, want[i].Mailbox = flip(want[i].Key), flip(want[i].Mailbox)
		}
		r.same(sorted(rows), sorted(want), "under the new key")
		events, err := r.s.Events(ctx, r.a, flip(keyOf("42")))
		r.ok(err, "events")
		row := said(r.a, "42", "e1", instant)
		row.Key, row.Mailbox = flip(row.Key), flip(row.Mailbox)
		r.same(events, []unsubscribe.EventRow{row}, "events")
		epoch, err := r.s.Epoch(ctx, r.a)
		r.ok(err, "epoch")
		r.same(epoch, uint32(2), "epoch")
	}},
	{name: "keys of an epoch that is over are not changed", run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		before := r.dump(ctx, r.a)
		err := r.tx.Atomically(ctx, func(ctx context.Context) error {
			_, err := r.s.Rekey(ctx, unsubscribe.RekeyParams{Tenant: r.a, From: 2, To: 3, Wrap: flip})
			return err
		})
		r.is(err, unsubscribe.ErrEpoch, "rekey")
		r.same(r.dump(ctx, r.a), before, "rows")
	}},
	{name: "changing keys waits for who holds the epoch", needs: manyWriters, run: func(r *rig) {
		ctx := r.Context()
		r.fill(ctx, r.a)
		var got atomic.Bool
		done := make(chan error, 1)
		late := entry(r.a, "late", "")
		r.atomically(ctx, func(in context.Context) {
			_, err := r.s.HoldEpoch(in, r.a)
			r.ok(err, "hold epoch")
			go func() {
				done <- r.tx.Atomically(ctx, func(ctx context.Context) error {
					_, err := r.s.Rekey(ctx, unsubscribe.RekeyParams{Tenant: r.a, From: 1, To: 2, Wrap: flip})
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
		r.ok(<-done, "rekey")
		r.same(r.entries(ctx, "late"), []unsubscribe.EntryRow{}, "what was written before the change, under its old key")
	}},
}
