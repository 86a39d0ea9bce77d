package troth

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPlain_AgreesWithLookingAtEachByte puts every byte at every place of
// strings of every length around the words that plain looks at.
func TestPlain_AgreesWithLookingAtEachByte(t *testing.T) {
	slow := func(s string) bool {
		return s != "" && len(s) <= MaxIdentifier && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 255, 256} {
		base := make([]byte, n)
		for i := range base {
			base[i] = ' ' + byte(rng.IntN('~'-' '+1))
		}
		require.Equal(t, slow(string(base)), plain(string(base)), "%d bytes", n)
		for at := range min(n, 32) {
			for c := range 256 {
				b := append([]byte(nil), base...)
				b[at] = byte(c)
				require.Equal(t, slow(string(b)), plain(string(b)), "byte %#x at %d of %d", c, at, n)
			}
		}
	}
}
