package retentionfault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/faulttest"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/retention/retentiontest"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/retentionfault"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/retentionmem"
)

func TestNew_WithoutFaultsKeepsTheContract(t *testing.T) {
	retentiontest.Run(t, func(*testing.T) retentiontest.Harness {
		s := retentionmem.New(memory.Open())
		return retentiontest.Harness{Backend: retentionfault.New(s, s.Transactor(), faultstore.NewPlan())}
	})
}

func TestNew_EveryMethodFailsUnderItsName(t *testing.T) {
	for _, method := range faulttest.Methods[retention.Backend]() {
		for _, fault := range []faultstore.Fault{faultstore.FailBefore, faultstore.FailAfter} {
			t.Run(method+" "+string(fault), func(t *testing.T) {
				inner := retentionmem.New(memory.Open())
				plan := faultstore.NewPlan(faultstore.Injection{Method: method, Nth: 1, Fault: fault})
				s := retentionfault.New(inner, inner.Transactor(), plan)
				err := inner.Transactor().Atomically(t.Context(), func(ctx context.Context) error {
					// There is one of everything without a name, which the calls are about.
					if method != "InsertRecord" {
						_, err := inner.InsertRecord(ctx, retention.RecordRow{})
						require.NoError(t, err)
					}
					_, err := inner.InsertHold(ctx, retention.HoldRow{})
					require.NoError(t, err)
					if method != "InsertControl" {
						_, err = inner.InsertControl(ctx, retention.ControlRow{})
						require.NoError(t, err)
					}
					if method != "InsertEvent" {
						_, err := inner.InsertEvent(ctx, retention.EventRow{})
						require.NoError(t, err)
					}
					if method != "InsertWarrant" {
						require.NoError(t, inner.InsertWarrant(ctx, retention.WarrantRow{}))
					}
					_, err = inner.InsertPlan(ctx, retention.PlanRow{})
					require.NoError(t, err)
					_, err = inner.InsertStop(ctx, retention.StopRow{})
					require.NoError(t, err)
					_, _, err = inner.LockAllowance(ctx, "", "", true)
					require.NoError(t, err)
					require.ErrorIs(t, faulttest.Call(ctx, s, method), faultstore.ErrInjected)
					switch method { // for the second call
					case "DeleteRecord":
						_, err := inner.InsertRecord(ctx, retention.RecordRow{})
						require.NoError(t, err)
					case "DeleteWarrant":
						_ = inner.InsertWarrant(ctx, retention.WarrantRow{})
					case "InsertWarrant":
						_ = inner.DeleteWarrant(ctx, retention.WarrantKey{})
					}
					require.NoError(t, faulttest.Call(ctx, s, method))
					return nil
				})
				require.NoError(t, err)
				require.Equal(t, []faultstore.Call{{Method: method, Nth: 1, Fault: fault}, {Method: method, Nth: 2}}, plan.Calls())
			})
		}
	}
}

func TestNew_FailingAfterwardsKeepsTheEffect(t *testing.T) {
	for fault, want := range map[faultstore.Fault]bool{faultstore.FailBefore: false, faultstore.FailAfter: true} {
		inner := retentionmem.New(memory.Open())
		s := retentionfault.New(inner, inner.Transactor(), faultstore.NewPlan(faultstore.Injection{Method: "DeleteRecord", Nth: 1, Fault: fault}))
		_, err := inner.InsertRecord(t.Context(), retention.RecordRow{})
		require.NoError(t, err)
		require.ErrorIs(t, s.DeleteRecord(t.Context(), retention.RecordKey{}), faultstore.ErrInjected)
		_, found, err := inner.Record(t.Context(), retention.RecordKey{})
		require.NoError(t, err)
		require.Equal(t, want, !found)
	}
}

func TestNew_GivesOutTheTransactor(t *testing.T) {
	inner := retentionmem.New(memory.Open())
	plan := faultstore.NewPlan()
	tx := faultstore.Transactor(inner.Transactor(), plan)
	require.Same(t, tx, retentionfault.New(inner, tx, plan).Transactor())
}
