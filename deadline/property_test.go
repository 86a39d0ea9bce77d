package deadline

import (
	"errors"
	"flag"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The properties hold over random days of forty years, and on a calendar that
// covers them. The seed is printed by a failing test and can be set.
var seed = flag.Uint64("seed", 0, "seed of the random dates; 0 chooses one")

func random(t *testing.T) *rand.Rand {
	t.Helper()
	n := *seed
	if n == 0 {
		n = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", n)
		}
	})
	return rand.New(rand.NewPCG(n, 1))
}

const fortyYears = 40*365 + 10

var firstDayOfForty = Date{2010, 1, 1}

// patchy is a calendar of forty years and more with holidays on one day in
// twelve, weekends included.
type patchy struct{ seed uint64 }

func (patchy) Name() string { return "patchy" }

func (patchy) Covers() (first, last Date) { return Date{2000, 1, 1}, Date{2070, 12, 31} }

func (p patchy) Working(d Date) (bool, error) {
	if err := covered(p, d); err != nil {
		return false, err
	}
	_, holiday := p.Holiday(d)
	return !holiday && !weekend(d), nil
}

func (p patchy) Holiday(d Date) (string, bool) {
	h := (uint64(d.number()) ^ p.seed) * 0x9e3779b97f4a7c15
	return "a holiday", (h>>32)%12 == 0
}

// always is the rule in force since ever: the properties are about counting.
func always(r Rule) Rule {
	r.From, r.To = Date{1900, 1, 1}, Date{}
	return r
}

// randomRule is a shipped rule, or one with other parts than any law has.
func randomRule(rnd *rand.Rand, all []Rule) Rule {
	r := always(all[rnd.IntN(len(all))])
	if rnd.IntN(2) == 0 {
		return r
	}
	r.Title, r.Sense, r.Calendar = "whatever", NoLaterThan, "patchy"
	r.Start, r.Pauses, r.Extension, r.Doubts = []Start{{Event: Received}}, nil, Extension{}, nil
	r.FirstDay, r.Roll = firstDays[rnd.IntN(2)], rolls[rnd.IntN(3)]
	calendarDays := func() Period {
		return Period{Years: rnd.IntN(2), Months: rnd.IntN(5), Weeks: rnd.IntN(4), Days: 1 + rnd.IntN(50)}
	}
	switch rnd.IntN(6) {
	case 0:
		r.Period, r.Roll = Period{Hours: 1 + rnd.IntN(100)}, RollNone
		return withDoubts(rnd, r)
	case 1:
		r.Period = Period{BusinessDays: 1 + rnd.IntN(30)}
		r.Extension = Extension{Period: Period{BusinessDays: 1 + rnd.IntN(20)}, Count: 1 + rnd.IntN(2), Chain: chains[rnd.IntN(2)]}
		return withDoubts(rnd, r)
	case 2:
		r.Period = Period{Months: 1 + rnd.IntN(6)}
	default:
		r.Period = calendarDays()
	}
	r.Extension = Extension{Period: calendarDays(), Count: 1 + rnd.IntN(3), Chain: chains[rnd.IntN(2)]}
	r.Start = append(r.Start, Start{Event: FeePaid, Asked: FeeAsked}, Start{Event: IdentityConfirmed, After: Period{Days: rnd.IntN(12)}})
	r.Pauses = []Pause{
		{From: ClarificationAsked, To: ClarificationAnswered, Days: pauseDays[rnd.IntN(2)]},
		{From: Appealed, To: Refused, Days: pauseDays[rnd.IntN(2)]},
	}
	return withDoubts(rnd, r)
}

func withDoubts(rnd *rand.Rand, r Rule) Rule {
	for _, reading := range readings {
		if rnd.IntN(2) == 0 && changes(&r, reading) {
			r.Doubts = append(r.Doubts, Doubt{Reading: reading, Why: "whoever doubts"})
		}
	}
	return r
}

func allRules() []Rule {
	var all []Rule
	for _, s := range Shipped() {
		all = append(all, s.Rules()...)
	}
	return all
}

func randomDay(rnd *rand.Rand) Date { return firstDayOfForty.AddDays(rnd.IntN(fortyYears)) }

// randomEvents are the start events of the rule from a day on, and others.
func randomEvents(rnd *rand.Rand, r Rule, start Date) []Event {
	events := []Event{On(r.Start[0].Event, start)}
	for _, typ := range eventTypes {
		for rnd.IntN(3) == 0 {
			if typ != r.Start[0].Event {
				events = append(events, On(typ, start.AddDays(rnd.IntN(80)-5)))
			}
		}
	}
	rnd.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	return events
}

const rounds = 5_000

