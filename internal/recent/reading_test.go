package recent_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/internal/recent"
)

const bound = 100 // nanoseconds

var errDown = errors.New("down")

// never is a reading that never was.
func never() *recent.Reading {
	r := new(recent.Reading)
	r.Init(bound)
	return r
}

// unasked is a reading that nobody is to begin.
func unasked(context.Context) error { return errors.New("nobody asked for that") }

func TestReading_AgesByItsBound(t *testing.T) {
	r := never()
	require.False(t, r.Fresh(0))
	require.False(t, r.Within(0, bound), "it was never read")
	r.Read(7, bound)
	require.EqualValues(t, 7, r.AsOf())
	for now, want := range map[int64][2]bool{7: {true, true}, 57: {true, true}, 58: {false, true}, 107: {false, true}, 108: {false, false}} {
		require.Equal(t, want, [2]bool{r.Fresh(now), r.Within(now, bound)}, now)
	}
}

func TestRenew(t *testing.T) {
	r := never()
	yes, no := func() bool { return true }, func() bool { return false }
	var told []error
	tell := func(err error) { told = append(told, err) }
	fails := func(context.Context) error { return errDown }
	require.NoError(t, r.Renew(t.Context(), func(context.Context) error { return nil }, no, tell))
	require.NoError(t, r.Renew(t.Context(), fails, yes, tell), "what there is may be used")
	require.Equal(t, []error{errDown}, told)
	require.ErrorIs(t, r.Renew(t.Context(), fails, no, tell), errDown)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.Renew(gone, fails, yes, tell), errDown, "who gave up is told so")
	require.Len(t, told, 1)
	require.NoError(t, r.Begin(t.Context()))
	require.NoError(t, r.Renew(t.Context(), unasked, no, tell), "somebody else reads")
	r.End()
}

func TestCatch_WaitsForWhoReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := never()
		done, reads := false, 0
		usable := func() bool { return done }
		require.NoError(t, r.Begin(t.Context()))
		ended := make(chan error, 3)
		for range 2 {
			go func() {
				ended <- r.Catch(t.Context(), func(context.Context) error { reads++; done = true; return nil }, usable)
			}()
		}
		impatient, cancel := context.WithCancel(t.Context())
		go func() { ended <- r.Catch(impatient, unasked, usable) }()
		synctest.Wait()
		require.Empty(t, ended)
		cancel()
		synctest.Wait()
		require.ErrorIs(t, <-ended, context.Canceled)
		r.End()
		synctest.Wait()
		require.NoError(t, <-ended)
		require.NoError(t, <-ended)
		require.Equal(t, 1, reads, "the second found it read")
	})
	r := never()
	require.ErrorIs(t, r.Catch(t.Context(), func(context.Context) error { return errDown }, func() bool { return false }), errDown)
	require.NoError(t, r.Begin(t.Context()), "the turn is free again")
}
