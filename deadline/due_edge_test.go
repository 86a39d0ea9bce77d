package deadline

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// heedless is a calendar of a host that answers alike for every day, covered or
// not.
type heedless struct {
	weekdays
	answer bool
}

func (heedless) Covers() (first, last Date) { return Date{2026, 1, 1}, Date{2026, 12, 31} }

func (c heedless) Working(Date) (bool, error) { return c.answer, nil }

// A calendar that never finds a working day does not keep Due for ever, and one
// that knows no end is not believed beyond it.
func TestDue_BelievesNoCalendarOutsideOfWhatItCovers(t *testing.T) {
	for _, id := range []string{"gdpr.access.respond", "canspam.optout.honour"} {
		_, err := Due(rule(t, id), []Event{On(Received, Date{2026, 1, 31})}, heedless{answer: false})
		outside, ok := errors.AsType[*RangeError](err)
		require.True(t, ok, "%s: %v", id, err)
		assert.Equal(t, Date{2027, 1, 1}, outside.Date)
		_, err = Due(rule(t, id), []Event{On(Received, Date{2026, 12, 28})}, heedless{answer: true})
		_, ok = errors.AsType[*RangeError](err)
		require.True(t, ok, "%s: %v", id, err)
	}
}

// No deadline lies on a day that no Date can be.
func TestDue_EndsWithTheLastYear(t *testing.T) {
	breach := always(rule(t, "gdpr.breach.authority"))
	last := time.Date(9999, 12, 31, 12, 0, 0, 0, time.UTC)
	month := always(rule(t, "uk.access.respond"))
	month.Roll, month.Calendar, month.Doubts = RollNone, "", nil
	for name, c := range map[string]struct {
		rule   Rule
		events []Event
	}{
		"hours from a day":      {breach, []Event{On(Aware, Date{9999, 12, 29})}},
		"hours from an instant": {breach, []Event{At(Aware, last, nil)}},
		"a pause": {month, []Event{
			On(Received, Date{9999, 11, 20}), On(ClarificationAsked, Date{9999, 11, 25}), On(ClarificationAnswered, Date{9999, 12, 31}),
		}},
		"a month":            {month, []Event{On(Received, Date{9999, 12, 1})}},
		"weekdays of a rule": {always(rule(t, "lgpd.breach.authority")), []Event{On(Aware, Date{9999, 12, 30})}},
	} {
		d, err := Due(c.rule, c.events, nil)
		_, noDate := errors.AsType[*DateError](err)
		_, notCovered := errors.AsType[*RangeError](err)
		assert.True(t, noDate || notCovered, "%s: %v %s", name, err, d.Legal)
	}
	d, err := Due(breach, []Event{On(Aware, Date{9999, 12, 28})}, nil)
	require.NoError(t, err)
	assert.Equal(t, "9999-12-31 9999-12-30", d.Legal.String()+" "+d.Safe.String())
}

// A rule that validates can be counted: a period and its extensions have parts
// that a period may have.
func TestRule_ExtensionsAddUpToAPeriod(t *testing.T) {
	r := always(rule(t, "us-va.request.respond"))
	r.Period, r.Extension = Period{Days: 5000}, Extension{Period: Period{Days: 2500}, Count: 2, Chain: Direct}
	assert.Equal(t, &RuleError{Rule: r.ID, Field: "extension", Problem: "has a part outside of 0 to 9999 with the period"}, r.Validate())
	r.Period.Days--
	require.NoError(t, r.Validate())
	start := Date{2026, 1, 1}
	d, err := Due(r, []Event{On(Received, start), On(ExtensionNoticed, start), On(ExtensionNoticed, start)}, nil)
	require.NoError(t, err)
	assert.Equal(t, 9999, d.Legal.Sub(start))
	r.Period, r.Extension.Chain = Period{Days: 9999}, Chained
	d, err = Due(r, []Event{On(Received, start), On(ExtensionNoticed, start), On(ExtensionNoticed, start)}, nil)
	require.NoError(t, err)
	assert.Equal(t, 14999, d.Legal.Sub(start))
}

// Read both ways at once, every day but a Sunday is a working day. Among the
// days after Friday 3 July 2026 are Saturday the 4th, a holiday, and Friday 10.
func TestDue_StrictReadingsOfWorkingDaysAddUp(t *testing.T) {
	saturday, weekends := Doubt{Reading: SaturdayWorks, Why: "x"}, Doubt{Reading: WeekendsOnly, Why: "x"}
	r := rule(t, "ccpa.delete.acknowledge")
	r.Period = Period{BusinessDays: 2}
	for _, c := range []struct {
		from   Date
		doubts []Doubt
		want   string
	}{
		{Date{2026, 7, 3}, nil, "2026-07-07"},
		{Date{2026, 7, 3}, []Doubt{saturday}, "2026-07-07"}, // the 4th is kept
		{Date{2026, 7, 3}, []Doubt{weekends}, "2026-07-07"},
		{Date{2026, 7, 3}, []Doubt{saturday, weekends}, "2026-07-06"},
		{Date{2026, 7, 10}, []Doubt{saturday}, "2026-07-13"},
		// Thursday 26 November is Thanksgiving, and the agencies close on Friday.
		{Date{2026, 11, 25}, nil, "2026-12-01"},
		{Date{2026, 11, 25}, []Doubt{saturday}, "2026-11-30"},
		{Date{2026, 11, 25}, []Doubt{weekends}, "2026-11-27"},
	} {
		r.Doubts = c.doubts
		d, err := Due(r, []Event{On(Received, c.from)}, nil)
		require.NoError(t, err)
		assert.Equal(t, c.want, d.Safe.String(), "%s %v", c.from, c.doubts)
	}
}

