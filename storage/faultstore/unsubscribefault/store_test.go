package unsubscribefault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/faulttest"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/unsubscribefault"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/unsubscribemem"
	"github.com/trothdev/troth/unsubscribe"
	"github.com/trothdev/troth/unsubscribe/unsubscribetest"
)

func TestNew_WithoutFaultsKeepsTheContract(t *testing.T) {
	unsubscribetest.Run(t, func(*testing.T) unsubscribetest.Harness {
		s := unsubscribemem.New(memory.Open())
		return unsubscribetest.Harness{Backend: unsubscribefault.New(s, s.Transactor(), faultstore.NewPlan())}
	})
}

func TestNew_EveryMethodFailsUnderItsName(t *testing.T) {
	rekey := unsubscribe.RekeyParams{From: 1, To: 1, Wrap: func(k unsubscribe.Key) unsubscribe.Key { return k }}
	for _, method := range faulttest.Methods[unsubscribe.Backend]() {
		for _, fault := range []faultstore.Fault{faultstore.FailBefore, faultstore.FailAfter} {
			t.Run(method+" "+string(fault), func(t *testing.T) {
				inner := unsubscribemem.New(memory.Open())
				plan := faultstore.NewPlan(faultstore.Injection{Method: method, Nth: 1, Fault: fault})
				s := unsubscribefault.New(inner, inner.Transactor(), plan)
				err := inner.Transactor().Atomically(t.Context(), func(ctx context.Context) error {
					// There is an entry and a delivery without a name, which the calls are about.
					_, err := inner.LockEntry(ctx, unsubscribe.EntryRow{})
					require.NoError(t, err)
					_, err = inner.InsertDelivery(ctx, unsubscribe.DeliveryRow{})
					require.NoError(t, err)
					require.ErrorIs(t, faulttest.Call(ctx, s, method, rekey), faultstore.ErrInjected)
					require.NoError(t, faulttest.Call(ctx, s, method, rekey))
					return nil
				})
				require.NoError(t, err)
				require.Equal(t, []faultstore.Call{{Method: method, Nth: 1, Fault: fault}, {Method: method, Nth: 2}}, plan.Calls())
			})
		}
	}
}

func TestNew_FailingAfterwardsKeepsTheEffect(t *testing.T) {
	inner := unsubscribemem.New(memory.Open())
	plan := faultstore.NewPlan(
		faultstore.Injection{Method: "SetManaged", Nth: 1, Fault: faultstore.FailBefore},
		faultstore.Injection{Method: "SetManaged", Nth: 2, Fault: faultstore.FailAfter})
	s := unsubscribefault.New(inner, inner.Transactor(), plan)
	for _, want := range []bool{false, true} {
		require.ErrorIs(t, s.SetManaged(t.Context()), faultstore.ErrInjected)
		managed, err := inner.Managed(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, managed)
	}
}

func TestNew_GivesOutTheTransactor(t *testing.T) {
	inner := unsubscribemem.New(memory.Open())
	plan := faultstore.NewPlan()
	tx := faultstore.Transactor(inner.Transactor(), plan)
	require.Same(t, tx, unsubscribefault.New(inner, tx, plan).Transactor())
}
