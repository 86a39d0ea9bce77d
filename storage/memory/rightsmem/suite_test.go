package rightsmem_test

import (
	"context"
	"testing"

	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/rightstest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/rightsmem"
)

func TestStore_KeepsTheContract(t *testing.T) {
	rightstest.Run(t, func(*testing.T) rightstest.Harness {
		db := memory.Open()
		s := rightsmem.New(db)
		return rightstest.Harness{
			Backend: s,
			Reopen:  func() rights.Backend { return s },
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
