package audit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
)

// TestRetention_OnADatabase drops, redacts and prunes.
func TestRetention_OnADatabase(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		key, err := audit.GenerateSigningKey("log.example.org/1")
		require.NoError(t, err)
		s := b.store(t, b.open(t))
		trail := audittest.NewTrail(t, s, audit.Unmanaged("test"), audit.WithSigner(key))
		ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
		leave := troth.UnmanagedPermit("expired")
		var ids []troth.EntryID
		for range 300 {
			id, err := trail.Record(ctx, troth.Entry{
				Act: letter, Tenant: "acme", SubjectID: "17",
				Parts: []troth.Part{{Name: "text", Content: troth.Protect([]byte("dear customer"))}},
			})
			require.NoError(t, err)
			ids = append(ids, id)
		}
		sequenceAll := func() {
			for n := 1; n > 0; {
				n, err = trail.Sequence(ctx)
				require.NoError(t, err)
			}
			_, err = trail.Checkpoint(ctx)
			require.NoError(t, err)
		}
		sequenceAll()
		state := func(n int) audit.PartInfo {
			infos, err := trail.Parts(ctx, "acme", ids[n])
			require.NoError(t, err)
			require.Len(t, infos, 1)
			return infos[0]
		}
		require.Equal(t, audit.PartPresent, state(299).State)

		by, err := trail.Redact(ctx, leave, "acme", ids[299])
		require.NoError(t, err)
		require.Equal(t, by, state(299).By)
		require.Equal(t, audit.PartDropped, state(299).State)
		again, err := trail.Redact(ctx, leave, "acme", ids[299])
		require.NoError(t, err)
		require.Equal(t, by, again)

		old := audit.OldParts{Tenant: "acme", Before: time.Now().Add(time.Hour), Limit: 200}
		for _, want := range []int{200, 99, 0} {
			dropped, err := trail.DropParts(ctx, leave, old)
			require.NoError(t, err)
			require.Equal(t, want, dropped)
		}
		require.Equal(t, audit.PartDropped, state(298).State)
		require.NotEqual(t, by, state(298).By)

		verified, err := trail.Verify(ctx, audit.VerifyParams{})
		require.NoError(t, err)
		require.Equal(t, 1, verified.Logs[0].Redacted)
		for _, left := range []int{56, 0, 0} {
			p, err := trail.Prune(ctx, leave, audit.PruneTo{Log: 1, Before: 300, Limit: 200})
			require.NoError(t, err)
			require.Equal(t, left, p.Left)
			require.Equal(t, uint64(256), p.Before)
		}
		_, err = trail.Parts(ctx, "acme", ids[0])
		require.ErrorIs(t, err, audit.ErrNoEntry)
		require.Equal(t, audit.PartDropped, state(298).State)
		require.Equal(t, 1+2+1, backlog(t, trail), "a redaction, two droppings, a pruning")
		sequenceAll()
		verified, err = trail.Verify(ctx, audit.VerifyParams{})
		require.NoError(t, err)
		require.Equal(t, uint64(256), verified.Logs[0].Pruned)
		require.Equal(t, 1, verified.Logs[0].Redacted)
	})
}

func backlog(t *testing.T, trail *audit.Trail) int {
	t.Helper()
	b, err := trail.Backlog(t.Context())
	require.NoError(t, err)
	return b.Count
}
