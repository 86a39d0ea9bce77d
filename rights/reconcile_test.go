package rights_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

func TestReconcile_NamesWhatADatabaseWriterDid(t *testing.T) {
	for name, attack := range map[string]struct {
		do   func(w *world, id string)
		kind rights.TamperingKind
	}{
		"nothing": {func(*world, string) {}, ""},
		"the request is deleted": {func(w *world, id string) {
			_, err := w.store.DeleteRequest(w.ctx, acme, id)
			require.NoError(w, err)
		}, rights.RequestGone},
		"it is approved": {func(w *world, id string) {
			row, _, err := w.store.Request(w.ctx, acme, id)
			require.NoError(w, err)
			row.State = rights.StateExecuting
			require.NoError(w, w.store.PutRequest(w.ctx, row))
		}, rights.RequestForged},
		"its deadline is moved": {func(w *world, id string) {
			row, _, err := w.store.Request(w.ctx, acme, id)
			require.NoError(w, err)
			row.DueAt += int64(30 * 24 * time.Hour / time.Microsecond)
			require.NoError(w, w.store.PutRequest(w.ctx, row))
		}, rights.RequestForged},
		"its alarm is silenced": {func(w *world, id string) {
			w.silence(id, rights.ItemAlarm, false)
		}, rights.NotScheduled},
		"its alarm is deleted": {func(w *world, id string) {
			w.silence(id, rights.ItemAlarm, true)
		}, rights.NotScheduled},
		"its step is deleted": {func(w *world, id string) {
			w.silence(id, rights.ItemStep, true)
		}, rights.NotScheduled},
		"an obligation is deleted": {func(w *world, id string) {
			require.NoError(w, w.desk.Oblige(w.ctx, acme, id, rights.Obligation{ID: "o", Kind: rights.ManualTask, Ref: "o", DueAt: w.clock.Now().Add(time.Hour)}))
			require.Empty(w, w.tampered())
			w.silence(id, rights.ItemObligation, true)
		}, rights.NotScheduled},
		"it is put back": {func(w *world, id string) {
			before := w.dump(id)
			w.fire(id, rights.WasWithdrawn)
			w.putBack(before)
		}, rights.RequestOld},
		"somebody with the keys made one up": {func(w *world, _ string) {
			w.clock.Move(-time.Second)
			d, err := rights.New(w.ctx, rights.Config{Store: w.store, Recorder: troth.UnsafeNoEvidence(w.db), Keys: keys{}},
				rights.WithClock(w.clock.Now), rights.WithRegimes("gdpr"))
			require.NoError(w, err)
			_, err = d.Submit(w.ctx, rights.Submission{Tenant: acme, ID: "made-up", Right: rights.Erase, Via: rights.ViaWeb})
			require.NoError(w, err)
			w.clock.Move(time.Second)
		}, rights.EventUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop()
			w := newWorld(t)
			w.desk = w.open(s.options(rights.WithEvidence(w.trail), rights.WithCoolingOff(time.Hour))...)
			w.submit(rights.Know)
			r := w.approved(rights.Erase)
			w.clock.Move(time.Second)
			require.Empty(t, w.tampered())
			attack.do(w, r.ID)
			found := w.tampered()
			if attack.kind == "" {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			require.Equal(t, attack.kind, found[0].Kind)
			require.NoError(t, w.desk.Reconcile(w.ctx, globex), "another tenant's is another matter")
		})
	}
}

// What was destroyed in its time is missed by nobody.
func TestReconcile_LetsGoOfWhatEnded(t *testing.T) {
	w := newWorld(t)
	w.desk = w.open(rights.WithEvidence(w.trail))
	r := w.submit(rights.Access)
	w.fire(r.ID, rights.WasWithdrawn)
	for range 30 {
		w.clock.Move(31 * 24 * time.Hour)
		w.sweep()
	}
	_, err := w.desk.Request(w.ctx, acme, r.ID)
	require.ErrorIs(t, err, rights.ErrNotFound)
	require.Empty(t, w.tampered())
}

// silence keeps an item from ever being due.
func (w *world) silence(id string, kind rights.ItemKind, gone bool) {
	w.Helper()
	items, err := w.store.Items(w.ctx, rights.ItemQuery{Tenant: acme, Owner: id, Kind: kind, Limit: 10})
	require.NoError(w, err)
	require.NotEmpty(w, items)
	for _, i := range items {
		if i.DueAt = 0; gone {
			_, err = w.store.DeleteItem(w.ctx, i.ItemKey)
		} else {
			err = w.store.PutItem(w.ctx, i)
		}
		require.NoError(w, err)
	}
}
