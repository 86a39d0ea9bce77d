package rights_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/rightsfault"
)

// crowd is an erasure at fourteen sources, in three sheets, of which some do not do what they
// should at once, and a desk with a plan between it and its store.
type crowd struct {
	*world
	all  []*shelf
	plan *faultstore.Plan
	bad  *rights.Desk
	id   string
}

// What some of the fourteen do.
const (
	copied, parted, dead, flaky, pends, holds = 0, 2, 3, 6, 9, 10
)

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	w, all := many(t)
	c := &crowd{world: w, all: all, plan: faultstore.NewPlan()}
	all[copied].copies = w.clock.Now().AddDate(0, 0, 20)
	all[parted].batch = 1
	all[dead].fails = 1000
	all[flaky].fails = 1
	all[pends].pending = true
	all[holds].kept = []rights.Kept{{Basis: rights.LegalClaims, Records: 4, Review: w.clock.Now().AddDate(1, 0, 0)}}
	opts := []rights.Option{
		rights.WithCoolingOff(0), rights.WithController("Acme Ltd."), rights.WithEvidence(w.trail), rights.WithTries(3), rights.WithClock(w.clock.Now),
		rights.WithSealer(w.sealer), rights.WithNotifier(w.post), rights.WithAlarms(w.bells), rights.WithShredder(w.sealer.Shred),
		rights.Unmanaged("test"), rights.WithRegimes("gdpr"), rights.WithDirectory(book{canary: {ada}}),
	}
	for _, s := range all {
		source := s.source()
		source.Locator = nil // it would have to be broken when it is asked, too
		opts = append(opts, rights.WithSource(source))
	}
	tx := faultstore.Transactor(w.db, c.plan)
	var err error
	c.bad, err = rights.New(t.Context(), rights.Config{
		Store: rightsfault.New(w.store, tx, c.plan), Recorder: sharedTrail{w.trail, tx}, Keys: keys{},
	}, opts...)
	require.NoError(t, err)
	w.desk = w.open(opts...)
	c.id = w.accepted(rights.Erase).ID
	return c
}

// do has something done until it succeeds, which it must soon.
func (c *crowd) do(what func(ctx context.Context) error) {
	c.Helper()
	for range 4 {
		ctx, cancel := c.plan.Context(c.ctx)
		err := done(what(ctx))
		cancel()
		if err == nil {
			return
		}
		require.True(c, errors.Is(err, faultstore.ErrInjected) || errors.Is(err, context.Canceled), err)
		c.clock.Move(2 * time.Hour)
	}
	require.Fail(c, "it never succeeds")
}

// until steps and sweeps until the request is in a state.
func (c *crowd) until(s rights.State) {
	c.Helper()
	for range 12 {
		if c.get(c.id).State == s {
			return
		}
		c.do(func(ctx context.Context) error { return c.bad.Step(ctx, acme, c.id) })
		c.clock.Move(2 * time.Hour)
	}
	require.Fail(c, "it never comes to its state", "%s instead of %s: %v", c.get(c.id).State, s, c.outcomes(c.id))
}

// erase is the whole of it, from the acceptance to the last certificate.
func (c *crowd) erase() {
	c.Helper()
	c.until(rights.StateReviewing)
	c.do(func(ctx context.Context) error { _, err := c.bad.Approve(ctx, acme, c.id); return err })
	c.until(rights.StateDelivering)
	c.do(func(ctx context.Context) error { _, err := c.bad.Deliver(ctx, acme, c.id, time.Time{}); return err })
	c.do(func(ctx context.Context) error {
		return c.bad.Settle(ctx, acme, c.id, c.all[dead].name, rights.Report{
			Outcome: rights.Done, Method: rights.Deleted, Records: dead + 1, Asked: []string{"subject"}, Ref: "ticket-1",
		})
	})
	c.all[holds].kept, c.all[pends].pending = nil, false
	for range 3 { // what failed is looked at again a day later
		c.clock.Move(26 * time.Hour)
		c.do(c.bad.Sweep)
	}
	for range 2 {
		c.clock.Move(25 * 24 * time.Hour)
		c.do(c.bad.Sweep)
	}
	c.do(func(ctx context.Context) error { _, err := c.bad.Certify(ctx, acme, c.id); return err })
}

// truthful demands that everything was done once, is told once, and that nothing is left.
func (c *crowd) truthful() {
	c.Helper()
	r := c.get(c.id)
	require.Equal(c, rights.StatePartiallyFulfilled, r.State)
	require.Equal(c, [2]int{11 + 1, 2 + 1}, [2]int{r.Done, r.Left}, "of the one that kept something both")
	story(c.world, r)
	told := map[string]int{}
	for _, e := range c.trail.events(rights.SourceDone) {
		told[e.Facts["ref"].Text()]++
	}
	for n, w := range c.work(c.id) {
		var i int
		_, err := fmt.Sscanf(n, "source-%d", &i)
		require.NoError(c, err)
		require.Equal(c, rights.Done, w.Outcome, n)
		require.EqualValues(c, i+1, w.Records, n)
		require.Equal(c, 1+count(i == dead || i == pends || i == holds), told[n], n)
		require.Len(c, c.all[i].held, count(i == dead || i == pends), "%s holds something, by the double", n)
		if c.all[i].order == rights.Remote {
			require.Len(c, c.all[i].keys, 1, n)
		}
	}
	require.Empty(c, c.obligations(c.id))
	require.Empty(c, c.tampered())
	all, err := c.desk.Certificates(c.ctx, acme, c.id)
	require.NoError(c, err)
	require.Equal(c, rights.Final, all[0].Stage)
}

// TestFault_AnErasureAtManySources: whatever call of the store fails, before or after it did what
// it should, or is the last one of its process, the erasure ends as if it had not.
func TestFault_AnErasureAtManySources(t *testing.T) {
	dry := newCrowd(t)
	opened := len(dry.plan.Calls())
	dry.erase()
	dry.truthful()
	calls := dry.plan.Calls()[opened:]
	require.Greater(t, len(calls), 80)
	every, faults := 6, []faultstore.Fault{faultstore.FailBefore, faultstore.FailAfter}
	if os.Getenv("TROTH_LONG") != "" {
		every, faults = 1, faultstore.Faults()
	}
	n := 0
	for i := range faultstore.Each(calls, faults...) {
		if n++; (n+n/every)%every != 0 { // of both kinds
			continue
		}
		t.Run(fmt.Sprintf("%s %d %s", i.Method, i.Nth, i.Fault), func(t *testing.T) {
			t.Parallel()
			c := newCrowd(t)
			c.plan.Add(i)
			c.erase()
			require.Equal(t, 1, c.plan.Injected())
			c.truthful()
		})
	}
}
