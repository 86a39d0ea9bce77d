package retention_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/faulttest"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/retentionfault"
)

// faultySpread is a world whose keeper has a plan between it and its store.
type faultySpread struct {
	*spread
	plan *faultstore.Plan
	bad  *retention.Keeper
	h    string
}

func (f *faultySpread) Plan() *faultstore.Plan  { return f.plan }
func (f *faultySpread) Acting() context.Context { return f.ctx }

type sharedWorks struct {
	*works
	tx troth.Transactor
}

func (s sharedWorks) Transactor() troth.Transactor { return s.tx }

func newFaultySpread(t *testing.T) *faultySpread {
	t.Helper()
	f := &faultySpread{spread: newSpread(t, retention.WithCertificates(time.Hour)), plan: faultstore.NewPlan()}
	tx := faultstore.Transactor(f.db, f.plan)
	var err error
	f.bad, err = retention.New(t.Context(), retention.Config{
		Store: retentionfault.New(f.store, tx, f.plan), Recorder: sharedNotes{f.notes, tx},
	}, retention.WithClock(func() time.Time { return f.now }), retention.WithRecords("file", retention.Registration{Handler: f.files}),
		retention.WithTasks(sharedWorks{f.works, tx}), retention.WithCopy("search", f.search), retention.WithCopy("ads", f.ads),
		retention.WithLookout(f.told), retention.UnsafeWithoutApproval())
	require.NoError(t, err)
	return f
}

func (f *faultySpread) destroyed() {
	f.h = f.purged("1", "p")
}

func (f *faultySpread) row() (retention.WarrantRow, bool) {
	f.Helper()
	rows, err := f.store.Warrants(f.ctx, retention.WarrantQuery{Tenant: ours, Limit: 9})
	require.NoError(f, err)
	if len(rows) == 0 {
		return retention.WarrantRow{}, false
	}
	return rows[0], true
}

func (f *faultySpread) tends(ctx context.Context) error {
	tended, err := f.bad.Tend(ctx)
	if tended.Failed > 0 {
		err = errors.Join(err, errors.New("failed"))
	}
	return err
}

func (f *faultySpread) tallied() (kept int64) {
	f.Helper()
	rows, err := f.store.Tallies(f.ctx, troth.Platform, 0)
	require.NoError(f, err)
	for _, row := range rows {
		kept += row.Kept
	}
	return kept
}

var faultyWarrants = []struct {
	name    string
	prepare func(f *faultySpread)
	do      func(f *faultySpread, ctx context.Context) error
	effect  func(f *faultySpread) []int
}{
	{"destroy", func(f *faultySpread) {
		f.trashed("1", "p")
		f.after(58)
		f.files.keeper = f.bad
	}, func(f *faultySpread, ctx context.Context) error {
		s, err := f.bad.Sweep(ctx)
		for _, failure := range s.Failed {
			err = errors.Join(err, failure.Err)
		}
		return err
	}, func(f *faultySpread) []int {
		_, gone, err := f.store.Record(f.ctx, fileKey("1"))
		require.NoError(f, err)
		_, there := f.row()
		return []int{
			count(!gone), count(there), len(f.notes.of(f, "retention.warrant")), len(f.works.all(f)) / 3, count(f.sees("1") == ""),
		}
	}},
	{"tell a copy", (*faultySpread).destroyed, func(f *faultySpread, ctx context.Context) error {
		return f.works.runIn(ctx, f, f.bad)
	}, func(f *faultySpread) []int {
		done, search := 0, f.where(f.h, "search").Status == retention.CopyGone
		for _, w := range f.works.all(f) {
			done += count(w.Line == "search" && w.state == troth.Completed)
		}
		entries := 0
		for _, e := range f.notes.of(f, "retention.copy") {
			entries += count(e.Facts["copy"].Text() == "search")
		}
		return []int{count(search), done, entries}
	}},
	{"confirm", (*faultySpread).destroyed, func(f *faultySpread, ctx context.Context) error {
		err := f.bad.ConfirmCopy(person(ctx, "porter", "custodian"), retention.Confirmation{
			Tenant: ours, Handle: f.h, Copy: "file-cabinet", Method: retention.MethodBurned, Evidence: "protocol-7",
		})
		if f.where(f.h, "file-cabinet").Status == retention.CopyGone && errors.Is(err, retention.ErrNotFound) {
			return nil // it was confirmed before
		}
		return err
	}, func(f *faultySpread) []int {
		return []int{count(f.where(f.h, "file-cabinet").Status == retention.CopyGone), len(f.notes.of(f, "retention.copy"))}
	}},
	{"the last copy", func(f *faultySpread) {
		f.destroyed()
		require.NoError(f, f.works.run(f, f.k))
		require.NoError(f, f.confirm(f.h))
		f.after(31)
	}, (*faultySpread).tends, func(f *faultySpread) []int {
		_, there := f.row()
		return []int{count(!there), len(f.notes.of(f, "retention.gone")), int(f.tallied())}
	}},
	{"a threshold", func(f *faultySpread) { f.destroyed(); f.after(15) }, (*faultySpread).tends, func(f *faultySpread) []int {
		row, _ := f.row()
		return []int{count(row.Alarmed == 1), len(f.notes.of(f, "retention.late"))}
	}},
	{"a threshold of what is due", func(f *faultySpread) { f.trashed("1", "p"); f.after(80) }, (*faultySpread).tends, func(f *faultySpread) []int {
		rows, err := f.store.Lateness(f.ctx, troth.Platform)
		require.NoError(f, err)
		return []int{len(rows), len(f.notes.of(f, "retention.late"))}
	}},
}

func TestFault_WarrantsAreCarriedOutOnceAndNeverForgotten(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	// What failed is tried again later.
	s := faulttest.Suite[*faultySpread]{New: newFaultySpread, Calls: 4, Later: func(f *faultySpread) { f.now = f.now.Add(time.Hour) }}
	for _, o := range faultyWarrants {
		t.Run(o.name, func(t *testing.T) {
			s.EverythingOrNothing(t, faulttest.Operation[*faultySpread]{Prepare: o.prepare, Do: o.do, Effect: o.effect})
		})
	}
}
