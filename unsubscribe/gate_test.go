package unsubscribe_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/unsubscribe"
)

// filter asks the gate about all, and wants no error.
func (p *gateProcess) filter(c unsubscribe.Campaign, all ...unsubscribe.Recipient) []unsubscribe.Verdict {
	p.t.Helper()
	var verdicts []unsubscribe.Verdict
	for v, err := range p.gate.Filter(p.ctx, c, unsubscribe.Recipients(all)) {
		require.NoError(p.t, err)
		verdicts = append(verdicts, v)
	}
	require.Len(p.t, verdicts, len(all))
	return verdicts
}

// TestGate_Decides has the matrix of scopes, reasons and classes, in both modes.
func TestGate_Decides(t *testing.T) {
	for name, opts := range map[string][]unsubscribe.GateOption{"index": nil, "database": {unsubscribe.WithDatabaseMode()}} {
		t.Run(name, func(t *testing.T) {
			w := newGateWorld(t)
			p := w.loaded(opts...)
			p.optOut("list@a.example", unsubscribe.List)
			p.optOut("client@a.example", unsubscribe.Client)
			p.optOut("all@a.example", unsubscribe.Everything)
			for _, kind := range []unsubscribe.Kind{unsubscribe.KindBounce, unsubscribe.KindComplaint} {
				_, err := p.Report(p.ctx, unsubscribe.ReportParams{
					Tenant: gateAcme, Channel: unsubscribe.Email, Address: troth.Protect(string(kind) + "@a.example"), Kind: kind,
					Scope: unsubscribe.Client, Provider: "mailer",
				})
				require.NoError(t, err)
			}
			require.NoError(t, p.gate.Load(p.ctx)) // what follows is of the base, not of what is pending

			second, service, abroad, sms := gateLetter, gateLetter, gateLetter, gateLetter
			second.List, service.Class, abroad.Tenant, sms.Channel = "second", unsubscribe.Service, gateOther, unsubscribe.SMS
			for _, c := range []struct {
				campaign unsubscribe.Campaign
				address  string
				send     bool
				reason   unsubscribe.Reason
				scope    unsubscribe.Scope
				warning  unsubscribe.Reason
			}{
				{gateLetter, "nobody@a.example", true, unsubscribe.ReasonClear, "", ""},
				{gateLetter, "list@a.example", false, unsubscribe.ReasonOptOut, unsubscribe.List, ""},
				{second, "list@a.example", true, unsubscribe.ReasonClear, "", ""},
				{second, "client@a.example", false, unsubscribe.ReasonOptOut, unsubscribe.Client, ""},
				{abroad, "client@a.example", true, unsubscribe.ReasonClear, "", ""},
				{abroad, "all@a.example", false, unsubscribe.ReasonOptOut, unsubscribe.Everything, ""},
				{service, "all@a.example", true, unsubscribe.ReasonClear, "", ""},
				{service, "bounce@a.example", false, unsubscribe.ReasonBounce, unsubscribe.Client, ""},
				{service, "complaint@a.example", true, unsubscribe.ReasonClear, "", unsubscribe.ReasonComplaint},
				{gateLetter, "complaint@a.example", false, unsubscribe.ReasonComplaint, unsubscribe.Client, ""},
				{gateLetter, " <LIST@A.example>", false, unsubscribe.ReasonOptOut, unsubscribe.List, ""},
				{gateLetter, "no address", false, unsubscribe.ReasonAddress, "", ""},
				{gateLetter, "", false, unsubscribe.ReasonAddress, "", ""},
				{sms, "list@a.example", false, unsubscribe.ReasonAddress, "", ""},
			} {
				v := p.filter(c.campaign, gateTo(c.address))[0]
				require.Equal(t, c.send, v.Send, "%s: %s", c.address, v)
				require.Equal(t, c.reason, v.Reason, c.address)
				require.Equal(t, c.scope, v.Place.Scope, c.address)
				require.Equal(t, c.warning, v.Warning, c.address)
			}
		})
	}
}

