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
		if strings.Contains(tests, module) && !over(stack) {
			found = append(found, stack)
		}
	}
	return found
}

// over reports whether what a goroutine was to do has returned: whoever waits for that goes
// on before the runtime has taken the goroutine away.
func over(stack string) bool {
	calls, _, _ := strings.Cut(stack, "\ncreated by ")
	for _, line := range strings.Split(calls, "\n")[1:] {
		file := strings.HasPrefix(line, "\t")
		if !file && !strings.HasPrefix(line, "runtime.") && !strings.HasPrefix(line, "sync.(*WaitGroup).") {
			return false
		}
	}
	return true
}

// TestOver: only of a goroutine that has returned.
func TestOver(t *testing.T) {
	const by = "created by github.com/trothdev/troth/kit.runUntil in goroutine 8055\n\t/kit/run.go:81 +0x1bd"
	for what, c := range map[string]struct {
		calls string
		over  bool
	}{
		"gone":         {"runtime.goexit1()\n\t/proc.go:4475 +0xf0\nruntime.goexit({})\n\t/asm.s:1772 +0x6\n", true},
		"done":         {"sync.(*WaitGroup).Done(...)\n\t/waitgroup.go:1\nsync.(*WaitGroup).Go.func1()\n\t/waitgroup.go:2\n", true},
		"works":        {"runtime.gopark()\n\t/proc.go:1\ngithub.com/trothdev/troth/kit.(*Kit).run()\n\t/kit/run.go:9\nsync.(*WaitGroup).Go.func1()\n\t/waitgroup.go:2\n", false},
		"works for it": {"database/sql.(*DB).connectionOpener()\n\t/sql.go:1\n", false},
	} {
		require.Equal(t, c.over, over("goroutine 8086 [runnable]:\n"+c.calls+by), what)
	}
}