func TestDue_SafeIsNeverAfterLegalAndLegalNeverEarly(t *testing.T) {
	rnd := random(t)
	all := allRules()
	for range rounds {
		r, start := randomRule(rnd, all), randomDay(rnd)
		cal := patchy{seed: rnd.Uint64()}
		d, err := Due(r, randomEvents(rnd, r, start), cal)
		require.NoError(t, err, "%+v", r)
		require.False(t, d.Safe.After(d.Legal), "%+v on %s: safe %s after legal %s", r, start, d.Safe, d.Legal)
		require.False(t, d.Safe.Before(start) && r.Period.Hours == 0, "%+v on %s: safe %s", r, start, d.Safe)
		// Never early: not before the period by itself is over, and where the
		// law moves the end, on no day off.
		var least Date
		switch {
		case r.Period.BusinessDays > 0:
			least = start.AddDays(r.Period.BusinessDays - 1)
		case r.Period.Hours > 0:
			least = start.AddDays(r.Period.Hours/24 - 1)
		default:
			least, err = r.Period.AddTo(start)
			require.NoError(t, err)
			if r.FirstDay == FirstIncluded {
				least = least.AddDays(-1)
			}
		}
		require.False(t, d.Legal.Before(least), "%+v on %s: legal %s before %s", r, start, d.Legal, least)
		if r.Roll == RollWorking && r.Sense != AtOnce {
			working, err := cal.Working(d.Legal)
			require.NoError(t, err)
			require.True(t, working, "%+v on %s: legal %s", r, start, d.Legal)
		}
	}
}

// Of all ways to read a rule, with some of its doubts strict and others not,
// none gives an earlier day than the safe one: strict readings never cancel
// each other out. The explanation has doubts if and only if there is a gap.
func TestDue_SafeIsTheEarliestOfAllReadings(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	safeIsTheEarliest(t, random(t))
	// Two doubts, neither of which moves the day alone.
	safeIsTheEarliest(t, rand.New(rand.NewPCG(10701054121624328934, 1)))
}

func safeIsTheEarliest(t *testing.T, rnd *rand.Rand) {
	t.Helper()
	all := slices.DeleteFunc(allRules(), func(r Rule) bool { return len(r.Doubts) == 0 })
	gaps := 0
	for range 3 * rounds {
		r, start := randomRule(rnd, all), randomDay(rnd)
		if !r.Limit() {
			continue
		}
		d, err := Due(r, randomEvents(rnd, r, start), patchy{seed: rnd.Uint64()})
		require.NoError(t, err)
		strict := strictReadings(&r, start)
		for some := range strict + 1 {
			if some&^strict != 0 {
				continue
			}
			c := counter{rule: &r, events: d.events, cal: d.cal, strict: some, early: true}
			read, err := c.count()
			require.NoError(t, err)
			require.False(t, read.last.Before(d.Safe), "%s %v: %s by %b, safe %s", r.ID, d.events, read.last, some, d.Safe)
		}
		text := d.Explain()
		require.Equal(t, d.Safe.Before(d.Legal), strings.Contains(text, "\nIn doubt"), "%v\n%s", d.events, text)
		if d.Safe.Before(d.Legal) {
			gaps++
		}
	}
	require.Greater(t, gaps, rounds/10)
}

func TestDue_IsMonotoneInTheStart(t *testing.T) {
	rnd := random(t)
	all := allRules()
	for range rounds {
		r, start := randomRule(rnd, all), randomDay(rnd)
		cal := patchy{seed: rnd.Uint64()}
		later := start.AddDays(1 + rnd.IntN(40))
		a, err := Due(r, []Event{On(r.Start[0].Event, start)}, cal)
		require.NoError(t, err)
		b, err := Due(r, []Event{On(r.Start[0].Event, later)}, cal)
		require.NoError(t, err)
		require.False(t, b.Legal.Before(a.Legal), "%+v: %s -> %s, %s -> %s", r, start, a.Legal, later, b.Legal)
		require.False(t, b.Safe.Before(a.Safe), "%+v: %s -> %s, %s -> %s", r, start, a.Safe, later, b.Safe)
		notice := On(ExtensionNoticed, later)
		if a, err = Due(r, []Event{On(r.Start[0].Event, start), notice}, cal); err == nil {
			b, err = Due(r, []Event{On(r.Start[0].Event, later), notice}, cal)
			require.NoError(t, err)
			require.False(t, b.Legal.Before(a.Legal), "%+v: %s -> %s, %s -> %s", r, start, a.Legal, later, b.Legal)
		}
	}
}

