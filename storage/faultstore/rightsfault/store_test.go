package rightsfault_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/rightstest"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/rightsfault"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/rightsmem"
)

func TestNew_WithoutFaultsKeepsTheContract(t *testing.T) {
	rightstest.Run(t, func(*testing.T) rightstest.Harness {
		s := rightsmem.New(memory.Open())
		return rightstest.Harness{Backend: rightsfault.New(s, s.Transactor(), faultstore.NewPlan())}
	})
}

// call calls the method with zero arguments and returns its error.
func call(ctx context.Context, s rights.Backend, method string) error {
	m := reflect.ValueOf(s).MethodByName(method)
	args := []reflect.Value{reflect.ValueOf(ctx)}
	for i := 1; i < m.Type().NumIn(); i++ {
		arg := reflect.Zero(m.Type().In(i))
		args = append(args, arg)
	}
	results := m.Call(args)
	err, _ := reflect.TypeAssert[error](results[len(results)-1])
	return err
}

func methods() []string {
	var names []string
	for m := range reflect.TypeFor[rights.Backend]().Methods() {
		if m.Name != "Transactor" {
			names = append(names, m.Name)
		}
	}
	return names
}

func TestNew_EveryMethodFailsUnderItsName(t *testing.T) {
	for _, method := range methods() {
		for _, fault := range []faultstore.Fault{faultstore.FailBefore, faultstore.FailAfter} {
			t.Run(method+" "+string(fault), func(t *testing.T) {
				inner := rightsmem.New(memory.Open())
				plan := faultstore.NewPlan(faultstore.Injection{Method: method, Nth: 1, Fault: fault})
				s := rightsfault.New(inner, inner.Transactor(), plan)
				err := inner.Transactor().Atomically(t.Context(), func(ctx context.Context) error {
					// There are a request and an item without a name, which the calls are about.
					_, err := inner.InsertRequest(ctx, rights.RequestRow{})
					require.NoError(t, err)
					_, err = inner.InsertItem(ctx, rights.ItemRow{})
					require.NoError(t, err)
					require.ErrorIs(t, call(ctx, s, method), faultstore.ErrInjected)
					require.NoError(t, call(ctx, s, method))
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
		inner := rightsmem.New(memory.Open())
		s := rightsfault.New(inner, inner.Transactor(), faultstore.NewPlan(faultstore.Injection{Method: "DeleteItem", Nth: 1, Fault: fault}))
		_, err := inner.InsertItem(t.Context(), rights.ItemRow{})
		require.NoError(t, err)
		_, err = s.DeleteItem(t.Context(), rights.ItemKey{})
		require.ErrorIs(t, err, faultstore.ErrInjected)
		_, found, err := inner.Item(t.Context(), rights.ItemKey{})
		require.NoError(t, err)
		require.Equal(t, want, !found)
	}
}

func TestNew_GivesOutTheTransactor(t *testing.T) {
	inner := rightsmem.New(memory.Open())
	plan := faultstore.NewPlan()
	tx := faultstore.Transactor(inner.Transactor(), plan)
	require.Same(t, tx, rightsfault.New(inner, tx, plan).Transactor())
}
