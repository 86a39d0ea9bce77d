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

// lineRow is a line that waits; n makes its entry.
func lineRow(tenant troth.Tenant, n byte, at int64) vault.LineRow {
	return vault.LineRow{Tenant: tenant, Entry: troth.EntryID{n, 0, 255}, Line: append(suite.EveryByte(), n), At: at}
}

func (r *rig) insertLine(ctx context.Context, row vault.LineRow) vault.LineRow {
	r.Helper()
	inserted, err := r.s.InsertLine(ctx, row)
	r.Wants(true, inserted, err, "insert line")
	return row
}

func sameLine(x, y vault.LineRow) bool {
	return x.Tenant == y.Tenant && x.Entry == y.Entry && bytes.Equal(x.Line, y.Line) && x.At == y.At && x.AckedAt == y.AckedAt
}

// line demands that the tenant has exactly this line.
func (r *rig) line(ctx context.Context, want vault.LineRow) {
	r.Helper()
	got, found, err := r.s.Line(ctx, want.Tenant, want.Entry)
	r.Wants(true, found, err, "line")
	if !sameLine(got, want) {
		r.Fatalf("line: got %+v, want %+v", got, want)
	}
}

func (r *rig) noLine(ctx context.Context, tenant troth.Tenant, entry troth.EntryID) {
	r.Helper()
	_, found, err := r.s.Line(ctx, tenant, entry)
	r.Wants(false, found, err, "line")
}

// waiting demands these lines, in this order.
func (r *rig) waiting(ctx context.Context, limit int, want ...vault.LineRow) {
	r.Helper()
	got, err := r.s.WaitingLines(ctx, limit)
	r.OK(err, "waiting lines")
	if !slices.EqualFunc(got, want, sameLine) {
		r.Fatalf("waiting: got %+v, want %+v", got, want)
	}
}

func (r *rig) held(ctx context.Context, ids []troth.EntryID, want ...troth.EntryID) {
	r.Helper()
	got, err := r.s.HeldLines(ctx, ids)
	r.OK(err, "held lines")
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
	r.Wants(want, moved, err, "move journal")
}

