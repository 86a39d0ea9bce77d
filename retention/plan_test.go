package retention_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

// careful has a keeper that does nothing without approval.
func careful(t *testing.T, opts ...retention.Option) *kept {
	t.Helper()
	w := newKept(t, nil)
	k, err := retention.New(w.ctx, retention.Config{Store: w.store, Recorder: w.notes}, append([]retention.Option{
		retention.WithClock(func() time.Time { return w.now }), retention.WithRecords("file", retention.Registration{Handler: w.files}),
	}, opts...)...)
	require.NoError(t, err)
	w.k, w.files.keeper = k, k
	require.NoError(t, k.Activate(officer(w), content(t)))
	return w
}

// trash makes files that are in the trash since now.
func (w *kept) trash(ids ...string) {
	w.Helper()
	for _, id := range ids {
		w.add(id, "p")
		w.happened(id, "trashed")
	}
}

func (w *kept) preview() retention.Plan {
	w.Helper()
	p, err := w.k.Preview(w.ctx)
	require.NoError(w, err)
	return p
}

func officer(w *kept) context.Context { return person(w.ctx, "officer", "dpo") }
func lawyer(w *kept) context.Context  { return person(w.ctx, "lawyer", "counsel") }

// agree has two people approve a plan.
func (w *kept) agree(p retention.Plan) {
	w.Helper()
	require.NoError(w, w.k.Propose(officer(w), p))
	require.NoError(w, w.k.Approve(lawyer(w), p.Hash()))
}

// sweepAwaiting sweeps, and demands that something waits for a plan.
func (w *kept) sweepAwaiting(why retention.Awaits) retention.Swept {
	w.Helper()
	s, err := w.k.Sweep(w.ctx)
	require.ErrorIs(w, err, retention.ErrApproval)
	var waits *retention.ApprovalError
	require.ErrorAs(w, err, &waits)
	require.Equal(w, why, waits.Why)
	require.False(w, waits.Since.After(w.now))
	return s
}

func TestPlan_SaysWhatASweepWouldDoAndChangesNothing(t *testing.T) {
	w := careful(t)
	w.trash("1", "2", "3", "4", "5")
	w.add("kept", "q")
	w.happened("kept", "trashed")
	w.hold(retention.Hold{ID: "h", SubjectID: "q"})
	w.after(30)
	w.trash("young")
	w.after(30)
	p := w.preview()
	require.Equal(t, p, w.preview())
	require.Len(t, p.Buckets, 3)
	require.EqualValues(t, 5, p.Destroys())
	for i, want := range []struct {
		action retention.Action
		n      int64
	}{{retention.ActDestroy, 5}, {retention.ActKeep, 1}, {retention.ActMove, 1}} {
		require.Equal(t, want.action, p.Buckets[i].Action)
		require.Equal(t, want.n, p.Buckets[i].Records)
		require.Equal(t, "inaccessible", p.Buckets[i].Stage)
	}
	first := p.Buckets[0].Samples
	require.Len(t, first, 3, "a few")
	require.Less(t, first[0].Handle, first[1].Handle)
	require.Contains(t, first[0].Why, "file/"+first[0].Handle+": content trashed: destroy, due since")
	require.Contains(t, p.String(), "destroys 5\n")
	require.Contains(t, p.String(), first[2].Why)
	require.NotEmpty(t, w.sees("1"))
	require.Empty(t, w.notes.of(t, "retention.purge"))
}

func TestPlan_HashIsOfEverything(t *testing.T) {
	w := careful(t)
	w.trash("1")
	w.after(60)
	p := w.preview()
	hash := p.Hash()
	for what, change := range map[string]func(p *retention.Plan){
		"made":    func(p *retention.Plan) { p.Made = p.Made.Add(time.Microsecond) },
		"at":      func(p *retention.Plan) { p.At = p.At.Add(time.Microsecond) },
		"base":    func(p *retention.Plan) { p.Base.Number++ },
		"version": func(p *retention.Plan) { p.Version.Policy[31]++ },
		"class":   func(p *retention.Plan) { p.Buckets[0].Class = "x" },
		"stage":   func(p *retention.Plan) { p.Buckets[0].Stage = "x" },
		"action":  func(p *retention.Plan) { p.Buckets[0].Action = retention.ActAnonymise },
		"records": func(p *retention.Plan) { p.Buckets[0].Records++ },
		"earlier": func(p *retention.Plan) { p.Buckets[0].Earlier++ },
		"handle":  func(p *retention.Plan) { p.Buckets[0].Samples[0].Handle = "x" },
		"why":     func(p *retention.Plan) { p.Buckets[0].Samples[0].Why = "x" },
		"changes": func(p *retention.Plan) { p.Changes = append(p.Changes, retention.Change{}) },
		"rules":   func(p *retention.Plan) { p.Rules = append(p.Rules, retention.RuleChange{}) },
	} {
		other := w.preview()
		change(&other)
		require.NotEqual(t, hash, other.Hash(), what)
	}
}

