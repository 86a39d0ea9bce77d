package rights_test

import (
	"bytes"
	"testing"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/rightsfault"
)

// fetching is a desk between whom and its store is a plan, and a ticket to fetch with it.
func fetching(t *testing.T) (w *world, r rights.Request, bad *rights.Desk, token export.Hash, plan *faultstore.Plan) {
	t.Helper()
	s := newShop()
	w, r = disclosing(t, s)
	own, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	_, token = w.offered(r.ID, func(o *rights.Offer) { o.Keys = []string{own.Recipient().String()} })
	plan = faultstore.NewPlan()
	tx := faultstore.Transactor(w.db, plan)
	opts := append([]rights.Option{
		rights.WithClock(w.clock.Now), rights.WithSealer(w.sealer), rights.WithNotifier(w.post), rights.WithRegimes("gdpr"),
	}, s.options(rights.WithExports(exports(t)))...)
	bad, err = rights.New(t.Context(), rights.Config{
		Store: rightsfault.New(w.store, tx, plan), Recorder: sharedTrail{w.trail, tx}, Keys: keys{},
	}, opts...)
	require.NoError(t, err)
	return w, r, bad, token, plan
}

// fetched is how often the trail and the request say that it was fetched.
func fetched(w *world, id string) (n int) {
	events, err := w.desk.Events(w.ctx, acme, id)
	require.NoError(w, err)
	for _, e := range events {
		n += count(e.Kind == rights.Disclosing && e.Word == "fetched")
	}
	return n
}

// Whatever fails on the way, the ticket is used if and only if that is on the trail; and
// one that was not used is good still.
func TestFault_ATicketIsUsedOrGood(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	w, r, bad, token, plan := fetching(t)
	before := len(plan.Calls())
	_, err := bad.Fetch(w.ctx, acme, r.ID, token, &bytes.Buffer{})
	require.NoError(t, err)
	calls := plan.Calls()[before:]
	require.GreaterOrEqual(t, len(calls), 10)
	for i := range faultstore.Each(calls, faultstore.Faults()...) {
		w, r, bad, token, plan := fetching(t)
		plan.Add(i)
		ctx, cancel := plan.Context(w.ctx)
		_, err := bad.Fetch(ctx, acme, r.ID, token, &bytes.Buffer{})
		cancel()
		used := fetched(w, r.ID)
		require.LessOrEqual(t, used, 1)
		if err == nil {
			require.Equal(t, 1, used, "%s %d %s", i.Method, i.Nth, i.Fault)
		}
		_, again := w.desk.Fetch(w.ctx, acme, r.ID, token, &bytes.Buffer{})
		if used == 1 {
			require.ErrorIs(t, again, export.ErrTicketUsed, "%s %d %s", i.Method, i.Nth, i.Fault)
		} else {
			require.NoError(t, again, "%s %d %s", i.Method, i.Nth, i.Fault)
		}
		require.Equal(t, 1, fetched(w, r.ID))
	}
}
