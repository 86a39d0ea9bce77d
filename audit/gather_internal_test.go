package audit

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// However slow the store was just then, who is behind a crowd that has left waits for a
// moment only; and behind a fast one for a part of what a step takes.
func TestGather_IsShort(t *testing.T) {
	for took, wait := range map[time.Duration]time.Duration{
		time.Minute: longestWait, 2 * time.Millisecond: time.Millisecond, 0: 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			var q direct
			q.answered(8, took)
			began := time.Now()
			q.gather()
			require.Equal(t, wait, time.Since(began))
		})
	}
}
