package rights_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
)

// restricted is a request by which every source of a shop restricts what it holds of Ada,
// and which has been answered.
func restricted(t *testing.T, opts ...rights.Option) (*world, *shop, rights.Request) {
	t.Helper()
	s := newShop()
	w := newWorld(t, s.options(opts...)...)
	r := w.step(w.approved(rights.Restrict).ID)
	r, err := w.desk.Deliver(w.ctx, acme, r.ID, time.Time{})
	require.NoError(t, err)
	require.Equal(t, rights.StateFulfilled, r.State)
	w.clock.Move(time.Hour)
	w.sweep()
	return w, s, r
}

func lifting(r rights.Request) rights.Lifting {
	return rights.Lifting{Tenant: acme, Request: r.ID, Ground: "accuracy-verified"}
}

// TestLift_WhoIsProbedAfterItRestrictsNothing: a source that is asked when its copies are gone,
// and says what it said of the restriction, does not bring it back.
func TestLift_WhoIsProbedAfterItRestrictsNothing(t *testing.T) {
	s := newShop()
	w := newWorld(t, s.options()...)
	copies := w.clock.Now().AddDate(0, 1, 0)
	source := s.orders.source()
	source.Prober = probes(func() rights.Report {
		return rights.Report{Outcome: rights.Done, Method: rights.Restricted, CopiesUntil: copies}
	})
	s.orders.copies = copies
	w.desk = w.open(rights.WithSource(source))
	r := w.step(w.approved(rights.Restrict, func(s *rights.Submission) {
		s.Contents.Identifiers = append(s.Contents.Identifiers, id("number", "4711"))
	}).ID)
	_, err := w.desk.Deliver(w.ctx, acme, r.ID, time.Time{})
	require.NoError(t, err)
	w.clock.Move(time.Hour)
	l := lifting(r)
	l.ToldAt = w.clock.Now()
	_, err = w.desk.Lift(w.ctx, l)
	require.NoError(t, err)
	w.clock.Move(time.Minute)
	w.sweep()
	require.Equal(t, rights.Unrestricted, w.work(r.ID)["orders"].Method)
	w.clock.Move(32 * 24 * time.Hour)
	w.sweep()
	require.Equal(t, rights.Unrestricted, w.work(r.ID)["orders"].Method)
	require.Empty(t, w.obligations(r.ID))
}

type probes func() rights.Report

func (p probes) Probe(context.Context, rights.Inquiry) (rights.Report, error) { return p(), nil }

// lifts are the sources that lifted.
func (s *shop) lifts() (n int) {
	for _, c := range s.acts() {
		if len(c) > 5 && c[:5] == "lift " {
			n++
		}
	}
	return n
}

func TestLift_TellsThePersonFirst(t *testing.T) {
	w, s, r := restricted(t)
	w.post.fail = errors.New("down, " + canary)
	_, err := w.desk.Lift(w.ctx, lifting(r))
	require.NoError(t, err)
	_, err = w.desk.Lift(w.ctx, lifting(r))
	require.NoError(t, err, "again")
	require.Equal(t, []rights.ObligationKind{rights.LiftingNotice}, w.obligations(r.ID))
	for range 5 {
		w.clock.Move(26 * time.Hour)
		w.sweep()
		require.Zero(t, s.lifts(), "nobody was told")
	}
	require.Contains(t, w.bells.stages(), rights.Late, "that nobody was told is an alarm")

	w.post.fail = nil
	w.clock.Move(26 * time.Hour)
	w.sweep()
	told := w.post.of(rights.MessageLifting)
	require.Len(t, told, 1)
	body, err := told[0].Body.Reveal("test")
	require.NoError(t, err)
	require.Contains(t, body, r.ID)
	w.clock.Move(time.Minute)
	w.sweep()
	require.Equal(t, 4, s.lifts(), "each that restricted something, once")
	require.Contains(t, s.acts(), "lift orders accuracy-verified")
	require.NotContains(t, s.acts(), "lift mailbox accuracy-verified", "it held nothing")
	for name, one := range w.work(r.ID) {
		require.NotEqual(t, rights.Restricted, one.Method, name)
	}
	kinds := w.kinds(r.ID)
	require.Less(t, slices.Index(kinds, rights.LiftingAnnounced), slices.Index(kinds, rights.RestrictionLifted))
	require.Len(t, w.trail.events(rights.RestrictionLifted), 4)
	require.Empty(t, w.obligations(r.ID))
	w.clock.Move(100 * 24 * time.Hour)
	w.sweep()
	require.Equal(t, 4, s.lifts())
	_, err = w.desk.Lift(w.ctx, lifting(r))
	require.Error(t, err, "there is nothing left to lift")
}

