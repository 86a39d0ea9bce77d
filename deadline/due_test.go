package deadline

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func date(t testing.TB, s string) Date {
	t.Helper()
	d, err := ParseDate(s)
	require.NoError(t, err)
	return d
}

func rule(t testing.TB, id string) Rule {
	t.Helper()
	r, err := ShippedRule(id)
	require.NoError(t, err)
	return r
}

func TestDue_UsesTheCalendarOfTheRuleUnlessOneIsGiven(t *testing.T) {
	r := rule(t, "gdpr.access.respond")
	r.Calendar = "nowhere"
	events := []Event{On(Received, Date{2026, 1, 31})}
	_, err := Due(r, events, nil)
	require.ErrorIs(t, err, ErrUnknownCalendar)
	d, err := Due(r, events, weekdays{})
	require.NoError(t, err)
	assert.Equal(t, "2026-03-02", d.Legal.String())
	r.Calendar = "weekdays"
	d, err = Due(r, events, nil)
	require.NoError(t, err)
	assert.Equal(t, "2026-03-02", d.Legal.String())
}

// shortCalendar covers January and February 2026 only.
type shortCalendar struct{ weekdays }

func (c shortCalendar) Covers() (first, last Date) { return Date{2026, 1, 1}, Date{2026, 2, 28} }

func (c shortCalendar) Working(d Date) (bool, error) {
	if err := covered(c, d); err != nil {
		return false, err
	}
	return !weekend(d), nil
}

func TestDue_NeverGuessesOutsideTheCalendar(t *testing.T) {
	for id, event := range map[string]EventType{"gdpr.access.respond": Received, "ccpa.delete.acknowledge": Received} {
		_, err := Due(rule(t, id), []Event{On(event, Date{2026, 2, 20})}, shortCalendar{})
		_, ok := errors.AsType[*RangeError](err)
		assert.True(t, ok, "%s: %v", id, err)
	}
	_, err := Due(rule(t, "gdpr.access.respond"), []Event{On(Received, Date{2026, 1, 20})}, shortCalendar{})
	require.NoError(t, err)
}

func TestDue_Refuses(t *testing.T) {
	r := rule(t, "uk.complaint.acknowledge")
	_, err := Due(r, []Event{On(Received, Date{2026, 7, 1})}, nil)
	assert.Equal(t, &NotStartedError{Rule: r.ID, Event: Complained}, err)
	_, err = Due(r, []Event{On(Complained, Date{2026, 6, 18})}, nil)
	assert.Equal(t, &NotInForceError{Rule: r.ID, Day: Date{2026, 6, 18}, From: Date{2026, 6, 19}}, err)
	assert.Equal(t, `deadline: rule "uk.complaint.acknowledge": not in force on 2026-06-18: it applies from 2026-06-19 until further notice`, err.Error())
	r.To = Date{2026, 8, 1}
	_, err = Due(r, []Event{On(Complained, Date{2026, 8, 1})}, nil)
	require.NoError(t, err)
	_, err = Due(r, []Event{On(Complained, Date{2026, 8, 2})}, nil)
	assert.Equal(t, &NotInForceError{Rule: r.ID, Day: Date{2026, 8, 2}, From: r.From, To: r.To}, err)

	r.Citation = ""
	_, err = Due(r, []Event{On(Complained, Date{2026, 7, 1})}, nil)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = Due(Rule{}, nil, nil)
	require.ErrorIs(t, err, ErrInvalid)

	noon := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for _, e := range []Event{
		{Type: "guessed", Date: Date{2026, 7, 1}},
		{Type: Complained},
		{Type: Complained, Date: Date{2026, 2, 30}},
		{Type: Complained, Date: Date{2026, 7, 1}, Instant: noon},
		{Type: Complained, Date: Date{2026, 7, 2}, Instant: noon, Location: time.UTC},
	} {
		_, err = Due(rule(t, "uk.complaint.acknowledge"), []Event{e}, nil)
		_, ok := errors.AsType[*EventError](err)
		assert.True(t, ok, "%v: %v", e, err)
	}
}

func TestDue_DoesNotHoldOnToWhatItWasGiven(t *testing.T) {
	events := []Event{On(ExtensionNoticed, Date{2026, 2, 10}), On(Received, Date{2026, 1, 30})}
	r := rule(t, "gdpr.access.respond")
	d, err := Due(r, events, weekdays{})
	require.NoError(t, err)
	before := d.Explain()
	events[0], events[1] = On(Sent, Date{2020, 1, 1}), On(Sent, Date{2020, 1, 1})
	assert.Equal(t, before, d.Explain())
	assert.Equal(t, r, d.Rule())
	assert.Equal(t, Rule{}, Deadline{}.Rule())
	assert.Empty(t, Deadline{}.Explain())
}

