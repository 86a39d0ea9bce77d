package consentfault_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/consent/consenttest"
	"github.com/trothdev/troth/internal/faulttest"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/consentfault"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/consentmem"
)

func TestNew_WithoutFaultsKeepsTheContract(t *testing.T) {
	consenttest.Run(t, func(*testing.T) consenttest.Harness {
		s := consentmem.New(memory.Open())
		return consenttest.Harness{Backend: consentfault.New(s, s.Transactor(), faultstore.NewPlan())}
	})
}

func TestNew_EveryMethodFailsUnderItsName(t *testing.T) {
	for _, method := range faulttest.Methods[consent.Backend]() {
		for _, fault := range []faultstore.Fault{faultstore.FailBefore, faultstore.FailAfter} {
			t.Run(method+" "+string(fault), func(t *testing.T) {
				inner := consentmem.New(memory.Open())
				plan := faultstore.NewPlan(faultstore.Injection{Method: method, Nth: 1, Fault: fault})
				s := consentfault.New(inner, inner.Transactor(), plan)
				err := inner.Transactor().Atomically(t.Context(), func(ctx context.Context) error {
					// There is somebody without a name, whom the calls are about.
					_, err := inner.LockPerson(ctx, consent.PersonRow{})
					require.NoError(t, err)
					require.ErrorIs(t, faulttest.Call(ctx, s, method, consent.MovePerson{To: "~x"}), faultstore.ErrInjected)
					if err := faulttest.Call(ctx, s, method, consent.MovePerson{To: "~x"}); method != "MovePerson" || fault == faultstore.FailBefore {
						require.NoError(t, err) // nobody is moved twice
					}
					return nil
				})
				require.NoError(t, err)
				require.Equal(t, []faultstore.Call{{Method: method, Nth: 1, Fault: fault}, {Method: method, Nth: 2}}, plan.Calls())
			})
		}
	}
}

func TestNew_FailingAfterwardsKeepsTheEffect(t *testing.T) {
	inner := consentmem.New(memory.Open())
	plan := faultstore.NewPlan(
		faultstore.Injection{Method: "SetManaged", Nth: 1, Fault: faultstore.FailBefore},
		faultstore.Injection{Method: "SetManaged", Nth: 2, Fault: faultstore.FailAfter})
	s := consentfault.New(inner, inner.Transactor(), plan)
	for _, want := range []bool{false, true} {
		require.ErrorIs(t, s.SetManaged(t.Context()), faultstore.ErrInjected)
		managed, err := inner.Managed(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, managed)
	}
}

func TestNew_GivesOutTheTransactor(t *testing.T) {
	inner := consentmem.New(memory.Open())
	plan := faultstore.NewPlan()
	tx := faultstore.Transactor(inner.Transactor(), plan)
	require.Same(t, tx, consentfault.New(inner, tx, plan).Transactor())
}