// TestGate_StoredKeys asks with the keys that a host keeps, also in an order of its
// own, and with keys that are none.
func TestGate_StoredKeys(t *testing.T) {
	p := newGateWorld(t).loaded()
	p.optOut("b@a.example", unsubscribe.Client)
	h, err := p.Hasher(p.ctx, gateAcme)
	require.NoError(t, err)
	var all []unsubscribe.Recipient
	for _, address := range []string{"a@a.example", "b@a.example", "c@a.example"} {
		k, err := h.Keys(unsubscribe.Email, address)
		require.NoError(t, err)
		all = append(all, unsubscribe.Recipient{Keys: k})
	}
	broken, ahead := all[0], all[0]
	broken.Keys.Everything.Exact = unsubscribe.Key{}
	ahead.Keys.Client.Epoch = 9
	got := p.filter(gateLetter, append(all, broken, ahead)...)
	for i, want := range []unsubscribe.Reason{
		unsubscribe.ReasonClear, unsubscribe.ReasonOptOut, unsubscribe.ReasonClear, unsubscribe.ReasonAddress, unsubscribe.ReasonUnknown,
	} {
		require.Equal(t, want, got[i].Reason)
		require.Equal(t, want == unsubscribe.ReasonClear, got[i].Send)
	}
}

func TestGate_LetsNobodyThroughBeforeItIsLoaded(t *testing.T) {
	w := newGateWorld(t)
	p := w.process(nil)
	v, err := p.gate.Ask(p.ctx, gateLetter, gateTo("a@a.example"))
	require.ErrorIs(t, err, unsubscribe.ErrStale)
	require.False(t, v.Send)
	for v, err := range p.gate.Filter(p.ctx, gateLetter, unsubscribe.Recipients(make([]unsubscribe.Recipient, 3))) {
		require.ErrorIs(t, err, unsubscribe.ErrStale)
		require.False(t, v.Send)
	}
	p.store.down.Store(true)
	require.Error(t, p.gate.Load(p.ctx))
	_, err = p.gate.Ask(p.ctx, gateLetter, gateTo("a@a.example"))
	require.ErrorIs(t, err, unsubscribe.ErrStale)
	p.store.down.Store(false)
	require.NoError(t, p.gate.Load(p.ctx))
	require.True(t, p.ask("a@a.example").Send)
}

// TestGate_OthersCountWithinTheBound has an opt-out in another process: one look, at
// the latest after the bound, and it counts.
func TestGate_OthersCountWithinTheBound(t *testing.T) {
	w := newGateWorld(t)
	a, b := w.loaded(), w.loaded(unsubscribe.WithIndexAge(4*time.Second))
	keys := a.keysOf("ada@a.example")
	permit := b.filter(gateLetter, keys)[0].Permit()
	a.optOut("ada@a.example", unsubscribe.List)

	confirm := func() unsubscribe.Decision {
		d, err := b.gate.Confirm(b.ctx, permit)
		require.NoError(t, err)
		return d[0]
	}
	require.True(t, confirm().Send, "within the bound it may not have heard")
	b.clock.Add(int64(4*time.Second) + 1)
	require.False(t, confirm().Send)
	require.False(t, b.filter(gateLetter, keys)[0].Send)
}

func (p *gateProcess) keysOf(address string) unsubscribe.Recipient {
	p.t.Helper()
	h, err := p.Hasher(p.ctx, gateAcme)
	require.NoError(p.t, err)
	k, err := h.Keys(unsubscribe.Email, address)
	require.NoError(p.t, err)
	return unsubscribe.Recipient{Keys: k}
}

// TestGate_StoreDown: within the bound the gate goes on, after it nobody is let
// through, and then again.
func TestGate_StoreDown(t *testing.T) {
	p := newGateWorld(t).loaded(unsubscribe.WithIndexAge(4 * time.Second))
	permit := p.filter(gateLetter, gateTo("a@a.example"))[0].Permit()
	p.store.down.Store(true)
	p.clock.Add(int64(3 * time.Second))
	d, err := p.gate.Confirm(p.ctx, permit)
	require.NoError(t, err)
	require.True(t, d[0].Send)
	p.clock.Add(int64(2 * time.Second))
	_, err = p.gate.Confirm(p.ctx, permit)
	require.ErrorIs(t, err, unsubscribe.ErrStale)
	require.ErrorIs(t, err, errGateStore)
	v, err := p.gate.Ask(p.ctx, gateLetter, gateTo("a@a.example"))
	require.ErrorIs(t, err, errGateStore)
	require.False(t, v.Send)
	p.store.down.Store(false)
	require.True(t, p.ask("a@a.example").Send)
}

