package kit_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/vault"
)

func TestRun_ReturnsTheContextsErrorAndLeavesNothingBehind(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		// Looks at the fence ten times a second, so that it is at work.
		h := d.host(t, vault.WithFenceAge(300*time.Millisecond))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		sealed := h.seal(asService(t), t, "c-1")
		for range 20 {
			h.requireOpens(asService(t), t, "c-1", sealed)
		}
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.Empty(t, ours())

		ctx, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		require.ErrorIs(t, h.Run(ctx), context.DeadlineExceeded)
		require.Empty(t, ours())
		h.requireOpens(asService(t), t, "c-1", sealed)
	})
}

func TestOpen_StartsNoGoroutine(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.host(t)
		h.requireOpens(asService(t), t, "c-1", h.seal(asService(t), t, "c-1"))
		require.Empty(t, ours())
	})
}

// TestRun_TellsTheCountsOfWindowsThatEnded waits for what nobody but Run does
// while nobody opens anything.
func TestRun_TellsTheCountsOfWindowsThatEnded(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		h := d.host(t, vault.WithWindow(time.Second))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- h.Run(ctx) }()
		defer func() { cancel(); <-done }()
		h.requireOpens(asService(t), t, "c-1", h.seal(asService(t), t, "c-1"))
		require.Eventually(t, func() bool { return h.count(t, "vault.window-close") == 1 },
			time.Minute, 50*time.Millisecond)
		require.Equal(t, 1, h.count(t, "vault.window-subject"))
	})
}

// ours are the goroutines that run code of the library, or were started by it.
func ours() (found []string) {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		const module = "github.com/trothdev/troth/"
		tests := strings.ReplaceAll(stack, module+"integration/", "")
		if strings.Contains(tests, module) {
			found = append(found, stack)
		}
	}
	return found
}
