package audit

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
)

// TestProofRows_IsWhatOneByOneFinds compares the one statement with the three
// that it stands for, and what is proved with it.
func TestProofRows_IsWhatOneByOneFinds(t *testing.T) {
	each(t, func(t *testing.T, b backend) {
		db := b.open(t)
		store := b.store(t, db)
		signer, err := audit.GenerateSigningKey("troth.example/rows")
		require.NoError(t, err)
		at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
		trail := audittest.NewTrail(t, store, audit.WithSigner(signer), audit.Unmanaged("test"),
			audit.WithClock(func() time.Time { at = at.Add(time.Second); return at }))
		keys, err := audit.Verifiers{}.With(signer.VerifierKey())
		require.NoError(t, err)
		ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "importer"})

		early, err := trail.Record(ctx, troth.Entry{Act: act, Tenant: "acme", SubjectID: "17"})
		require.NoError(t, err)
		_, err = trail.Sequence(ctx)
		require.NoError(t, err)
		_, found, err := store.ProofRows(ctx, "acme", early)
		require.NoError(t, err)
		require.False(t, found, "no checkpoint is there")
		_, err = trail.Prove(ctx, "acme", early) // which signs
		require.NoError(t, err)
		grow(t, store, trail, 300)
		grow(t, store, trail, 30)

		rows, err := store.LogRange(ctx, 1, 0, 1000)
		require.NoError(t, err)
		_, err = trail.Redact(ctx, troth.UnmanagedPermit("test"), rows[40].Tenant, rows[40].ID)
		require.NoError(t, err)
		for _, n := range []int{1, 40, 255, 256, 300, len(rows) - 1} {
			r := rows[n]
			p, found, err := store.ProofRows(ctx, r.Tenant, r.ID)
			require.NoError(t, err)
			require.True(t, found)
			entry, _, err := store.LogEntry(ctx, r.Tenant, r.ID)
			require.NoError(t, err)
			checkpoint, _, err := store.Checkpoint(ctx, 1, 1<<62)
			require.NoError(t, err)
			tile, _, err := store.Tile(ctx, 1, 0, r.Index/256)
			require.NoError(t, err)
			require.Equal(t, audit.ProofRows{Entry: entry, Checkpoint: checkpoint, Neighbours: tile}, p, n)
			require.Equal(t, n < 256, tile != nil)

			proof, err := trail.Prove(ctx, r.Tenant, r.ID)
			if n == 40 {
				_, gone := errors.AsType[*audit.RedactedError](err)
				require.True(t, gone, "%v", err)
				continue
			}
			require.NoError(t, err)
			got, err := audit.VerifyProof(proof, keys)
			require.NoError(t, err)
			require.Equal(t, checkpoint.Size, got.Checkpoint.Size)
		}
		_, found, err = store.ProofRows(ctx, "globex", rows[1].ID)
		require.NoError(t, err)
		require.False(t, found, "it is another tenant's")
		_, found, err = store.ProofRows(ctx, "tenant-1", troth.NewEntryID(at))
		require.NoError(t, err)
		require.False(t, found)

		// What is not as it was written proves nothing.
		b.noChecks(t, db, "troth_audit_tile")
		for _, hashes := range [][]byte{make([]byte, 256*32), make([]byte, 31), make([]byte, 1<<20)} {
			b.unchecked(t, db, "UPDATE troth_audit_tile SET hashes = ? WHERE level = 0", hashes)
			_, err = trail.Prove(ctx, rows[7].Tenant, rows[7].ID)
			require.Error(t, err)
		}
	})
}
