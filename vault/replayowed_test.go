package vault_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

// owing is a restored world in which the shop's own key is dead. Since the backup
// ada was erased and cyd restricted in the shop, and somebody erased elsewhere.
type owing struct {
	*limited
	w      *world
	key    *kmsKey
	v      *vault.Vault
	clock  *monoClock
	gus    troth.Context
	sealed map[troth.Context][]byte
	elses  troth.Context
}

func newOwing(t *testing.T) *owing { return newOwingWith(t, false) }

func newOwingWith(t *testing.T, epochs bool) *owing {
	l := newLimited(t)
	if epochs {
		l.epochStore = &vaulttest.EpochStore{}
	}
	o := &owing{
		limited: l, key: l.kms(ourKey).keys[ourKey], gus: emailOf(shop, "gus", profile), sealed: map[troth.Context][]byte{},
		elses: emailOf(bakery, "else", profile),
	}
	l.v = l.vault()
	l.move(l.v, shop, ourKey)
	for _, at := range []troth.Context{ada, o.gus, adasTwin, o.elses} {
		o.sealed[at] = l.seal(l.v, at, "data of "+at.Subject.ID)
	}
	l.old = l.backUp()
	l.shred(l.v, personOf(shop, "ada"))
	l.restrict(l.v, claims)
	l.shred(l.v, personOf(bakery, "else"))
	l.pump()

	o.key.revoke()
	o.w = l.restored(l.old)
	// The trail names people by pseudonyms, which lie under their tenant's key.
	o.w.rec.setFail(func(e troth.Entry) error {
		if e.Tenant == shop && e.SubjectID != "" && o.key.dead() {
			return fmt.Errorf("audit: name: %w", vault.ErrKEK)
		}
		return nil
	})
	return o
}

func (k *kmsKey) dead() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.during != nil
}

// replays opens the restored store for its replay, which ends with the shop
// pending.
func (o *owing) replays() {
	o.t.Helper()
	o.v = o.w.vault(vault.ForReplay())
	o.clock = o.w.fakeMono(o.v)
	done, err := o.v.Replay(o.w.ctx)
	require.NoError(o.t, err)
	require.Equal(o.t, []troth.Tenant{shop}, done.Pending)
	require.Equal(o.t, 3, done.Lines)
}

// others demands that the bakery works as ever, and that its erasures are
// acknowledged.
func (o *owing) others() {
	o.t.Helper()
	o.w.opens(o.v, adasTwin, o.sealed[adasTwin], "data of ada")
	o.w.refuses(o.v, o.elses, o.sealed[o.elses], vault.ErrShredded)
	at := emailOf(bakery, fmt.Sprint(time.Now().UnixNano()), profile)
	o.w.seal(o.v, at, "x")
	r := o.w.shred(o.v, personOf(bakery, at.Subject.ID))
	require.NoError(o.t, o.v.PumpJournal(o.w.ctx))
	_, acknowledged, err := o.v.Journalled(o.w.ctx, r)
	require.NoError(o.t, err)
	require.True(o.t, acknowledged)
}

