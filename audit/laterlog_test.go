package audit_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// Retention reaches the log in which it is told why something of an older log is
// gone.
func TestVerify_TheReasonWasPrunedFromALaterLog(t *testing.T) {
	for _, gone := range []string{"redacted", "pruned"} {
		t.Run(gone, func(t *testing.T) {
			s := newSite(t)
			s.record(600)
			s.drain(s.honest)
			s.sign(s.honest)
			next := newKeyOf(t, newOrigin)
			keys, err := audit.Verifiers{}.With(s.signer.VerifierKey())
			require.NoError(t, err)
			trail := s.on(s.store, audit.WithSigner(next), audit.WithVerifiers(keys), audit.Unmanaged("test"))
			require.NoError(t, trail.Continue(t.Context(), nil))
			as := troth.WithActor(t.Context(), kim)
			if gone == "redacted" {
				_, err = trail.Redact(as, leave, s.acknowledged[5].Tenant, s.acknowledged[5].ID)
			} else {
				_, err = trail.Prune(as, leave, audit.PruneTo{Log: 1, Before: 256})
			}
			require.NoError(t, err)
			s.record(600)
			s.drain(trail)
			s.sign(trail)
			_, err = trail.Verify(t.Context(), audit.VerifyParams{})
			require.NoError(t, err)
			_, err = trail.Prune(as, leave, audit.PruneTo{Log: 2, Before: 256})
			require.NoError(t, err)
			s.drain(trail)
			s.sign(trail)
			r, err := trail.Verify(t.Context(), audit.VerifyParams{})
			require.NoError(t, err)
			require.Equal(t, 1, r.Logs[0].Unexplained, "and says so")
			require.Zero(t, r.Logs[1].Unexplained)
			var b bytes.Buffer
			require.NoError(t, trail.Export(t.Context(), &b, s.acknowledged[5].Tenant, origin))
			_, err = audit.VerifyTenant(&b, keys, nil)
			require.NoError(t, err)
		})
	}
}
