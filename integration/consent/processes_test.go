package consent_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/consent"
)

// TestProcesses_GrantAndWithdrawAtOnce lets two programs grant and withdraw for one
// person at the same time. Whatever their order was, there is one: every event is
// there once with its evidence, no two of one instant, and the decision is by the
// last of them.
func TestProcesses_GrantAndWithdrawAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		const age = 2 * time.Second
		k, l, ctx := d.open(t, consent.WithFeedAge(age))
		publish(ctx, t, l)
		const times = 25
		kinds := []consent.Kind{consent.Granted, consent.Withdrawn}
		var children []*process
		for range kinds {
			c := childConfig{Database: d, FeedAge: age}.start(t)
			c.ask(request{Op: "ready"})
			children = append(children, c)
		}
		failed := make(chan error, len(kinds))
		for i, kind := range kinds {
			go func() {
				_, err := children[i].try(request{Op: "say", Subject: "42", Kind: kind, Prefix: string(kind), Times: times})
				failed <- err
			}()
		}
		for range kinds {
			require.NoError(t, <-failed)
		}
		who := troth.Subject{Tenant: shop, ID: "42"}
		require.NoError(t, l.VerifyPerson(ctx, who))
		h, err := l.History(ctx, who, "test")
		require.NoError(t, err)
		require.Len(t, h.Entries, len(kinds)*times)
		mixed := 0
		for i, e := range h.Entries[1:] {
			require.True(t, e.Event.GivenAt.After(h.Entries[i].Event.GivenAt), "no two of one instant")
			if e.Event.Kind != h.Entries[i].Event.Kind {
				mixed++
			}
		}
		t.Logf("%d changes of mind", mixed)
		last := h.Entries[len(h.Entries)-1].Event
		for _, c := range children {
			a := c.check("42")
			// A process may be behind by its bound, and never allows a moment longer.
			deadline := time.Now().Add(time.Minute)
			for a.Event != last.ID && time.Now().Before(deadline) {
				a = c.check("42")
			}
			require.Equal(t, last.ID, a.Event)
		}
		entries := 0
		for r, err := range k.Trail.Entries(ctx, shop, audit.Query{}) {
			require.NoError(t, err)
			if r.Act == "consent.event" {
				entries++
			}
		}
		require.Equal(t, len(kinds)*times, entries, "each with its evidence")
	})
}

// TestProcesses_ANoIsKnownElsewhereWithinTheBound: from the bound on after a
// withdrawal was committed no other process allows.
func TestProcesses_ANoIsKnownElsewhereWithinTheBound(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		const bound = 500 * time.Millisecond
		_, l, ctx := d.open(t)
		publish(ctx, t, l)
		other := childConfig{Database: d, FeedAge: bound}.start(t)
		who := troth.Subject{Tenant: shop, ID: "42"}
		for round := range 4 {
			_, err := l.Record(ctx, form("grant"+string(rune('a'+round)), who, consent.Granted))
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				return other.check("42").Reason == consent.ReasonGranted
			}, time.Minute, time.Millisecond)
			_, err = l.Record(ctx, form("withdraw"+string(rune('a'+round)), who, consent.Withdrawn))
			require.NoError(t, err)
			committed := time.Now().UnixNano()
			for {
				asked := time.Now().UnixNano()
				a := other.check("42")
				if a.Reason == consent.ReasonWithdrawn {
					break
				}
				require.Equal(t, consent.ReasonGranted, a.Reason)
				require.Less(t, asked-committed, int64(bound), "allowed what was withdrawn longer ago than the bound")
			}
		}
	})
}