// One tenant's dead key keeps nobody else's data closed, no erasure waits for it,
// and nobody opens who must be restricted before that is so.
func TestReplay_DeadKeyOfATenantHoldsUpNobodyElse(t *testing.T) {
	o := newOwing(t)
	require.ErrorIs(t, o.w.openErr(), vault.ErrJournalAhead)
	o.replays()
	o.others()
	o.w.refuses(o.v, ada, o.sealed[ada], vault.ErrShredded)
	o.w.refuses(o.v, o.gus, o.sealed[o.gus], vault.ErrKEK)
	o.w.refuses(o.v, cyd, o.limited.sealed, vault.ErrJournalAhead)
	require.NoError(t, o.v.Sweep(o.w.ctx))
	o.w.refuses(o.v, cyd, o.limited.sealed, vault.ErrJournalAhead)
	for _, e := range o.w.rec.committed(t, "vault.replay") {
		require.True(t, e.Tenant == bakery || e.SubjectID == "", "the trail cannot name anybody of the shop")
	}

	// The key is back: cyd waits until the restriction is, the others do not.
	o.key.restore()
	o.clock.advance(10*time.Second + 1)
	o.w.opens(o.v, o.gus, o.sealed[o.gus], "data of gus")
	o.w.refuses(o.v, cyd, o.limited.sealed, vault.ErrJournalAhead)
	_, err := o.v.InsecureExportCleartextKeyset(o.w.ctx, token, vault.KeysetExport{Tenant: shop, SubjectID: "cyd", Ground: "move"})
	require.ErrorIs(t, err, vault.ErrJournalAhead)
	_, err = o.v.InsecureExportCleartextKeyset(o.w.ctx, token, vault.KeysetExport{Tenant: shop, WholeTenant: true, Ground: "move"})
	require.ErrorIs(t, err, vault.ErrJournalAhead)
	o.others()
	require.NoError(t, o.v.Sweep(o.w.ctx))
	for _, v := range []*vault.Vault{o.v, o.w.vault()} {
		for _, p := range []troth.Purpose{orders, claims} {
			require.ErrorIs(t, lookup(v.AppendOpen(o.w.ctx, nil, cyd, p, o.limited.sealed)), vault.ErrRestricted, p)
		}
		o.w.opens(v, o.gus, o.sealed[o.gus], "data of gus")
		o.w.refuses(v, ada, o.sealed[ada], vault.ErrShredded)
	}
	o.others()
	s, err := o.v.JournalStatus(o.w.ctx)
	require.NoError(t, err)
	require.Zero(t, s.Waiting)
}

// A program that starts before the key is back is told, and replays as well.
func TestReplay_WhatIsOwedIsOwedByTheNextProcessToo(t *testing.T) {
	o := newOwing(t)
	o.replays()
	o.others()
	for range 2 {
		var ahead *vault.JournalAheadError
		require.ErrorAs(t, o.w.openErr(), &ahead)
		require.Equal(t, 1, ahead.Missing)
		o.replaysAgain()
		o.others()
		o.w.refuses(o.v, cyd, o.limited.sealed, vault.ErrJournalAhead)
	}
	// Two processes owe it; one pays, and the other finds it paid.
	other := o.v
	o.replaysAgain()
	o.key.restore()
	clock := o.w.fakeMono(other)
	clock.advance(10*time.Second + 1)
	o.clock.advance(10*time.Second + 1)
	require.NoError(t, other.Sweep(o.w.ctx))
	require.ErrorIs(t, lookup(other.AppendOpen(o.w.ctx, nil, cyd, claims, o.limited.sealed)), vault.ErrRestricted)
	o.w.refuses(o.v, cyd, o.limited.sealed, vault.ErrJournalAhead)
	require.NoError(t, o.v.Sweep(o.w.ctx))
	require.ErrorIs(t, lookup(o.v.AppendOpen(o.w.ctx, nil, cyd, claims, o.limited.sealed)), vault.ErrRestricted)
	o.others()
	require.NoError(t, o.w.openErr())
}

func (o *owing) replaysAgain() {
	o.t.Helper()
	o.v = o.w.vault(vault.ForReplay())
	o.clock = o.w.fakeMono(o.v)
	done, err := o.v.Replay(o.w.ctx)
	require.NoError(o.t, err)
	require.Equal(o.t, []troth.Tenant{shop}, done.Pending)
}

// Whoever is shredded after all while the restriction is owed is dead.
func TestReplay_WhoIsOwedCanBeShredded(t *testing.T) {
	for name, target := range map[string]vault.Target{
		"the person": personOf(shop, "cyd"), "the tenant": {Tenant: shop, WholeTenant: true},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOwing(t)
			o.replays()
			o.w.rec.setFail(nil)
			o.w.shred(o.v, target)
			o.key.restore()
			o.clock.advance(10*time.Second + 1)
			require.NoError(t, o.v.Sweep(o.w.ctx))
			o.w.refuses(o.v, cyd, o.limited.sealed, vault.ErrShredded)
			o.others()
			require.NoError(t, o.w.openErr())
		})
	}
}

