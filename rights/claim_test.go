package rights_test

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
)

// outage fails one call, of those that are counted: 0 fails none.
type outage struct{ calls, at int }

func (o *outage) fails() error {
	if o.calls++; o.calls == o.at {
		return errDown
	}
	return nil
}

type outKeys struct {
	keys
	*outage
}

func (k outKeys) MAC(ctx context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	if err := k.fails(); err != nil {
		return [32]byte{}, err
	}
	return k.keys.MAC(ctx, ref, message)
}

type outStore struct {
	rights.Backend
	*outage
}

func (s outStore) File(ctx context.Context, tenant troth.Tenant, id string, kinds []rights.ItemKind) (rights.File, bool, error) {
	if err := s.fails(); err != nil {
		return rights.File{}, false, err
	}
	return s.Backend.File(ctx, tenant, id, kinds)
}

type outTrail struct {
	trail
	*outage
}

func (r outTrail) Told(ctx context.Context, tenant troth.Tenant, subjectID, act string) iter.Seq2[rights.TrailEntry, error] {
	if err := r.fails(); err != nil {
		return func(yield func(rights.TrailEntry, error) bool) { yield(rights.TrailEntry{}, err) }
	}
	return r.trail.Told(ctx, tenant, subjectID, act)
}

// TestFault_WhoCannotLookTakesNobodysPlace: whatever fails while somebody looks whether another
// request goes on, that is no damage to it. What could not be looked at is looked at again.
func TestFault_WhoCannotLookTakesNobodysPlace(t *testing.T) {
	for at, failed := 1, true; failed; at++ {
		w := newWorld(t)
		w.desk = w.open(rights.WithEvidence(w.trail))
		w.accepted(rights.Erase)
		second := w.submit(rights.Erase)
		o := &outage{at: at}
		bad, err := rights.New(w.ctx, rights.Config{Store: outStore{w.store, o}, Recorder: w.trail, Keys: outKeys{outage: o}},
			rights.WithClock(w.clock.Now), rights.WithSealer(w.sealer), rights.WithRegimes("gdpr"), rights.WithEvidence(outTrail{w.trail, o}))
		require.NoError(t, err)
		_, err = bad.Attest(w.ctx, rights.Attestation{Tenant: acme, Request: second.ID, SubjectID: ada.ID, Method: rights.ByReauthentication})
		if failed = err != nil; failed {
			require.ErrorIs(t, err, errDown, at)
			require.Equal(t, rights.StateReceived, w.get(second.ID).State, at)
			w.prove(second.ID)
		} else {
			require.Greater(t, at, 8, "keys, store and trail are asked")
		}
		require.Equal(t, rights.StateDuplicate, w.get(second.ID).State, at)
	}
}

// TestClaim_OfTwoTenants: that a request of one is damaged opens nothing at another, where
// somebody has the same id.
func TestClaim_OfTwoTenants(t *testing.T) {
	w := newWorld(t)
	w.desk = w.open(rights.WithEvidence(w.trail))
	asks := func(tenant troth.Tenant) rights.Request {
		r, err := w.desk.Submit(w.ctx, rights.Submission{Tenant: tenant, Right: rights.Erase, Via: rights.ViaAccount, SubjectID: ada.ID})
		require.NoError(t, err)
		_, err = w.desk.Attest(w.ctx, rights.Attestation{Tenant: tenant, Request: r.ID, SubjectID: ada.ID, Method: rights.ByReauthentication})
		require.NoError(t, err)
		r, err = w.desk.Request(w.ctx, tenant, r.ID)
		require.NoError(t, err)
		return r
	}
	ours, theirs := asks(acme), asks(globex)
	_, err := w.store.DeleteRequest(w.ctx, acme, ours.ID)
	require.NoError(t, err)
	require.Equal(t, rights.StateDuplicate, asks(globex).State)
	require.Equal(t, rights.StateReceived, asks(acme).State)
	still, err := w.desk.Request(w.ctx, globex, theirs.ID)
	require.NoError(t, err)
	require.True(t, still.State.Open())
}
