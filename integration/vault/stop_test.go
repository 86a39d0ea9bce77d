//go:build unix

package vault_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestFence_AProcessThatWasStoppedRefusesAtOnce stops a process that has keys
// cached, destroys them, and lets it go on when its fence is too old.
func TestFence_AProcessThatWasStoppedRefusesAtOnce(t *testing.T) {
	const bound = 300 * time.Millisecond
	each(t, func(t *testing.T, d database) {
		config := childConfig{Database: d, FenceAge: bound}
		here, there := config.start(t), config.start(t)
		sealed := here.ask(request{Op: "seal", Subjects: []string{"idle", "busy"}}).Sealed
		there.opens(t, "idle", sealed[0], ok)
		there.ask(request{Op: "watch", Subjects: []string{"busy"}, Sealed: sealed[1:]})

		require.NoError(t, there.Cmd.Process.Signal(syscall.SIGSTOP))
		died := here.ask(request{Op: "shred", Subjects: []string{"idle", "busy"}}).At
		<-time.After(bound + slack)
		require.NoError(t, there.Cmd.Process.Signal(syscall.SIGCONT))

		there.opens(t, "idle", sealed[0], shredded)
		for i, s := range there.ask(request{Op: "watched"}).Watch {
			require.Zero(t, s.Relapses, "way %d", i)
			require.LessOrEqual(t, time.Duration(s.LastBegan-died), bound, "way %d", i)
		}
	})
}