func TestPlan_TheFirstRecordsToGoTakeTwoPeople(t *testing.T) {
	w := careful(t)
	w.trash("1", "2")
	w.after(60)
	s := w.sweepAwaiting(retention.AwaitsFirst)
	require.Equal(t, 2, s.Waiting)
	require.Equal(t, retention.VisibleNone, w.sees("1"), "out of sight all the same")
	s = w.sweepAwaiting(retention.AwaitsFirst)
	require.Zero(t, s, "it says so each time, and does nothing more")
	require.Len(t, w.notes.of(t, "retention.await"), 1)
	require.Equal(t, "first", w.notes.of(t, "retention.await")[0].Facts["why"].Text())

	p := w.preview()
	require.EqualValues(t, 2, p.Destroys(), "what waits is in the plan")
	require.ErrorIs(t, w.k.Propose(w.ctx, p), retention.ErrRole)
	require.ErrorIs(t, w.k.Propose(lawyer(w), p), retention.ErrRole)
	require.ErrorIs(t, w.k.Approve(officer(w), p.Hash()), retention.ErrNotFound)
	require.NoError(t, w.k.Propose(officer(w), p))
	require.NoError(t, w.k.Propose(officer(w), p), "again")
	require.ErrorIs(t, w.k.Approve(officer(w), p.Hash()), retention.ErrRole, "not alone")
	require.ErrorIs(t, w.k.Approve(w.ctx, p.Hash()), retention.ErrRole, "a program")
	foreign := troth.WithActor(w.ctx, troth.Actor{Kind: troth.Person, ID: "second", Roles: []string{"dpo"}, Tenant: ours})
	require.ErrorIs(t, w.k.Approve(foreign, p.Hash()), retention.ErrRole, "a tenant's")
	w.sweepAwaiting(retention.AwaitsFirst)
	require.NoError(t, w.k.Approve(lawyer(w), p.Hash()))
	require.NoError(t, w.k.Approve(lawyer(w), p.Hash()), "again")
	plans, err := w.k.Plans(w.ctx)
	require.NoError(t, err)
	require.Len(t, plans, 1)
	require.Equal(t, p, plans[0].Plan)
	require.Equal(t, w.now, plans[0].ApprovedAt)

	require.Equal(t, 2, w.sweep().Destroyed)
	carried := w.notes.of(t, "retention.carried-out")
	require.Len(t, carried, 1)
	require.EqualValues(t, 2, carried[0].Facts["records"].Number())
	plans, err = w.k.Plans(w.ctx)
	require.NoError(t, err)
	require.Empty(t, plans)
	require.Len(t, w.notes.of(t, "retention.plan"), 1)
	require.Len(t, w.notes.of(t, "retention.approve"), 1)

	w.trash("3") // from now on no plan is needed
	w.after(60)
	require.Equal(t, 1, w.sweep().Destroyed)
}

// A host that approves an empty plan on its first day is asked no more.
func TestPlan_TheFirstApprovalMayComeBefore(t *testing.T) {
	w := careful(t)
	w.agree(w.preview())
	require.Zero(t, w.sweep())
	w.trash("1")
	w.after(60)
	require.Equal(t, 1, w.sweep().Destroyed)
}

func TestPlan_StaleOnesAreRefused(t *testing.T) {
	w := careful(t)
	w.trash("1")
	w.after(60)
	p := w.preview()
	require.NoError(t, w.k.Propose(officer(w), p))
	stale := func(err error, why retention.Stale) {
		t.Helper()
		var s *retention.StaleError
		require.ErrorAs(t, err, &s)
		require.ErrorIs(t, err, retention.ErrStale)
		require.Equal(t, why, s.Why)
		require.Equal(t, p.Hash(), s.Plan)
	}
	start := w.now
	w.now = p.Made.Add(7*24*time.Hour + time.Microsecond)
	stale(w.k.Approve(lawyer(w), p.Hash()), retention.StaleAge)
	stale(w.k.Propose(officer(w), p), retention.StaleAge)
	w.now = start.Add(-time.Second)
	require.ErrorIs(t, w.k.Approve(lawyer(w), p.Hash()), retention.ErrFuture)

	w.now = start
	later := changed(t, content(t), func(p *retention.Policy) { p.Version, p.Effective = 2, date(t, "2027-01-01") })
	require.NoError(t, w.k.Activate(officer(w), later), "nothing goes earlier")
	stale(w.k.Approve(lawyer(w), p.Hash()), retention.StalePolicy)
	s := w.sweepAwaiting(retention.AwaitsFirst)
	require.Zero(t, s.Destroyed)
	require.Equal(t, "policy", w.notes.of(t, "retention.carried-out")[0].Facts["why"].Text())
	stale(w.k.Approve(lawyer(w), p.Hash()), retention.StaleAge)

	// One that is approved and then gets too old is used no more.
	p = w.preview()
	w.agree(p)
	closed := changed(t, later, func(p *retention.Policy) { p.Version, p.Effective = 3, date(t, "2028-01-01") })
	require.NoError(t, w.k.Activate(officer(w), closed))
	w.trash("2")
	require.Equal(t, 1, w.sweep().Destroyed, "without the plan, as any other day")
	require.EqualValues(t, 0, w.notes.of(t, "retention.carried-out")[1].Facts["records"].Number())
}

