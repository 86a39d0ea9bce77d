package interop

import (
	"crypto/rand"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/transparency-dev/formats/log"
	cosigned "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
)

func TestFormats_ReadOurCheckpoint(t *testing.T) {
	l := newLog(t)
	b := l.grow(300)
	cp, rest, n, err := log.ParseCheckpoint(b, origin, l.verifier)
	require.NoError(t, err)
	require.Len(t, n.Sigs, 1)
	ours, _, err := audit.OpenCheckpoint(b, verifiers(t, l.key.VerifierKey()))
	require.NoError(t, err)
	require.Equal(t, ours.Size, cp.Size)
	require.Equal(t, ours.Root[:], cp.Hash)
	require.Contains(t, string(rest), "troth.tenants/1 ")
	require.Equal(t, n.Text, string(cp.Marshal())+string(rest), "and our extension lines are no more than that")
}

func TestFormats_ReadOurProof(t *testing.T) {
	l := newLog(t)
	for _, size := range []int{2, 255, 256, 257, 700} {
		l.grow(size)
		for _, i := range []int{0, size / 2, size - 2} {
			b := l.proof(min(i, size-2))
			var p proof.TLogProof
			require.NoError(t, p.Unmarshal(b))
			require.Equal(t, string(b), string(p.Marshal()))
			ours, err := audit.VerifyProof(b, verifiers(t, l.key.VerifierKey()))
			require.NoError(t, err)
			require.Equal(t, ours.Bytes, p.ExtraData)
			require.Equal(t, ours.Leaf.Index, p.Index)
			cp, _, _, err := log.ParseCheckpoint(p.Checkpoint, origin, l.verifier)
			require.NoError(t, err)
			leaf := rfc6962.DefaultHasher.HashLeaf(p.ExtraData)
			require.NoError(t, merkle.VerifyInclusion(rfc6962.DefaultHasher, p.Index, cp.Size, leaf, slicesOf(p.Hashes), cp.Hash))
			leaf[0] ^= 1
			require.Error(t, merkle.VerifyInclusion(rfc6962.DefaultHasher, p.Index, cp.Size, leaf, slicesOf(p.Hashes), cp.Hash))
		}
	}
}

func TestMerkle_VerifiesOurConsistency(t *testing.T) {
	l := newLog(t)
	roots := make(map[int][]byte)
	for _, size := range []int{1, 2, 255, 256, 257, 700} {
		b := l.grow(size)
		cp, _, _, err := log.ParseCheckpoint(b, origin, l.verifier)
		require.NoError(t, err)
		roots[size] = cp.Hash
		for old, root := range roots {
			b, err := l.trail.Consistency(t.Context(), origin, uint64(old))
			require.NoError(t, err)
			c, err := audit.ParseConsistency(b)
			require.NoError(t, err)
			require.NoError(t, merkle.VerifyConsistency(rfc6962.DefaultHasher, c.OldSize, cp.Size, slicesOf(c.Hashes), root, cp.Hash), "%d to %d", old, size)
		}
	}
}

// Cosignatures by their code are accepted by ours, and the other way round.
func TestFormats_Cosign(t *testing.T) {
	skey, vkey, err := note.GenerateKey(rand.Reader, "witness.example/theirs")
	require.NoError(t, err)
	signer, err := cosigned.NewSignerForCosignatureV1(skey)
	require.NoError(t, err)
	vkey, err = cosigned.VKeyToCosignatureV1(vkey)
	require.NoError(t, err)

	l := newLog(t)
	b := l.grow(300)
	n, err := note.Open(b, note.VerifierList(l.verifier))
	require.NoError(t, err)
	theirs, err := note.Sign(n, signer)
	require.NoError(t, err)
	keys, err := verifiers(t, l.key.VerifierKey()).WithWitness(vkey)
	require.NoError(t, err)
	_, sigs, err := audit.OpenCheckpoint(theirs, keys)
	require.NoError(t, err)
	require.Len(t, sigs, 2)
	require.True(t, sigs[1].Witness)
	require.Equal(t, signer.KeyHash(), sigs[1].KeyID)
	added, err := audit.AddCosignature(b, theirs[len(b):], keys)
	require.NoError(t, err)
	require.Equal(t, string(theirs), string(added))

	// The little witness of audittest, through the trail, and read by theirs.
	witness := audittest.NewWitness(t, "witness.example/ours", l.key.VerifierKey())
	server := httptest.NewServer(witness)
	defer server.Close()
	other, err := audit.New(t.Context(), l.store, l.keys, audittest.NewSealer(), audit.WithSigner(l.key),
		audit.WithWitness(audit.Witness{URL: server.URL, Key: witness.VerifierKey()}))
	require.NoError(t, err)
	b, err = other.Checkpoint(t.Context())
	require.NoError(t, err)
	verifier, err := cosigned.NewVerifierForCosignatureV1(witness.VerifierKey())
	require.NoError(t, err)
	n, err = note.Open(b, note.VerifierList(l.verifier, verifier))
	require.NoError(t, err)
	require.Len(t, n.Sigs, 2)
	require.Empty(t, n.UnverifiedSigs)
	at, err := cosigned.CoSigV1Timestamp(n.Sigs[1])
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), at, time.Minute)
}

func verifiers(t *testing.T, vkey string) audit.Verifiers {
	t.Helper()
	v, err := audit.Verifiers{}.With(vkey)
	require.NoError(t, err)
	return v
}