// Whoever reads the explanation of an extension that did not help is told why.
func TestDeadline_ExplainsNoticesThatExtendNothing(t *testing.T) {
	r := rule(t, "gdpr.access.respond")
	d, err := Due(r, []Event{
		On(Received, Date{2026, 1, 31}), On(ExtensionNoticed, Date{2026, 1, 30}),
		On(ExtensionNoticed, Date{2026, 3, 2}), On(ExtensionNoticed, Date{2026, 3, 3}),
	}, nil)
	require.NoError(t, err)
	assert.Equal(t, 1, d.Extended)
	text := d.Explain()
	assert.Contains(t, text, "\nThe extension noticed on 2026-01-30 (Friday) came before the clock started, and extends nothing.\n")
	assert.Contains(t, text, "\nThe extension noticed on 2026-03-03 (Tuesday) is one more than there may be, and extends nothing.\n")
	assert.NotContains(t, text, "noticed on 2026-03-02")
	late := []Event{On(Received, Date{2026, 1, 31}), On(ExtensionNoticed, Date{2026, 3, 3})}
	d, err = Due(r, late, nil)
	require.NoError(t, err)
	assert.Equal(t, 0, d.Extended)
	assert.Contains(t, d.Explain(), "\nThe extension noticed on 2026-03-03 (Tuesday) came when the period was over, and extends nothing.\n")
	d, err = Due(rule(t, "gdpr.access.refuse"), late, nil)
	require.NoError(t, err)
	assert.NotContains(t, d.Explain(), "extension noticed")
}

// The order of two events of one day is known only if both instants are.
func TestDue_ADayAnswersAnInstant(t *testing.T) {
	r := rule(t, "uk.access.respond")
	at := func(hour int) time.Time { return time.Date(2026, 6, 5, hour, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		asked, answered Event
		waits           EventType
	}{
		"a day, then an instant":  {On(IdentityAsked, Date{2026, 6, 5}), At(IdentityConfirmed, at(9), nil), ""},
		"an instant, then a day":  {At(IdentityAsked, at(9), nil), On(IdentityConfirmed, Date{2026, 6, 5}), ""},
		"two instants":            {At(IdentityAsked, at(9), nil), At(IdentityConfirmed, at(10), nil), ""},
		"answered before asked":   {At(IdentityAsked, at(9), nil), At(IdentityConfirmed, at(8), nil), IdentityConfirmed},
		"answered the day before": {On(IdentityAsked, Date{2026, 6, 5}), On(IdentityConfirmed, Date{2026, 6, 4}), IdentityConfirmed},
	} {
		d, err := Due(r, []Event{On(Received, Date{2026, 6, 1}), c.asked, c.answered}, nil)
		require.NoError(t, err)
		assert.Equal(t, c.waits, d.Waiting, name)
		assert.Equal(t, "2026-07-06", d.Legal.String(), name)
	}
}

// Whatever a rule that validates and events that validate hold, and however far
// they are from any law: there is a day that exists, or an error.
func TestDue_ExtremesGiveADayOrAnError(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	rnd := random(t)
	all := allRules()
	far := func() int { return []int{0, 1, 27, 400, MaxPeriod - 1, MaxPeriod}[rnd.IntN(6)] }
	days := []Date{{1, 1, 1}, {1, 12, 31}, {4, 2, 29}, {2000, 2, 29}, {9996, 2, 29}, {9999, 1, 31}, {9999, 12, 30}, {9999, 12, 31}}
	apia, err := time.LoadLocation("Pacific/Apia")
	require.NoError(t, err)
	due := 0
	for range 3_000 {
		r := randomRule(rnd, all)
		r.From = Date{1, 1, 1}
		if r.Calendar != "" {
			r.Calendar = "weekdays"
		}
		switch {
		case r.Period.Hours > 0:
			r.Period.Hours = 1 + far()%MaxPeriod
		case r.Period.BusinessDays > 0:
			r.Period.BusinessDays = 1 + far()%MaxPeriod
		case r.Sense != AtOnce:
			r.Period = Period{Years: far(), Months: far(), Weeks: far(), Days: 1 + far()%MaxPeriod}
		}
		if r.Validate() != nil {
			continue
		}
		events := []Event{On(r.Start[0].Event, days[rnd.IntN(len(days))])}
		for range rnd.IntN(8) {
			e := On(eventTypes[rnd.IntN(len(eventTypes))], days[rnd.IntN(len(days))])
			if rnd.IntN(2) == 0 {
				e = At(e.Type, e.Date.Start(apia), apia)
			}
			events = append(events, e)
		}
		d, err := Due(r, events, nil)
		_, noDate := errors.AsType[*DateError](err)
		_, outside := errors.AsType[*RangeError](err)
		require.True(t, err == nil || noDate || outside, "%+v %v: %v", r, events, err)
		if err == nil {
			due++
			require.True(t, d.Legal.Valid() && d.Safe.Valid() && !d.Safe.After(d.Legal), "%+v %v: %s %s", r, events, d.Legal, d.Safe)
			require.NotEmpty(t, d.Explain())
		}
	}
	require.Greater(t, due, 100)
}
