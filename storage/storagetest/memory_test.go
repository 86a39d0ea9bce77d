package storagetest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/trothdev/troth/storage/memory"
)

func TestSuite_MemoryPasses(t *testing.T) {
	Run(t, func(*testing.T) Harness { return open(50 * time.Millisecond) })
}

// open returns a sound harness.
func open(bound time.Duration) Harness {
	db := memory.Open(memory.WithWaitBound(bound))
	table := memory.NewTable[string, string](db, strings.Compare)
	return Harness{
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
		Keys: func(ctx context.Context) ([]string, error) {
			rows, err := table.Scan(ctx, nil, 0, nil)
			keys := make([]string, len(rows))
			for i, row := range rows {
				keys[i] = row.Key
			}
			return keys, err
		},
		Host: func(ctx context.Context) (context.Context, func() error, func() error, error) {
			tx, err := db.Begin(ctx)
			if err != nil {
				return nil, nil, nil, err
			}
			return db.WithTx(ctx, tx), tx.Commit, tx.Rollback, nil
		},
		WaitBound: bound,
	}
}
