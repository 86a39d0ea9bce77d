package deadline

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A person in Europe and California at once: every clock is kept, the earliest
// leads.
func TestDueAll_KeepsEveryClock(t *testing.T) {
	var rules []Rule
	ids := []string{
		"gdpr.access.respond", "gdpr.access.extend", "ccpa.know.respond", "ccpa.know.acknowledge",
		"uk.complaint.acknowledge", "dpdp.grievance.respond", "canspam.optout.link", "gdpr.breach.authority",
	}
	for _, id := range ids {
		rules = append(rules, rule(t, id))
	}
	docket, err := DueAll(rules, []Event{On(Received, Date{2026, 3, 4}), On(MessageSent, Date{2026, 3, 1})}, weekdays{})
	require.NoError(t, err)
	var got []string
	for _, d := range docket.Limits {
		got = append(got, d.Rule().ID+" "+d.Safe.String())
	}
	// 2026-03-04 is a Wednesday. Ten business days with Saturdays: 5, 6, 7, 9,
	// 10, 11, 12, 13, 14, 16 March. A month: 4 April, a Saturday, so Monday the
	// 6th. 45 days with the first: 44 after 4 March is 17 April.
	assert.Equal(t, []string{
		"ccpa.know.acknowledge 2026-03-16", "gdpr.access.extend 2026-04-06",
		"gdpr.access.respond 2026-04-06", "ccpa.know.respond 2026-04-17",
	}, got)
	lead, ok := docket.Lead()
	require.True(t, ok)
	assert.Equal(t, "ccpa.know.acknowledge", lead.Rule().ID)
	require.Len(t, docket.Minimums, 1)
	assert.Equal(t, "2026-03-31", docket.Minimums[0].Legal.String())
	var idle []string
	for _, i := range docket.Idle {
		idle = append(idle, i.Rule.ID)
		_, notStarted := errors.AsType[*NotStartedError](i.Reason)
		_, notInForce := errors.AsType[*NotInForceError](i.Reason)
		assert.True(t, notStarted || notInForce)
	}
	assert.Equal(t, []string{"uk.complaint.acknowledge", "dpdp.grievance.respond", "gdpr.breach.authority"}, idle)
}

func TestDueAll_LosesNoClockInSilence(t *testing.T) {
	rules := []Rule{rule(t, "gdpr.access.respond"), rule(t, "lgpd.access.respond")}
	_, err := DueAll(rules, []Event{On(Received, Date{2026, 2, 20})}, shortCalendar{})
	_, ok := errors.AsType[*RangeError](err)
	require.True(t, ok)
	rules[1].Kind = "sometime"
	_, err = DueAll(rules, []Event{On(Received, Date{2026, 2, 20})}, weekdays{})
	require.ErrorIs(t, err, ErrInvalid)
	empty, err := DueAll(nil, nil, nil)
	require.NoError(t, err)
	_, ok = empty.Lead()
	assert.False(t, ok)
}

func TestDueAll_InstantsDecideWithinADay(t *testing.T) {
	at := func(hour int) time.Time { return time.Date(2026, 6, 1, hour, 30, 0, 0, time.UTC) }
	rules := []Rule{rule(t, "gdpr.breach.authority"), rule(t, "uk.breach.authority")}
	rules[0].Start[0].Event = Received
	docket, err := DueAll(rules, []Event{At(Received, at(20), nil), At(Aware, at(10), nil)}, nil)
	require.NoError(t, err)
	require.Len(t, docket.Limits, 2)
	assert.Equal(t, docket.Limits[0].Safe, docket.Limits[1].Safe)
	assert.Equal(t, "uk.breach.authority", docket.Limits[0].Rule().ID)
}

func TestDueAll_TheOrderOfRulesDoesNotMatter(t *testing.T) {
	var rules []Rule
	for _, s := range Shipped() {
		rules = append(rules, s.Rules()...)
	}
	var events []Event
	for _, typ := range eventTypes {
		events = append(events, On(typ, Date{2027, 6, 7}))
	}
	want, err := DueAll(rules, events, weekdays{})
	require.NoError(t, err)
	assert.Len(t, want.Limits, len(rules)-len(want.Minimums)-len(want.Idle))
	slices.Reverse(rules)
	got, err := DueAll(rules, events, weekdays{})
	require.NoError(t, err)
	require.Len(t, got.Limits, len(want.Limits))
	for i := range want.Limits {
		assert.Equal(t, want.Limits[i].Rule().ID, got.Limits[i].Rule().ID)
	}
}

// The clocks of a person under two laws are those of each, one after the other, and say
// what the rules say that they were made of.
func TestClocks_AreTheRulesTheyWereMadeOf(t *testing.T) {
	ids := []string{"ccpa.know.respond", "gdpr.access.respond", "gdpr.access.extend", "dpdp.grievance.respond", "ccpa.know.acknowledge"}
	var rules []Rule
	for _, id := range ids {
		rules = append(rules, rule(t, id))
	}
	events := []Event{On(ExtensionNoticed, Date{2026, 3, 20}), On(Received, Date{2026, 3, 4})}
	want, err := DueAll(rules, events, nil)
	require.NoError(t, err)

	first, err := NewClocks(rules[:2]...)
	require.NoError(t, err)
	second, err := NewClocks(rules[2:]...)
	require.NoError(t, err)
	rules[0].Start[0].Event = Sent // they have copies of their own
	both := first.And(Clocks{}).And(second)
	for range 2 {
		got, err := both.Due(events, nil)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.Equal(t, ExtensionNoticed, events[0].Type, "the caller's order stays")
	none, err := Clocks{}.And(Clocks{}).Due(events, nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestClocks_RefuseWhatIsWrong(t *testing.T) {
	bad := rule(t, "gdpr.access.respond")
	bad.Kind = "sometime"
	_, err := NewClocks(rule(t, "gdpr.access.respond"), bad)
	require.ErrorIs(t, err, ErrInvalid)
	good, err := NewClocks(rule(t, "gdpr.access.respond"))
	require.NoError(t, err)
	_, err = good.Due([]Event{{Type: Received}}, nil)
	_, is := errors.AsType[*EventError](err)
	require.True(t, is)
}

// What was checked once is not checked again: the events are put in order once, and the
// list of deadlines grows.
func TestClocks_AllocateForWhatTheyReturn(t *testing.T) {
	clocks, err := NewClocks(rule(t, "gdpr.access.respond"), rule(t, "gdpr.access.extend"))
	require.NoError(t, err)
	events := []Event{On(Received, Date{2026, 3, 4})}
	n := testing.AllocsPerRun(100, func() { _, _ = clocks.Due(events, nil) })
	require.LessOrEqual(t, n, 4.0)
}