// Hours: 2026-03-27 is a Friday, and on the 29th clocks in Berlin go forward at
// 02:00. Aware at 15:20 local, 14:20 UTC.
func TestDue_HoursRunFromTheInstant(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	aware := time.Date(2026, 3, 27, 15, 20, 0, 0, berlin)
	d, err := Due(rule(t, "gdpr.breach.authority"), []Event{At(Aware, aware, berlin)}, nil)
	require.NoError(t, err)
	// The hour from 15:00 to 16:00 is not counted: 72 hours from 15:00 UTC.
	assert.Equal(t, time.Date(2026, 3, 30, 15, 0, 0, 0, time.UTC), d.LegalAt)
	assert.Equal(t, time.Date(2026, 3, 30, 14, 20, 0, 0, time.UTC), d.SafeAt)
	assert.Equal(t, "2026-03-30 2026-03-30", d.Legal.String()+" "+d.Safe.String())
	text := d.Explain()
	assert.Contains(t, text, "at 2026-03-27T14:20:00Z; that hour is not counted")
	assert.Contains(t, text, "Legal date: 2026-03-30 (Monday) at 2026-03-30T15:00:00Z.")
	assert.Contains(t, text, "Safe date: 2026-03-30 (Monday) at 2026-03-30T14:20:00Z")

	// In Kolkata hours begin at half past UTC's: 15:20 is 09:50 UTC, the next
	// hour begins at 10:30 UTC.
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	require.NoError(t, err)
	d, err = Due(rule(t, "gdpr.breach.authority"), []Event{At(Aware, time.Date(2026, 6, 1, 15, 20, 0, 0, kolkata), kolkata)}, nil)
	require.NoError(t, err)
	assert.Equal(t, time.Date(2026, 6, 4, 10, 30, 0, 0, time.UTC), d.LegalAt)

	// An end at midnight is the end of the day before.
	d, err = Due(rule(t, "gmail.optout.honour"), []Event{At(Received, time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), nil)}, nil)
	require.NoError(t, err)
	assert.Equal(t, "2026-06-02", d.Legal.String())
	assert.Equal(t, time.Date(2026, 6, 3, 0, 0, 0, 0, time.UTC), d.LegalAt)
	assert.Equal(t, d.LegalAt, d.SafeAt)
}

// Where only the day is known, no part of the safe day is too late, though
// clocks have moved the end: in Berlin 72 hours from the first instant of 28 March
// end at 01:00 on the 31st, and from that of 24 October at 23:00 on the 26th.
func TestDue_HoursOfADayAreSafeOnWholeDays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	for _, c := range []struct {
		hours       int
		aware       Date
		legal, safe string
	}{
		{72, Date{2026, 3, 20}, "2026-03-23", "2026-03-22"},
		{72, Date{2026, 3, 28}, "2026-04-01", "2026-03-30"},
		{72, Date{2026, 10, 24}, "2026-10-27", "2026-10-25"},
		{1, Date{2026, 3, 20}, "2026-03-21", "2026-03-20"},
	} {
		r := rule(t, "gdpr.breach.authority")
		r.Period.Hours = c.hours
		d, err := Due(r, []Event{{Type: Aware, Date: c.aware, Location: berlin}}, nil)
		require.NoError(t, err)
		assert.Equal(t, c.legal+" "+c.safe, d.Legal.String()+" "+d.Safe.String(), c.aware)
		// Whenever on that day it was.
		for minute := 0; minute < 23*60; minute += 30 {
			at := c.aware.Start(berlin).Add(time.Duration(minute) * time.Minute)
			exact, err := Due(r, []Event{At(Aware, at, berlin)}, nil)
			require.NoError(t, err)
			late := d.Safe.End(berlin).After(exact.SafeAt) && d.Safe != c.aware
			require.False(t, late, "%s: %s is over after %s", at, d.Safe, exact.SafeAt)
			require.False(t, exact.Legal.After(d.Legal), "%s", at)
		}
	}
}

func TestAt_DaysBelongToAPlace(t *testing.T) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	require.NoError(t, err)
	at := time.Date(2026, 1, 31, 20, 0, 0, 0, time.UTC)
	assert.Equal(t, "2026-02-01", At(Received, at, tokyo).Date.String())
	assert.Equal(t, "2026-01-31", At(Received, at, nil).Date.String())
	require.NoError(t, At(Received, at, tokyo).Validate())
}

