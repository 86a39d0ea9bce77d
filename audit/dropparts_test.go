package audit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/internal/permit"
	"github.com/trothdev/troth/storage/faultstore"
)

func TestDropParts_DestroysOldPartsAndSaysSo(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	old := w.record(w.as(kim), letter("acme"))
	other := w.record(w.as(kim), letter("bolt"))
	w.at = w.at.Add(time.Hour)
	young := w.record(w.as(kim), letter("acme"))
	w.toLog()
	env := w.envelope("acme", old)
	cut := w.at
	w.at = w.at.Add(time.Hour)

	dropped, err := w.trail.DropParts(w.as(kim), leave, audit.OldParts{Tenant: "acme", Before: cut})
	require.NoError(t, err)
	require.Equal(t, 3, dropped)
	for range 2 {
		require.Equal(t, "dropped by / dropped by / dropped by", w.states("acme", old))
		require.Equal(t, "present / present / present", w.states("acme", young), "recorded at that instant, not before")
		require.Equal(t, "present / present / present", w.states("bolt", other))
		_, err = w.open("acme", old, 0, "17")
		gone := w.gone(err)
		require.False(t, gone.Erased)
		require.Equal(t, w.parts("acme", old)[0].By, gone.By)
		w.toLog()
	}
	require.Equal(t, env, w.envelope("acme", old), "the entry stays")
	told := w.envelope("acme", w.parts("acme", old)[0].By)
	require.Equal(t, "audit.parts-drop", told.Act)
	require.True(t, told.Subject.IsZero())
	require.Equal(t, troth.Instant(cut), told.Facts[0].Fact)
	require.Equal(t, "parts=3 ground=erasure-request permit=unmanaged", facts(audit.Record{Envelope: audit.Envelope{Facts: told.Facts[1:]}}))
	rows, err := w.store.Parts(t.Context(), "acme", old)
	require.NoError(t, err)
	for _, r := range rows {
		require.Empty(t, r.Box)
		require.Empty(t, r.Salt)
	}

	dropped, err = w.trail.DropParts(w.as(kim), leave, audit.OldParts{Tenant: "acme", Before: cut})
	require.NoError(t, err)
	require.Zero(t, dropped)
	require.Empty(t, w.waitingOf("acme"), "nothing was dropped, nothing is told")
}

// waitingOf are the acts of the tenant's entries in the inbox.
func (w *world) waitingOf(tenant troth.Tenant) (acts []string) {
	w.Helper()
	rows, err := w.store.Entries(w.Context(), audit.EntriesPage{Tenant: tenant, Limit: 1000})
	require.NoError(w, err)
	for _, r := range rows {
		env, err := audit.ParseEnvelope(r.Envelope)
		require.NoError(w, err)
		acts = append(acts, env.Act)
	}
	return acts
}

func TestDropParts_GoesOnWhereItStopped(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	var ids []troth.EntryID
	for range 7 {
		ids = append(ids, w.record(w.as(kim), letter("acme")))
		w.tick()
	}
	old := audit.OldParts{Tenant: "acme", Before: w.at, Limit: 3}
	for _, want := range []int{9, 9, 3, 0} {
		dropped, err := w.trail.DropParts(w.as(kim), leave, old)
		require.NoError(t, err)
		require.Equal(t, want, dropped)
	}
	tellers := map[troth.EntryID]int{}
	for _, id := range ids {
		require.Equal(t, "dropped by / dropped by / dropped by", w.states("acme", id))
		tellers[w.parts("acme", id)[0].By]++
	}
	require.Len(t, tellers, 3, "each batch has its entry")
}

func TestDropParts_RefusesWhatChoosesNothing(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	for _, old := range []audit.OldParts{
		{Before: w.at}, {Tenant: "acme"}, {Tenant: "acme", Before: time.Unix(0, 0)}, {Tenant: "acme", Before: w.at, Limit: -1},
	} {
		_, err := w.trail.DropParts(w.as(kim), leave, old)
		require.Error(t, err, "%v", old)
	}
}

