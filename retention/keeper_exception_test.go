package retention_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

func (w *kept) officer() context.Context { return person(w.ctx, "officer", "dpo") }
func (w *kept) lawyer() context.Context  { return person(w.ctx, "lawyer", "counsel") }

// except has an exception granted.
func (w *kept) except(x retention.ExceptionRecord) {
	w.Helper()
	x.Tenant = ours
	if x.Reason == "" {
		x.Reason = retention.BecauseDispute
	}
	require.NoError(w, w.k.ProposeException(w.officer(), x))
	require.NoError(w, w.k.GrantException(w.lawyer(), ours, x.ID))
}

func TestException_DefersThePolicyAndEndsByItself(t *testing.T) {
	w := newKept(t, content(t))
	for _, id := range []string{"1", "2"} {
		w.add(id, "p"+id)
		w.happened(id, "trashed")
	}
	w.except(retention.ExceptionRecord{ID: "x", Extent: retention.Extent{SubjectID: "p1"}, Until: w.now.AddDate(0, 0, 70)})
	w.after(60)
	s := w.sweep()
	require.Equal(t, 1, s.Destroyed, "another person's")
	require.Equal(t, retention.VisibleNone, w.sees("1"), "hiding goes on")
	d, err := w.k.Record(w.ctx, fileKey("1"))
	require.NoError(t, err)
	require.Equal(t, retention.ByException, d.Keep.Ground)
	w.now = w.now.AddDate(0, 0, 10).Add(-time.Microsecond)
	require.Zero(t, w.sweep().Destroyed)
	w.now = w.now.Add(time.Microsecond)
	require.Equal(t, 1, w.sweep().Destroyed, "at its end everything goes on")
	require.Len(t, w.notes.of(t, "retention.end-exception"), 1)
	require.Equal(t, "time", w.notes.of(t, "retention.end-exception")[0].Facts["by"].Text())
	require.Zero(t, w.sweep())
	require.Len(t, w.notes.of(t, "retention.end-exception"), 1, "once")
}

func TestException_EndedBeforeItsTime(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	w.happened("1", "trashed")
	w.except(retention.ExceptionRecord{ID: "x", Until: w.now.AddDate(1, 0, 0)})
	w.after(60)
	s := w.sweep()
	require.Equal(t, 1, s.Held)
	require.Equal(t, 1, s.Excepted)
	require.Len(t, s.Conflicts, 1, "the promise of 90 days stands against it")
	w.after(10)
	require.Zero(t, w.sweep(), "it waits")
	require.ErrorIs(t, w.k.EndException(person(w.ctx, "x", "sales"), ours, "x"), retention.ErrRole)
	require.ErrorIs(t, w.k.EndException(w.officer(), "other", "x"), retention.ErrNotFound)
	require.NoError(t, w.k.EndException(w.officer(), ours, "x"))
	require.Equal(t, 1, w.sweep().Destroyed)
	require.ErrorIs(t, w.k.EndException(w.officer(), ours, "x"), retention.ErrNotFound)
}

func TestException_TakesTheOfficerAndCounsel(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	w.happened("1", "trashed")
	x := retention.ExceptionRecord{Tenant: ours, ID: "x", Reason: retention.BecauseInquiry, Until: w.now.AddDate(1, 0, 0)}
	service := troth.WithActor(w.ctx, troth.Actor{Kind: troth.Service, ID: "s", Roles: []string{"counsel", "dpo"}})
	for _, ctx := range []context.Context{w.ctx, service, person(w.ctx, "x", "sales")} {
		require.ErrorIs(t, w.k.ProposeException(ctx, x), retention.ErrRole)
	}
	both := person(w.ctx, "both", "dpo", "counsel")
	require.NoError(t, w.k.ProposeException(both, x))
	require.NoError(t, w.k.ProposeException(w.officer(), x), "the same again")
	require.ErrorIs(t, w.k.GrantException(both, ours, "x"), retention.ErrRole, "the same person")
	require.ErrorIs(t, w.k.GrantException(w.lawyer(), "other", "x"), retention.ErrNotFound)
	require.NoError(t, w.k.GrantException(person(w.ctx, "second", "dpo"), ours, "x"), "of who is both, counsel's half counts")

	for name, pair := range map[string][2]context.Context{
		"two officers": {w.officer(), person(w.ctx, "second", "dpo")},
		"two lawyers":  {w.lawyer(), person(w.ctx, "second", "counsel")},
	} {
		y := x
		y.ID = "y-" + name[4:]
		require.NoError(t, w.k.ProposeException(pair[0], y))
		require.ErrorIs(t, w.k.GrantException(pair[1], ours, y.ID), retention.ErrRole, name)
	}
	w.after(60)
	require.Zero(t, w.sweep().Destroyed)

	// What was proposed alone keeps nothing.
	alone := newKept(t, content(t))
	alone.add("1", "p")
	alone.happened("1", "trashed")
	require.NoError(t, alone.k.ProposeException(alone.lawyer(), x))
	alone.after(60)
	require.Equal(t, 1, alone.sweep().Destroyed)
	alone.now = x.Until
	require.ErrorIs(t, alone.k.GrantException(alone.officer(), ours, "x"), retention.ErrNotFound, "too late")
	alone.sweep()
	require.Empty(t, alone.notes.of(t, "retention.end-exception"), "it never was in force")
}

