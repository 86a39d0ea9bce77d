package merkle_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/merkle"
)

// million is a log of 1,000,000 leaves, stored as it would be, with the leaf
// hashes of the partial tile.
func million(b *testing.B) (f *merkle.Frontier, tiles merkle.Source) {
	b.Helper()
	const size = 1_000_000
	f = new(merkle.Frontier)
	stored := map[[2]uint64][]byte{}
	var tail []byte
	for i := range uint64(size) {
		h := number(i)
		if tail = append(tail, h[:]...); i%256 == 255 {
			tail = nil
		}
		f.Append(h)
	}
	for _, tile := range f.Take() {
		stored[[2]uint64{uint64(tile.Level), tile.N}] = tile.Hashes
	}
	stored[[2]uint64{0, size / 256}] = tail
	return f, merkle.SourceFunc(func(level int, n uint64, _ int) ([]byte, error) {
		return stored[[2]uint64{uint64(level), n}], nil
	})
}

func BenchmarkInclusion(b *testing.B) {
	f, tiles := million(b)
	for name, source := range map[string]merkle.Source{
		"cold": tiles,
		"hot":  merkle.NewTileCache(64).Source(1, tiles),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var i uint64
			for b.Loop() {
				i = (i + 611_953) % f.Size()
				if _, err := merkle.Inclusion(i, f.Size(), source); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	p, err := merkle.Inclusion(611_953, f.Size(), tiles)
	require.NoError(b, err)
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		root := f.Root()
		for b.Loop() {
			if err := merkle.VerifyInclusion(611_953, f.Size(), number(611_953), root, p); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkConsistency(b *testing.B) {
	f, tiles := million(b)
	source := merkle.NewTileCache(64).Source(1, tiles)
	b.ReportAllocs()
	var i uint64
	for b.Loop() {
		i = (i + 611_953) % f.Size()
		if _, err := merkle.Consistency(i+1, f.Size(), source); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFrontier_Batch is what the tree costs a batch of 1000 entries.
func BenchmarkFrontier_Batch(b *testing.B) {
	f, h := new(merkle.Frontier), number(1)
	b.ReportAllocs()
	for b.Loop() {
		batch := f.Clone()
		for range 1000 {
			batch.Append(h)
		}
		batch.Root()
		batch.Take()
		f = batch
	}
}

func BenchmarkMap_Load(b *testing.B) {
	const keys = 1_000_000
	all := make([]merkle.Hash, keys)
	for i := range all {
		all[i] = number(uint64(i))
	}
	b.Run(fmt.Sprint(keys), func(b *testing.B) {
		var before, after runtime.MemStats
		for b.Loop() {
			runtime.GC()
			runtime.ReadMemStats(&before)
			var m merkle.Map
			for _, k := range all {
				m.Set(k, k)
			}
			m.Root()
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/keys, "B/key")
			runtime.KeepAlive(&m)
		}
	})
}

// BenchmarkMap_Change is a checkpoint after 1000 of 10,000 tenants had entries.
func BenchmarkMap_Change(b *testing.B) {
	var m merkle.Map
	for i := range uint64(10_000) {
		m.Set(number(i), number(i))
	}
	m.Root()
	keys := make([]merkle.Hash, 10_000)
	for i := range keys {
		keys[i] = number(uint64(i))
	}
	b.ReportAllocs()
	round := 0
	for b.Loop() {
		round++
		for i := range 1000 {
			m.Set(keys[(i*7+round)%len(keys)], merkle.Hash{byte(round), byte(round >> 8)})
		}
		m.Root()
	}
}

func BenchmarkMap_Prove(b *testing.B) {
	var m merkle.Map
	for i := range uint64(10_000) {
		m.Set(number(i), number(i))
	}
	m.Root()
	key := number(5)
	b.ReportAllocs()
	for b.Loop() {
		m.Prove(key)
	}
}
