package audit

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

// toLog moves what waits into log 1 of that name, as a sequencer does but for
// the tree, and signs it.
func toLog(t *testing.T, s *auditsql.Store, origin string) audit.Head {
	t.Helper()
	head := audit.Head{Log: 1, Origin: origin, Root: [32]byte{1}}
	numbers, prev := map[troth.Tenant]uint64{}, map[troth.Tenant][32]byte{}
	require.NoError(t, s.Transactor().Atomically(t.Context(), func(ctx context.Context) error {
		taken, err := s.TakeInbox(ctx, 1<<20)
		require.NoError(t, err)
		for _, row := range taken {
			env, err := audit.ParseEnvelope(row.Envelope)
			require.NoError(t, err)
			numbers[row.Tenant]++
			leaf := audit.Leaf{
				Index: head.Size, Number: numbers[row.Tenant], Prev: prev[row.Tenant],
				SequencedAt: env.RecordedAt, Envelope: row.Envelope,
			}.Append(nil)
			prev[row.Tenant] = audit.HashLeaf(leaf)
			require.NoError(t, s.AppendLog(ctx, []audit.LogRow{{
				Log: 1, Index: head.Size, Tenant: row.Tenant, ID: row.ID, Number: numbers[row.Tenant],
				Hash: audit.HashLeaf(leaf), Leaf: leaf, RecordedAt: row.RecordedAt, Act: env.Act, Subject: env.Subject,
			}}))
			head.Size++
		}
		return nil
	}))
	key, err := audit.GenerateSigningKey(origin)
	require.NoError(t, err)
	note, err := audit.SignCheckpoint(audit.Checkpoint{Origin: origin, Size: head.Size, Root: head.Root, SignedAt: time.Now()}, key)
	require.NoError(t, err)
	created, err := s.CreateHead(t.Context(), head)
	require.NoError(t, err)
	require.True(t, created)
	require.NoError(t, s.PutCheckpoint(t.Context(), audit.CheckpointRow{Log: 1, Size: head.Size, SignedAt: time.Now().UnixMicro(), Note: note}))
	return head
}

// TestRetention_OnADatabase drops, redacts and prunes.
func TestRetention_OnADatabase(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		s := b.store(t, b.open(t))
		trail := audittest.NewTrail(t, s, audit.Unmanaged("test"))
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
		toLog(t, s, "log.example.org/1")
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
	})
}

func backlog(t *testing.T, trail *audit.Trail) int {
	t.Helper()
	b, err := trail.Backlog(t.Context())
	require.NoError(t, err)
	return b.Count
}
