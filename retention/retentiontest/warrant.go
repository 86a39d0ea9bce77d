package retentiontest

import (
	"context"
	"fmt"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/retention"
)

// warrant is a row in which every column says something of its own.
func warrant(t troth.Tenant, id string) retention.WarrantRow {
	return retention.WarrantRow{
		Tenant: t, ID: id, Handle: "h-" + id, Type: "file", RecordID: "r-" + id, SubjectID: "p-" + id, Class: "content",
		Stage: "trashed", End: retention.Destroy, Version: 4_000_000_000, Policy: [32]byte(suite.EveryByte()), Created: instant, At: instant + 1,
		GoneBy: instant + 2, Ground: retention.ByPromise, Rule: "trash", Deferred: retention.ByHold, Waits: true, Alarmed: 3,
		NextAt: instant + 3, Entry: troth.EntryID(suite.EveryByte()), Detail: suite.EveryByte(), MAC: suite.EveryByte()[:32],
	}
}

func warrantWith(row retention.WarrantRow, change func(row *retention.WarrantRow)) retention.WarrantRow {
	change(&row)
	return row
}

func tally(t troth.Tenant) retention.TallyRow {
	return retention.TallyRow{
		Tenant: t, Month: instant, Class: "content", Ground: retention.ByPromise, Rule: "trash", Kept: 1, Deferred: 2, Broken: 3,
		KeptEntry: troth.EntryID(suite.EveryByte()), BrokenEntry: troth.EntryID(suite.EveryByte()[9:]), BrokenHandle: "h", BrokenAt: instant + 1,
	}
}

func tallyWith(row retention.TallyRow, change func(row *retention.TallyRow)) retention.TallyRow {
	change(&row)
	return row
}

func lateness(t troth.Tenant, class string) retention.LatenessRow {
	return retention.LatenessRow{Tenant: t, Class: class, Ground: retention.ByPromise, Rule: "trash", Stage: 2, At: instant}
}

func (r *rig) insertWarrants(ctx context.Context, rows ...retention.WarrantRow) {
	r.Helper()
	for _, row := range rows {
		r.OK(r.s.InsertWarrant(ctx, row), "insert warrant")
	}
}

// locked returns a warrant as who locks it sees it.
func (r *rig) locked(ctx context.Context, key retention.WarrantKey) (row retention.WarrantRow, found bool) {
	r.Helper()
	r.OK(r.TX.Atomically(ctx, func(ctx context.Context) error {
		for _, wait := range []bool{false, true} {
			var err error
			row, found, err = r.s.LockWarrant(ctx, key, wait)
			r.OK(err, "lock warrant")
		}
		return nil
	}), "atomically")
	return row, found
}

// theirs are the warrants of the suite's two tenants, by their ids, in their order.
func (r *rig) theirs(rows []retention.WarrantRow) (ids string) {
	for i := range rows {
		if rows[i].Tenant == r.A || rows[i].Tenant == r.B {
			ids += " " + rows[i].ID
		}
	}
	return ids
}

