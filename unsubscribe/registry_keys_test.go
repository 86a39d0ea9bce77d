package unsubscribe_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/seamtest"
	"github.com/trothdev/troth/unsubscribe"
)

// The registry's keys are all of the platform: the world has no others. And nothing is
// lost with the client's rows elsewhere.
func TestRegistry_EntriesOutliveTheClientsKeys(t *testing.T) {
	w := newRegWorld(t)
	_, err := w.keys.MAC(t.Context(), troth.KeyRef{Tenant: regAcme, Use: "any", ID: "1"}, nil)
	require.ErrorIs(t, err, seamtest.ErrDestroyed)
	w.optOut(regAda, unsubscribe.Client)
	again := w.open()
	d, err := again.Check(w.ctx, regLetter(regAcme), troth.Protect(regAda))
	require.NoError(t, err)
	require.False(t, d.Send)
}

func TestRegistry_ErasureLeavesTheKeyedEntry(t *testing.T) {
	w := newRegWorld(t)
	w.directory.add(troth.Subject{Tenant: regAcme, ID: "c-17"}, regAda)
	r := w.open(unsubscribe.Unmanaged("test"), unsubscribe.WithDirectory(w.directory), unsubscribe.WithShredder(w.sealer.Shred))
	for _, scope := range []unsubscribe.Scope{unsubscribe.Client, unsubscribe.Everything} {
		p := regOut(regAda, scope)
		p.Evidence.Note = troth.Protect("rang up")
		_, err := r.OptOut(w.ctx, p)
		require.NoError(t, err)
	}
	n, err := r.Erase(w.ctx, unsubscribe.EraseParams{Tenant: regAcme, SubjectID: "c-17", Ground: "erasure-request"})
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Len(t, w.trail.Of("unsubscribe.erase"), 1)
	require.Equal(t, 1, w.sealer.Shreddings(), "the evidence that had a key of its own")
	h, err := r.History(w.ctx, regAcme, unsubscribe.Email, troth.Protect(regAda), "court")
	require.NoError(t, err)
	require.Len(t, h.Events, 4)
	for _, e := range h.Events {
		require.Empty(t, e.SubjectID)
		if e.Event.Kind == unsubscribe.KindOptOut {
			require.True(t, e.EvidenceGone)
		} else {
			require.Equal(t, unsubscribe.KindErase, e.Event.Kind)
		}
	}
	d := w.wants(unsubscribe.ReasonOptOut, regAda)
	require.Equal(t, unsubscribe.Everything, d.Place.Scope)
	require.Equal(t, w.clock.Now(), d.At)
	_, err = w.r.Erase(w.ctx, unsubscribe.EraseParams{Tenant: regAcme, SubjectID: "c-17", Ground: "erasure-request"})
	require.ErrorIs(t, err, unsubscribe.ErrNeeds)
	require.NoError(t, w.store.SetManaged(w.ctx))
	_, err = r.Erase(w.ctx, unsubscribe.EraseParams{Tenant: regAcme, Channel: unsubscribe.Email, Address: troth.Protect(regAda), Ground: "x"})
	require.ErrorIs(t, err, unsubscribe.ErrUnmanaged)
}

func TestRegistry_KeysChangeWithoutAddresses(t *testing.T) {
	w := newRegWorld(t)
	w.optOut("a.da@gmail.com", unsubscribe.Client)
	w.optOut("eve@example.org", unsubscribe.Everything)
	old, err := w.r.Hasher(w.ctx, regAcme)
	require.NoError(t, err)
	kept, err := old.Keys(unsubscribe.Email, "a.da@gmail.com")
	require.NoError(t, err)
	for _, registry := range []troth.Tenant{regAcme, troth.Platform, regAcme} {
		_, err := w.r.Rekey(w.ctx, registry)
		require.NoError(t, err)
		w.wants(unsubscribe.ReasonOptOut, "a.da@gmail.com")
		w.wants(unsubscribe.ReasonOptOut, "ada@gmail.com")
		w.wants(unsubscribe.ReasonOptOut, "eve@example.org")
		w.wants(unsubscribe.ReasonClear, regAda)
	}
	require.Len(t, w.trail.Of("unsubscribe.rekey"), 3)
	fresh, err := w.r.Hasher(w.ctx, regAcme)
	require.NoError(t, err)
	now, err := fresh.Keys(unsubscribe.Email, "a.da@gmail.com")
	require.NoError(t, err)
	require.NotEqual(t, kept, now)
	rows, err := w.store.Entries(w.ctx, regAcme, []unsubscribe.Key{kept.Client.Exact, kept.Client.Mailbox})
	require.NoError(t, err)
	require.Empty(t, rows, "old keys match nothing")
	wrapped, err := fresh.Rewrap(kept)
	require.NoError(t, err)
	require.Equal(t, now, wrapped)
	_, err = old.Rewrap(now)
	require.ErrorIs(t, err, unsubscribe.ErrEpoch)
	w.clock.Move(time.Hour)
	w.optIn("a.da@gmail.com", unsubscribe.Client)
	w.wants(unsubscribe.ReasonClear, "ada@gmail.com")
}

func TestRegistry_KeysOfClientsDiffer(t *testing.T) {
	w := newRegWorld(t)
	a, err := w.r.Hasher(w.ctx, regAcme)
	require.NoError(t, err)
	b, err := w.r.Hasher(w.ctx, regGlobex)
	require.NoError(t, err)
	ka, err := a.Keys(unsubscribe.Email, regAda)
	require.NoError(t, err)
	kb, err := b.Keys(unsubscribe.Email, regAda)
	require.NoError(t, err)
	require.NotEqual(t, ka.Client.Exact, kb.Client.Exact)
	require.Equal(t, ka.Everything, kb.Everything)
	require.NotEqual(t, ka.Client.Exact, ka.Everything.Exact)
	phone, err := a.Keys(unsubscribe.SMS, "+49 151 1234567")
	require.NoError(t, err)
	same, err := a.Keys(unsubscribe.Messenger, "0049 151 1234567")
	require.NoError(t, err)
	require.NotEqual(t, phone.Client.Exact, same.Client.Exact, "channels never meet")
}

func TestHasher_AllocatesNothing(t *testing.T) {
	w := newRegWorld(t)
	h, err := w.r.Hasher(w.ctx, regAcme)
	require.NoError(t, err)
	n := testing.AllocsPerRun(100, func() {
		if _, err := h.Keys(unsubscribe.Email, "Some.Body+tag@gmail.com"); err != nil {
			t.Fatal(err)
		}
	})
	require.Zero(t, n)
}
