package rights_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// damage is what somebody does to the rows of a request.
type damage struct {
	name string
	do   func(w *world, id string)
	kind rights.TamperingKind
}

var damages = []damage{
	{"the request is deleted", func(w *world, id string) {
		_, err := w.store.DeleteRequest(w.ctx, acme, id)
		require.NoError(w, err)
	}, rights.RequestGone},
	{"its deadline is moved", func(w *world, id string) {
		row, _, err := w.store.Request(w.ctx, acme, id)
		require.NoError(w, err)
		row.DueAt += int64(30 * 24 * time.Hour / time.Microsecond)
		require.NoError(w, w.store.PutRequest(w.ctx, row))
	}, rights.RequestForged},
	{"its last event is taken away", func(w *world, id string) {
		all := w.dump(id)
		all.events = all.events[:len(all.events)-1]
		w.putBack(all)
	}, rights.RequestOld},
	{"its alarm is deleted", func(w *world, id string) { w.silence(id, rights.ItemAlarm, true) }, rights.NotScheduled},
	{"its step is deleted", func(w *world, id string) { w.silence(id, rights.ItemStep, true) }, rights.NotScheduled},
	{"its step is never due", func(w *world, id string) { w.silence(id, rights.ItemStep, false) }, rights.NotScheduled},
}

// damaged is an erasure that cools off, of which somebody changed the rows.
func damaged(t *testing.T, d damage) (w *world, s *shop, r rights.Request, before dump) {
	t.Helper()
	s = newShop()
	w = newWorld(t)
	w.desk = w.open(s.options(rights.WithEvidence(w.trail), rights.WithCoolingOff(time.Hour))...)
	r = w.approved(rights.Erase)
	w.clock.Move(time.Second)
	before = w.dump(r.ID)
	d.do(w, r.ID)
	found := w.tampered()
	require.Len(t, found, 1)
	require.Equal(t, d.kind, found[0].Kind)
	return w, s, r, before
}

// TestRemedy_RowsArePutBackFromABackup does what docs/tampering.md says about each kind where
// there is a backup from after the last thing that happened to the request: nothing is found
// any more, and the request goes on.
func TestRemedy_RowsArePutBackFromABackup(t *testing.T) {
	for _, d := range damages {
		t.Run(d.name, func(t *testing.T) {
			w, s, r, before := damaged(t, d)
			w.putBack(before)
			require.Empty(t, w.tampered())
			require.Empty(t, s.acts())
			w.clock.Move(2 * time.Hour)
			w.sweep()
			require.Equal(t, rights.StateDelivering, w.get(r.ID).State)
			require.NotEmpty(t, s.acts())
			require.Empty(t, w.tampered())
		})
	}
}

// TestRemedy_TheRequestIsSubmittedAnew: without such a backup the request is taken in again,
// as of when it was received. Nothing is destroyed for the damaged one, which stays named.
func TestRemedy_TheRequestIsSubmittedAnew(t *testing.T) {
	withdrawn := damage{"it was withdrawn, and is put back", func(w *world, id string) {
		before := w.dump(id)
		w.fire(id, rights.WasWithdrawn)
		w.putBack(before)
	}, rights.RequestOld}
	for _, d := range append(slices.Clone(damages[:3]), withdrawn) {
		t.Run(d.name, func(t *testing.T) {
			w, s, r, _ := damaged(t, d)
			w.clock.Move(2 * time.Hour)
			_ = w.desk.Sweep(w.ctx)
			require.Empty(t, s.acts())
			if d.kind == rights.RequestForged { // nobody knows whether it comes before an erasure
				_, err := w.store.DeleteRequest(w.ctx, acme, r.ID)
				require.NoError(t, err)
			}
			again := w.approved(rights.Erase, func(s *rights.Submission) { s.ReceivedAt = r.ReceivedAt })
			require.Equal(t, r.DueAt, again.DueAt, "the clock is that of the first")
			w.clock.Move(2 * time.Hour)
			require.Equal(t, rights.StateDelivering, w.step(again.ID).State)
			require.NotEmpty(t, s.acts())
			w.clock.Move(time.Second)
			found := w.tampered()
			require.Len(t, found, 1)
			require.Equal(t, r.ID, found[0].Request)
		})
	}
}

// TestRemedy_AStepIsTaken: one that would never be due is taken by hand, and what comes
// after it is scheduled again.
func TestRemedy_AStepIsTaken(t *testing.T) {
	for _, d := range damages[4:] {
		t.Run(d.name, func(t *testing.T) {
			w, s, r, _ := damaged(t, d)
			w.clock.Move(2 * time.Hour)
			require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
			require.NotEmpty(t, s.acts())
			require.Empty(t, w.tampered())
		})
	}
}

