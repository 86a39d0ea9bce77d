package unsubscribemem_test

import (
	"context"
	"testing"

	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/unsubscribemem"
	"github.com/trothdev/troth/unsubscribe"
	"github.com/trothdev/troth/unsubscribe/unsubscribetest"
)

func TestStore_KeepsTheContract(t *testing.T) {
	unsubscribetest.Run(t, func(*testing.T) unsubscribetest.Harness {
		db := memory.Open()
		s := unsubscribemem.New(db)
		return unsubscribetest.Harness{
			Backend: s,
			Reopen:  func() unsubscribe.Backend { return s },
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
