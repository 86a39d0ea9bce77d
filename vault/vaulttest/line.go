package vaulttest

import (
	"bytes"
	"context"
	"slices"

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
