package vaultmem_test

import (
	"context"
	"testing"

	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault/vaulttest"
)

func TestStore_KeepsTheContract(t *testing.T) {
	vaulttest.Run(t, func(*testing.T) vaulttest.Harness {
		db := memory.Open()
		return vaulttest.Harness{
			Backend: vaultmem.New(db),
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
