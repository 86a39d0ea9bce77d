package faultstore_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/storage/faultstore"
)

// counter is a store whose effect can be counted.
type counter struct{ n int }

func (c *counter) add(ctx context.Context, p *faultstore.Plan, method string) (int, error) {
	return faultstore.Do(ctx, p, method, func() (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		c.n++
		return c.n, nil
	})
}

func TestDo_EveryFault(t *testing.T) {
	for _, tc := range []struct {
		fault     faultstore.Fault
		effect    int
		err       error
		cancelled bool
	}{
		{"", 1, nil, false},
		{faultstore.FailBefore, 0, faultstore.ErrInjected, false},
		{faultstore.FailAfter, 1, faultstore.ErrInjected, false},
		{faultstore.Delay, 1, nil, false},
		{faultstore.CancelBefore, 0, context.Canceled, true},
		{faultstore.CancelAfter, 1, nil, true},
	} {
		t.Run(string(tc.fault), func(t *testing.T) {
			p := faultstore.NewPlan(faultstore.Injection{Method: "add", Nth: 1, Fault: tc.fault})
			ctx, cancel := p.Context(t.Context())
			defer cancel()
			var c counter
			v, err := c.add(ctx, p, "add")
			require.ErrorIs(t, err, tc.err)
			require.Equal(t, tc.effect, c.n)
			require.Equal(t, tc.cancelled, ctx.Err() != nil)
			if tc.err == nil {
				require.Equal(t, 1, v)
			} else {
				require.Zero(t, v)
			}
		})
	}
}

func TestPlan_CountsByMethodAndOverall(t *testing.T) {
	p := faultstore.NewPlan(
		faultstore.Injection{Method: "b", Nth: 2, Fault: faultstore.FailBefore},
		faultstore.Injection{Nth: 5, Fault: faultstore.FailAfter},
	)
	var c counter
	for _, method := range []string{"a", "b", "a", "b", "a", "b"} {
		_, _ = c.add(t.Context(), p, method)
	}
	require.Equal(t, []faultstore.Call{
		{Method: "a", Nth: 1},
		{Method: "b", Nth: 1},
		{Method: "a", Nth: 2},
		{Method: "b", Nth: 2, Fault: faultstore.FailBefore},
		{Method: "a", Nth: 3, Fault: faultstore.FailAfter},
		{Method: "b", Nth: 3},
	}, p.Calls())
	require.Equal(t, 2, p.Injected())
	require.Equal(t, 5, c.n)
}

func TestPlan_EveryCallFailsUntilFurtherNotice(t *testing.T) {
	p := faultstore.NewPlan()
	var c counter
	_, err := c.add(t.Context(), p, "a")
	require.NoError(t, err)
	p.Add(faultstore.Injection{Fault: faultstore.FailBefore})
	for range 3 {
		_, err = c.add(t.Context(), p, "a")
		require.ErrorIs(t, err, faultstore.ErrInjected)
	}
	require.Equal(t, 1, c.n)
}

func TestPlan_GivesTheErrorThatWasAskedFor(t *testing.T) {
	special := errors.New("special")
	p := faultstore.NewPlan(faultstore.Injection{Nth: 1, Fault: faultstore.FailBefore, Err: special})
	err := faultstore.Run(t.Context(), p, "a", func() error { return nil })
	require.ErrorIs(t, err, faultstore.ErrInjected)
	require.ErrorIs(t, err, special)
}

func TestPlan_CancellingNothingIsAnError(t *testing.T) {
	p := faultstore.NewPlan(faultstore.Injection{Fault: faultstore.CancelBefore})
	require.Error(t, faultstore.Run(t.Context(), p, "a", func() error { return nil }))
}

func TestDo_KeepsTheStoresOwnError(t *testing.T) {
	own := errors.New("own")
	p := faultstore.NewPlan(faultstore.Injection{Fault: faultstore.FailAfter})
	err := faultstore.Run(t.Context(), p, "a", func() error { return own })
	require.ErrorIs(t, err, own)
	require.NotErrorIs(t, err, faultstore.ErrInjected)
}

func TestDo_DelayEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := faultstore.NewPlan(faultstore.Injection{Fault: faultstore.Delay, Wait: time.Minute})
		began := time.Now()
		var c counter
		_, err := c.add(t.Context(), p, "a")
		require.NoError(t, err)
		require.Equal(t, time.Minute, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = c.add(ctx, p, "a")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute+time.Second, time.Since(began))
		require.Equal(t, 1, c.n)
	})
}

func TestPlan_OneOfManyGoroutinesIsHit(t *testing.T) {
	p := faultstore.NewPlan(faultstore.Injection{Method: "a", Nth: 37, Fault: faultstore.FailBefore})
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() { _ = faultstore.Run(t.Context(), p, "a", func() error { return nil }) })
	}
	all.Wait()
	require.Len(t, p.Calls(), 64)
	require.Equal(t, 1, p.Injected())
}

func TestSeq_EveryFault(t *testing.T) {
	numbers := func(yield func(int, error) bool) {
		for n := range 3 {
			if !yield(n, nil) {
				return
			}
		}
	}
	for fault, want := range map[faultstore.Fault]struct {
		seen int
		err  error
	}{
		"":                      {3, nil},
		faultstore.FailBefore:   {0, faultstore.ErrInjected},
		faultstore.FailAfter:    {3, faultstore.ErrInjected},
		faultstore.CancelBefore: {3, nil},
		faultstore.CancelAfter:  {3, nil},
	} {
		t.Run(string(fault), func(t *testing.T) {
			p := faultstore.NewPlan(faultstore.Injection{Fault: fault})
			ctx, cancel := p.Context(t.Context())
			defer cancel()
			seen, failed := 0, error(nil)
			for _, err := range faultstore.Seq(ctx, p, "all", numbers) {
				if err != nil {
					failed = err
					continue
				}
				seen++
			}
			require.Equal(t, want.seen, seen)
			require.ErrorIs(t, failed, want.err)
			require.Equal(t, fault == faultstore.CancelBefore || fault == faultstore.CancelAfter, ctx.Err() != nil)
		})
	}
	p := faultstore.NewPlan(faultstore.Injection{Fault: faultstore.FailAfter})
	for n, err := range faultstore.Seq(t.Context(), p, "all", numbers) {
		require.NoError(t, err)
		if n == 1 {
			break
		}
	}
}

func TestEach_IsEveryCallTimesEveryFault(t *testing.T) {
	calls := []faultstore.Call{{Method: "a", Nth: 1}, {Method: "b", Nth: 1}, {Method: "a", Nth: 2}}
	all := slices.Collect(faultstore.Each(calls, faultstore.Faults()...))
	require.Len(t, all, 12)
	require.Equal(t, faultstore.Injection{Method: "a", Nth: 2, Fault: faultstore.CancelAfter}, all[11])
	for range faultstore.Each(calls, faultstore.Faults()...) {
		break
	}
}
