package kit

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var errPart = errors.New("a part failed")

// waits runs until its context ends, and says that it did.
func waits(ended *int) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		*ended++
		return ctx.Err()
	}
}

func TestTogether_OneThatEndsEndsTheOthers(t *testing.T) {
	fails := func(context.Context) error { return errPart }
	var a, b int
	require.ErrorIs(t, together(t.Context(), waits(&a), fails), errPart)
	require.ErrorIs(t, together(t.Context(), fails, waits(&b)), errPart)
	assert.Equal(t, 1, a)
	assert.Equal(t, 1, b)
}

func TestTogether_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var a, b int
	require.ErrorIs(t, together(ctx, waits(&a), waits(&b)), context.Canceled)
	assert.Equal(t, 1, a)
	assert.Equal(t, 1, b)
}

// What goes wrong in two parts is told of both; that a part was ended is not.
func TestTogether_JoinsWhatWentWrong(t *testing.T) {
	second := errors.New("another part failed")
	var a int
	late := func(ctx context.Context) error {
		<-ctx.Done()
		return second
	}
	err := together(t.Context(), waits(&a), late, func(context.Context) error { return errPart })
	require.ErrorIs(t, err, errPart)
	require.ErrorIs(t, err, second)
	require.NotErrorIs(t, err, context.Canceled)
	// One that ends without an error ends all.
	require.ErrorIs(t, together(t.Context(), late, func(context.Context) error { return nil }), second)
}

// A part does not run while it must not, is ended when it must not any more, and
// runs again.
func TestWhileNot(t *testing.T) {
	var stopped atomic.Bool
	stopped.Store(true)
	begun, ended := make(chan struct{}, 10), make(chan struct{}, 10)
	part := whileNot(stopped.Load, func(ctx context.Context) error {
		begun <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	select {
	case <-begun:
		t.Fatal("it runs")
	case <-time.After(3 * behindPace):
	}
	for range 2 {
		stopped.Store(false)
		<-begun
		stopped.Store(true)
		<-ended
	}
	stopped.Store(false)
	<-begun
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.ErrorIs(t, whileNot(func() bool { return false }, func(context.Context) error { return errPart })(t.Context()), errPart)
}
