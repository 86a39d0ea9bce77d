package faulttest

import (
	"context"
	"errors"
	"testing"

	"github.com/trothdev/troth/storage/faultstore"
)

type store interface {
	Transactor() int
	Put(ctx context.Context, key string, n int) error
}

type kept struct {
	key string
	n   int
}

func (k *kept) Transactor() int { return 0 }

func (k *kept) Put(_ context.Context, key string, n int) error {
	k.key, k.n = key, n
	return errors.New("as it is")
}

func TestMethods_AreAllButTheTransactor(t *testing.T) {
	if got := Methods[store](); len(got) != 1 || got[0] != "Put" {
		t.Errorf("got %q", got)
	}
}

func TestCall_GivesZeroValuesAndWhatItWasTold(t *testing.T) {
	k := &kept{n: 1}
	if err := Call(t.Context(), k, "Put", "a key"); err == nil || err.Error() != "as it is" {
		t.Errorf("got %v", err)
	}
	if k.key != "a key" || k.n != 0 {
		t.Errorf("called with %+v", k)
	}
}

// world is a service that writes once in a store that follows a plan.
type world struct {
	plan    *faultstore.Plan
	ctx     context.Context
	written int
}

func (w *world) Plan() *faultstore.Plan  { return w.plan }
func (w *world) Acting() context.Context { return w.ctx }

func TestEverythingOrNothing_FailsEachCallInEachWay(t *testing.T) {
	opened, later, finally := 0, 0, 0
	s := Suite[*world]{
		New: func(t *testing.T) *world {
			t.Helper()
			opened++
			return &world{plan: faultstore.NewPlan(), ctx: t.Context()}
		},
		Calls: 1, Later: func(*world) { later++ }, Finally: func(*world) { finally++ },
	}
	s.EverythingOrNothing(t, Operation[*world]{
		Prepare: func(*world) {},
		Do: func(w *world, ctx context.Context) error {
			return faultstore.Run(ctx, w.plan, "Put", func() error { w.written = 1; return ctx.Err() })
		},
		Effect: func(w *world) []int { return []int{w.written} },
	})
	if want := len(faultstore.Faults()); opened != 1+want || later != want || finally != want {
		t.Errorf("opened %d times, later %d, finally %d", opened, later, finally)
	}
}
