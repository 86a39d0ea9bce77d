package kit_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
)

// TestRights_AllRecordsOfAPersonAreCountedBeforehand: who looks at an erasure before it is
// approved sees how many records it is about, more than are read at once, and none of anybody
// else's.
func TestRights_AllRecordsOfAPersonAreCountedBeforehand(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		k, _, _ := d.erasing(t) // one of Ada's is there
		ctx := asService(t)
		require.NoError(t, k.Handle.Atomically(ctx, func(ctx context.Context) error {
			for i := range 1001 {
				who := "ada"
				if i%2 == 1 {
					who = "eve"
				}
				err := k.Keeper.Created(ctx, retention.NewRecord{
					RecordKey: retention.RecordKey{Tenant: "acme", Type: "order", ID: fmt.Sprint(i)}, SubjectID: who,
				})
				if err != nil {
					return err
				}
			}
			return nil
		}))
		_, err := k.Rights.Submit(ctx, rights.Submission{Tenant: "acme", ID: "e", Right: rights.Erase, Via: rights.ViaAccount, SubjectID: "ada"})
		require.NoError(t, err)
		p, err := k.Rights.Attest(ctx, rights.Attestation{Tenant: "acme", Request: "e", SubjectID: "ada", Method: rights.ByReauthentication})
		require.NoError(t, err)
		_, err = k.Rights.Accept(ctx, "acme", "e", p)
		require.NoError(t, err)
		require.NoError(t, k.Rights.Step(ctx, "acme", "e"))
		r, err := k.Rights.Request(ctx, "acme", "e")
		require.NoError(t, err)
		require.Equal(t, rights.StateReviewing, r.State)
		work, err := k.Rights.Work(ctx, "acme", "e")
		require.NoError(t, err)
		for _, w := range work {
			require.True(t, w.Located, w.Source)
			if w.Source == "troth.retention" {
				require.EqualValues(t, 502, w.Found)
			}
		}
	})
}
