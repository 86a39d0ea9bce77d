package rights_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// What a hold kept is asked for again when its source says that there is more, and not a day
// later; also if it says so while it is being asked.
func TestWake_AsksASourceAgainNow(t *testing.T) {
	for name, early := range map[string]bool{"afterwards": false, "while it is asked": true} {
		t.Run(name, func(t *testing.T) {
			s := newShop()
			w := newWorld(t, s.options()...)
			s.orders.kept = []rights.Kept{{Basis: rights.LegalClaims, Records: 1, Review: w.clock.Now().AddDate(1, 0, 0)}}
			r := w.approved(rights.Erase)
			if early {
				require.NoError(t, w.desk.Wake(w.ctx, acme, r.ID, "orders"))
				w.clock.Move(time.Second)
				w.wakes()
			}
			w.step(r.ID)
			require.Equal(t, []rights.ObligationKind{rights.DeferredErasure}, w.obligations(r.ID))
			s.orders.kept = nil
			w.clock.Move(time.Hour)
			if !early {
				w.sweep()
				require.NotEmpty(t, w.obligations(r.ID), "nobody said anything")
				for range 2 { // said twice is said once
					require.NoError(t, w.desk.Wake(w.ctx, acme, r.ID, "orders"))
				}
			}
			for range 2 { // the request's clock may run ahead by a moment
				w.clock.Move(time.Second)
				w.sweep()
			}
			require.Empty(t, w.obligations(r.ID))
			require.Empty(t, w.waking())
		})
	}
}

func TestWake_OfWhatIsNotThere(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	r := w.step(w.approved(rights.Erase).ID)
	for _, id := range []string{"nowhere", r.ID} { // none such, and one that waits for nothing
		require.NoError(t, w.desk.Wake(w.ctx, acme, id, "orders"))
		require.Len(t, w.waking(), 1)
		w.clock.Move(time.Second)
		w.sweep()
		require.Empty(t, w.waking())
	}
	require.NoError(t, w.desk.Wake(w.ctx, acme, r.ID, "nobody"))
	w.clock.Move(time.Second)
	w.sweep()
	require.Empty(t, w.waking())
	others := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Person, ID: "x", Tenant: globex})
	require.ErrorIs(t, w.desk.Wake(others, acme, r.ID, "orders"), rights.ErrNotFound)
	require.Error(t, w.desk.Wake(w.ctx, acme, "~open", "orders"))
	require.Error(t, w.desk.Wake(w.ctx, acme, r.ID, ""))
}

// waking are the sources that wait to be asked.
func (w *world) waking() []rights.ItemKey {
	w.Helper()
	due, err := w.store.DueItems(w.ctx, rights.ItemWake, w.clock.Now().AddDate(1, 0, 0).UnixMicro(), 10)
	require.NoError(w, err)
	return due
}

// wakes has the desk look at those alone.
func (w *world) wakes() {
	w.Helper()
	for _, key := range w.waking() {
		require.NoError(w, w.desk.WakeNow(w.ctx, key))
	}
	require.Len(w, w.waking(), 1, "it waits until it was asked")
}
