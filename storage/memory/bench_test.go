package memory_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/trothdev/troth/storage/memory"
)

// filled returns a table of n rows and their keys.
func filled(b *testing.B, n int) (*memory.DB, *memory.Table[string, *[64]byte], []string) {
	b.Helper()
	db := memory.Open()
	table := memory.NewTable[string, *[64]byte](db, strings.Compare)
	keys := make([]string, n)
	err := db.Atomically(b.Context(), func(ctx context.Context) error {
		for i := range keys {
			keys[i] = fmt.Sprintf("person-%08d", i*7919%n)
			if err := table.Put(ctx, keys[i], new([64]byte)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return db, table, keys
}

func BenchmarkTable_Get(b *testing.B) {
	_, table, keys := filled(b, 100_000)
	ctx := b.Context()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, ok, err := table.Get(ctx, keys[i%len(keys)]); !ok || err != nil {
			b.Fatal(ok, err)
		}
		i++
	}
}

func BenchmarkTable_GetInTransaction(b *testing.B) {
	db, table, keys := filled(b, 100_000)
	b.ReportAllocs()
	err := db.Atomically(b.Context(), func(ctx context.Context) error {
		i := 0
		for b.Loop() {
			if _, ok, err := table.Get(ctx, keys[i%len(keys)]); !ok || err != nil {
				return fmt.Errorf("%v, %w", ok, err)
			}
			i++
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

func BenchmarkTable_PutInItsOwnTransaction(b *testing.B) {
	_, table, keys := filled(b, 100_000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if err := table.Put(b.Context(), keys[i%len(keys)], new([64]byte)); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkTable_Fill(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		filled(b, 100_000)
	}
}

func BenchmarkTable_ScanAPage(b *testing.B) {
	_, table, keys := filled(b, 100_000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := table.Scan(b.Context(), &keys[i%len(keys)], 100, nil); err != nil {
			b.Fatal(err)
		}
		i++
	}
}
