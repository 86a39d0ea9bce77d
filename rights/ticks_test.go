package rights_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

// TestLimit_WhoIsAskedTooOftenIsAnsweredAllTheSame: at the last question there is still room for
// its answer, an extension, and whatever ends the request: nobody's data goes without an end.
func TestLimit_WhoIsAskedTooOftenIsAnsweredAllTheSame(t *testing.T) {
	asked := func(t *testing.T, right rights.Right) (*world, rights.Request) {
		s := newShop()
		w := newWorld(t, s.options()...)
		r := w.submit(right)
		for n := 0; ; n++ {
			w.clock.Move(time.Second)
			_, err := w.desk.AskFee(w.ctx, acme, r.ID, "excessive", time.Time{})
			if err != nil {
				require.ErrorIs(t, err, rights.ErrTooMuch)
				require.Greater(t, n, 50)
				break
			}
			if n%2 == 0 {
				_, err = w.desk.AskIdentity(w.ctx, acme, r.ID, time.Time{})
				require.NoError(t, err)
				w.prove(r.ID)
			}
			w.fire(r.ID, rights.FeePaid)
		}
		return w, r
	}
	t.Run("refused", func(t *testing.T) {
		w, r := asked(t, rights.Access)
		_, err := w.desk.Refuse(w.ctx, refusal(w, r.ID, rights.LegalClaims))
		require.NoError(t, err)
		require.Equal(t, rights.StateRefused, w.get(r.ID).State)
	})
	t.Run("extended, and erased", func(t *testing.T) {
		w, r := asked(t, rights.Erase)
		_, err := w.desk.Extend(w.ctx, rights.Extension{Tenant: acme, Request: r.ID, Reason: rights.Complexity, NoticedAt: w.clock.Now()})
		require.NoError(t, err)
		p, err := w.desk.Proof(w.ctx, acme, r.ID)
		require.NoError(t, err)
		_, err = w.desk.Accept(w.ctx, acme, r.ID, p)
		require.NoError(t, err)
		w.step(r.ID)
		_, err = w.desk.Approve(w.ctx, acme, r.ID)
		require.NoError(t, err)
		require.Equal(t, rights.StateDelivering, w.step(r.ID).State)
	})
}