// What died without a name in its evidence is compared with the trail like the rest.
func TestReplay_ReconcilesWhatNamesNobody(t *testing.T) {
	o := newOwing(t)
	c := o.w.config()
	c.Evidence = &evidence{w: o.w, gone: map[troth.EntryID]bool{}}
	v, err := vault.Open(o.w.ctx, c, vault.Unmanaged("tests"), vault.ForReplay())
	require.NoError(t, err)
	clock := o.w.fakeMono(v)
	_, err = v.Replay(o.w.ctx)
	require.NoError(t, err)
	o.key.restore()
	clock.advance(10*time.Second + 1)
	require.NoError(t, v.Sweep(o.w.ctx))
	r, err := v.Reconcile(o.w.ctx, vault.ReconcileParams{Full: true})
	require.NoError(t, err)
	require.True(t, r.Complete)
	require.Empty(t, r.Discrepancies)

	// A restriction of which the journal alone tells is held to its flags too.
	for _, k := range o.old.keys {
		if k.KeyName == nameOf(cyd) {
			now := o.w.keyRow(cyd)
			_, err := o.w.store.ResealKey(o.w.ctx, vault.Reseal{
				KeyName: k.KeyName, Generation: k.Generation, Was: now.Sealed, Sealed: k.Sealed, Flag: k.Flag,
			})
			require.NoError(t, err)
		}
	}
	r, err = v.Reconcile(o.w.ctx, vault.ReconcileParams{Full: true})
	require.NoError(t, err)
	require.Len(t, r.Discrepancies, 1)
	require.Equal(t, "cyd", r.Discrepancies[0].SubjectID)
}

// again is the same restored world anew.
func (o *owing) again(t *testing.T) *owing {
	n := *o
	n.w = o.restored(o.old).in(t)
	n.w.rec.setFail(func(e troth.Entry) error {
		if e.Tenant == shop && e.SubjectID != "" && o.key.dead() {
			return vault.ErrKEK
		}
		return nil
	})
	return &n
}

// settled demands that everything is done, in whatever process.
func (o *owing) settled(v *vault.Vault) {
	o.w.t.Helper()
	o.w.opens(v, adasTwin, o.sealed[adasTwin], "data of ada")
	o.w.refuses(v, o.elses, o.sealed[o.elses], vault.ErrShredded)
	o.w.refuses(v, ada, o.sealed[ada], vault.ErrShredded)
	o.w.opens(v, o.gus, o.sealed[o.gus], "data of gus")
	require.ErrorIs(o.w.t, lookup(v.AppendOpen(o.w.ctx, nil, cyd, orders, o.limited.sealed)), vault.ErrRestricted)
}

