package vaulttest

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/vault"
)

func windowRow(tenant troth.Tenant, id troth.EntryID, until int64) vault.WindowRow {
	return vault.WindowRow{
		Tenant: tenant, ID: id, Actor: "importer", Home: troth.Platform, Purpose: "support",
		OpenedAt: until - 60_000_001, Until: until,
	}
}

// window adds a window of tenant a.
func (r *rig) window(ctx context.Context, until int64) vault.WindowRow {
	r.Helper()
	w := windowRow(r.A, troth.NewEntryID(time.Now()), until)
	r.OK(r.s.InsertWindow(ctx, w), "insert window")
	return w
}

// lapsed demands these windows in this order.
func (r *rig) lapsed(at int64, limit int, want ...vault.WindowRow) {
	r.Helper()
	got, err := r.s.LapsedWindows(r.Context(), at, limit)
	if err != nil || !slices.Equal(got, want) {
		r.Fatalf("lapsed windows: got %+v, %v; want %+v", got, err, want)
	}
}

const many = 100

var windowChecks = []check{
	{Name: "no window has lapsed where there is none", Run: func(r *rig) { r.lapsed(instant, many) }},
	{Name: "a window comes back bit for bit", Run: func(r *rig) {
		w := windowRow(r.A, troth.EntryID(suite.EveryByte()[:16]), instant)
		w.Home, w.Actor = "", "\u65e5\u672c"
		r.OK(r.s.InsertWindow(r.Context(), w), "insert window")
		r.lapsed(instant+1, many, w)
	}},
	{Name: "windows have lapsed whose end is before", Run: func(r *rig) {
		ctx := r.Context()
		second, first := r.window(ctx, instant+1), r.window(ctx, instant)
		third := windowRow(r.B, troth.NewEntryID(time.Now()), instant+2)
		r.OK(r.s.InsertWindow(ctx, third), "insert window")
		r.lapsed(instant, many)
		r.lapsed(instant+1, many, first)
		r.lapsed(instant+2, many, first, second)
		r.lapsed(instant+3, many, first, second, third)
	}},
	{Name: "no more windows than were asked for, the oldest first", Run: func(r *rig) {
		ctx := r.Context()
		ws := make([]vault.WindowRow, 5)
		for _, i := range []int{3, 0, 4, 2, 1} {
			ws[i] = r.window(ctx, instant+int64(i))
		}
		for n := 1; n <= len(ws); n++ {
			r.lapsed(instant+many, n, ws[:n]...)
		}
	}},
	{Name: "a window is closed once", Run: func(r *rig) {
		ctx := r.Context()
		w, other := r.window(ctx, instant), r.window(ctx, instant+1)
		closed, err := r.s.CloseWindow(ctx, r.A, w.ID, instant)
		r.Wants(true, closed, err, "close window")
		closed, err = r.s.CloseWindow(ctx, r.A, w.ID, instant+1)
		r.Wants(false, closed, err, "close window again")
		r.lapsed(instant+2, many, other)
	}},
	{Name: "of those who close one window, one does", Run: func(r *rig) {
		w := r.window(r.Context(), instant)
		var winners atomic.Int64
		r.Race(func(int) error {
			closed, err := r.s.CloseWindow(r.Context(), r.A, w.ID, instant)
			if closed {
				winners.Add(1)
			}
			return err
		})
		r.one(&winners)
	}},
	{Name: "an unknown window is not closed", Run: func(r *rig) {
		r.window(r.Context(), instant)
		closed, err := r.s.CloseWindow(r.Context(), r.A, troth.NewEntryID(time.Now()), instant)
		r.Wants(false, closed, err, "close window")
	}},
}
