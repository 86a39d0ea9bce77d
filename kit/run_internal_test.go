package kit

import (
	"context"
	"errors"
	"testing"

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