var lineChecks = []check{
	{Name: "a line comes back as it was, once for each entry of a tenant", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertLine(ctx, lineRow(r.A, 1, instant))
		r.line(ctx, row)
		other := row
		other.At, other.Line = instant+1, []byte("x")
		inserted, err := r.s.InsertLine(ctx, other)
		r.Wants(false, inserted, err, "insert the same entry")
		r.line(ctx, row)
		acked := lineRow(r.A, 2, instant)
		acked.AckedAt = instant + 5
		r.line(ctx, r.insertLine(ctx, acked))
		r.noLine(ctx, r.A, troth.EntryID{9})
	}},
	{Name: "a line is its tenant's", Run: func(r *rig) {
		ctx := r.Context()
		row := r.insertLine(ctx, lineRow(r.A, 1, instant))
		r.noLine(ctx, r.B, row.Entry)
		theirs := lineRow(r.B, 1, instant+1)
		r.insertLine(ctx, theirs)
		r.line(ctx, row)
		r.line(ctx, theirs)
	}},
	{Name: "lines wait from their commit to their acknowledgement, the oldest first", Run: func(r *rig) {
		ctx := r.Context()
		late := r.insertLine(ctx, lineRow(r.A, 1, instant+2))
		early := r.insertLine(ctx, lineRow(r.B, 2, instant))
		r.Refused(ctx, func(ctx context.Context) { r.insertLine(ctx, lineRow(r.A, 3, instant-1)) })
		r.Atomically(ctx, func(in context.Context) {
			r.insertLine(in, lineRow(r.A, 4, instant+3))
			r.waiting(r.TX.Detach(in), 10, early, late)
		})
		r.waiting(ctx, 2, early, late)
		r.waiting(ctx, 1, early)
		r.OK(r.s.AckLines(ctx, []troth.EntryID{early.Entry}, instant+9), "ack")
		r.waiting(ctx, 1, late)
	}},
	{Name: "a line that commits after a later one was acknowledged waits", Needs: suite.ManyWriters, Run: func(r *rig) {
		outside := r.Context()
		early := lineRow(r.A, 1, instant)
		r.Atomically(outside, func(ctx context.Context) {
			r.insertLine(ctx, early)
			late := r.insertLine(outside, lineRow(r.A, 2, instant+1))
			r.waiting(outside, 10, late)
			r.OK(r.s.AckLines(outside, []troth.EntryID{late.Entry}, instant+2), "ack")
		})
		r.waiting(outside, 10, early)
	}},
	{Name: "lines are held by entry, whoever's they are, each once", Run: func(r *rig) {
		ctx := r.Context()
		r.held(ctx, nil)
		var ids, even []troth.EntryID
		for i := range 150 {
			row := lineRow([]troth.Tenant{r.A, r.B}[i%3%2], byte(i), instant)
			ids = append(ids, row.Entry, row.Entry)
			if i%2 == 0 {
				even = append(even, r.insertLine(ctx, row).Entry)
			}
		}
		row := lineRow(r.B, 0, instant)
		row.Tenant = r.B + "-2"
		r.insertLine(ctx, row) // the same entry under two tenants
		r.held(ctx, ids, even...)
	}},
	{Name: "an acknowledgement keeps its first instant and touches no other line", Run: func(r *rig) {
		ctx := r.Context()
		one, two := r.insertLine(ctx, lineRow(r.A, 1, instant)), r.insertLine(ctx, lineRow(r.A, 2, instant))
		var ids []troth.EntryID
		for i := range 100 {
			ids = append(ids, troth.EntryID{byte(100 + i)})
		}
		r.OK(r.s.AckLines(ctx, append(ids, one.Entry), instant+7), "ack")
		r.OK(r.s.AckLines(ctx, []troth.EntryID{one.Entry}, instant+8), "ack again")
		r.OK(r.s.AckLines(ctx, nil, instant+8), "ack nothing")
		one.AckedAt = instant + 7
		r.line(ctx, one)
		r.line(ctx, two)
	}},
	{Name: "the journal's state counts what waits and is moved from where it is", Run: func(r *rig) {
		ctx := r.Context()
		r.state(ctx, vault.JournalState{})
		r.insertLine(ctx, lineRow(r.A, 1, instant+1))
		row := r.insertLine(ctx, lineRow(r.B, 2, instant))
		r.state(ctx, vault.JournalState{Waiting: 2, Oldest: instant})
		r.OK(r.s.AckLines(ctx, []troth.EntryID{row.Entry}, instant), "ack")
		r.move(ctx, false, 3, 4, [32]byte{1})
		r.move(ctx, true, 0, 4, [32]byte{1})
		r.move(ctx, false, 0, 5, [32]byte{2})
		r.state(ctx, vault.JournalState{Position: 4, Digest: [32]byte{1}, Waiting: 1, Oldest: instant + 1})
		r.Refused(ctx, func(ctx context.Context) { r.move(ctx, true, 4, 5, [32]byte{2}) })
		r.move(ctx, true, 4, 7, [32]byte{3})
		r.state(ctx, vault.JournalState{Position: 7, Digest: [32]byte{3}, Waiting: 1, Oldest: instant + 1})
	}},
	{Name: "a journal that is reset begins anew, and every line waits", Run: func(r *rig) {
		ctx := r.Context()
		one, two := lineRow(r.A, 1, instant), lineRow(r.B, 2, instant+1)
		acked := one
		acked.AckedAt = instant
		r.insertLine(ctx, acked)
		r.insertLine(ctx, two)
		r.move(ctx, true, 0, 4, [32]byte{1})
		r.OK(r.s.ResetJournal(ctx), "reset")
		r.waiting(ctx, 10, one, two)
		r.state(ctx, vault.JournalState{Waiting: 2, Oldest: instant})
		r.move(ctx, true, 0, 1, [32]byte{2})
	}},
	{Name: "of those who move the journal from one place, one does", Run: func(r *rig) {
		r.move(r.Context(), true, 0, 1, [32]byte{1})
		winners := make(chan int, crowd)
		r.Race(func(i int) error {
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
	{Name: "what is buried is found by name, once for each entry", Run: func(r *rig) {
		ctx := r.Context()
		r.buried(ctx, nil)
		var all []vault.BuriedName
		for i := range 10 {
			all = append(all, vault.BuriedName{Name: [32]byte{byte(i / 2), 31: 255}, Entry: troth.EntryID{byte(i + 1)}, At: instant + int64(i)})
		}
		r.OK(r.s.Bury(ctx, all), "bury")
		again := all[3]
		again.At++
		r.OK(r.s.Bury(ctx, []vault.BuriedName{again}), "bury again")
		r.OK(r.s.Bury(ctx, nil), "bury nothing")
		r.Refused(ctx, func(ctx context.Context) {
			r.OK(r.s.Bury(ctx, []vault.BuriedName{{Name: [32]byte{99}, At: instant}}), "bury")
		})
		r.buried(ctx, [][32]byte{{99}, {7, 31: 255}})
		r.buried(ctx, [][32]byte{all[2].Name}, all[2:4]...)
		r.buried(ctx, [][32]byte{{99}, all[0].Name, all[2].Name, all[4].Name, all[6].Name, all[8].Name}, all...)
	}},
}

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
