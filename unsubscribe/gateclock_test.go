package unsubscribe_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/unsubscribe"
)

// TestGate_SleepMakesItsIndexOld: the monotonic clock stands still while a machine
// sleeps. What opted out meanwhile is not known.
func TestGate_SleepMakesItsIndexOld(t *testing.T) {
	const s, h = time.Second, time.Hour
	require.Equal(t, []time.Duration{1 * s, h + 2*s, h + 3*s, h + 4*s, 3*h + 5*s}, unsubscribe.Ages([][2]time.Duration{
		{1 * s, 1 * s},
		{2 * s, h + 2*s}, // an hour of sleep
		{3 * s, 3 * s},   // the wall clock is set back: nothing becomes younger
		{4 * s, 4 * s},
		{5 * s, 2*h + 5*s},
	}))
}
