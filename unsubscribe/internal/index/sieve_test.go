package index_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/unsubscribe/internal/index"
)

func TestSieve_HasAllAndHardlyAnyOther(t *testing.T) {
	for _, parts := range []int{1, 2, 3, 7, 64, 128} {
		random := rand.New(rand.NewPCG(uint64(parts), 1))
		within := make([][]uint64, parts)
		for range 50_000 {
			top := random.Uint64()
			part := 0
			for part+1 < parts && top >= index.PartStart(part+1, parts) {
				part++
			}
			within[part] = append(within[part], top)
		}
		s := index.NewSieve(parts)
		for part, tops := range within {
			s.Fill(part, tops)
		}
		for _, tops := range within {
			for _, top := range tops {
				require.True(t, s.MayHave(top))
			}
		}
		wrong := 0
		for range 100_000 {
			if s.MayHave(random.Uint64()) {
				wrong++
			}
		}
		require.Less(t, wrong, 1_000, "%d parts", parts)
		require.NotPanics(t, func() { s.MayHave(0); s.MayHave(math.MaxUint64) })
	}
}

func TestSieve_EmptyPartsHaveNothing(t *testing.T) {
	s := index.NewSieve(2)
	s.Fill(1, []uint64{math.MaxUint64})
	require.False(t, s.MayHave(0))
	require.True(t, s.MayHave(math.MaxUint64))
}

func TestPartStart_PartsMeet(t *testing.T) {
	for _, n := range []int{1, 2, 3, 5, 128, 256} {
		require.Zero(t, index.PartStart(0, n))
		for i := 1; i < n; i++ {
			at := index.PartStart(i, n)
			s := index.NewSieve(n)
			s.Fill(i, []uint64{at})
			require.True(t, s.MayHave(at), "the first of part %d of %d", i, n)
			s = index.NewSieve(n)
			s.Fill(i-1, []uint64{at - 1})
			require.True(t, s.MayHave(at-1), "the last of part %d of %d", i-1, n)
		}
	}
}