// A crash at any call, of the replay that leaves something owed or of what makes
// good for it, opens nobody who must be restricted, and the next one ends it.
func TestReplay_EveryFaultOnTheWayOfWhatIsOwed(t *testing.T) {
	o := newOwing(t)
	for _, paying := range []bool{false, true} {
		run := func(t *testing.T, i *faultstore.Injection) (calls []faultstore.Call) {
			o := o.again(t)
			o.key.revoke()
			plan := faultstore.NewPlan()
			v := o.w.faultyReplay(plan)
			o.clock = o.w.fakeMono(v)
			do := func(ctx context.Context) error { _, err := v.Replay(ctx); return err }
			if paying {
				require.NoError(t, do(o.w.ctx))
				o.key.restore()
				o.clock.advance(10*time.Second + 1)
				do = v.Sweep
			}
			before := len(plan.Calls())
			ctx := o.w.ctx
			if i != nil {
				plan.Add(*i)
				var cancel context.CancelFunc
				ctx, cancel = plan.Context(o.w.ctx)
				defer cancel()
			}
			err := do(ctx)
			if i == nil {
				require.NoError(t, err)
				return plan.Calls()[before:]
			}
			require.Equal(t, 1, plan.Injected())
			o.key.restore()
			got, err := v.AppendOpen(o.w.ctx, nil, cyd, orders, o.limited.sealed)
			require.Error(t, err)
			require.Empty(t, got)
			next := o.w.vault(vault.ForReplay())
			done, err := next.Replay(o.w.ctx)
			require.NoError(t, err)
			require.Empty(t, done.Pending)
			o.settled(next)
			o.settled(o.w.vault())
			return nil
		}
		calls := run(t, nil)
		require.NotEmpty(t, calls)
		faults := []faultstore.Fault{faultstore.FailBefore, faultstore.FailAfter, faultstore.CancelAfter}
		if testing.Short() {
			faults = faults[1:2]
		}
		for i := range faultstore.Each(calls, faults...) {
			t.Run(fmt.Sprint(paying, i.Method, i.Nth, i.Fault), func(t *testing.T) { run(t, &i) })
		}
	}
}

// A key that answers with another one is as good as none: whoever must be restricted
// waits until it comes to its senses, and the others do not.
func TestReplay_KeyThatAnswersWithAnotherHoldsUpNobodyElse(t *testing.T) {
	for _, epochs := range []bool{false, true} {
		// back is whether the row came back, without the flag; the index root may
		// come out right and the one of the keys not.
		for i, back := range []bool{false, true, false, true} {
			o := newOwingWith(t, epochs)
			o.key.restore()
			right := i / 2
			o.key.answerWith(func(plain []byte, err error) ([]byte, error) {
				if right--; right >= 0 {
					return plain, err
				}
				return make([]byte, len(plain)), err
			})
			if back {
				rows, err := o.store.Restrictions(o.ctx, shop, "cyd")
				require.NoError(t, err)
				_, err = o.w.store.InsertRestriction(o.ctx, rows[0])
				require.NoError(t, err)
			}
			o.replays()
			o.others()
			o.w.refuses(o.v, ada, o.sealed[ada], vault.ErrShredded)
			o.w.refuses(o.v, cyd, o.limited.sealed, vault.ErrJournalAhead)
			o.key.heal()
			o.clock.advance(10*time.Second + 1)
			o.w.refuses(o.v, cyd, o.limited.sealed, vault.ErrJournalAhead)
			require.NoError(t, o.v.Sweep(o.w.ctx))
			require.ErrorIs(t, lookup(o.v.AppendOpen(o.w.ctx, nil, cyd, orders, o.limited.sealed)), vault.ErrRestricted)
			o.w.opens(o.v, o.gus, o.sealed[o.gus], "data of gus")
			o.others()
		}
	}
}

// Nor does a restriction pass over keys that it could not reach.
func TestRestrict_WhereTheKeyAnswersWithAnotherNothingIsRestricted(t *testing.T) {
	c := newOwnCase(t)
	c.key.answerWith(func(plain []byte, err error) ([]byte, error) { return make([]byte, len(plain)), err })
	c.clock.advance(kekBound + bound + 1)
	for range 3 {
		_, err := c.v.Restrict(c.ctx, restriction("42"))
		require.ErrorIs(t, err, vault.ErrKEK)
	}
	rows, err := c.store.Restrictions(c.ctx, shop, "42")
	require.NoError(t, err)
	require.Empty(t, rows)
	c.key.heal()
	c.clock.advance(10*time.Second + 1)
	r, err := c.v.Restrict(c.ctx, restriction("42"))
	require.NoError(t, err)
	require.Equal(t, 1, r.Keys)
	require.ErrorIs(t, lookup(c.v.AppendOpen(c.ctx, nil, c.at, orders, c.sealed)), vault.ErrRestricted)
}
