package statement

import (
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpen_NeedsAHandle(t *testing.T) {
	_, err := Open(t.Context(), nil, Store{Name: "thingsql", Snapshot: errors.New("old")})
	require.EqualError(t, err, "thingsql: new: no handle")
}

func TestSmall_IsFalseForWhatDoesNotFit(t *testing.T) {
	var n uint32
	for from, want := range map[int64]bool{0: true, math.MaxUint32: true, math.MaxUint32 + 1: false, -1: false} {
		require.Equal(t, want, Small(from, &n), from)
		if want {
			require.EqualValues(t, from, n)
		}
	}
}

func TestFill_IsFalseForAnotherLength(t *testing.T) {
	var to [4]byte
	require.True(t, Fill(to[:], []byte("abcd")))
	require.Equal(t, "abcd", string(to[:]))
	for _, from := range []string{"", "abc", "abcde"} {
		require.False(t, Fill(to[:], []byte(from)), from)
	}
}
