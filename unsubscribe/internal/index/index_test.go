package index

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// keyOf is a key as an HMAC would make one.
func keyOf(i int) Key {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
}

func marksOf[M comparable](m Marks[M]) []M {
	var all []M
	for i := range m.Len() {
		all = append(all, m.At(i))
	}
	return all
}

// TestIndex_AgainstAMap puts, merges, builds, writes and reads at random, and compares
// every answer with that of a map. A few keys differ in their last byte only, so that
// they fall into one bucket and one block of the filter.
func TestIndex_AgainstAMap(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	some := func() Key {
		k := keyOf(r.IntN(400))
		if r.IntN(3) == 0 {
			k = keyOf(0)
			k[KeySize-1] = byte(r.IntN(40))
		}
		return k
	}
	x, model := &Index[string]{}, map[Key][]string{}
	for step := range 6000 {
		k := some()
		switch r.IntN(30) {
		case 0:
			require.NoError(t, x.Merge())
		case 1:
			x = replaced(t, model)
		case 2:
			var file bytes.Buffer
			require.NoError(t, x.Write(&file, Position{Number: int64(step)}, textFormat()))
			b, position, err := Read(&file, int64(file.Len()), textFormat())
			require.NoError(t, err)
			require.EqualValues(t, step, position.Number)
			x = &Index[string]{}
			x.Replace(b)
		default:
			var marks []string
			for range r.IntN(4) {
				marks = append(marks, fmt.Sprint("mark ", r.IntN(20)))
			}
			x.Put(&k, marks)
			slices.Sort(marks)
			model[k] = slices.Compact(marks)
		}
		k = some()
		require.ElementsMatch(t, model[k], marksOf(x.Get(&k)), "step %d", step)
	}
	for k, want := range model {
		require.ElementsMatch(t, want, marksOf(x.Get(&k)))
	}
	require.NoError(t, x.Merge())
	entries, changed := x.Len()
	total := 0
	for marks := range maps.Values(model) {
		total += len(marks)
	}
	require.Equal(t, total, entries)
	require.Zero(t, changed)
}

func replaced(t *testing.T, model map[Key][]string) *Index[string] {
	t.Helper()
	b := &Builder[string]{}
	for k, marks := range model {
		for _, m := range append(marks, marks...) { // also twice
			require.NoError(t, b.Add(&k, m))
		}
	}
	done, err := b.Build()
	require.NoError(t, err)
	x := &Index[string]{}
	x.Replace(done)
	return x
}

// TestIndex_ReadersNeverMissWhatWasPut has readers that ask for keys from the moment
// that they were put, while merges and growing overlays go on.
func TestIndex_ReadersNeverMissWhatWasPut(t *testing.T) {
	const keys, readers = 1000, 3
	x := &Index[int]{}
	put := make(chan int, keys*readers)
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			for i := range put {
				k := keyOf(i)
				if m := x.Get(&k); m.Len() != 1 || m.At(0) != i%7 {
					t.Errorf("key %d is not there", i)
				}
				none := keyOf(-1 - i)
				if x.Get(&none).Len() > 0 {
					t.Errorf("key %d is there", -1-i)
				}
			}
		})
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				if err := x.Merge(); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for i := range keys {
		k := keyOf(i)
		before := x.Generation()
		x.Put(&k, []int{i % 7})
		if x.Generation() == before {
			t.Error("the generation stayed")
		}
		put <- i
		put <- i / 2
	}
	close(put)
	wg.Wait()
	close(stop)
	<-stopped
}

func TestIndex_PuttingWhatIsThereChangesNothing(t *testing.T) {
	x := &Index[string]{}
	k := keyOf(1)
	x.Put(&k, []string{"b", "a", "b"})
	before := x.Generation()
	x.Put(&k, []string{"a", "b"})
	require.Equal(t, before, x.Generation())
	require.NoError(t, x.Merge())
	require.Equal(t, before, x.Generation())
	x.Put(&k, nil)
	require.Greater(t, x.Generation(), before)
	require.Zero(t, x.Get(&k).Len())
	require.NoError(t, x.Merge())
	entries, _ := x.Len()
	require.Zero(t, entries)
}

// TestFilter_LetsFewPass holds the size that doc.go states, and what it buys.
func TestFilter_LetsFewPass(t *testing.T) {
	const n = 100_000
	b := built(t, n)
	passed := 0
	for i := range n {
		k := keyOf(i)
		require.True(t, b.base.filter.mayHave(&k))
		if k = keyOf(n + i); b.base.filter.mayHave(&k) {
			passed++
		}
	}
	require.Less(t, passed, n/100, "of a hundred that are not there, less than one passes")
	size := len(b.base.keys) + 4*len(b.base.marks) + 4*len(b.base.directory) + 32*len(b.base.filter)
	require.LessOrEqual(t, float64(size)/n, 38.6)
}

func built(t testing.TB, n int) Built[string] {
	t.Helper()
	b := &Builder[string]{}
	for i := range n {
		k := keyOf(i)
		require.NoError(t, b.Add(&k, fmt.Sprint("mark ", i%5)))
	}
	done, err := b.Build()
	require.NoError(t, err)
	return done
}
