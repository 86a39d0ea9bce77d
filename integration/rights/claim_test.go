package rights

import (
	"context"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/integration/pgtest"
	"github.com/trothdev/troth/internal/seamtest"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
)

// restless is a trail while which is read something happens, before and after.
type restless struct {
	*seamtest.Recorder
	meanwhile func()
}

func (r *restless) Told(_ context.Context, tenant troth.Tenant, subjectID, act string) iter.Seq2[rights.TrailEntry, error] {
	return func(yield func(rights.TrailEntry, error) bool) {
		if r.meanwhile != nil {
			r.meanwhile()
			defer r.meanwhile()
		}
		for _, k := range r.Of(act) {
			if k.Tenant == tenant && (subjectID == "" || k.SubjectID == subjectID) && !yield(rights.TrailEntry{ID: k.ID, Facts: k.Facts}, nil) {
				return
			}
		}
	}
}

// TestClaim_TheOtherRequestMovesMeanwhile: whether another request can go on is looked at while
// another process moves it. It is sound all the time, and the second one is its duplicate.
func TestClaim_TheOtherRequestMovesMeanwhile(t *testing.T) {
	db := pgtest.Open(t)
	h, s := open(t, db, sqlstore.Postgres)
	trail := &restless{Recorder: seamtest.NewRecorder(h)}
	d, err := rights.New(t.Context(), rights.Config{Store: s, Recorder: trail, Keys: fixedKeys{}},
		rights.WithRegimes("gdpr"), rights.WithSealer(fixedSealer{}), rights.WithEvidence(trail))
	require.NoError(t, err)
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	asks := func() rights.Request {
		r, err := d.Submit(ctx, rights.Submission{Tenant: "acme", Right: rights.Erase, Via: rights.ViaAccount, SubjectID: "c-17"})
		require.NoError(t, err)
		_, err = d.Attest(ctx, rights.Attestation{Tenant: "acme", Request: r.ID, SubjectID: "c-17", Method: rights.ByReauthentication})
		require.NoError(t, err)
		r, err = d.Request(ctx, "acme", r.ID)
		require.NoError(t, err)
		return r
	}
	first := asks()
	moved := 0
	trail.meanwhile = func() {
		moved++
		_, err := d.Assign(ctx, "acme", first.ID, []string{"privacy", "dpo"}[moved%2])
		require.NoError(t, err)
	}
	second := asks()
	require.Equal(t, 2, moved)
	require.Equal(t, rights.StateDuplicate, second.State)
	trail.meanwhile = nil
	require.NoError(t, d.Reconcile(ctx, "acme"))
}