// TestGate_AFeedThatHangs: within the bound one caller waits for it and the others do
// not; after it all wait, and whoever gives up is not let through.
func TestGate_AFeedThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newGateWorld(t).loaded(unsubscribe.WithIndexAge(4 * time.Second))
		permit := p.filter(gateLetter, gateTo("a@a.example"))[0].Permit()
		hang := make(chan struct{})
		p.store.hang.Store(&hang)
		p.clock.Add(int64(3 * time.Second))
		first := make(chan error)
		go func() {
			_, err := p.gate.Confirm(p.ctx, permit)
			first <- err
		}()
		synctest.Wait() // it looks
		d, err := p.gate.Confirm(p.ctx, permit)
		require.NoError(t, err)
		require.True(t, d[0].Send)

		p.clock.Add(int64(5 * time.Second))
		ctx, cancel := context.WithTimeout(p.ctx, time.Second)
		defer cancel()
		d, err = p.gate.Confirm(ctx, permit)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Nil(t, d)
		close(hang)
		require.ErrorIs(t, <-first, unsubscribe.ErrStale, "it took longer than the bound")
		d, err = p.gate.Confirm(p.ctx, permit)
		require.NoError(t, err)
		require.True(t, d[0].Send)
	})
}

func TestGate_DatabaseModeFailsClosed(t *testing.T) {
	p := newGateWorld(t).loaded(unsubscribe.WithDatabaseMode())
	p.store.down.Store(true)
	v, err := p.gate.Ask(p.ctx, gateLetter, gateTo("a@a.example"))
	require.ErrorIs(t, err, unsubscribe.ErrStale)
	require.False(t, v.Send)
}

// TestGate_CountsBeforeTheCommit: an opt-out of this process stops messages while its
// transaction is open; if that is rolled back, it never was.
func TestGate_CountsBeforeTheCommit(t *testing.T) {
	for _, commit := range []bool{true, false} {
		t.Run(fmt.Sprint(commit), func(t *testing.T) {
			p := newGateWorld(t).loaded(unsubscribe.WithIndexAge(time.Hour))
			ada := p.keysOf("ada@a.example")
			permit := p.filter(gateLetter, ada)[0].Permit()
			undone := errors.New("undone")
			err := p.Transactor().Atomically(p.ctx, func(ctx context.Context) error {
				_, err := p.OptOut(ctx, gateOut("ada@a.example", unsubscribe.Client))
				if err != nil {
					return err
				}
				// Somebody else asks.
				require.Equal(t, 1, p.gate.Pending())
				d, err := p.gate.Confirm(p.ctx, permit)
				if err != nil || d[0].Send {
					return fmt.Errorf("let through: %v: %w", d, err)
				}
				// So does who is in the transaction.
				v, err := p.gate.Ask(ctx, gateLetter, ada)
				if err != nil || v.Send {
					return fmt.Errorf("let through: %v: %w", v, err)
				}
				if !commit {
					return undone
				}
				return nil
			})
			if !commit {
				require.ErrorIs(t, err, undone)
			} else {
				require.NoError(t, err)
			}
			require.Equal(t, !commit, p.ask("ada@a.example").Send)
			require.NoError(t, p.gate.Look(p.ctx))
			require.Zero(t, p.gate.Pending())
			require.Equal(t, !commit, p.ask("ada@a.example").Send)
		})
	}
}

// TestGate_BackInCountsOnceCommitted: what is pending does not outlive the way back.
func TestGate_BackInCountsOnceCommitted(t *testing.T) {
	p := newGateWorld(t).loaded()
	out := p.optOut("ada@a.example", unsubscribe.List)
	require.False(t, p.ask("ada@a.example").Send)
	_, err := p.OptIn(p.ctx, unsubscribe.OptInParams{
		Tenant: gateAcme, Channel: unsubscribe.Email, Address: troth.Protect("ada@a.example"), Scope: unsubscribe.List,
		List: gateLetter.List, Method: unsubscribe.ByUndo, Reference: out.ID,
	})
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, p.gate.Look(p.ctx))
	}
	require.Zero(t, p.gate.Pending())
	require.True(t, p.ask("ada@a.example").Send)
}

