package sqlstore_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/integration/sqltest"
	"github.com/trothdev/troth/storage/sqlstore"
)

// BenchmarkAtomically shows what group commit gains on SQLite: one row of 256
// bytes per transaction, every transaction durable when its call returns.
func BenchmarkAtomically(b *testing.B) {
	modes := []struct {
		name string
		opts []sqlstore.Option
	}{
		{"group", nil},
		{"single", []sqlstore.Option{sqlstore.WithBatch(1, 0)}},
	}
	for _, writers := range []int{1, 8, 64} {
		for _, mode := range modes {
			b.Run(fmt.Sprintf("%s/writers=%d", mode.name, writers), func(b *testing.B) {
				benchmarkWriters(b, writers, mode.opts)
			})
		}
	}
}

func benchmarkWriters(b *testing.B, writers int, opts []sqlstore.Option) {
	ctx := b.Context()
	h, err := sqlstore.Open(ctx, sqltest.SQLite(b), sqlstore.SQLite, opts...)
	require.NoError(b, err)
	defer func() { require.NoError(b, h.Close()) }()
	_, err = h.Querier(ctx).Exec(ctx, "CREATE TABLE line (id INTEGER PRIMARY KEY, body TEXT)")
	require.NoError(b, err)
	body := strings.Repeat("x", 256)
	write := func(ctx context.Context) error {
		_, err := h.Querier(ctx).Exec(ctx, "INSERT INTO line (body) VALUES (?)", body)
		return err
	}
	b.ReportAllocs()
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := h.Atomically(ctx, write); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
