package deadline

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Go 1.26 gives the last day of a leap year bounds that end before it, where a
// zone's rules go on for ever: looking for the start of the next day must end.
func TestDate_StartAfterTheLastDayOfALeapYear(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Pacific/Auckland"} {
		loc, err := time.LoadLocation(zone)
		require.NoError(t, err)
		for year := 2036; year <= 2100; year++ {
			for _, d := range []Date{{year, 12, 31}, {year + 1, 1, 1}, {year + 1, 1, 2}} {
				assert.Equal(t, time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc), d.Start(loc), "%s in %s", d, zone)
			}
		}
	}
}
