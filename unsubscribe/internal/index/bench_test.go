package index

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"
)

// sizes are the lists that are measured; the long one takes two gigabytes.
func sizes() []int {
	if os.Getenv("TROTH_LONG") != "" {
		return []int{1_000_000, 10_000_000}
	}
	return []int{1_000_000}
}

// many builds an index of so many entries, and a map of the same keys if it is asked
// for; heap is what each takes of the memory, by the entry.
func many(b *testing.B, n int, withMap bool) (x *Index[string], m map[Key]uint32, heap, heapMap float64) {
	b.Helper()
	before := inUse()
	done := func() Built[string] {
		all := &Builder[string]{entries: make([]entry, 0, n)}
		for i := range n {
			k := keyOf(i)
			if err := all.Add(&k, fmt.Sprint("mark ", i%50)); err != nil {
				b.Fatal(err)
			}
		}
		done, err := all.Build()
		if err != nil {
			b.Fatal(err)
		}
		return done
	}()
	x = &Index[string]{}
	x.Replace(done)
	between := inUse()
	if withMap {
		m = map[Key]uint32{}
		for i := range n {
			m[keyOf(i)] = uint32(i % 50)
		}
	}
	after := inUse()
	return x, m, float64(between-before) / float64(n), float64(after-between) / float64(n)
}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

var sink int

// BenchmarkGet asks for a million recipients, of whom one in fifty is blocked, by
// turns of the index and of a Go map of the same keys, in blocks of ten thousand.
// The least of the turns is compared, since other work on the machine only adds.
func BenchmarkGet(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			const people, block = 1_000_000, 10_000
			x, m, heap, heapMap := many(b, n, true)
			campaign := make([]Key, people)
			for i := range campaign {
				campaign[i] = keyOf(n + i)
				if i%50 == 0 {
					campaign[i] = keyOf(i * (n / people))
				}
			}
			var inMap, inIndex []float64
			b.ReportAllocs()
			for b.Loop() {
				for first := 0; first < people; first += block {
					some := campaign[first : first+block]
					hits := 0
					askMap := func() {
						begin := time.Now()
						for i := range some {
							if _, found := m[some[i]]; found {
								hits++
							}
						}
						inMap = append(inMap, float64(time.Since(begin).Nanoseconds())/block)
					}
					askIndex := func() {
						begin := time.Now()
						for i := range some {
							if found := x.Get(&some[i]); found.Len() > 0 {
								hits--
							}
						}
						inIndex = append(inIndex, float64(time.Since(begin).Nanoseconds())/block)
					}
					if first/block%2 == 0 { // who comes second finds the recipients in the cache
						askMap()
						askIndex()
					} else {
						askIndex()
						askMap()
					}
					if hits != 0 {
						b.Fatal("they differ")
					}
				}
			}
			report(b, inMap, inIndex, "map", "index")
			b.ReportMetric(heap, "B/entry")
			b.ReportMetric(heapMap, "B/entry-map")
			runtime.KeepAlive(m)
			runtime.KeepAlive(x)
		})
	}
}

// report gives the medians and the least of both, and the ratios.
func report(b *testing.B, base, ours []float64, nameBase, nameOurs string) {
	b.Helper()
	slices.Sort(base)
	slices.Sort(ours)
	m := len(base) / 2
	b.ReportMetric(base[m], "ns/"+nameBase)
	b.ReportMetric(ours[m], "ns/"+nameOurs)
	b.ReportMetric(ours[m]/base[m], "times")
	b.ReportMetric(ours[0]/base[0], "times-least")
}

// BenchmarkRead loads an index from its file, by turns with reading that file in the
// same pieces and summing it.
func BenchmarkRead(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "index")
			func() { // so that the index goes before its file is read
				x, _, _, _ := many(b, n, false)
				save(b, x, path)
			}()
			var summing, loading []float64
			for b.Loop() {
				runtime.GC()
				begin := time.Now()
				size := sumFile(b, path)
				summing = append(summing, float64(time.Since(begin).Nanoseconds()))
				runtime.GC()
				begin = time.Now()
				f, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				done, _, err := Read(f, size, textFormat())
				if err != nil || done.Len() != n {
					b.Fatal(err)
				}
				loading = append(loading, float64(time.Since(begin).Nanoseconds()))
				_ = f.Close()
			}
			report(b, summing, loading, "sum", "load")
		})
	}
}

func save(b *testing.B, x *Index[string], path string) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	if err := x.Write(w, seventyseven, textFormat()); err != nil {
		b.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	_ = f.Close()
}

func sumFile(b *testing.B, path string) (size int64) {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	sum := sha256.New()
	buf := make([]byte, chunk*KeySize)
	for {
		n, err := f.Read(buf)
		sum.Write(buf[:n])
		size += int64(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	sink += int(sum.Sum(nil)[0])
	return size
}

// BenchmarkMerge merges changed keys into a base, a hundredth of it.
func BenchmarkMerge(b *testing.B) {
	for _, n := range sizes() {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			x, _, _, _ := many(b, n, false)
			next := n
			for b.Loop() {
				for range n / 100 {
					k := keyOf(next)
					x.Put(&k, []string{"mark 1"})
					next++
				}
				if err := x.Merge(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