func TestPlan_NeverMoreThanWasPreviewed(t *testing.T) {
	w := careful(t)
	w.trash("1", "2")
	w.after(60)
	p := w.preview()
	w.agree(p)
	// One more comes to be due at the plan's instant, by a report that was late.
	at := w.now.AddDate(0, 0, -60)
	require.NoError(t, w.files.rows.Put(w.ctx, string(ours)+"3", retention.VisibleAll))
	require.NoError(t, w.k.Created(w.ctx, retention.NewRecord{RecordKey: fileKey("3"), SubjectID: "p", At: at}))
	require.NoError(t, w.k.Happened(w.ctx, fileKey("3"), retention.Occurrence{Event: "trashed", At: at.Add(time.Hour)}))
	w.now = w.now.Add(time.Hour)
	s := w.sweepAwaiting(retention.AwaitsCeiling)
	require.Equal(t, 2, s.Destroyed)
	require.Equal(t, 1, s.Waiting)
	require.Len(t, w.notes.of(t, "retention.await"), 1)
	require.Equal(t, "content", w.notes.of(t, "retention.await")[0].Facts["class"].Text())
	w.after(3)
	require.Zero(t, w.sweepAwaiting(retention.AwaitsCeiling).Destroyed)
	w.agree(w.preview())
	require.Equal(t, 1, w.sweep().Destroyed)
}

// What comes due between the plan and the sweep is not the plan's, and no surprise.
func TestPlan_WhatIsDueLaterGoesWithoutIt(t *testing.T) {
	w := careful(t)
	w.trash("1")
	w.after(1)
	w.trash("2")
	w.now = endOf(t, "2026-02-25")
	p := w.preview()
	require.EqualValues(t, 1, p.Destroys())
	w.agree(p)
	w.after(1)
	require.Equal(t, 2, w.sweep().Destroyed)
	require.EqualValues(t, 1, w.notes.of(t, "retention.carried-out")[0].Facts["records"].Number())
}

// A hold between the approval and the sweep wins, as everywhere.
func TestPlan_EachRecordIsDecidedAgain(t *testing.T) {
	w := careful(t)
	w.trash("1", "2", "3")
	w.after(60)
	w.sweepAwaiting(retention.AwaitsFirst)
	w.agree(w.preview())
	w.happened("1", "restored") // too late to be restored: it is out of the trash
	w.hold(retention.Hold{ID: "h"})
	s := w.sweep()
	require.Zero(t, s.Destroyed)
	require.Equal(t, 3, s.Held)
	w.release("h")
	require.Equal(t, 3, w.sweep().Destroyed, "the plan is over, and this is another day's work")
}

func TestPlan_AFailingRecordGivesBackWhatItTook(t *testing.T) {
	w := careful(t)
	w.trash("1", "2")
	w.after(60)
	w.agree(w.preview())
	fail := true
	w.files.on = func(_ context.Context, o retention.Order) error {
		if fail && o.ID == "1" {
			return context.DeadlineExceeded
		}
		return nil
	}
	s := w.sweep()
	require.Len(t, s.Failed, 1)
	require.Equal(t, 1, s.Destroyed)
	require.EqualValues(t, 1, w.notes.of(t, "retention.carried-out")[0].Facts["records"].Number())
	fail = false
	w.after(1)
	require.Equal(t, 1, w.sweep().Destroyed)
}

// A plan's size does not grow with what is stored.
func TestPlan_IsCountsAndAFewRecords(t *testing.T) {
	size := func(n int) int {
		w := careful(t)
		for i := range n {
			w.trash(fmt.Sprint(i))
		}
		w.after(60)
		p := w.preview()
		require.EqualValues(t, n, p.Destroys())
		return len(p.String())
	}
	require.InDelta(t, size(10), size(700), 20)
}

// Whoever writes to the database can give nothing away by rows that no keeper wrote.
func TestPlan_RowsThatNobodyWroteAreRefused(t *testing.T) {
	for what, spoil := range map[string]func(row *retention.PlanRow){
		"text": func(row *retention.PlanRow) { row.Text = append(row.Text, ' ') },
		"counts": func(row *retention.PlanRow) {
			row.Text = []byte(strings.Replace(string(row.Text), `"records":1`, `"records":9`, 1))
		},
		"nonsense": func(row *retention.PlanRow) { row.Text = []byte(`{"base":{"policy":""}}`) },
		"spent":    func(row *retention.PlanRow) { row.Spent = make([]int64, 9) },
	} {
		w := careful(t)
		w.trash("1")
		w.after(60)
		p := w.preview()
		w.agree(p)
		rows, err := w.store.OpenPlans(w.ctx, troth.Platform)
		require.NoError(t, err)
		spoil(&rows[0])
		require.NoError(t, w.store.PutPlan(w.ctx, rows[0]))
		_, err = w.k.Sweep(w.ctx)
		require.ErrorIs(t, err, retention.ErrRecord, what)
		require.NotEmpty(t, w.sees("1"), what)
		_, err = w.k.Plans(w.ctx)
		require.ErrorIs(t, err, retention.ErrRecord, what)
	}
}