func TestDue_PausingAndExtendingNeverShorten(t *testing.T) {
	rnd := random(t)
	all := allRules()
	pausing := 0
	for range rounds {
		r, start := randomRule(rnd, all), randomDay(rnd)
		cal := patchy{seed: rnd.Uint64()}
		events := []Event{On(r.Start[0].Event, start)}
		before, err := Due(r, events, cal)
		require.NoError(t, err)
		paused := before
		for _, p := range r.Pauses {
			from := start.AddDays(rnd.IntN(40))
			events = append(events, On(p.From, from))
			if rnd.IntN(4) > 0 {
				events = append(events, On(p.To, from.AddDays(rnd.IntN(30))))
			}
			pausing++
			more, err := Due(r, events, cal)
			require.NoError(t, err)
			require.False(t, more.Legal.Before(paused.Legal), "%+v on %s %v: %s, paused %s", r, start, events, paused.Legal, more.Legal)
			require.False(t, more.Safe.Before(paused.Safe), "%+v on %s %v: %s, paused %s", r, start, events, paused.Safe, more.Safe)
			paused = more
		}
		events = append(events, On(ExtensionNoticed, start.AddDays(rnd.IntN(40))))
		extended, err := Due(r, events, cal)
		require.NoError(t, err)
		require.False(t, extended.Legal.Before(paused.Legal), "%+v on %s %v: %s, extended %s", r, start, events, paused.Legal, extended.Legal)
		require.False(t, extended.Safe.Before(paused.Safe), "%+v on %s %v: %s, extended %s", r, start, events, paused.Safe, extended.Safe)
	}
	assert.Greater(t, pausing, rounds/20)
}

// Instants agree with days: whatever the time of day, the instant's deadline is
// not before the day's safe one nor after its legal one.
func TestDue_InstantsLieBetweenTheDaysBounds(t *testing.T) {
	rnd := random(t)
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo"}
	r := always(rule(t, "gdpr.breach.authority"))
	for range rounds / 4 {
		loc, err := time.LoadLocation(zones[rnd.IntN(len(zones))])
		require.NoError(t, err)
		at := time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rnd.Int64N(fortyYears*24*3600)) * time.Second)
		exact := At(Aware, at, loc)
		d, err := Due(r, []Event{exact}, nil)
		require.NoError(t, err)
		require.Equal(t, 72*time.Hour, d.SafeAt.Sub(at))
		require.True(t, d.LegalAt.After(d.SafeAt))
		require.LessOrEqual(t, d.LegalAt.Sub(d.SafeAt), time.Hour)
		day, err := Due(r, []Event{{Type: Aware, Date: exact.Date, Location: loc}}, nil)
		require.NoError(t, err)
		require.False(t, d.Safe.Before(day.Safe), "%s in %s", at, loc)
		// The hour that is not counted may carry it over midnight.
		require.False(t, d.Safe.After(day.Legal), "%s in %s", at, loc)
	}
}

func TestDue_EventsInAnyOrderGiveTheSame(t *testing.T) {
	rnd := random(t)
	all := allRules()
	for range rounds / 4 {
		r, start := randomRule(rnd, all), randomDay(rnd)
		cal := patchy{seed: rnd.Uint64()}
		events := randomEvents(rnd, r, start)
		a, err := Due(r, events, cal)
		require.NoError(t, err)
		rnd.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		b, err := Due(r, events, cal)
		require.NoError(t, err)
		require.Equal(t, a.Legal, b.Legal, "%+v %v", r, events)
		require.Equal(t, a.Safe, b.Safe, "%+v %v", r, events)
	}
}

// What no rule names moves nothing; the converse is not so of every event.
func TestClocks_WhatTheyDoNotNameMovesNothing(t *testing.T) {
	rnd := random(t)
	all := allRules()
	left, moved := 0, 0
	for range rounds {
		r, start := randomRule(rnd, all), randomDay(rnd)
		cal := patchy{seed: rnd.Uint64()}
		events := randomEvents(rnd, r, start)
		clocks, err := NewClocks(r)
		require.NoError(t, err)
		named := slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return !clocks.Names(e.Type) })
		left += len(events) - len(named)
		a, err := Due(r, events, cal)
		require.NoError(t, err)
		b, err := Due(r, named, cal)
		require.NoError(t, err)
		days := func(d Deadline) []any { return []any{d.Legal, d.Safe, d.LegalAt, d.SafeAt, d.Extended, d.Waiting} }
		require.Equal(t, days(a), days(b), "%+v %v", r, events)
		for _, typ := range eventTypes {
			fewer := slices.DeleteFunc(slices.Clone(named), func(e Event) bool { return e.Type == typ })
			if len(fewer) == len(named) {
				continue
			}
			c, err := Due(r, fewer, cal)
			if err != nil || !slices.Equal(days(b), days(c)) {
				moved++
			}
		}
	}
	require.NotZero(t, left)
	require.NotZero(t, moved)
}

func TestDue_OutsideTheCalendarIsAnErrorForEveryRule(t *testing.T) {
	for _, r := range allRules() {
		needs := r.Roll != RollNone || r.Period.BusinessDays > 0
		_, err := Due(always(r), []Event{On(r.Start[0].Event, Date{2080, 1, 1})}, patchy{})
		_, ok := errors.AsType[*RangeError](err)
		assert.Equal(t, needs, ok, "%s: %v", r.ID, err)
	}
}