// TestGate_Permits: one is void once something changed for its recipient.
func TestGate_Permits(t *testing.T) {
	p := newGateWorld(t).loaded()
	verdicts := p.filter(gateLetter, gateTo("a@a.example"), gateTo("b@a.example"), gateTo("no address"))
	var permits []unsubscribe.Permit
	for _, v := range verdicts {
		permits = append(permits, v.Permit())
	}
	permits = append(permits, unsubscribe.Permit{})
	confirm := func() (send []bool) {
		decisions, err := p.gate.Confirm(p.ctx, permits...)
		require.NoError(t, err)
		for _, d := range decisions {
			send = append(send, d.Send)
		}
		return send
	}
	require.Equal(t, []bool{true, true, false, false}, confirm())
	p.optOut("b@a.example", unsubscribe.Everything)
	require.Equal(t, []bool{true, false, false, false}, confirm())

	another := p.loaded() // of another process, which decides for itself
	decisions, err := another.gate.Confirm(p.ctx, permits...)
	require.NoError(t, err)
	require.True(t, decisions[0].Send)
	require.False(t, decisions[1].Send)
	// What was no stays no.
	stopped := p.filter(gateLetter, gateTo("b@a.example"))[0].Permit()
	decisions, err = another.gate.Confirm(p.ctx, stopped)
	require.NoError(t, err)
	require.False(t, decisions[0].Send)
}

// TestGate_TwoTenants: the index is one for all; what stands in one tenant's registry
// says nothing to another, nor takes anything away there, even under the same key.
func TestGate_TwoTenants(t *testing.T) {
	w := newGateWorld(t)
	p := w.loaded()
	p.optOut("ada@a.example", unsubscribe.Client)
	abroad := gateLetter
	abroad.Tenant = gateOther
	require.True(t, p.filter(abroad, gateTo("ada@a.example"))[0].Send)

	// A forger in the other tenant writes rows under acme's key, without a reason.
	key := p.keysOf("ada@a.example").Keys.Client.Exact
	require.NoError(t, p.Transactor().Atomically(w.ctx, func(ctx context.Context) error {
		_, err := w.store.LockEntry(ctx, unsubscribe.EntryRow{Tenant: gateOther, Key: key, Mailbox: key, Channel: unsubscribe.Email})
		return errors.Join(err, w.store.Raise(ctx, unsubscribe.FeedEvent{Tenant: gateOther, Key: key, At: 1}))
	}))
	require.NoError(t, p.gate.Look(p.ctx))
	require.Zero(t, p.gate.Pending())
	require.False(t, p.ask("ada@a.example").Send)
}

func TestGate_RefusesWhatIsNoCampaign(t *testing.T) {
	p := newGateWorld(t).loaded()
	for _, spoil := range []func(c *unsubscribe.Campaign){
		func(c *unsubscribe.Campaign) { c.Tenant = "" },
		func(c *unsubscribe.Campaign) { c.Tenant = troth.Platform },
		func(c *unsubscribe.Campaign) { c.List = "" },
		func(c *unsubscribe.Campaign) { c.Channel = "pigeon" },
		func(c *unsubscribe.Campaign) { c.Class = "" },
	} {
		c := gateLetter
		spoil(&c)
		v, err := p.gate.Ask(p.ctx, c, gateTo("a@a.example"))
		require.Error(t, err)
		require.False(t, v.Send)
	}
}

func TestGate_Explains(t *testing.T) {
	p := newGateWorld(t).loaded()
	e := p.optOut("ada@a.example", unsubscribe.List)
	require.NoError(t, p.gate.Load(p.ctx))
	require.NoError(t, p.gate.Look(p.ctx))
	v := p.filter(gateLetter, gateTo("ada@a.example"))[0]
	require.Empty(t, v.Event, "the index does not know")
	require.Contains(t, v.String(), `stop: opt_out, scope list "letter"`)
	d, err := p.gate.Explain(p.ctx, v)
	require.NoError(t, err)
	require.Equal(t, e.ID, d.Event)
	require.True(t, e.At.Equal(d.At))
	p.store.down.Store(true)
	d, err = p.gate.Explain(p.ctx, v)
	require.Error(t, err)
	require.False(t, d.Send)
}
