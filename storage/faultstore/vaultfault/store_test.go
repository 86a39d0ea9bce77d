package vaultfault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/faulttest"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/vaultfault"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/vaultmem"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

func TestNew_WithoutFaultsKeepsTheContract(t *testing.T) {
	vaulttest.Run(t, func(*testing.T) vaulttest.Harness {
		s := vaultmem.New(memory.Open())
		return vaulttest.Harness{Backend: vaultfault.New(s, s.Transactor(), faultstore.NewPlan())}
	})
}

func TestNew_EveryMethodFailsUnderItsName(t *testing.T) {
	for _, method := range faulttest.Methods[vault.Backend]() {
		for _, fault := range []faultstore.Fault{faultstore.FailBefore, faultstore.FailAfter} {
			t.Run(method+" "+string(fault), func(t *testing.T) {
				inner := vaultmem.New(memory.Open())
				plan := faultstore.NewPlan(faultstore.Injection{Method: method, Nth: 1, Fault: fault})
				s := vaultfault.New(inner, inner.Transactor(), plan)
				err := inner.Transactor().Atomically(t.Context(), func(ctx context.Context) error {
					require.ErrorIs(t, faulttest.Call(ctx, s, method, func(context.Context) error { return nil }), faultstore.ErrInjected)
					require.NoError(t, faulttest.Call(ctx, s, method, func(context.Context) error { return nil }))
					return nil
				})
				require.NoError(t, err)
				require.Equal(t, []faultstore.Call{{Method: method, Nth: 1, Fault: fault}, {Method: method, Nth: 2}}, plan.Calls())
			})
		}
	}
}

func TestNew_FailingAfterwardsKeepsTheEffect(t *testing.T) {
	inner := vaultmem.New(memory.Open())
	plan := faultstore.NewPlan(
		faultstore.Injection{Method: "SetManaged", Nth: 1, Fault: faultstore.FailBefore},
		faultstore.Injection{Method: "SetManaged", Nth: 2, Fault: faultstore.FailAfter})
	s := vaultfault.New(inner, inner.Transactor(), plan)
	for _, want := range []bool{false, true} {
		require.ErrorIs(t, s.SetManaged(t.Context()), faultstore.ErrInjected)
		managed, err := inner.Managed(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, managed)
	}
}

func TestNew_GivesOutTheTransactor(t *testing.T) {
	inner := vaultmem.New(memory.Open())
	plan := faultstore.NewPlan()
	tx := faultstore.Transactor(inner.Transactor(), plan)
	require.Same(t, tx, vaultfault.New(inner, tx, plan).Transactor())
}