func TestException_NeedsAnEndAndAReason(t *testing.T) {
	w := newKept(t, content(t))
	good := retention.ExceptionRecord{Tenant: ours, ID: "x", Reason: retention.BecauseOther, Reference: "case-17", Until: w.now.Add(time.Hour)}
	for name, change := range map[string]func(x *retention.ExceptionRecord){
		"no end":             func(x *retention.ExceptionRecord) { x.Until = time.Time{} },
		"an end that is now": func(x *retention.ExceptionRecord) { x.Until = w.now },
		"no reason":          func(x *retention.ExceptionRecord) { x.Reason = "" },
		"words of their own": func(x *retention.ExceptionRecord) { x.Reason = "because Jo asked" },
		"other and nothing":  func(x *retention.ExceptionRecord) { x.Reference = "" },
	} {
		x := good
		change(&x)
		require.ErrorIs(t, w.k.ProposeException(w.officer(), x), retention.ErrException, name)
	}
	for name, change := range map[string]func(x *retention.ExceptionRecord){
		"no tenant":     func(x *retention.ExceptionRecord) { x.Tenant = "" },
		"no id":         func(x *retention.ExceptionRecord) { x.ID = "" },
		"a long case":   func(x *retention.ExceptionRecord) { x.Reference = strings.Repeat("x", 999) },
		"the wrong way": func(x *retention.ExceptionRecord) { x.From, x.To = w.now, w.now.Add(-time.Hour) },
		"many words":    func(x *retention.ExceptionRecord) { x.Where.Types = make([]string, 65) },
	} {
		x := good
		change(&x)
		require.Error(t, w.k.ProposeException(w.officer(), x), name)
	}
	require.NoError(t, w.k.ProposeException(w.officer(), good))
	other := good
	other.Until = other.Until.Add(time.Hour)
	require.ErrorIs(t, w.k.ProposeException(w.officer(), other), retention.ErrConflict)
}

func TestException_AreCountedAndListed(t *testing.T) {
	w := newKept(t, content(t))
	w.except(retention.ExceptionRecord{ID: "a", Until: w.now.Add(time.Hour)})
	w.except(retention.ExceptionRecord{ID: "b", Until: w.now.AddDate(1, 0, 0), Reason: retention.BecauseTechnical})
	require.NoError(t, w.k.ProposeException(w.lawyer(), retention.ExceptionRecord{
		Tenant: ours, ID: "c", Reason: retention.BecauseRequest, Until: w.now.AddDate(1, 0, 0),
	}))
	w.now = w.now.Add(time.Hour)
	n, err := w.k.CountExceptions(w.ctx, ours)
	require.NoError(t, err)
	require.Equal(t, retention.ExceptionCount{Proposed: 1, Granted: 2, InForce: 1, ByReason: map[retention.ExceptionReason]int{
		retention.BecauseDispute: 1, retention.BecauseTechnical: 1,
	}}, n)
	w.sweep()
	again, err := w.k.CountExceptions(w.ctx, ours)
	require.NoError(t, err)
	require.Equal(t, n, again)
	all, err := w.k.Exceptions(w.ctx, ours, "a", 9)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, "b", all[0].ID)
	require.False(t, all[0].GrantedAt.IsZero())
	last := w.notes.of(t, "retention.grant-exception")[1]
	require.EqualValues(t, 2, last.Facts["granted"].Number())
	require.EqualValues(t, 2, last.Facts["standing"].Number())
	none, err := w.k.CountExceptions(w.ctx, "other")
	require.NoError(t, err)
	require.Zero(t, none.Granted+none.Proposed)
}

