package merkle_test

import (
	"encoding/hex"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/merkle"
)

// lines reads a file of vectors, which a program in another language made from
// the rules of the package comment: words divided by spaces.
func lines(t *testing.T, name string) (out [][]string) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	for line := range strings.Lines(string(b)) {
		out = append(out, strings.Fields(line))
	}
	require.NotEmpty(t, out)
	return out
}

func decode(t *testing.T, words ...string) (hashes []merkle.Hash) {
	t.Helper()
	for _, w := range words {
		b, err := hex.DecodeString(w)
		require.NoError(t, err)
		require.Len(t, b, merkle.HashSize)
		hashes = append(hashes, merkle.Hash(b))
	}
	return hashes
}

func parseUint(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 64)
	require.NoError(t, err)
	return n
}

// TestLog_Vectors: leaf i is the number i in 8 bytes, big endian.
func TestLog_Vectors(t *testing.T) {
	log := newNaive(70_000)
	tiles := log.source()
	roots := make(map[uint64]merkle.Hash)
	var r merkle.Range
	for _, h := range log.leaves {
		roots[r.Size()] = r.Root()
		r.Append(h)
	}
	roots[r.Size()] = r.Root()
	for _, words := range lines(t, "log.txt") {
		n := parseUint(t, words[1])
		switch words[0] {
		case "root":
			require.Equal(t, decode(t, words[2])[0], roots[n], words)
		case "inclusion":
			size, want := parseUint(t, words[2]), decode(t, words[3:]...)
			got, err := merkle.Inclusion(n, size, tiles)
			require.NoError(t, err)
			require.True(t, slices.Equal(want, got), words)
			require.NoError(t, merkle.VerifyInclusion(n, size, log.leaves[n], roots[size], want))
		case "consistency":
			size, want := parseUint(t, words[2]), decode(t, words[3:]...)
			got, err := merkle.Consistency(n, size, tiles)
			require.NoError(t, err)
			require.True(t, slices.Equal(want, got), words)
			require.NoError(t, merkle.VerifyConsistency(n, size, roots[n], roots[size], want))
		default:
			t.Fatal(words)
		}
	}
}

// TestMap_Vectors: key i is SHA-256 of the number i in 8 bytes, its value key
// i+1, and a map of n has the keys 0 to n-1.
func TestMap_Vectors(t *testing.T) {
	for _, words := range lines(t, "map.txt") {
		var m merkle.Map
		for i := range parseUint(t, words[1]) {
			m.Set(number(i), number(i+1))
		}
		if words[0] == "root" {
			require.Equal(t, decode(t, words[2])[0], m.Root(), words)
			continue
		}
		require.Equal(t, "path", words[0])
		var want merkle.Path
		siblings := words[4:]
		if words[3] != "empty" {
			leaf := decode(t, words[3:5]...)
			want.Leaf, siblings = &merkle.Entry{Key: leaf[0], Value: leaf[1]}, words[5:]
		}
		want.Siblings = decode(t, siblings...)
		key := number(parseUint(t, words[2]))
		require.Equal(t, want, m.Prove(key), words)
		value, present, err := merkle.VerifyPath(m.Root(), key, want)
		require.NoError(t, err)
		require.Equal(t, parseUint(t, words[2]) < parseUint(t, words[1]), present)
		if present {
			require.Equal(t, want.Leaf.Value, value)
		}
	}
}

// TestRange_VectorsOfCertificateTransparency are the roots of the eight leaves
// with which the logs of Certificate Transparency are tested.
func TestRange_VectorsOfCertificateTransparency(t *testing.T) {
	var r merkle.Range
	for _, c := range [][2]string{
		{"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
		{"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
		{"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
		{"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
		{"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
		{"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
		{"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
		{"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
	} {
		leaf, err := hex.DecodeString(c[0])
		require.NoError(t, err)
		r.Append(merkle.HashLeaf(leaf))
		require.Equal(t, decode(t, c[1])[0], r.Root())
	}
}
