package retention_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

func (w *kept) grant(g retention.ErasureGrant) {
	w.Helper()
	g.Tenant = ours
	require.NoError(w, w.k.GrantErasure(w.ctx, g))
}

func (w *kept) erasure(request string) *retention.ErasureState {
	w.Helper()
	s, err := w.k.Erasure(w.ctx, ours, request)
	require.NoError(w, err)
	return &s
}

// lawful is content with an obligation to keep invoices.
func lawful(t testing.TB) *retention.Policy {
	return changed(t, content(t), func(p *retention.Policy) {
		p.Obligations = []retention.Obligation{{
			Name: "tax", Classes: []string{"content"}, Labels: []string{"invoice"}, From: "created", For: days(200), Cite: "law 1",
		}}
		p.Labels = []retention.Label{{Name: "invoice", From: "created", For: days(20), Why: "kept for tax"}}
		for i := range p.Promises {
			p.Promises[i].Yields = []string{"tax"}
		}
	})
}

func TestErasure_EverythingInScopeIsDueAtOnce(t *testing.T) {
	w := newKept(t, content(t))
	w.k = w.keeper(retention.WithBatch(3))
	w.files.keeper = w.k
	const n = 10
	for i := range n {
		w.add(fmt.Sprintf("p%d", i), "p")
	}
	w.add("q", "q")
	w.add("nobody", "")
	w.after(1)
	w.grant(retention.ErasureGrant{Request: "r-1", SubjectID: "p", By: w.now.AddDate(0, 1, 0)})
	w.add("later", "p") // no: it is there already when the erasure is granted at this instant
	w.now = w.now.Add(time.Microsecond)
	w.add("after", "p")
	s := w.sweep()
	require.Equal(t, n+1, s.Destroyed)
	require.NotEmpty(t, w.sees("q"))
	require.NotEmpty(t, w.sees("nobody"))
	require.NotEmpty(t, w.sees("after"), "what came later was not meant")
	state := w.erasure("r-1")
	require.EqualValues(t, n+1, state.Destroyed)
	require.Zero(t, state.Open+state.HeldRecords+state.Unknown)
	require.Equal(t, endOf(t, "2026-02-01"), state.GoneBy, "the backups rotate")
	w.now = w.now.Add(2 * time.Hour)
	w.sweep()
	require.True(t, w.erasure("r-1").Complete())
	done := w.notes.of(t, "retention.erased")
	require.Len(t, done, 1)
	require.EqualValues(t, n+1, done[0].Facts["destroyed"].Number())
	require.Equal(t, "erasure", w.notes.of(t, "retention.purge")[0].Facts["ground"].Text())
	require.Zero(t, w.sweep())
	require.Len(t, w.notes.of(t, "retention.erased"), 1, "once")
}

func TestErasure_WhatIsHeldFollowsTheRelease(t *testing.T) {
	w := newKept(t, lawful(t))
	w.add("1", "p")
	w.add("2", "p")
	w.add("3", "p", "invoice")
	w.hold(retention.Hold{ID: "h", Matter: "secret-matter", SubjectID: "p", Where: retention.Condition{Without: []string{"invoice"}}})
	w.hold(retention.Hold{ID: "h2", SubjectID: "p", Class: "content", From: w.now.AddDate(0, 0, 1)})
	w.except(retention.ExceptionRecord{ID: "x", Extent: retention.Extent{SubjectID: "p"}, Until: w.now.AddDate(0, 0, 300)})
	review := w.now.AddDate(1, 0, 0)
	w.grant(retention.ErasureGrant{Request: "r", SubjectID: "p"})
	s := w.sweep()
	require.Zero(t, s.Destroyed)
	require.Equal(t, 3, s.Held)
	require.Equal(t, retention.VisibleNone, w.sees("1"), "hiding goes on")
	state := w.erasure("r")
	require.EqualValues(t, 2, state.HeldRecords)
	require.Equal(t, []retention.ErasureHeld{{Hold: "h", Review: review, Records: 2}}, state.Held)
	require.Equal(t, []retention.ErasureObliged{{Obligation: "tax", Cite: "law 1", Until: endOf(t, "2026-07-20"), Records: 1}}, state.Obliged)
	require.NotContains(t, fmt.Sprintf("%+v", state), "secret-matter")

	w.after(30)
	w.happened("1", "trashed") // an event in between changes nothing
	require.Zero(t, w.sweep().Destroyed)
	w.happened("3", "trashed")
	w.release("h")
	require.Equal(t, 2, w.sweep().Destroyed, "the release finishes it, whatever the exception says")
	require.False(t, w.erasure("r").Complete())
	w.now = endOf(t, "2026-07-20").Add(-time.Microsecond)
	require.Zero(t, w.sweep().Destroyed)
	w.now = endOf(t, "2026-07-20")
	require.Equal(t, 1, w.sweep().Destroyed, "the exception keeps nothing from an erasure")
	w.now = w.now.Add(time.Hour)
	w.sweep()
	require.True(t, w.erasure("r").Complete())
	require.EqualValues(t, 3, w.erasure("r").Destroyed)
}