// deedRefused demands that nothing is destroyed but under the right permit.
func deedRefused(t *testing.T, right troth.PermitRef, others []troth.PermitRef, do func(w *world, trail *audit.Trail, ctx context.Context, p troth.Permit) error, intact func(w *world)) {
	t.Helper()
	w := newLog(t)
	require.ErrorIs(t, do(w, w.trail, t.Context(), leave), troth.ErrNoActor)
	require.ErrorIs(t, do(w, w.trail, w.as(kim), troth.Permit{}), troth.ErrNotPermitted)
	err := do(w, w.trail, w.as(kim), leave)
	require.ErrorIs(t, err, troth.ErrNotPermitted, "the trail was not made for it")
	require.ErrorContains(t, err, "made without audit.Unmanaged")
	mint := func(ctx context.Context, ref troth.PermitRef) troth.Permit {
		return permit.Managed(ref, "expired", [32]byte{7}, w.db.Scope(ctx))
	}
	var stale troth.Permit
	for _, ref := range others {
		require.NoError(t, w.db.Atomically(w.as(kim), func(ctx context.Context) error {
			stale = mint(ctx, right)
			require.ErrorIs(t, do(w, w.trail, ctx, mint(ctx, ref)), troth.ErrNotPermitted, "%v", ref)
			return nil
		}))
	}
	require.ErrorIs(t, do(w, w.trail, w.as(kim), stale), troth.ErrNotPermitted, "of another transaction")
	unmanaged := w.another(audit.Unmanaged("test"), audit.WithSigner(w.signer))
	var ie *troth.IdentifierError
	require.ErrorAs(t, do(w, unmanaged, w.as(kim), troth.UnmanagedPermit("")), &ie, "a ground is recorded")
	intact(w)
	require.ErrorIs(t, w.db.Atomically(w.as(kim), func(ctx context.Context) error {
		require.NoError(t, do(w, w.trail, ctx, mint(ctx, right)))
		return errUndo
	}), errUndo)
	intact(w)
	require.NoError(t, w.store.SetManaged(t.Context()))
	require.ErrorIs(t, do(w, unmanaged, w.as(kim), leave), audit.ErrUnmanaged)
	intact(w)
	require.NoError(t, w.db.Atomically(w.as(kim), func(ctx context.Context) error {
		return do(w, w.trail, ctx, mint(ctx, right))
	}))
}

func TestDropParts_NeedsAPermit(t *testing.T) {
	var id troth.EntryID
	deedRefused(t, audit.PartsRef("acme"), []troth.PermitRef{
		{Tenant: "acme"},
		{},
		{Tenant: "acme", Subject: "17"},
		audit.PartsRef("bolt"), audit.LogRef(1),
		audit.EntryRef("acme", troth.EntryID{}),
	}, func(w *world, trail *audit.Trail, ctx context.Context, p troth.Permit) error {
		if id.IsZero() {
			id = w.record(w.as(kim), letter("acme"))
		}
		_, err := trail.DropParts(ctx, p, audit.OldParts{Tenant: "acme", Before: w.at.Add(time.Hour)})
		return err
	}, func(w *world) {
		require.Equal(t, "present / present / present", w.states("acme", id))
		require.Equal(t, []string{"test.letter"}, w.waitingOf("acme"))
	})
}

func TestDropParts_IsRecordedOrUndone(t *testing.T) {
	old := audit.OldParts{Tenant: "acme", Before: time.Now().Add(time.Hour)}
	drop := func(f *faulty, ctx context.Context) error {
		_, err := f.trail.DropParts(ctx, leave, old)
		return err
	}
	var id troth.EntryID
	prepared := func(f *faulty) {
		var err error
		id, err = f.honest.Record(troth.WithActor(f.Context(), kim), letter("acme"))
		require.NoError(f, err)
	}
	eachFault(t, func(f *faulty, ctx context.Context) error { prepared(f); return drop(f, ctx) },
		func(f *faulty, ctx context.Context, _ faultstore.Injection) {
			prepared(f)
			_ = drop(f, ctx) // judged by what it left
			f.toldOrUndone(id, "audit.parts-drop")
			require.NoError(f, drop(f, troth.WithActor(f.Context(), kim)), "retry")
			require.Equal(f, 1, f.toldOrUndone(id, "audit.parts-drop"))
		})
}

// toldOrUndone demands that parts are gone where an entry tells so, and only
// there. It returns how many tell.
func (f *faulty) toldOrUndone(id troth.EntryID, act string) (tell int) {
	f.Helper()
	for r, err := range f.honest.Entries(f.Context(), "acme", audit.Query{}) {
		require.NoError(f, err)
		if r.Act == act {
			tell++
		}
	}
	infos, err := f.honest.Parts(f.Context(), "acme", id)
	require.NoError(f, err)
	require.Len(f, infos, 3)
	for _, info := range infos {
		want := audit.PartPresent
		if tell > 0 {
			want = audit.PartDropped
		}
		require.Equal(f, want, info.State)
	}
	return tell
}