func TestDue_PausesThatOverlapAreOne(t *testing.T) {
	r := rule(t, "uk.access.respond")
	r.Pauses = append(r.Pauses, Pause{From: FeeAsked, To: FeePaid, Days: BothEnds})
	r.Start = r.Start[:1]
	r.Doubts = nil
	for name, c := range map[string]struct {
		events []Event
		days   int
		waits  EventType
	}{
		"one":                  {[]Event{ask(10), answer(12)}, 3, ""},
		"on one day":           {[]Event{ask(10), answer(10)}, 1, ""},
		"in any order":         {[]Event{answer(12), ask(10)}, 3, ""},
		"two apart":            {[]Event{ask(10), answer(12), ask(15), answer(16)}, 5, ""},
		"two that meet":        {[]Event{ask(10), answer(12), ask(12), answer(14)}, 5, ""},
		"two that follow":      {[]Event{ask(10), answer(12), ask(13), answer(14)}, 5, ""},
		"one in the other":     {[]Event{ask(10), fee(11), paid(12), answer(14)}, 5, ""},
		"overlapping":          {[]Event{ask(10), fee(12), answer(14), paid(16)}, 7, ""},
		"asked again":          {[]Event{ask(10), ask(11), answer(14)}, 5, ""},
		"answered twice":       {[]Event{ask(10), answer(12), answer(20)}, 3, ""},
		"answered, not asked":  {[]Event{answer(12)}, 0, ""},
		"not answered yet":     {[]Event{ask(10)}, 1, ClarificationAnswered},
		"one still open":       {[]Event{ask(10), fee(11), paid(14)}, 5, ClarificationAnswered},
		"the other still open": {[]Event{ask(10), fee(11), answer(14)}, 5, FeePaid},
		"never over":           {[]Event{ask(10), fee(12)}, 3, FeePaid},
		"open beyond the end":  {[]Event{ask(10), On(FeeAsked, Date{2026, 3, 20}), On(FeePaid, Date{2026, 3, 22}), On(ClarificationAnswered, Date{2026, 3, 21})}, 41, ""},
		"asked before receipt": {[]Event{ask(5), answer(10)}, 2, ""},
		"over before receipt":  {[]Event{ask(5), answer(8)}, 0, ""},
	} {
		d, err := Due(r, append(c.events, On(Received, Date{2026, 2, 9})), everyDay{})
		require.NoError(t, err)
		// From 2026-02-09, one month ends on 2026-03-09.
		assert.Equal(t, c.days, d.Legal.Sub(Date{2026, 3, 9}), name)
		assert.Equal(t, c.waits, d.Waiting, name)
	}
}

func ask(day int) Event    { return On(ClarificationAsked, Date{2026, 2, day}) }
func answer(day int) Event { return On(ClarificationAnswered, Date{2026, 2, day}) }
func fee(day int) Event    { return On(FeeAsked, Date{2026, 2, day}) }
func paid(day int) Event   { return On(FeePaid, Date{2026, 2, day}) }

// everyDay is a calendar without rest.
type everyDay struct{ weekdays }

func (everyDay) Working(Date) (bool, error) { return true, nil }

// A pause of which the first day does not count takes nothing from one of which
// it does.
func TestDue_AnotherPauseNeverShortens(t *testing.T) {
	for _, kinds := range [][2]PauseDays{{Between, BothEnds}, {BothEnds, Between}} {
		r := rule(t, "uk.access.respond")
		r.Start, r.Doubts = r.Start[:1], nil
		r.Pauses = []Pause{{From: FeeAsked, To: FeePaid, Days: kinds[0]}, {From: ClarificationAsked, To: ClarificationAnswered, Days: kinds[1]}}
		d, err := Due(r, []Event{On(Received, Date{2026, 2, 9}), ask(10), fee(10), paid(11), answer(12)}, everyDay{})
		require.NoError(t, err)
		assert.Equal(t, 3, d.Legal.Sub(Date{2026, 3, 9}))
	}
}

func TestErrors_SayWhatIsWrongAndNothingElse(t *testing.T) {
	for want, err := range map[string]error{
		`deadline: rule "a.b.c": period: no such period`:           &RuleError{Rule: "a.b.c", Field: "period", Problem: "no such period"},
		`deadline: event "received": no such day`:                  &EventError{Event: Received, Problem: "no such day"},
		`deadline: rule "a.b.c": not started: no event "received"`: &NotStartedError{Rule: "a.b.c", Event: Received},
		`deadline: no rule "a.b.c"`:                                &UnknownRuleError{Rule: "a.b.c"},
		`deadline: rule "a.b.c": not in force on 2026-01-01: it applies from 2027-01-01 to 2028-01-01`: &NotInForceError{
			Rule: "a.b.c", Day: Date{2026, 1, 1}, From: Date{2027, 1, 1}, To: Date{2028, 1, 1},
		},
	} {
		assert.EqualError(t, err, want)
	}
}

func TestDeadline_ExplainsCountsThatNoShippedRuleHas(t *testing.T) {
	r := rule(t, "us-va.request.respond")
	r.FirstDay, r.Period = FirstIncluded, Period{Weeks: 6, Days: 3}
	r.Extension = Extension{Period: Period{Days: 10}, Count: 2, Chain: Chained}
	d, err := Due(r, []Event{
		On(Received, Date{2026, 2, 1}), On(ExtensionNoticed, Date{2026, 3, 1}), On(ExtensionNoticed, Date{2026, 3, 20}),
	}, nil)
	require.NoError(t, err)
	// Day one is 1 February: day 45 is 17 March, and 20 more make 6 April.
	assert.Equal(t, "2026-04-06", d.Legal.String())
	assert.Equal(t, 2, d.Extended)
	text := d.Explain()
	assert.Contains(t, text, `on 2026-02-01 (Sunday); that is day one.`)
	assert.Contains(t, text, "6 weeks and 3 days: to 2026-03-17 (Tuesday).")
	assert.Contains(t, text, "2 extensions, noticed in time, of 10 days: counted from the end of the period to 2026-04-06 (Monday).")
}