func TestErasure_ScopeIsByClassAndType(t *testing.T) {
	for name, c := range map[string]struct {
		g    retention.ErasureGrant
		gone bool
	}{
		"its class":      {retention.ErasureGrant{Classes: []string{"content"}}, true},
		"another class":  {retention.ErasureGrant{Classes: []string{"orders"}}, false},
		"its type":       {retention.ErasureGrant{Types: []string{"file"}}, true},
		"another type":   {retention.ErasureGrant{Types: []string{"order"}}, false},
		"either":         {retention.ErasureGrant{Classes: []string{"orders"}, Types: []string{"file"}}, true},
		"decided before": {retention.ErasureGrant{At: day(t, "2025-12-31")}, false},
	} {
		w := newKept(t, content(t))
		w.add("1", "p")
		c.g.Request, c.g.SubjectID = "r", "p"
		w.grant(c.g)
		require.Equal(t, count(c.gone), w.sweep().Destroyed, name)
		w.now = w.now.Add(time.Hour)
		w.sweep()
		require.True(t, w.erasure("r").Complete(), name)
	}
}

func TestErasure_IsGrantedInTheCallersTransactionAndOnce(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	g := retention.ErasureGrant{Tenant: ours, Request: "r", SubjectID: "p", Classes: []string{"content"}, By: w.now.AddDate(0, 1, 0)}
	refused := errors.New("refused")
	require.ErrorIs(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		require.NoError(t, w.k.GrantErasure(ctx, g))
		return refused
	}), refused)
	_, err := w.k.Erasure(w.ctx, ours, "r")
	require.ErrorIs(t, err, retention.ErrNotFound)
	require.Zero(t, w.sweep())

	for _, ctx := range []context.Context{person(w.ctx, "x", "sales"), person(w.ctx, "x", "counsel")} {
		require.ErrorIs(t, w.k.GrantErasure(ctx, g), retention.ErrRole)
	}
	require.ErrorIs(t, w.k.GrantErasure(t.Context(), g), troth.ErrNoActor)
	ahead := g
	ahead.At = w.now.Add(time.Second)
	require.ErrorIs(t, w.k.GrantErasure(w.ctx, ahead), retention.ErrFuture)
	early := g
	early.By = w.now.Add(-time.Second)
	require.ErrorIs(t, w.k.GrantErasure(w.ctx, early), retention.ErrExtent)
	without := g
	without.SubjectID = ""
	require.Error(t, w.k.GrantErasure(w.ctx, without))

	require.NoError(t, w.k.GrantErasure(person(w.ctx, "x", "privacy"), g))
	require.NoError(t, w.k.GrantErasure(w.officer(), g), "again")
	require.Len(t, w.notes.of(t, "retention.grant-erasure"), 1)
	other := g
	other.SubjectID = "q"
	require.ErrorIs(t, w.k.GrantErasure(w.ctx, other), retention.ErrConflict)
	other = g
	other.Classes = nil
	require.ErrorIs(t, w.k.GrantErasure(w.ctx, other), retention.ErrConflict)
	_, err = w.k.Erasure(w.ctx, "other", "r")
	require.ErrorIs(t, err, retention.ErrNotFound)
}

func TestErasure_OfAnotherTenantTouchesNothing(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	require.NoError(t, w.k.GrantErasure(w.ctx, retention.ErasureGrant{Tenant: "other", Request: "r", SubjectID: "p"}))
	require.Zero(t, w.sweep())
	require.NotEmpty(t, w.sees("1"))
}

func TestErasure_AFailingHandlerLeavesItOpen(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	w.files.on = func(context.Context, retention.Order) error { return errors.New("no") }
	w.grant(retention.ErasureGrant{Request: "r", SubjectID: "p"})
	require.Len(t, w.sweep().Failed, 1)
	state := w.erasure("r")
	require.EqualValues(t, 1, state.Open)
	require.Zero(t, state.Destroyed, "what was undone is not counted")
	w.files.on = nil
	w.now = w.now.Add(time.Hour)
	require.Equal(t, 1, w.sweep().Destroyed)
	require.EqualValues(t, 1, w.erasure("r").Destroyed)
}

// What a transaction brings that was under way when the erasure was granted is found the
// second time.
func TestErasure_FindsWhatWasCommittedLate(t *testing.T) {
	w := newKept(t, content(t))
	w.grant(retention.ErasureGrant{Request: "r", SubjectID: "p"})
	w.sweep()
	w.add("1", "p") // created before it was granted, as far as its time says
	w.after(1)
	w.sweep()
	require.Equal(t, 1, w.sweep().Destroyed+count(w.sees("1") == ""), "gone by now")
	require.True(t, w.erasure("r").Complete())
}

func TestErasure_AnEventBetweenReleaseAndSweepLosesNothing(t *testing.T) {
	w := newKept(t, content(t))
	w.add("1", "p")
	w.hold(retention.Hold{ID: "h"})
	w.grant(retention.ErasureGrant{Request: "r", SubjectID: "p"})
	require.Equal(t, 1, w.sweep().Held)
	w.after(1)
	w.sweep()
	w.release("h")
	w.after(1)
	w.happened("1", "trashed")
	require.Equal(t, 1, w.sweep().Destroyed)
}
