package deadline

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// standing counts, one day at a time and straight from the words of Pause, on
// which days of a period the clock stood still: the plain form of what pausing
// does with intervals. The events lie on days of their own.
func standing(r Rule, events []Event, start, end Date) (days int) {
	open := map[int]bool{}
	whole := false // the days of this standstill include its first
	last := events[len(events)-1].Date
	// A standstill that nothing ends is known until the last event about it.
	for i, e := range slices.Backward(events) {
		if slices.ContainsFunc(r.Pauses, func(p Pause) bool { return p.From == e.Type || p.To == e.Type }) {
			last = events[i].Date
			break
		}
	}
	unsure := 0 // days since the last event about an open standstill
	for d := events[0].Date; !d.After(last); d = d.AddDays(1) {
		stood := len(open) > 0
		about := false
		for _, e := range events {
			if e.Date != d {
				continue
			}
			for i, p := range r.Pauses {
				switch {
				case open[i] && e.Type == p.To:
					delete(open, i)
					about = true
				case !open[i] && e.Type == p.From && (stood || !d.After(end.AddDays(days+unsure))):
					if !stood && len(open) == 0 {
						whole = p.Days == BothEnds
					}
					open[i] = true
					about = true
				}
			}
		}
		counts := d.After(start) || d == start && whole
		if counts && (stood || len(open) > 0 && whole) {
			unsure++
		}
		if about {
			days, unsure = days+unsure, 0
		}
	}
	return days
}

// Over random events, counting by intervals agrees with counting by days.
func TestDue_PausesAgreeWithAModelThatCountsDays(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	rnd := random(t)
	types := []EventType{ClarificationAsked, ClarificationAnswered, FeeAsked, FeePaid, Processed}
	paused := 0
	for range 20_000 {
		r := always(rule(t, "us-va.request.refuse"))
		r.Period = Period{Days: 10 + rnd.IntN(40)}
		r.Pauses = []Pause{
			{From: ClarificationAsked, To: ClarificationAnswered, Days: pauseDays[rnd.IntN(2)]},
			{From: FeeAsked, To: FeePaid, Days: pauseDays[rnd.IntN(2)]},
		}
		start := randomDay(rnd)
		var events []Event
		for day := start.AddDays(-5); len(events) < 8; day = day.AddDays(1 + rnd.IntN(9)) {
			events = append(events, On(types[rnd.IntN(len(types))], day))
		}
		end := start.AddDays(r.Period.Days)
		want := standing(r, events, start, end)
		d, err := Due(r, append(slices.Clone(events), On(Received, start)), nil)
		require.NoError(t, err)
		require.Equal(t, want, d.Legal.Sub(end), "%v from %s to %s: %v", r.Pauses, start, end, events)
		if want > 0 {
			paused++
		}
	}
	require.Greater(t, paused, 5_000)
}
