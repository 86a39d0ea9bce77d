package kit_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
	"github.com/trothdev/troth/unsubscribe"
)

// TestRights_ExportsAreSignedAsTheLogIs: a host that names no signer of exports has the
// log's. What is exported is what the Kit's own parts know of the person by their id, without
// a directory too, and of nobody else.
func TestRights_ExportsAreSignedAsTheLogIs(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		c := d.config(d.connect(t))
		c.Secrets.Signer = signerOf(t, origin, 1)
		c.Rights = func(*kit.Kit) []rights.Option {
			return []rights.Option{rights.WithController("Acme"), rights.WithRegimes("gdpr")}
		}
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		ctx := asService(t)
		_, err = k.Rights.Submit(ctx, rights.Submission{Tenant: "acme", ID: "a", Right: rights.Access, Via: rights.ViaAccount, SubjectID: "ada"})
		require.NoError(t, err)
		proof, err := k.Rights.Attest(ctx, rights.Attestation{Tenant: "acme", Request: "a", SubjectID: "ada", Method: rights.ByReauthentication})
		require.NoError(t, err)
		for _, who := range []string{"ada", "eve"} { // by their id: nobody said whose address it is
			_, err = k.Unsubscribe.OptOut(ctx, unsubscribe.OptOutParams{
				Tenant: "acme", Scope: unsubscribe.Client, Channel: unsubscribe.Email, Address: troth.Protect(who + at),
				SubjectID: who, Method: unsubscribe.ByPage,
			})
			require.NoError(t, err)
		}
		_, err = k.Rights.Accept(ctx, "acme", "a", proof)
		require.NoError(t, err)
		require.NoError(t, k.Rights.Step(ctx, "acme", "a"))
		_, err = k.Rights.Approve(ctx, "acme", "a")
		require.NoError(t, err)
		_, err = k.Rights.Deliver(ctx, "acme", "a", time.Time{})
		require.EqualError(t, err, "rights: a request that is delivering cannot be delivered: Desk.Export comes first")

		lock, secret, err := export.FreshKey()
		require.NoError(t, err)
		var file bytes.Buffer
		_, err = k.Rights.Export(ctx, "acme", "a", &file, lock)
		require.NoError(t, err)
		unlock, err := export.UnlockWithKey(secret)
		require.NoError(t, err)
		archive, err := export.Open(bytes.NewReader(file.Bytes()), int64(file.Len()), export.OpenConfig{
			Unlock: unlock, Key: c.Secrets.Signer.VerifierKey(), Tenant: "acme",
		})
		require.NoError(t, err)
		var all []string
		for r, err := range archive.Records(ctx) {
			require.NoError(t, err)
			all = append(all, r.Source)
		}
		require.Equal(t, []string{"troth.unsubscribe"}, all)
	})
}
