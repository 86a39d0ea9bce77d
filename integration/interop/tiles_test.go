package interop

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"

	"github.com/trothdev/troth/audit"
)

// source is where Tessera's client reads a log.
type source interface {
	ReadCheckpoint(ctx context.Context) ([]byte, error)
	ReadTile(ctx context.Context, level, index uint64, p uint8) ([]byte, error)
}

// sources are the handler over HTTP, under a prefix, and a published folder.
func (l *world) sources() map[string]source {
	l.Helper()
	server := httptest.NewServer(http.StripPrefix("/some/log", l.trail.Handler()))
	l.Cleanup(server.Close)
	root, err := url.Parse(server.URL + "/some/log/")
	require.NoError(l, err)
	web, err := client.NewHTTPFetcher(root, server.Client())
	require.NoError(l, err)
	dir := l.TempDir()
	require.NoError(l, l.trail.Publish(l.Context(), dir))
	return map[string]source{"handler": web, "folder": client.FileFetcher{Root: dir}}
}

// sizes are of logs at the edges of tiles; the last has three levels of them.
var sizes = []int{1, 255, 256, 257, 700, 65_537}

// Tessera's client fetches checkpoint and tiles, and makes proofs of them that
// its Merkle library verifies, for our leaves.
func TestTessera_ReadsHandlerAndFolder(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	l := newLog(t)
	roots := make(map[uint64][]byte) // of the sizes before
	for _, size := range sizes {
		l.grow(size)
		for what, src := range l.sources() {
			cp, _, n, err := client.FetchCheckpoint(t.Context(), src.ReadCheckpoint, l.verifier, origin)
			require.NoError(t, err, what)
			require.Equal(t, uint64(size), cp.Size)
			require.Equal(t, origin, cp.Origin)
			require.Len(t, n.Sigs, 1)
			require.Empty(t, n.UnverifiedSigs)
			builder, err := client.NewProofBuilder(t.Context(), cp.Size, src.ReadTile)
			require.NoError(t, err)
			hashes, err := client.FetchLeafHashes(t.Context(), src.ReadTile, 0, cp.Size, cp.Size)
			require.NoError(t, err)
			require.Len(t, hashes, size)
			for _, index := range picked(size) {
				path, err := builder.InclusionProof(t.Context(), index)
				require.NoError(t, err)
				require.NoError(t, proof.VerifyInclusion(rfc6962.DefaultHasher, index, cp.Size, hashes[index], path, cp.Hash), "%s, %d of %d", what, index, size)
				if index == 0 {
					continue // the log's own
				}
				p, err := audit.ParseProof(l.proof(int(index) - 1))
				require.NoError(t, err)
				require.Equal(t, index, p.Index)
				require.Equal(t, hashes[index], rfc6962.DefaultHasher.HashLeaf(p.Leaf), "their hash of our leaf")
				require.Equal(t, path, slicesOf(p.Hashes), "one proof, of both")
			}
			for before, root := range roots {
				growth, err := builder.ConsistencyProof(t.Context(), before, cp.Size)
				require.NoError(t, err)
				require.NoError(t, proof.VerifyConsistency(rfc6962.DefaultHasher, before, cp.Size, growth, root, cp.Hash))
			}
			roots[cp.Size] = cp.Hash
		}
	}
}

// A client of Tessera's that follows the log finds it consistent at each step.
func TestTessera_FollowsALogThatGrows(t *testing.T) {
	l := newLog(t)
	l.grow(1)
	web := l.sources()["handler"]
	tracker, err := client.NewLogStateTracker(t.Context(), web.ReadTile, nil, l.verifier, origin, client.UnilateralConsensus(web.ReadCheckpoint))
	require.NoError(t, err)
	for _, size := range []int{2, 255, 256, 257, 511, 512, 513, 1300} {
		l.grow(size)
		_, _, _, err := tracker.Update(t.Context())
		require.NoError(t, err)
		require.Equal(t, uint64(size), tracker.Latest().Size)
	}
}

// picked are some indexes of a log: its edges, those of its tiles, and others.
func picked(size int) (indexes []uint64) {
	n := uint64(size)
	for _, i := range []uint64{0, 1, 2, 127, 254, 255, 256, 257, 511, 512, 698, 699, 1000, 32_767, 32_768, 65_535, 65_536, n / 3, n / 2, n - 1} {
		if i < n {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

func slicesOf(hashes [][32]byte) [][]byte {
	all := make([][]byte, 0, len(hashes))
	for _, h := range hashes {
		all = append(all, h[:])
	}
	return all
}
