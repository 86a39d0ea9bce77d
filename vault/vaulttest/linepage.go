package vaulttest

import (
	"bytes"
	"context"
	"slices"
	"strconv"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

func (r *rig) buried(ctx context.Context, names [][32]byte, want ...vault.BuriedName) {
	r.Helper()
	got, err := r.s.Buried(ctx, names)
	r.OK(err, "buried")
	slices.SortFunc(got, func(a, b vault.BuriedName) int { return bytes.Compare(a.Entry[:], b.Entry[:]) })
	if !slices.Equal(got, want) {
		r.Fatalf("buried: got %v, want %v", got, want)
	}
}

// walkBy demands that pages of one and of many rows give what is wanted.
func walkBy[T, A any](r *rig, page func(after A, limit int) ([]T, error), next func(T) A, same func(x, y T) bool, want []T) {
	r.Helper()
	for _, limit := range []int{1, 2, 100} {
		var got []T
		var after A
		for {
			rows, err := page(after, limit)
			r.OK(err, "page")
			if len(rows) > limit {
				r.Fatalf("%d rows on a page of %d", len(rows), limit)
			}
			got = append(got, rows...)
			if len(rows) < limit {
				break
			}
			after = next(rows[len(rows)-1])
		}
		if !slices.EqualFunc(got, want, same) {
			r.Fatalf("pages of %d: got %+v, want %+v", limit, got, want)
		}
	}
}

var pageChecks = []check{
	{Name: "pages of roots hold all, in order", Run: func(r *rig) {
		ctx := r.Context()
		var want []vault.RootRow
		for _, tenant := range []troth.Tenant{r.A, r.A + "z", r.B} {
			for _, l := range []vault.Lineage{vault.IndexLineage, vault.WrapLineage} {
				for _, epoch := range []uint32{0, 2, 10} {
					row := rootRow(tenant, l, epoch)
					put, err := r.s.PutRoot(ctx, row)
					r.Wants(true, put, err, "put root")
					want = append(want, row)
				}
			}
		}
		walkBy(r, func(after vault.RootAt, limit int) ([]vault.RootRow, error) { return r.s.RootsAfter(ctx, after, limit) },
			func(row vault.RootRow) vault.RootAt {
				return vault.RootAt{Tenant: row.Tenant, Lineage: row.Lineage, Epoch: row.Epoch}
			},
			sameRoot, want)
	}},
	{Name: "pages of keys hold all, in order", Run: func(r *rig) {
		ctx := r.Context()
		var want []vault.KeyRow
		for _, tenant := range []troth.Tenant{r.A, r.A + "z", r.B} {
			for _, subject := range []string{"1", "10", "2"} {
				for _, c := range []troth.Compartment{"a", "ab", "b"} {
					for g := range uint32(2) {
						want = append(want, r.insertKey(ctx, keyRow(name(tenant, subject, c), g+1, uint32(len(want)+1))))
					}
				}
			}
		}
		walkBy(r, func(after vault.KeyAt, limit int) ([]vault.KeyRow, error) { return r.s.KeysAfter(ctx, after, limit) },
			func(row vault.KeyRow) vault.KeyAt {
				return vault.KeyAt{KeyName: row.KeyName, Generation: row.Generation}
			},
			sameKey, want)
	}},
	{Name: "pages of people hold who has a row or a key, in order, with their state", Run: func(r *rig) {
		ctx := r.Context()
		person := func(t troth.Tenant, id string, closed, living int64) vault.PersonEntry {
			return vault.PersonEntry{PersonName: vault.PersonName{Tenant: t, SubjectID: id}, ClosedAt: closed, Living: living}
		}
		want := []vault.PersonEntry{
			person(r.A, "1", 0, 0), person(r.A, "10", instant, 0), person(r.A, "2", 0, 2), person(r.B, "1", 0, 1),
			person(r.B, "3", instant, 1),
		}
		r.Atomically(ctx, func(ctx context.Context) { r.lock(ctx, r.A, "1", vault.Shared) })
		r.close(ctx, r.A, "10", instant)
		r.insertKey(ctx, keyRow(name(r.A, "2", "a"), 1, 1))
		r.insertKey(ctx, keyRow(name(r.A, "2", "b"), 1, 2))
		r.insertKey(ctx, keyRow(name(r.B, "1", "a"), 1, 1))
		r.insertKey(ctx, keyRow(name(r.B, "3", "a"), 1, 1))
		r.insertKey(ctx, keyRow(name(r.B, "3", "b"), 1, 2))
		r.shred(ctx, vault.ShredKeys{Tenant: r.B, SubjectID: "3", Compartments: []troth.Compartment{"a"}, At: instant})
		r.close(ctx, r.B, "3", instant)
		walkBy(r, func(after vault.PersonName, limit int) ([]vault.PersonEntry, error) {
			return r.s.PeopleAfter(ctx, after, limit)
		},
			func(p vault.PersonEntry) vault.PersonName { return p.PersonName },
			func(x, y vault.PersonEntry) bool { return x == y }, want)
	}},
	{Name: "a page inside a transaction is what the transaction sees", Run: func(r *rig) {
		row := r.insertKey(r.Context(), keyRow(name(r.A, "1", "a"), 1, 1))
		r.Refused(r.Context(), func(ctx context.Context) {
			other := r.insertKey(ctx, keyRow(name(r.A, "2", "a"), 1, 1))
			got, err := r.s.KeysAfter(ctx, vault.KeyAt{}, 10)
			r.OK(err, "keys after")
			r.sameKeys(got, []vault.KeyRow{row, other})
		})
		got, err := r.s.KeysAfter(r.Context(), vault.KeyAt{}, 10)
		r.OK(err, "keys after")
		r.sameKeys(got, []vault.KeyRow{row})
	}},
	{Name: "a snapshot is of one instant, and holds what was committed before", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertKey(ctx, keyRow(name(r.A, "1", "a"), 1, 1))
		root := r.insertRoot(ctx, rootRow(r.A, vault.WrapLineage, 0))
		err := r.s.Snapshot(ctx, func(in context.Context) error {
			r.keys(in, row.KeyName, row)
			if r.ManyWriters {
				r.insertKey(ctx, keyRow(name(r.A, "2", "a"), 1, 1))
				r.shredRoots(ctx, r.A, instant)
			}
			got, err := r.s.KeysAfter(in, vault.KeyAt{}, 10)
			r.OK(err, "keys after")
			r.sameKeys(got, []vault.KeyRow{row})
			roots, err := r.s.RootsAfter(in, vault.RootAt{}, 10)
			r.OK(err, "roots after")
			r.sameRoots(roots, root)
			return suite.ErrRefused
		})
		if err != suite.ErrRefused { //nolint:errorlint // its own, as it is
			r.Fatalf("snapshot: got %v, want the closure's own error", err)
		}
	}},
	{Name: "a root of a backup wins by being dead, retired or superseded", Run: func(r *rig) {
		ctx := r.Context()
		for i, c := range []struct {
			here, row func(row *vault.RootRow)
			put       bool
		}{
			{func(*vault.RootRow) {}, func(*vault.RootRow) {}, false},
			{func(*vault.RootRow) {}, func(row *vault.RootRow) { row.ShreddedAt, row.Sealed = instant, nil }, true},
			{func(row *vault.RootRow) { row.ShreddedAt, row.Sealed = instant, nil }, func(*vault.RootRow) {}, false},
			{func(row *vault.RootRow) { row.ShreddedAt, row.Sealed = instant, nil }, func(row *vault.RootRow) { row.ShreddedAt, row.Sealed = instant+1, nil }, false},
			{func(*vault.RootRow) {}, func(row *vault.RootRow) { row.SupersededAt = instant }, true},
			{func(row *vault.RootRow) { row.SupersededAt = instant }, func(*vault.RootRow) {}, false},
			{func(row *vault.RootRow) { row.SupersededAt = instant }, func(row *vault.RootRow) { row.SupersededAt, row.RetiredAt, row.Sealed = instant, instant+1, nil }, true},
			{func(row *vault.RootRow) { row.SupersededAt, row.RetiredAt, row.Sealed = instant, instant+1, nil }, func(*vault.RootRow) {}, false},
			{func(row *vault.RootRow) { row.SupersededAt, row.RetiredAt, row.Sealed = instant, instant+1, nil }, func(row *vault.RootRow) { row.ShreddedAt, row.Sealed = instant, nil }, true},
			{func(*vault.RootRow) {}, func(row *vault.RootRow) { row.SupersededAt, row.Commitment[0] = instant, row.Commitment[0]^1 }, false},
			{func(*vault.RootRow) {}, func(row *vault.RootRow) { *row = movedTo(*row, own) }, true},
			{func(row *vault.RootRow) { *row = movedTo(*row, own) }, func(row *vault.RootRow) { row.MovedAt = instant }, false},
			{func(row *vault.RootRow) { row.SupersededAt = instant }, func(row *vault.RootRow) { *row = movedTo(*row, own); row.SupersededAt = instant }, true},
			// When it was emptied here comes with what empties it, and with nothing else.
			{func(*vault.RootRow) {}, func(row *vault.RootRow) { row.ShreddedAt, row.Sealed, row.RestoredAt = instant, nil, instant+9 }, true},
			{func(*vault.RootRow) {}, func(row *vault.RootRow) {
				row.SupersededAt, row.RetiredAt, row.Sealed, row.RestoredAt = instant, instant+1, nil, instant+9
			}, true},
			{func(row *vault.RootRow) { row.RestoredAt = instant + 9 }, func(row *vault.RootRow) { row.SupersededAt, row.RestoredAt = instant, instant+9 }, true},
		} {
			here := rootRow(r.A, vault.WrapLineage, uint32(i))
			row := here
			c.here(&here)
			c.row(&row)
			put, err := r.s.PutRoot(ctx, here)
			r.Wants(true, put, err, "put root")
			put, err = r.s.PutRoot(ctx, row)
			r.Wants(c.put, put, err, "put root, case "+strconv.Itoa(i))
			if !c.put {
				row = here
			}
			got, found, err := r.s.RootAt(ctx, r.A, vault.WrapLineage, uint32(i))
			r.Wants(true, found, err, "root at")
			if !sameRoot(got, row) {
				r.Fatalf("case %d: got %+v, want %+v", i, got, row)
			}
		}
		inserted, err := r.s.InsertRoot(ctx, rootRow(r.A, vault.WrapLineage, 99))
		r.Wants(false, inserted, err, "insert another first root")
	}},
	{Name: "a key of a backup wins by being dead, or of a higher epoch", Run: func(r *rig) {
		ctx := r.Context()
		r.insertRoot(ctx, deadRoot(rootRow(r.A, vault.WrapLineage, 0))) // PutKey does not ask
		for i, c := range []struct {
			here, row func(k *vault.KeyRow)
			put       bool
		}{
			{func(*vault.KeyRow) {}, func(*vault.KeyRow) {}, false},
			{func(*vault.KeyRow) {}, func(k *vault.KeyRow) { k.ShreddedAt, k.Sealed = instant, nil }, true},
			{func(k *vault.KeyRow) { k.ShreddedAt, k.Sealed = instant, nil }, func(*vault.KeyRow) {}, false},
			{func(k *vault.KeyRow) { k.ShreddedAt, k.Sealed = instant, nil }, func(k *vault.KeyRow) { k.Epoch = 7 }, false},
			{func(k *vault.KeyRow) { k.ShreddedAt, k.Sealed = instant, nil }, func(k *vault.KeyRow) { k.ShreddedAt, k.Sealed = instant+1, nil }, false},
			{func(*vault.KeyRow) {}, func(k *vault.KeyRow) { k.Epoch, k.Sealed = 7, []byte("moved") }, true},
			{func(k *vault.KeyRow) { k.Epoch = 7 }, func(k *vault.KeyRow) { k.Epoch = 6 }, false},
			{func(*vault.KeyRow) {}, func(k *vault.KeyRow) { k.Epoch, k.Commitment[0] = 7, k.Commitment[0]^1 }, false},
			{func(*vault.KeyRow) {}, func(k *vault.KeyRow) { k.ShreddedAt, k.Sealed, k.RestoredAt = instant, nil, instant+9 }, true},
			{func(k *vault.KeyRow) { k.ShreddedAt, k.Sealed, k.RestoredAt = instant, nil, instant+9 }, func(k *vault.KeyRow) { k.RestoredAt = instant + 10 }, false},
		} {
			here := keyRow(name(r.A, strconv.Itoa(i), "a"), 1, uint32(i+1))
			row := here
			c.here(&here)
			c.row(&row)
			put, err := r.s.PutKey(ctx, here)
			r.Wants(true, put, err, "put key")
			put, err = r.s.PutKey(ctx, row)
			r.Wants(c.put, put, err, "put key, case "+strconv.Itoa(i))
			if !c.put {
				row = here
			}
			r.keys(ctx, row.KeyName, row)
		}
	}},
	{Name: "of a key that dies by a backup the epochs of both rows count", Run: func(r *rig) {
		ctx := r.Context()
		for i, c := range []struct{ here, row, want [2]uint32 }{
			{[2]uint32{3, 5}, [2]uint32{4, 4}, [2]uint32{3, 5}},
			{[2]uint32{4, 4}, [2]uint32{3, 5}, [2]uint32{3, 5}},
			{[2]uint32{2, 3}, [2]uint32{4, 6}, [2]uint32{2, 6}},
			{[2]uint32{4, 6}, [2]uint32{2, 3}, [2]uint32{2, 6}},
		} {
			for _, retired := range []bool{false, true} {
				here := keyRow(name(r.A, strconv.Itoa(i)+strconv.FormatBool(retired), "a"), 1, uint32(i+1))
				here.FirstEpoch, here.Epoch = c.here[0], c.here[1]
				row := dead(here, instant)
				row.FirstEpoch, row.Epoch = c.row[0], c.row[1]
				row.Retired = retired
				put, err := r.s.PutKey(ctx, here)
				r.Wants(true, put, err, "put key")
				put, err = r.s.PutKey(ctx, row)
				r.Wants(true, put, err, "put tombstone")
				row.FirstEpoch, row.Epoch = c.want[0], c.want[1]
				gone, err := r.s.Tombstones(ctx, r.A, row.SubjectID)
				r.OK(err, "tombstones")
				r.sameKeys(gone, []vault.KeyRow{row})
			}
		}
	}},
	{Name: "pages of exports hold all, in order", Run: func(r *rig) {
		ctx := r.Context()
		var want []vault.ExportRow
		for _, tenant := range []troth.Tenant{r.A, r.A + "z", r.B} {
			for _, n := range []vault.KeyName{
				name(tenant, "", ""), name(tenant, "1", ""), name(tenant, "1", "a"), name(tenant, "1", "b"), name(tenant, "10", "a"), name(tenant, "2", ""),
			} {
				row := vault.ExportRow{KeyName: n, At: instant + int64(len(want))}
				r.export(ctx, row.KeyName, row.At)
				want = append(want, row)
			}
		}
		walkBy(r, func(after vault.KeyName, limit int) ([]vault.ExportRow, error) {
			return r.s.ExportsAfter(ctx, after, limit)
		},
			func(row vault.ExportRow) vault.KeyName { return row.KeyName },
			func(x, y vault.ExportRow) bool { return x == y }, want)
	}},
	{Name: "what is put is its tenant's", Run: func(r *rig) {
		ctx := r.Context()
		h := r.settle(ctx, r.B, troth.EntryID{1})
		for _, row := range h.roots {
			row.Tenant = r.A
			put, err := r.s.PutRoot(ctx, deadRoot(row))
			r.Wants(true, put, err, "put root")
		}
		for _, row := range h.keys {
			row.Tenant = r.A
			put, err := r.s.PutKey(ctx, dead(row, instant))
			r.Wants(true, put, err, "put key")
		}
		r.intact(r.B, h)
	}},
}
