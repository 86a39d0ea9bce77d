package vaulttest

import (
	"bytes"
	"context"
	"slices"
	"strconv"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// lineRow is a line that waits; n makes its entry.
func lineRow(tenant troth.Tenant, n byte, at int64) vault.LineRow {
	return vault.LineRow{Tenant: tenant, Entry: troth.EntryID{n, 0, 255}, Line: append(everyByte(), n), At: at}
}

func (r *rig) insertLine(ctx context.Context, row vault.LineRow) vault.LineRow {
	r.Helper()
	inserted, err := r.s.InsertLine(ctx, row)
	r.wants(true, inserted, err, "insert line")
	return row
}

func sameLine(x, y vault.LineRow) bool {
	return x.Tenant == y.Tenant && x.Entry == y.Entry && bytes.Equal(x.Line, y.Line) && x.At == y.At && x.AckedAt == y.AckedAt
}

// line demands that the tenant has exactly this line.
func (r *rig) line(ctx context.Context, want vault.LineRow) {
	r.Helper()
	got, found, err := r.s.Line(ctx, want.Tenant, want.Entry)
	r.wants(true, found, err, "line")
	if !sameLine(got, want) {
		r.Fatalf("line: got %+v, want %+v", got, want)
	}
}

func (r *rig) noLine(ctx context.Context, tenant troth.Tenant, entry troth.EntryID) {
	r.Helper()
	_, found, err := r.s.Line(ctx, tenant, entry)
	r.wants(false, found, err, "line")
}

// waiting demands these lines, in this order.
func (r *rig) waiting(ctx context.Context, limit int, want ...vault.LineRow) {
	r.Helper()
	got, err := r.s.WaitingLines(ctx, limit)
	r.ok(err, "waiting lines")
	if !slices.EqualFunc(got, want, sameLine) {
		r.Fatalf("waiting: got %+v, want %+v", got, want)
	}
}

func (r *rig) held(ctx context.Context, ids []troth.EntryID, want ...troth.EntryID) {
	r.Helper()
	got, err := r.s.HeldLines(ctx, ids)
	r.ok(err, "held lines")
	byBytes := func(a, b troth.EntryID) int { return bytes.Compare(a[:], b[:]) }
	slices.SortFunc(got, byBytes)
	slices.SortFunc(want, byBytes)
	if !slices.Equal(got, want) {
		r.Fatalf("held: got %v, want %v", got, want)
	}
}

func (r *rig) state(ctx context.Context, want vault.JournalState) {
	r.Helper()
	got, err := r.s.JournalState(ctx)
	if err != nil || got != want {
		r.Fatalf("journal state: got %+v, %v; want %+v", got, err, want)
	}
}

func (r *rig) move(ctx context.Context, want bool, from, to int64, digest [32]byte) {
	r.Helper()
	moved, err := r.s.MoveJournal(ctx, from, to, digest)
	r.wants(want, moved, err, "move journal")
}

var lineChecks = []check{
	{name: "a line comes back as it was, once for each entry of a tenant", run: func(r *rig) {
		ctx := r.Context()
		row := r.insertLine(ctx, lineRow(r.a, 1, instant))
		r.line(ctx, row)
		other := row
		other.At, other.Line = instant+1, []byte("x")
		inserted, err := r.s.InsertLine(ctx, other)
		r.wants(false, inserted, err, "insert the same entry")
		r.line(ctx, row)
		acked := lineRow(r.a, 2, instant)
		acked.AckedAt = instant + 5
		r.line(ctx, r.insertLine(ctx, acked))
		r.noLine(ctx, r.a, troth.EntryID{9})
	}},
	{name: "a line is its tenant's", run: func(r *rig) {
		ctx := r.Context()
		row := r.insertLine(ctx, lineRow(r.a, 1, instant))
		r.noLine(ctx, r.b, row.Entry)
		theirs := lineRow(r.b, 1, instant+1)
		r.insertLine(ctx, theirs)
		r.line(ctx, row)
		r.line(ctx, theirs)
	}},
	{name: "lines wait from their commit to their acknowledgement, the oldest first", run: func(r *rig) {
		ctx := r.Context()
		late := r.insertLine(ctx, lineRow(r.a, 1, instant+2))
		early := r.insertLine(ctx, lineRow(r.b, 2, instant))
		r.refused(ctx, func(ctx context.Context) { r.insertLine(ctx, lineRow(r.a, 3, instant-1)) })
		r.atomically(ctx, func(in context.Context) {
			r.insertLine(in, lineRow(r.a, 4, instant+3))
			r.waiting(r.tx.Detach(in), 10, early, late)
		})
		r.waiting(ctx, 2, early, late)
		r.waiting(ctx, 1, early)
		r.ok(r.s.AckLines(ctx, []troth.EntryID{early.Entry}, instant+9), "ack")
		r.waiting(ctx, 1, late)
	}},
	{name: "a line that commits after a later one was acknowledged waits", needs: manyWriters, run: func(r *rig) {
		outside := r.Context()
		early := lineRow(r.a, 1, instant)
		r.atomically(outside, func(ctx context.Context) {
			r.insertLine(ctx, early)
			late := r.insertLine(outside, lineRow(r.a, 2, instant+1))
			r.waiting(outside, 10, late)
			r.ok(r.s.AckLines(outside, []troth.EntryID{late.Entry}, instant+2), "ack")
		})
		r.waiting(outside, 10, early)
	}},
	{name: "lines are held by entry, whoever's they are, each once", run: func(r *rig) {
		ctx := r.Context()
		r.held(ctx, nil)
		var ids, even []troth.EntryID
		for i := range 150 {
			row := lineRow([]troth.Tenant{r.a, r.b}[i%3%2], byte(i), instant)
			ids = append(ids, row.Entry, row.Entry)
			if i%2 == 0 {
				even = append(even, r.insertLine(ctx, row).Entry)
			}
		}
		row := lineRow(r.b, 0, instant)
		row.Tenant = r.b + "-2"
		r.insertLine(ctx, row) // the same entry under two tenants
		r.held(ctx, ids, even...)
	}},
	{name: "an acknowledgement keeps its first instant and touches no other line", run: func(r *rig) {
		ctx := r.Context()
		one, two := r.insertLine(ctx, lineRow(r.a, 1, instant)), r.insertLine(ctx, lineRow(r.a, 2, instant))
		var ids []troth.EntryID
		for i := range 100 {
			ids = append(ids, troth.EntryID{byte(100 + i)})
		}
		r.ok(r.s.AckLines(ctx, append(ids, one.Entry), instant+7), "ack")
		r.ok(r.s.AckLines(ctx, []troth.EntryID{one.Entry}, instant+8), "ack again")
		r.ok(r.s.AckLines(ctx, nil, instant+8), "ack nothing")
		one.AckedAt = instant + 7
		r.line(ctx, one)
		r.line(ctx, two)
	}},
	{name: "the journal's state counts what waits and is moved from where it is", run: func(r *rig) {
		ctx := r.Context()
		r.state(ctx, vault.JournalState{})
		r.insertLine(ctx, lineRow(r.a, 1, instant+1))
		row := r.insertLine(ctx, lineRow(r.b, 2, instant))
		r.state(ctx, vault.JournalState{Waiting: 2, Oldest: instant})
		r.ok(r.s.AckLines(ctx, []troth.EntryID{row.Entry}, instant), "ack")
		r.move(ctx, false, 3, 4, [32]byte{1})
		r.move(ctx, true, 0, 4, [32]byte{1})
		r.move(ctx, false, 0, 5, [32]byte{2})
		r.state(ctx, vault.JournalState{Position: 4, Digest: [32]byte{1}, Waiting: 1, Oldest: instant + 1})
		r.refused(ctx, func(ctx context.Context) { r.move(ctx, true, 4, 5, [32]byte{2}) })
		r.move(ctx, true, 4, 7, [32]byte{3})
		r.state(ctx, vault.JournalState{Position: 7, Digest: [32]byte{3}, Waiting: 1, Oldest: instant + 1})
	}},
	{name: "a journal that is reset begins anew, and every line waits", run: func(r *rig) {
		ctx := r.Context()
		one, two := lineRow(r.a, 1, instant), lineRow(r.b, 2, instant+1)
		acked := one
		acked.AckedAt = instant
		r.insertLine(ctx, acked)
		r.insertLine(ctx, two)
		r.move(ctx, true, 0, 4, [32]byte{1})
		r.ok(r.s.ResetJournal(ctx), "reset")
		r.waiting(ctx, 10, one, two)
		r.state(ctx, vault.JournalState{Waiting: 2, Oldest: instant})
		r.move(ctx, true, 0, 1, [32]byte{2})
	}},
	{name: "of those who move the journal from one place, one does", run: func(r *rig) {
		r.move(r.Context(), true, 0, 1, [32]byte{1})
		winners := make(chan int, crowd)
		r.race(func(i int) error {
			moved, err := r.s.MoveJournal(r.Context(), 1, int64(2+i), [32]byte{byte(i)})
			if moved {
				winners <- i
			}
			return err
		})
		if len(winners) != 1 {
			r.Fatalf("%d did, want one", len(winners))
		}
		won := <-winners
		r.state(r.Context(), vault.JournalState{Position: int64(2 + won), Digest: [32]byte{byte(won)}})
	}},
	{name: "what is buried is found by name, once for each entry", run: func(r *rig) {
		ctx := r.Context()
		r.buried(ctx, nil)
		var all []vault.BuriedName
		for i := range 10 {
			all = append(all, vault.BuriedName{Name: [32]byte{byte(i / 2), 31: 255}, Entry: troth.EntryID{byte(i + 1)}, At: instant + int64(i)})
		}
		r.ok(r.s.Bury(ctx, all), "bury")
		again := all[3]
		again.At++
		r.ok(r.s.Bury(ctx, []vault.BuriedName{again}), "bury again")
		r.ok(r.s.Bury(ctx, nil), "bury nothing")
		r.refused(ctx, func(ctx context.Context) {
			r.ok(r.s.Bury(ctx, []vault.BuriedName{{Name: [32]byte{99}, At: instant}}), "bury")
		})
		r.buried(ctx, [][32]byte{{99}, {7, 31: 255}})
		r.buried(ctx, [][32]byte{all[2].Name}, all[2:4]...)
		r.buried(ctx, [][32]byte{{99}, all[0].Name, all[2].Name, all[4].Name, all[6].Name, all[8].Name}, all...)
	}},
}

func (r *rig) buried(ctx context.Context, names [][32]byte, want ...vault.BuriedName) {
	r.Helper()
	got, err := r.s.Buried(ctx, names)
	r.ok(err, "buried")
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
			r.ok(err, "page")
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
	{name: "pages of roots hold all, in order", run: func(r *rig) {
		ctx := r.Context()
		var want []vault.RootRow
		for _, tenant := range []troth.Tenant{r.a, r.a + "z", r.b} {
			for _, l := range []vault.Lineage{vault.IndexLineage, vault.WrapLineage} {
				for _, epoch := range []uint32{0, 2, 10} {
					row := rootRow(tenant, l, epoch)
					put, err := r.s.PutRoot(ctx, row)
					r.wants(true, put, err, "put root")
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
	{name: "pages of keys hold all, in order", run: func(r *rig) {
		ctx := r.Context()
		var want []vault.KeyRow
		for _, tenant := range []troth.Tenant{r.a, r.a + "z", r.b} {
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
	{name: "pages of people hold who has a row or a key, in order, with their state", run: func(r *rig) {
		ctx := r.Context()
		person := func(t troth.Tenant, id string, closed, living int64) vault.PersonEntry {
			return vault.PersonEntry{PersonName: vault.PersonName{Tenant: t, SubjectID: id}, ClosedAt: closed, Living: living}
		}
		want := []vault.PersonEntry{
			person(r.a, "1", 0, 0), person(r.a, "10", instant, 0), person(r.a, "2", 0, 2), person(r.b, "1", 0, 1),
			person(r.b, "3", instant, 1),
		}
		r.atomically(ctx, func(ctx context.Context) { r.lock(ctx, r.a, "1", vault.Shared) })
		r.close(ctx, r.a, "10", instant)
		r.insertKey(ctx, keyRow(name(r.a, "2", "a"), 1, 1))
		r.insertKey(ctx, keyRow(name(r.a, "2", "b"), 1, 2))
		r.insertKey(ctx, keyRow(name(r.b, "1", "a"), 1, 1))
		r.insertKey(ctx, keyRow(name(r.b, "3", "a"), 1, 1))
		r.insertKey(ctx, keyRow(name(r.b, "3", "b"), 1, 2))
		r.shred(ctx, vault.ShredKeys{Tenant: r.b, SubjectID: "3", Compartments: []troth.Compartment{"a"}, At: instant})
		r.close(ctx, r.b, "3", instant)
		walkBy(r, func(after vault.PersonName, limit int) ([]vault.PersonEntry, error) {
			return r.s.PeopleAfter(ctx, after, limit)
		},
			func(p vault.PersonEntry) vault.PersonName { return p.PersonName },
			func(x, y vault.PersonEntry) bool { return x == y }, want)
	}},
	{name: "a page inside a transaction is what the transaction sees", run: func(r *rig) {
		row := r.insertKey(r.Context(), keyRow(name(r.a, "1", "a"), 1, 1))
		r.refused(r.Context(), func(ctx context.Context) {
			other := r.insertKey(ctx, keyRow(name(r.a, "2", "a"), 1, 1))
			got, err := r.s.KeysAfter(ctx, vault.KeyAt{}, 10)
			r.ok(err, "keys after")
			r.sameKeys(got, []vault.KeyRow{row, other})
		})
		got, err := r.s.KeysAfter(r.Context(), vault.KeyAt{}, 10)
		r.ok(err, "keys after")
		r.sameKeys(got, []vault.KeyRow{row})
	}},
	{name: "a snapshot is of one instant, and holds what was committed before", run: func(r *rig) {
		ctx := r.Context()
		row := r.insertKey(ctx, keyRow(name(r.a, "1", "a"), 1, 1))
		root := r.insertRoot(ctx, rootRow(r.a, vault.WrapLineage, 0))
		err := r.s.Snapshot(ctx, func(in context.Context) error {
			r.keys(in, row.KeyName, row)
			if r.ManyWriters {
				r.insertKey(ctx, keyRow(name(r.a, "2", "a"), 1, 1))
				r.shredRoots(ctx, r.a, instant)
			}
			got, err := r.s.KeysAfter(in, vault.KeyAt{}, 10)
			r.ok(err, "keys after")
			r.sameKeys(got, []vault.KeyRow{row})
			roots, err := r.s.RootsAfter(in, vault.RootAt{}, 10)
			r.ok(err, "roots after")
			r.sameRoots(roots, root)
			return errRefused
		})
		if err != errRefused { //nolint:errorlint // its own, as it is
			r.Fatalf("snapshot: got %v, want the closure's own error", err)
		}
	}},
	{name: "a root of a backup wins by being dead, retired or superseded", run: func(r *rig) {
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
			here := rootRow(r.a, vault.WrapLineage, uint32(i))
			row := here
			c.here(&here)
			c.row(&row)
			put, err := r.s.PutRoot(ctx, here)
			r.wants(true, put, err, "put root")
			put, err = r.s.PutRoot(ctx, row)
			r.wants(c.put, put, err, "put root, case "+strconv.Itoa(i))
			if !c.put {
				row = here
			}
			got, found, err := r.s.RootAt(ctx, r.a, vault.WrapLineage, uint32(i))
			r.wants(true, found, err, "root at")
			if !sameRoot(got, row) {
				r.Fatalf("case %d: got %+v, want %+v", i, got, row)
			}
		}
		inserted, err := r.s.InsertRoot(ctx, rootRow(r.a, vault.WrapLineage, 99))
		r.wants(false, inserted, err, "insert another first root")
	}},
	{name: "a key of a backup wins by being dead, or of a higher epoch", run: func(r *rig) {
		ctx := r.Context()
		r.insertRoot(ctx, deadRoot(rootRow(r.a, vault.WrapLineage, 0))) // PutKey does not ask
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
			here := keyRow(name(r.a, strconv.Itoa(i), "a"), 1, uint32(i+1))
			row := here
			c.here(&here)
			c.row(&row)
			put, err := r.s.PutKey(ctx, here)
			r.wants(true, put, err, "put key")
			put, err = r.s.PutKey(ctx, row)
			r.wants(c.put, put, err, "put key, case "+strconv.Itoa(i))
			if !c.put {
				row = here
			}
			r.keys(ctx, row.KeyName, row)
		}
	}},
	{name: "of a key that dies by a backup the epochs of both rows count", run: func(r *rig) {
		ctx := r.Context()
		for i, c := range []struct{ here, row, want [2]uint32 }{
			{[2]uint32{3, 5}, [2]uint32{4, 4}, [2]uint32{3, 5}},
			{[2]uint32{4, 4}, [2]uint32{3, 5}, [2]uint32{3, 5}},
			{[2]uint32{2, 3}, [2]uint32{4, 6}, [2]uint32{2, 6}},
			{[2]uint32{4, 6}, [2]uint32{2, 3}, [2]uint32{2, 6}},
		} {
			for _, retired := range []bool{false, true} {
				here := keyRow(name(r.a, strconv.Itoa(i)+strconv.FormatBool(retired), "a"), 1, uint32(i+1))
				here.FirstEpoch, here.Epoch = c.here[0], c.here[1]
				row := dead(here, instant)
				row.FirstEpoch, row.Epoch = c.row[0], c.row[1]
				row.Retired = retired
				put, err := r.s.PutKey(ctx, here)
				r.wants(true, put, err, "put key")
				put, err = r.s.PutKey(ctx, row)
				r.wants(true, put, err, "put tombstone")
				row.FirstEpoch, row.Epoch = c.want[0], c.want[1]
				gone, err := r.s.Tombstones(ctx, r.a, row.SubjectID)
				r.ok(err, "tombstones")
				r.sameKeys(gone, []vault.KeyRow{row})
			}
		}
	}},
	{name: "pages of exports hold all, in order", run: func(r *rig) {
		ctx := r.Context()
		var want []vault.ExportRow
		for _, tenant := range []troth.Tenant{r.a, r.a + "z", r.b} {
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
	{name: "what is put is its tenant's", run: func(r *rig) {
		ctx := r.Context()
		h := r.settle(ctx, r.b, troth.EntryID{1})
		for _, row := range h.roots {
			row.Tenant = r.a
			put, err := r.s.PutRoot(ctx, deadRoot(row))
			r.wants(true, put, err, "put root")
		}
		for _, row := range h.keys {
			row.Tenant = r.a
			put, err := r.s.PutKey(ctx, dead(row, instant))
			r.wants(true, put, err, "put key")
		}
		r.intact(r.b, h)
	}},
}
