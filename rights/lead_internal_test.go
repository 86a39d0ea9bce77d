package rights

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/deadline"
)

// Recipients are to be told once an erasure was carried out, which is a clock; but none that
// can lead looks at that, so it is not counted anew.
func TestLead_IsCountedByThoseThatCanLead(t *testing.T) {
	all, leading, err := clocksOf(rulesOf(deadline.Shipped()))
	require.NoError(t, err)
	q := &request{right: Erase, regimes: []string{"gdpr"}, ticks: []tick{{deadline.Received, 1}, {deadline.IdentityAsked, 2}}}
	key := func() string { return string(appendLeadKey(nil, leading.of(q), q)) }
	before := key()
	q.ticks = append(q.ticks, tick{deadline.Executed, 3})
	require.True(t, all.of(q).Names(deadline.Executed))
	require.Equal(t, before, key())
	for _, typ := range []deadline.EventType{deadline.IdentityConfirmed, deadline.ExtensionNoticed} {
		q.ticks = append(q.ticks, tick{typ, 4})
		require.NotEqual(t, before, key(), typ)
		before = key()
	}
	for right, of := range all {
		for regime := range of {
			q := &request{right: right, regimes: []string{regime}}
			for _, typ := range []deadline.EventType{deadline.Received, deadline.Refused, deadline.Executed} {
				q.ticks = append(q.ticks, tick{typ, micros(at)})
			}
			held, err := (&Desk{}).docket(all.of(q), q)
			require.NoError(t, err)
			lead, err := (&Desk{}).docket(leading.of(q), q)
			require.NoError(t, err)
			require.Equal(t, leadingIn(held), leadingIn(lead), "%s under %s", right, regime)
			require.Len(t, lead.Limits, len(leadingIn(lead)))
		}
	}
}

// leadingIn are the rules of a docket that can lead, in its order, with their last days.
func leadingIn(d deadline.Docket) []string {
	all := []string{}
	for _, l := range d.Limits {
		if r := l.Rule(); slices.Contains([]deadline.Kind{deadline.Acknowledge, deadline.Respond, deadline.HonourOptOut, deadline.TakeEffect, deadline.Appeal}, r.Kind) {
			all = append(all, r.ID+" "+l.Safe.String())
		}
	}
	return all
}