func TestCondition_NarrowsHoldsAndExceptions(t *testing.T) {
	for name, c := range map[string]struct {
		where retention.Condition
		held  bool
	}{
		"nothing said":        {retention.Condition{}, true},
		"its type":            {retention.Condition{Types: []string{"other", "file"}}, true},
		"another type":        {retention.Condition{Types: []string{"other"}}, false},
		"its label":           {retention.Condition{Labels: []string{"invoice"}}, true},
		"another label":       {retention.Condition{Labels: []string{"draft"}}, false},
		"without its label":   {retention.Condition{Without: []string{"draft", "invoice"}}, false},
		"without another":     {retention.Condition{Without: []string{"draft"}}, true},
		"where it stands":     {retention.Condition{Stages: []string{"inaccessible"}}, true},
		"where it stood":      {retention.Condition{Stages: []string{"trashed"}}, false},
		"what happened":       {retention.Condition{Happened: []string{"trashed"}}, true},
		"what never happened": {retention.Condition{Happened: []string{"restored"}}, false},
		"all parts must fit":  {retention.Condition{Labels: []string{"invoice"}, Types: []string{"other"}}, false},
		"all parts do fit":    {retention.Condition{Labels: []string{"invoice", "invoice"}, Types: []string{"file"}}, true},
		"created before":      {retention.Condition{Happened: []string{"created"}}, true},
	} {
		for _, exception := range []bool{false, true} {
			w := newKept(t, content(t))
			w.add("1", "p", "invoice")
			w.happened("1", "trashed")
			if exception {
				w.except(retention.ExceptionRecord{ID: "x", Extent: retention.Extent{Where: c.where}, Until: w.now.AddDate(1, 0, 0)})
			} else {
				w.hold(retention.Hold{ID: "h", Where: c.where})
			}
			w.after(60)
			require.Equal(t, count(!c.held), w.sweep().Destroyed, "%s, exception %v", name, exception)
		}
	}
	w := newKept(t, content(t))
	hold := retention.Hold{Tenant: ours, ID: "h", Matter: "m", Review: w.now, Where: retention.Condition{Labels: []string{"b", "a", "b"}}}
	require.NoError(t, w.k.Place(w.lawyer(), hold))
	hold.Where.Labels = []string{"a", "b"}
	require.NoError(t, w.k.Place(w.lawyer(), hold), "the same, in another order")
	hold.Where.Labels = []string{"a"}
	require.ErrorIs(t, w.k.Place(w.lawyer(), hold), retention.ErrConflict)
	active, err := w.k.Holds(w.ctx, ours)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, active[0].Where.Labels)
	// Of what is no record nothing is known: the hold covers it.
	err = w.k.Dispose(w.ctx, troth.DisposalRef{Tenant: ours, Kind: "task.finished", ID: "x"}, "over", nil)
	require.ErrorIs(t, err, retention.ErrHeld)
}

// A stored condition that no keeper wrote frees nothing.
func TestCondition_ThatCannotBeReadKeepsEverything(t *testing.T) {
	for _, stored := range []string{"{", `{"types":[]}`, `{"labels":["b","a"]}`, `{"labels":["a"],"more":1}`, " "} {
		w := newKept(t, content(t))
		w.add("1", "p")
		w.happened("1", "trashed")
		w.hold(retention.Hold{ID: "h", Where: retention.Condition{Labels: []string{"a"}}})
		row, _, err := w.store.Hold(w.ctx, ours, "h")
		require.NoError(t, err)
		row.Where = []byte(stored)
		require.NoError(t, w.store.PutHold(w.ctx, row))
		w.after(60)
		s, err := w.k.Sweep(w.ctx)
		if err == nil {
			require.Len(t, s.Failed, 1)
			err = s.Failed[0].Err
		}
		require.ErrorIs(t, err, retention.ErrRecord, stored)
		require.NotEmpty(t, w.sees("1"))
	}
}