var warrantChecks = []check{
	{Name: "a warrant comes back exactly, and its id is used once", Run: func(r *rig) {
		ctx := r.Context()
		row := warrant(r.A, "1")
		r.insertWarrants(ctx, row)
		r.Fails(r.s.InsertWarrant(ctx, warrantWith(row, func(row *retention.WarrantRow) { row.Class = "other" })), "the same id")
		got, found := r.locked(ctx, row.Key())
		r.Same(found, true, "found")
		r.Same(got, row, "warrant")
		_, found = r.locked(ctx, retention.WarrantKey{Tenant: r.A, ID: "2"})
		r.Same(found, false, "found")
		_, _, err := r.s.LockWarrant(ctx, row.Key(), true)
		r.Fails(err, "lock outside of a transaction")
	}},
	{Name: "a warrant that is put replaces all of it, if it is there", Run: func(r *rig) {
		ctx := r.Context()
		r.Fails(r.s.PutWarrant(ctx, warrant(r.A, "1")), "put what is not there")
		r.insertWarrants(ctx, warrant(r.A, "1"))
		next := retention.WarrantRow{Tenant: r.A, ID: "1", Handle: "n", Type: "t", Class: "c", Stage: "s", Gone: 5, Detail: []byte{1}}
		r.OK(r.s.PutWarrant(ctx, next), "put")
		got, _ := r.locked(ctx, next.Key())
		r.Same(got, next, "warrant")
	}},
	{Name: "a warrant that is deleted is gone, and cannot be deleted again", Run: func(r *rig) {
		ctx := r.Context()
		row := warrant(r.A, "1")
		r.insertWarrants(ctx, row)
		r.OK(r.s.DeleteWarrant(ctx, row.Key()), "delete")
		_, found := r.locked(ctx, row.Key())
		r.Same(found, false, "found")
		r.Fails(r.s.DeleteWarrant(ctx, row.Key()), "delete again")
	}},
	{Name: "warrants are found by the handle of their record, the last first", Run: func(r *rig) {
		ctx := r.Context()
		of := func(id string, at int64) retention.WarrantRow {
			return warrantWith(warrant(r.A, id), func(row *retention.WarrantRow) { row.Handle, row.At = "h", at })
		}
		rows := []retention.WarrantRow{of("2", instant), of("3", instant+2), of("1", instant+1)}
		r.insertWarrants(ctx, append(rows, warrant(r.A, "other"))...)
		got, err := r.s.WarrantsOf(ctx, r.A, "h")
		r.OK(err, "warrants of")
		r.Same(got, []retention.WarrantRow{rows[1], rows[2], rows[0]}, "warrants")
	}},
	{Name: "warrants about a person are those and what is about nobody known, until they are gone", Run: func(r *rig) {
		ctx := r.Context()
		for _, id := range []string{"5", "1", "3", "2", "4"} {
			r.insertWarrants(ctx, warrantWith(warrant(r.A, id), func(row *retention.WarrantRow) {
				switch row.SubjectID = "p"; id {
				case "2":
					row.SubjectID = ""
				case "3":
					row.SubjectID = "q"
				case "4":
					row.Gone = instant
				}
			}))
		}
		for _, c := range []struct {
			subject, after string
			limit          int
			want           string
		}{{"p", "", 9, " 1 2 5"}, {"p", "1", 9, " 2 5"}, {"p", "", 2, " 1 2"}, {"", "", 9, " 1 2 3 5"}, {"", "2", 1, " 3"}, {"none", "", 9, " 2"}} {
			rows, err := r.s.Warrants(ctx, retention.WarrantQuery{Tenant: r.A, SubjectID: c.subject, After: c.after, Limit: c.limit})
			r.OK(err, "warrants")
			r.Same(r.theirs(rows), c.want, "warrants about "+c.subject)
		}
	}},
	{Name: "warrants that are due are found, the most urgent first", Run: func(r *rig) {
		ctx := r.Context()
		for i, id := range []string{"third", "second", "first"} {
			r.insertWarrants(ctx, warrantWith(warrant(r.A, id), func(row *retention.WarrantRow) { row.NextAt = int64(-i) - 100 }))
		}
		for _, c := range []struct {
			at    int64
			limit int
			want  string
		}{{-100, 9, "first second third"}, {-101, 9, "first second"}, {-100, 1, "first"}, {-200, 9, ""}} {
			keys, err := r.s.DueWarrants(ctx, c.at, c.limit)
			r.OK(err, "due warrants")
			var got []string
			for _, key := range keys {
				if key.Tenant == r.A {
					got = append(got, key.ID)
				}
			}
			r.Same(strings.Join(got, " "), c.want, "due warrants")
		}
	}},
	{Name: "warrants that wait are found, the oldest first", Run: func(r *rig) {
		ctx := r.Context()
		for i, id := range []string{"third", "second", "first", "not"} {
			r.insertWarrants(ctx, warrantWith(warrant(r.A, id), func(row *retention.WarrantRow) { row.At, row.Waits = int64(-i), id != "not" }))
		}
		for limit, want := range map[int]string{9: " first second third", 1: " first"} {
			rows, err := r.s.WaitingWarrants(ctx, limit)
			r.OK(err, "waiting warrants")
			r.Same(r.theirs(rows), want, "waiting warrants")
		}
	}},
	{Name: "counts add up, and the last that was kept or broken is the one that is said last", Run: func(r *rig) {
		ctx := r.Context()
		r.OK(r.s.AddTally(ctx, tally(r.A)), "add")
		r.OK(r.s.AddTally(ctx, retention.TallyRow{
			Tenant: r.A, Month: instant, Class: "content", Ground: retention.ByPromise, Rule: "trash", Deferred: 1,
			BrokenHandle: "x", BrokenAt: 9,
		}), "add")
		want := tallyWith(tally(r.A), func(row *retention.TallyRow) { row.Deferred++ })
		rows, err := r.s.Tallies(ctx, r.A, instant)
		r.OK(err, "tallies")
		r.Same(rows, []retention.TallyRow{want}, "tallies")
		next := tallyWith(tally(r.A), func(row *retention.TallyRow) {
			row.Kept, row.Deferred, row.Broken, row.BrokenHandle, row.BrokenAt = 1, 0, 1, "n", instant+7
			row.KeptEntry, row.BrokenEntry = row.BrokenEntry, row.KeptEntry
		})
		r.OK(r.s.AddTally(ctx, next), "add")
		next.Kept, next.Deferred, next.Broken = 2, 3, 4
		rows, err = r.s.Tallies(ctx, r.A, instant)
		r.OK(err, "tallies")
		r.Same(rows, []retention.TallyRow{next}, "tallies")
	}},
	{Name: "counts of other months, classes, grounds and rules stand apart, in order", Run: func(r *rig) {
		ctx := r.Context()
		rows := []retention.TallyRow{
			tally(r.A),
			tallyWith(tally(r.A), func(row *retention.TallyRow) { row.Rule = "x" }),
			tallyWith(tally(r.A), func(row *retention.TallyRow) { row.Ground = "x" }),
			tallyWith(tally(r.A), func(row *retention.TallyRow) { row.Class = "x" }),
			tallyWith(tally(r.A), func(row *retention.TallyRow) { row.Month++ }),
		}
		for i := range rows {
			r.OK(r.s.AddTally(ctx, rows[len(rows)-1-i]), "add")
		}
		for since, want := range map[int64][]retention.TallyRow{instant: rows, instant + 1: rows[4:]} {
			got, err := r.s.Tallies(ctx, r.A, since)
			r.OK(err, "tallies")
			r.Same(got, want, "tallies")
		}
	}},
	{Name: "what was told is set, and comes back in order", Run: func(r *rig) {
		ctx := r.Context()
		r.OK(r.s.PutLateness(ctx, lateness(r.A, "b")), "put")
		r.OK(r.s.PutLateness(ctx, lateness(r.A, "a")), "put")
		next := lateness(r.A, "b")
		next.Stage, next.At = 4_000_000_000, instant+1
		r.OK(r.s.PutLateness(ctx, next), "put again")
		rows, err := r.s.Lateness(ctx, r.A)
		r.OK(err, "lateness")
		r.Same(rows, []retention.LatenessRow{lateness(r.A, "a"), next}, "lateness")
	}},
}