// TestRemedy_AnAlarmIsSetAgain by whatever moves the request's clock.
func TestRemedy_AnAlarmIsSetAgain(t *testing.T) {
	w, _, r, _ := damaged(t, damages[3])
	_, err := w.desk.Extend(w.ctx, rights.Extension{Tenant: acme, Request: r.ID, Reason: rights.Complexity, NoticedAt: w.clock.Now()})
	require.NoError(t, err)
	w.clock.Move(time.Second)
	require.Empty(t, w.tampered())
}

// TestRemedy_AnObligationIsPutBack: one whose row is gone is done by hand, and stays named
// unless its row is put back.
func TestRemedy_AnObligationIsPutBack(t *testing.T) {
	var kept []rights.ItemRow
	w, _, r, _ := damaged(t, damage{"an obligation is deleted", func(w *world, id string) {
		require.NoError(w, w.desk.Oblige(w.ctx, acme, id, rights.Obligation{ID: "o", Kind: rights.ManualTask, Ref: "o", DueAt: w.clock.Now().Add(time.Hour)}))
		w.clock.Move(time.Second)
		var err error
		kept, err = w.store.Items(w.ctx, rights.ItemQuery{Tenant: acme, Owner: id, Kind: rights.ItemObligation, Limit: 10})
		require.NoError(w, err)
		w.silence(id, rights.ItemObligation, true)
	}, rights.NotScheduled})
	_, err := w.desk.Complete(w.ctx, acme, r.ID, "o", "done")
	require.ErrorIs(t, err, rights.ErrNotFound, "what is done by hand cannot be said")
	require.NotEmpty(t, w.tampered())
	require.Len(t, kept, 1)
	inserted, err := w.store.InsertItem(w.ctx, kept[0])
	require.NoError(t, err)
	require.True(t, inserted)
	require.Empty(t, w.tampered())
}

// TestRemedy_ARequestWithoutEvidenceKeepsNobodyFromAsking, though its rows are genuine.
func TestRemedy_ARequestWithoutEvidenceKeepsNobodyFromAsking(t *testing.T) {
	w := newWorld(t)
	w.desk = w.open(rights.WithEvidence(w.trail))
	d, err := rights.New(w.ctx, rights.Config{Store: w.store, Recorder: troth.UnsafeNoEvidence(w.db), Keys: keys{}},
		rights.WithClock(w.clock.Now), rights.WithRegimes("gdpr"))
	require.NoError(t, err)
	r, err := d.Submit(w.ctx, rights.Submission{Tenant: acme, Right: rights.Erase, Via: rights.ViaAccount, SubjectID: ada.ID})
	require.NoError(t, err)
	_, err = d.Attest(w.ctx, rights.Attestation{Tenant: acme, Request: r.ID, SubjectID: ada.ID, Method: rights.ByReauthentication})
	require.NoError(t, err)
	w.clock.Move(time.Second)
	require.Equal(t, []rights.Tampering{{Request: r.ID, Kind: rights.EventUnknown}}, w.tampered())
	w.accepted(rights.Erase)
	second := w.submit(rights.Erase)
	w.prove(second.ID)
	require.Equal(t, rights.StateDuplicate, w.get(second.ID).State, "that one goes on")
}

// TestRemedy_ARequestThatNobodyMadeIsDeleted, by its rows.
func TestRemedy_ARequestThatNobodyMadeIsDeleted(t *testing.T) {
	w := newWorld(t)
	w.desk = w.open(rights.WithEvidence(w.trail))
	d, err := rights.New(w.ctx, rights.Config{Store: w.store, Recorder: troth.UnsafeNoEvidence(w.db), Keys: keys{}},
		rights.WithClock(w.clock.Now), rights.WithRegimes("gdpr"))
	require.NoError(t, err)
	r, err := d.Submit(w.ctx, rights.Submission{Tenant: acme, ID: "made-up", Right: rights.Erase, Via: rights.ViaWeb})
	require.NoError(t, err)
	w.clock.Move(time.Second)
	require.Equal(t, []rights.Tampering{{Request: r.ID, Kind: rights.EventUnknown}}, w.tampered())
	_, err = w.store.DeleteRequest(w.ctx, acme, r.ID)
	require.NoError(t, err)
	require.Empty(t, w.tampered())
}
