package taskmem_test

import (
	"context"
	"testing"

	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/taskmem"
	"github.com/trothdev/troth/task/tasktest"
)

func TestStore_KeepsTheContract(t *testing.T) {
	tasktest.Run(t, func(*testing.T) tasktest.Harness {
		db, clock := memory.Open(), tasktest.NewClock()
		return tasktest.Harness{
			Backend: taskmem.New(db, taskmem.WithClock(clock.Now)),
			Advance: clock.Advance,
			Host: func(ctx context.Context) (context.Context, func() error, func() error, error) {
				tx, err := db.Begin(ctx)
				if err != nil {
					return nil, nil, nil, err
				}
				return db.WithTx(ctx, tx), tx.Commit, tx.Rollback, nil
			},
		}
	})
}
