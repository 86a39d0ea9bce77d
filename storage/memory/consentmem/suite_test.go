package consentmem_test

import (
	"context"
	"testing"

	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/consent/consenttest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/consentmem"
)

func TestStore_KeepsTheContract(t *testing.T) {
	consenttest.Run(t, func(*testing.T) consenttest.Harness {
		db := memory.Open()
		s := consentmem.New(db)
		return consenttest.Harness{
			Backend: s,
			Reopen:  func() consent.Backend { return s },
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