// fillWarrants gives a tenant a row of every kind.
func (r *rig) fillWarrants(ctx context.Context, t troth.Tenant) {
	r.Helper()
	r.insertWarrants(ctx, warrant(t, "1"))
	r.OK(r.s.AddTally(ctx, tally(t)), "add tally")
	r.OK(r.s.PutLateness(ctx, lateness(t, "content")), "put lateness")
}

// dumpWarrants is what a tenant's reads show of them.
func (r *rig) dumpWarrants(ctx context.Context, t troth.Tenant) string {
	r.Helper()
	of, err := r.s.WarrantsOf(ctx, t, "h-1")
	r.OK(err, "warrants of")
	all, err := r.s.Warrants(ctx, retention.WarrantQuery{Tenant: t, Limit: 9})
	r.OK(err, "warrants")
	for _, rows := range [][]retention.WarrantRow{of, all} {
		for i := range rows {
			rows[i].Tenant = ""
		}
	}
	tallies, err := r.s.Tallies(ctx, t, 0)
	r.OK(err, "tallies")
	late, err := r.s.Lateness(ctx, t)
	r.OK(err, "lateness")
	return fmt.Sprintf("%+v\n%+v\n%+v\n%+v\n", of, all, tallies, late)
}

// warrantWrites are those of writes that are about warrants.
func (r *rig) warrantWrites(t troth.Tenant) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"InsertWarrant": func(ctx context.Context) error { return r.s.InsertWarrant(ctx, warrant(t, "2")) },
		"PutWarrant": func(ctx context.Context) error {
			return r.s.PutWarrant(ctx, warrantWith(warrant(t, "1"), func(row *retention.WarrantRow) { row.Class = "put" }))
		},
		"DeleteWarrant": func(ctx context.Context) error {
			return r.s.DeleteWarrant(ctx, retention.WarrantKey{Tenant: t, ID: "1"})
		},
		"AddTally":    func(ctx context.Context) error { return r.s.AddTally(ctx, tally(t)) },
		"PutLateness": func(ctx context.Context) error { return r.s.PutLateness(ctx, lateness(t, "other")) },
	}
}