func TestLift_NotBeforeItsTimeWhateverTheRowSays(t *testing.T) {
	w, s, r := restricted(t)
	l := lifting(r)
	l.At = w.clock.Now().Add(10 * 24 * time.Hour)
	_, err := w.desk.Lift(w.ctx, l)
	require.NoError(t, err)
	w.sweep()
	items, err := w.store.Items(w.ctx, rights.ItemQuery{Tenant: acme, Owner: r.ID, Kind: rights.ItemLifting, Limit: 5})
	require.NoError(t, err)
	require.Len(t, items, 1)
	items[0].DueAt = 1 // has no tag
	require.NoError(t, w.store.PutItem(w.ctx, items[0]))
	w.clock.Move(9 * 24 * time.Hour)
	w.sweep()
	require.Zero(t, s.lifts())
	w.clock.Move(2 * 24 * time.Hour)
	w.sweep()
	require.Equal(t, 4, s.lifts())
}

func TestLift_ASourceThatFailsIsTriedAgain(t *testing.T) {
	w, s, r := restricted(t)
	l := lifting(r)
	l.ToldAt = w.clock.Now()
	_, err := w.desk.Lift(w.ctx, l)
	require.NoError(t, err)
	require.Empty(t, w.post.of(rights.MessageLifting), "the host told them")
	s.orders.fails = 1
	w.clock.Move(time.Minute)
	err = w.desk.Sweep(w.ctx)
	require.Error(t, err)
	require.NotContains(t, err.Error(), canary)
	require.Equal(t, rights.Restricted, w.work(r.ID)["orders"].Method)
	require.Equal(t, rights.Unrestricted, w.work(r.ID)["provider"].Method)
	w.clock.Move(2 * time.Hour)
	w.sweep()
	require.Equal(t, rights.Unrestricted, w.work(r.ID)["orders"].Method)
	require.Equal(t, 5, s.lifts(), "nobody else a second time")
}

func TestLift_Refuses(t *testing.T) {
	w, _, r := restricted(t)
	l := lifting(r)
	l.ToldAt = w.clock.Now().Add(time.Second)
	_, err := w.desk.Lift(w.ctx, l)
	require.ErrorIs(t, err, rights.ErrFuture)
	l.ToldAt = w.clock.Now().Add(-2 * time.Hour)
	_, err = w.desk.Lift(w.ctx, l)
	require.ErrorIs(t, err, rights.ErrFuture, "before the restriction")
	_, err = w.desk.Lift(w.ctx, lifting(r))
	require.NoError(t, err)
	l = lifting(r)
	l.Ground = "another"
	_, err = w.desk.Lift(w.ctx, l)
	require.ErrorIs(t, err, rights.ErrConflict)
	l.Tenant = globex
	_, err = w.desk.Lift(w.ctx, l)
	require.ErrorIs(t, err, rights.ErrNotFound)
	other := w.accepted(rights.Erase)
	_, err = w.desk.Lift(w.ctx, lifting(other))
	_, wrong := errors.AsType[*rights.StateError](err)
	require.True(t, wrong, err)
	nowhere := w.step(w.approved(rights.Restrict, func(s *rights.Submission) { s.Contents = rights.Contents{} }).ID)
	if nowhere.State == rights.StateDelivering && w.work(nowhere.ID)["account"].Method == rights.Restricted {
		_, err = w.desk.Lift(w.ctx, lifting(nowhere))
		require.ErrorIs(t, err, rights.ErrNeeds)
	}
}

// Who asked for a restriction must be told when it ends, however late that is.
func TestRestrict_KeepsTheAddressUntilItIsLifted(t *testing.T) {
	w, s, r := restricted(t)
	for range 30 {
		w.clock.Move(31 * 24 * time.Hour)
		w.sweep()
	}
	c, err := w.desk.Contents(w.ctx, acme, r.ID, "test")
	require.NoError(t, err)
	require.Equal(t, "email", c.Channel)
	_, err = w.desk.Lift(w.ctx, lifting(r))
	require.NoError(t, err)
	w.sweep()
	w.clock.Move(48 * time.Hour)
	w.sweep()
	require.Equal(t, 4, s.lifts())
	w.clock.Move(48 * time.Hour)
	w.sweep()
	w.clock.Move(48 * time.Hour)
	w.sweep()
	_, err = w.desk.Request(w.ctx, acme, r.ID)
	require.ErrorIs(t, err, rights.ErrNotFound, "nothing keeps it any more")
}
