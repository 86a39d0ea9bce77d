package memory_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/storagetest"
)

func TestDB_KeepsTheContract(t *testing.T) {
	storagetest.Run(t, func(*testing.T) storagetest.Harness {
		const bound = 100 * time.Millisecond
		db := memory.Open(memory.WithWaitBound(bound))
		table := memory.NewTable[string, string](db, strings.Compare)
		return storagetest.Harness{
			Transactor: db,
			Put:        table.Put,
			Get:        table.Get,
			Insert: func(ctx context.Context, key, value string) error {
				inserted, err := table.Insert(ctx, key, value)
				if err == nil && !inserted {
					err = errors.New("a row under this key exists")
				}
				return err
			},
			Keys: func(ctx context.Context) ([]string, error) { return keys(ctx, table) },
			Host: func(ctx context.Context) (context.Context, func() error, func() error, error) {
				tx, err := db.Begin(ctx)
				if err != nil {
					return nil, nil, nil, err
				}
				return db.WithTx(ctx, tx), tx.Commit, tx.Rollback, nil
			},
			WaitBound: bound,
		}
	})
}

// keys returns all keys of the table in order.
func keys(ctx context.Context, table *memory.Table[string, string]) ([]string, error) {
	rows, err := table.Scan(ctx, nil, 0, nil)
	found := make([]string, len(rows))
	for i, row := range rows {
		found[i] = row.Key
	}
	return found, err
}
