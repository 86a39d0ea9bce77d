package consent

import (
	"time"

	"github.com/trothdev/troth/deadline"
)

// after is the instant that lies a period after another, on the calendar of UTC.
// What lies beyond the calendar's end is forever.
func after(at int64, p deadline.Period) int64 {
	if p.IsZero() {
		return at
	}
	t, err := p.AddToInstant(time.UnixMicro(at).UTC(), time.UTC)
	if err != nil {
		return forever
	}
	return t.UnixMicro()
}
