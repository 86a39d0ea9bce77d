package retention_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/retention"
)

func TestStop_NothingIsDestroyedUntilItIsLifted(t *testing.T) {
	for _, of := range []troth.Tenant{ours, troth.Platform} {
		t.Run(string(of), func(t *testing.T) {
			w := newKept(t, content(t))
			w.trash("1", "2")
			w.after(30)
			other := w.keeper() // another process
			require.NoError(t, other.StopAll(person(w.ctx, "x", "operator"), of, "incident-1"))
			require.NoError(t, other.StopAll(person(w.ctx, "x", "operator"), of, "incident-1"), "again")
			require.Equal(t, 2, w.sweep().Moved, "hiding goes on")
			require.Equal(t, retention.VisibleNone, w.sees("1"))
			w.after(30)
			s := w.sweep()
			require.Equal(t, 2, s.Waiting)
			require.Zero(t, s.Destroyed)
			require.Zero(t, w.sweep())
			require.NotEmpty(t, w.sees("1"))

			ref := troth.DisposalRef{Tenant: ours, Kind: "any", ID: "1"}
			var stopped *retention.StoppedError
			err := w.k.Dispose(w.ctx, ref, "over", func(context.Context, troth.Permit) error { t.Error("destroyed"); return nil })
			require.ErrorAs(t, err, &stopped)
			require.ErrorIs(t, err, retention.ErrStopped)
			require.ErrorIs(t, err, troth.ErrNotPermitted)
			require.Equal(t, "incident-1", stopped.Stop)

			stops, err := w.k.Stops(w.ctx, of)
			require.NoError(t, err)
			require.Len(t, stops, 1)
			require.ErrorIs(t, w.k.Lift(person(w.ctx, "x", "operator"), of, "incident-1"), retention.ErrRole)
			require.NoError(t, w.k.Lift(officer(w), of, "incident-1"))
			require.ErrorIs(t, w.k.Lift(officer(w), of, "incident-1"), retention.ErrNotFound)
			require.ErrorIs(t, w.k.StopAll(officer(w), of, "incident-1"), retention.ErrConflict, "names are used once")
			require.Equal(t, 2, w.sweep().Destroyed)
			require.Len(t, w.notes.of(t, "retention.stop"), 1)
			require.Len(t, w.notes.of(t, "retention.lift"), 1)
		})
	}
}

func TestStop_IsForOneTenant(t *testing.T) {
	w := newKept(t, content(t))
	w.trash("1")
	require.NoError(t, w.k.StopAll(lawyer(w), "another", "s"))
	w.after(60)
	require.Equal(t, 1, w.sweep().Destroyed)
	mine := troth.WithActor(w.ctx, troth.Actor{Kind: troth.Person, ID: "boss", Roles: []string{"operator", "dpo"}, Tenant: ours})
	require.NoError(t, w.k.StopAll(mine, ours, "s"))
	require.ErrorIs(t, w.k.StopAll(mine, troth.Platform, "s"), retention.ErrRole)
	require.ErrorIs(t, w.k.StopAll(mine, "another", "t"), retention.ErrRole)
	require.ErrorIs(t, w.k.Lift(mine, "another", "s"), retention.ErrRole)
	require.ErrorIs(t, w.k.StopAll(w.ctx, ours, "t"), retention.ErrRole, "a program")
	require.ErrorIs(t, w.k.StopAll(person(w.ctx, "p"), ours, "t"), retention.ErrRole, "anybody")
	require.Error(t, w.k.StopAll(mine, ours, "two\nlines"))
}

// Several stops each hold; those of one tenant keep nobody else's records back, however
// many of its own wait.
func TestStop_WhatWaitsIsPassedOver(t *testing.T) {
	w := newKept(t, content(t))
	w.k = w.keeper(retention.WithBatch(2))
	w.files.keeper = w.k
	w.trash("1", "2", "3", "4", "5")
	require.NoError(t, w.k.StopAll(officer(w), ours, "a"))
	require.NoError(t, w.k.StopAll(officer(w), ours, "b"))
	require.NoError(t, w.k.StopAll(officer(w), troth.Platform, "all"))
	key := retention.RecordKey{Tenant: "zeta", Type: "file", ID: "1"}
	require.NoError(t, w.files.rows.Put(w.ctx, "zeta1", retention.VisibleAll))
	require.NoError(t, w.k.Created(w.ctx, retention.NewRecord{RecordKey: key}))
	require.NoError(t, w.k.Happened(w.ctx, key, retention.Occurrence{Event: "trashed"}))
	w.after(60)
	require.Equal(t, 6, w.sweep().Waiting)
	require.NoError(t, w.k.Lift(officer(w), troth.Platform, "all"))
	require.Equal(t, 1, w.sweep().Destroyed)
	require.NoError(t, w.k.Lift(officer(w), ours, "a"))
	require.Zero(t, w.sweep())
	require.NoError(t, w.k.Lift(officer(w), ours, "b"))
	require.Equal(t, 5, w.sweep().Destroyed)
}

// Who stops inside a transaction that destroys ends its permits.
func TestStop_EndsPermitsOfItsTransaction(t *testing.T) {
	w := newKept(t, content(t))
	w.trash("1")
	w.after(60)
	w.files.on = func(ctx context.Context, o retention.Order) error {
		in := person(ctx, "officer", "dpo")
		require.NoError(t, w.k.StopAll(in, ours, "now"))
		require.ErrorIs(t, w.k.Check(ctx, o), troth.ErrNotPermitted)
		return troth.ErrNotPermitted
	}
	s := w.sweep()
	require.Len(t, s.Failed, 1)
	require.NotEmpty(t, w.sees("1"))
	stops, err := w.k.Stops(w.ctx, ours)
	require.NoError(t, err)
	require.Empty(t, stops, "it was undone with what it stopped")
}

// What waits follows a new version, a hold and its release as everything does.
func TestStop_WhatWaitsIsDecidedAgain(t *testing.T) {
	w := newKept(t, content(t))
	w.trash("1", "2")
	w.after(60)
	require.NoError(t, w.k.StopAll(officer(w), ours, "a"))
	require.Equal(t, 2, w.sweep().Waiting)
	w.hold(retention.Hold{ID: "h"})
	longer := changed(t, content(t), func(p *retention.Policy) { p.Version, p.Effective = 2, date(t, "2027-01-01") })
	require.NoError(t, w.k.Activate(officer(w), longer))
	require.Equal(t, 2, w.sweep().Held, "the version had it looked at")
	require.NoError(t, w.k.Lift(officer(w), ours, "a"))
	require.Zero(t, w.sweep().Destroyed)
	require.NoError(t, w.k.StopAll(officer(w), ours, "b"))
	w.release("h")
	require.Equal(t, 2, w.sweep().Waiting)
	require.NoError(t, w.k.Lift(officer(w), ours, "b"))
	require.Equal(t, 2, w.sweep().Destroyed)
}
