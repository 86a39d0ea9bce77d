package retention_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/faulttest"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/retentionfault"
)

// faulty is a world whose keeper has a plan between it and its store, and an honest
// keeper beside it to look with.
type faulty struct {
	*kept
	plan *faultstore.Plan
	bad  *retention.Keeper
}

func (f *faulty) Plan() *faultstore.Plan  { return f.plan }
func (f *faulty) Acting() context.Context { return f.ctx }

type sharedNotes struct {
	*notes
	tx troth.Transactor
}

func (s sharedNotes) Transactor() troth.Transactor { return s.tx }

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	f := &faulty{kept: newKept(t, nil), plan: faultstore.NewPlan()}
	f.k = f.keeper(retention.WithKeys(&secretKeys{}))
	require.NoError(t, f.k.Activate(f.officer(), content(t)))
	f.rebuild(retention.UnsafeWithoutApproval())
	return f
}

// rebuild makes the keeper under the plan again.
func (f *faulty) rebuild(opts ...retention.Option) {
	f.Helper()
	tx := faultstore.Transactor(f.db, f.plan)
	var err error
	f.bad, err = retention.New(f.ctx, retention.Config{
		Store: retentionfault.New(f.store, tx, f.plan), Recorder: sharedNotes{f.notes, tx},
	}, append(opts, retention.WithKeys(&secretKeys{}), retention.WithClock(func() time.Time { return f.now }),
		retention.WithRecords("file", retention.Registration{Handler: f.files}))...)
	require.NoError(f, err)
	f.files.keeper = f.bad
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (f *faulty) sweeps(ctx context.Context) error {
	s, err := f.bad.Sweep(ctx)
	for _, failure := range s.Failed {
		err = errors.Join(err, failure.Err)
	}
	return err
}

func (f *faulty) row(id string) (retention.RecordRow, bool) {
	f.Helper()
	row, found, err := f.store.Record(f.ctx, fileKey(id))
	require.NoError(f, err)
	return row, found
}

func (f *faulty) heldBy(id string) retention.HoldRow {
	f.Helper()
	row, _, err := f.store.Hold(f.ctx, ours, id)
	require.NoError(f, err)
	return row
}

func trashed(f *faulty) {
	f.add("1", "p")
	f.happened("1", "trashed")
}

// faultyOperation is tried with every fault in every call. effect counts what was
// done: 0 before, 1 after, in every part alike.
type faultyOperation struct {
	name    string
	prepare func(f *faulty)
	do      func(f *faulty, ctx context.Context) error
	effect  func(f *faulty) []int
}

var faultyOperations = []faultyOperation{
	{"happened", func(f *faulty) { f.add("1", "p") }, func(f *faulty, ctx context.Context) error {
		return f.bad.Happened(ctx, fileKey("1"), retention.Occurrence{Event: "trashed", At: day(f, "2026-01-01")})
	}, func(f *faulty) []int {
		row, _ := f.row("1")
		return []int{
			count(row.Stage == "trashed"), count(f.sees("1") == retention.VisibleOwner), len(f.notes.of(f, "retention.move")),
		}
	}},
	{"move", func(f *faulty) { trashed(f); f.after(30) }, (*faulty).sweeps, func(f *faulty) []int {
		row, _ := f.row("1")
		return []int{
			count(row.Stage == "inaccessible"), count(f.sees("1") == retention.VisibleNone), len(f.notes.of(f, "retention.move")) - 1,
		}
	}},
	{"destroy", func(f *faulty) { trashed(f); f.after(60) }, (*faulty).sweeps, func(f *faulty) []int {
		_, found := f.row("1")
		return []int{count(!found), count(f.sees("1") == ""), len(f.notes.of(f, "retention.purge"))}
	}},
	{"happened to all", func(*faulty) {}, func(f *faulty, ctx context.Context) error {
		return f.bad.HappenedTo(ctx, retention.Whole{Tenant: ours, ID: "a"}, retention.Occurrence{Event: "account.closed", At: day(f, "2026-01-01")})
	}, func(f *faulty) []int {
		open, err := f.store.OpenEvents(f.ctx, 9)
		require.NoError(f, err)
		return []int{len(open), len(f.notes.of(f, "retention.report"))}
	}},
	{"reach", func(f *faulty) {
		f.belongs("1", retention.NewRecord{AccountID: "a"})
		f.toAll("a", "account.closed", time.Time{})
	}, (*faulty).sweeps, func(f *faulty) []int {
		row, _ := f.row("1")
		return []int{
			count(row.Stage == "closed"), count(f.sees("1") == retention.VisibleNone), len(f.notes.of(f, "retention.move")),
		}
	}},
	{"create under", func(f *faulty) { f.toAll("a", "account.closed", time.Time{}) }, func(f *faulty, ctx context.Context) error {
		return f.db.Atomically(ctx, func(ctx context.Context) error {
			if err := f.files.rows.Put(ctx, string(ours)+"1", retention.VisibleAll); err != nil {
				return err
			}
			return f.bad.Created(ctx, retention.NewRecord{RecordKey: fileKey("1"), AccountID: "a", At: day(f, "2026-01-01")})
		})
	}, func(f *faulty) []int {
		row, _ := f.row("1")
		return []int{
			count(row.Stage == "closed"), count(f.sees("1") == retention.VisibleNone), len(f.notes.of(f, "retention.move")),
		}
	}},
	{"place", func(*faulty) {}, func(f *faulty, ctx context.Context) error {
		hold := retention.Hold{Tenant: ours, ID: "h", Matter: "m", Review: day(f, "2027-01-01")}
		return f.bad.Place(person(ctx, "lawyer", "counsel"), hold)
	}, func(f *faulty) []int {
		return []int{count(f.heldBy("h").ID == "h"), len(f.notes.of(f, "retention.hold"))}
	}},
	{"release", func(f *faulty) {
		trashed(f)
		f.hold(retention.Hold{ID: "h"})
		f.after(60)
		f.sweep()
		require.NoError(f, f.k.ProposeRelease(person(f.ctx, "lawyer", "counsel"), ours, "h"))
	}, func(f *faulty, ctx context.Context) error {
		err := f.bad.Release(person(ctx, "second", "dpo"), ours, "h")
		if f.heldBy("h").ReleasedAt != 0 && errors.Is(err, retention.ErrNotFound) {
			return nil // it was released before
		}
		return err
	}, func(f *faulty) []int {
		row, _ := f.row("1")
		return []int{count(f.heldBy("h").ReleasedAt != 0), len(f.notes.of(f, "retention.release")), count(!row.Held)}
	}},
}

func TestFault_TheKeeperDoesEverythingOrNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	// What failed is tried again later.
	s := faulttest.Suite[*faulty]{New: newFaulty, Calls: 3, Later: func(f *faulty) { f.now = f.now.Add(time.Hour) }}
	for _, o := range slices.Concat(faultyOperations, faultyPlans, faultyDecisions, faultyRestores) {
		t.Run(o.name, func(t *testing.T) {
			s.EverythingOrNothing(t, faulttest.Operation[*faulty]{Prepare: o.prepare, Do: o.do, Effect: o.effect})
		})
	}
}
