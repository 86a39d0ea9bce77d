package vault_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/vaultfault"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

// journalWorld is a world whose vaults keep a journal.
func journalWorld(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	w.journal = vaulttest.NewJournal()
	return w
}

// waiting is how many erasures the journal has not acknowledged.
func (w *world) waiting(v *vault.Vault) int64 {
	w.t.Helper()
	s, err := v.JournalStatus(w.ctx)
	require.NoError(w.t, err)
	return s.Waiting
}

// journalled demands that the receipt is in the journal, or that it is not.
func (w *world) journalled(v *vault.Vault, r vault.Receipt, want bool) {
	w.t.Helper()
	at, acknowledged, err := v.Journalled(w.ctx, r)
	require.NoError(w.t, err)
	require.Equal(w.t, want, acknowledged)
	require.Equal(w.t, want && !r.Already, !at.IsZero())
}

func TestJournal_AShreddingIsPendingUntilItIsThere(t *testing.T) {
	w := journalWorld(t)
	v := w.vault()
	w.seal(v, emailOf(shop, "42", profile), "ada")
	r := w.shred(v, personOf(shop, "42"))
	w.journalled(v, r, false)
	again := w.shred(v, personOf(shop, "42"))
	require.True(t, again.Already)
	w.journalled(v, again, false)
	w.journalled(v, vault.Receipt{Target: personOf(bakery, "42"), Already: true}, true)
	require.EqualValues(t, 1, w.waiting(v))
	require.Zero(t, w.journal.Len())

	require.NoError(t, v.PumpJournal(w.ctx))
	require.Equal(t, 1, w.journal.Len())
	require.Zero(t, w.waiting(v))
	for _, at := range []*vault.Vault{v, w.vault()} {
		w.journalled(at, r, true)
		w.journalled(at, again, true)
	}
	require.NoError(t, v.PumpJournal(w.ctx))
	require.Equal(t, 1, w.journal.Len())

	w.shred(v, vault.Target{Tenant: shop, SubjectID: "43", Compartments: []troth.Compartment{profile}})
	require.NoError(t, v.Sweep(w.ctx), "Sweep pumps")
	w.shred(v, vault.Target{Tenant: bakery, WholeTenant: true})
	require.NoError(t, v.Sweep(w.ctx))
	require.Equal(t, 3, w.journal.Len())
	_, _, err := v.Journalled(w.ctx, vault.Receipt{Target: personOf(shop, "9"), Entry: troth.NewEntryID(time.Now())})
	require.ErrorIs(t, err, vault.ErrNotJournalled)
	other := r
	other.Target.Tenant = bakery
	_, _, err = v.Journalled(w.ctx, other)
	require.ErrorIs(t, err, vault.ErrNotJournalled, "another tenant's receipt")
}

// TestRun_PumpsTheJournal also in the host's transactions, of whose end nobody
// hears.
func TestRun_PumpsTheJournal(t *testing.T) {
	w := journalWorld(t)
	v := w.vault(vault.WithFenceAge(30 * time.Millisecond))
	ctx, cancel := context.WithCancel(w.ctx)
	var wg sync.WaitGroup
	wg.Go(func() { _ = v.Run(ctx) })
	tx, err := w.db.Begin(w.ctx)
	require.NoError(t, err)
	_, err = v.Shred(w.db.WithTx(w.ctx, tx), erasure, personOf(shop, "42"))
	require.NoError(t, err)
	require.NoError(t, v.PumpJournal(w.ctx))
	require.Zero(t, w.journal.Len())
	require.NoError(t, tx.Commit())
	require.Eventually(t, func() bool { return w.journal.Len() == 1 }, time.Minute, time.Millisecond)
	cancel()
	wg.Wait()
}

// TestJournal_WhatIsRolledBackNeverReachesIt: in a transaction, in a savepoint,
// in the host's transaction and in a savepoint there; and locks nothing.
func TestJournal_WhatIsRolledBackNeverReachesIt(t *testing.T) {
	w := journalWorld(t)
	v := w.vault()
	at := emailOf(shop, "42", profile)
	sealed := w.seal(v, at, "ada")
	undo := errors.New("undone")
	shred := func(ctx context.Context) error {
		_, err := v.Shred(ctx, erasure, personOf(shop, "42"))
		require.NoError(t, err)
		return undo
	}
	require.ErrorIs(t, w.db.Atomically(w.ctx, shred), undo)
	require.NoError(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		require.ErrorIs(t, w.db.Atomically(ctx, shred), undo)
		return nil
	}))
	for _, end := range []bool{true, false} {
		tx, err := w.db.Begin(w.ctx)
		require.NoError(t, err)
		in := w.db.WithTx(w.ctx, tx)
		if end {
			require.ErrorIs(t, w.db.Atomically(in, shred), undo)
			require.NoError(t, tx.Commit())
		} else {
			require.ErrorIs(t, shred(in), undo)
			require.NoError(t, tx.Rollback())
		}
	}
	require.NoError(t, v.PumpJournal(w.ctx))
	require.Zero(t, w.journal.Len())
	require.Zero(t, w.waiting(v))
	w.opens(w.vault(), at, sealed, "ada")
	w.opens(v, at, sealed, "ada")
}

func TestJournal_ThatFailsLosesNothing(t *testing.T) {
	w := journalWorld(t)
	at := time.Now()
	v := w.vault(vault.WithClock(func() time.Time { return at }), vault.WithJournalAge(time.Hour))
	r := w.shred(v, personOf(shop, "42"))
	w.journal.Fail(errKMS)
	require.ErrorIs(t, v.PumpJournal(w.ctx), vault.ErrJournal)
	require.ErrorIs(t, v.PumpJournal(w.ctx), errKMS)
	w.journalled(v, r, false)
	at = at.Add(2 * time.Hour)
	w.journal.Fail(nil)
	s, err := v.JournalStatus(w.ctx)
	require.NoError(t, err)
	require.True(t, s.Late)
	require.Equal(t, at.Add(-2*time.Hour).UnixMicro(), s.Oldest.UnixMicro())
	w.journal.Fail(errKMS)
	require.ErrorIs(t, v.Sweep(w.ctx), vault.ErrJournalLate)
	w.journal.Fail(nil)
	require.NoError(t, v.Sweep(w.ctx))
	w.journalled(v, r, true)
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	require.ErrorIs(t, v.PumpJournal(ctx), context.Canceled)
}

// TestJournal_FollowsTheStoresOwnClockOnly: lines are found by their state, so a
// clock that jumps hides none.
func TestJournal_ClockJumps(t *testing.T) {
	w := journalWorld(t)
	at := time.Now()
	v := w.vault(vault.WithClock(func() time.Time { return at }))
	for i, jump := range []time.Duration{0, -100 * 365 * 24 * time.Hour, 200 * 365 * 24 * time.Hour, 0} {
		at = at.Add(jump)
		w.shred(v, personOf(shop, string(rune('a'+i))))
		require.NoError(t, v.PumpJournal(w.ctx))
		require.Equal(t, i+1, w.journal.Len())
		require.Zero(t, w.waiting(v))
	}
	w.vault()
}

// TestJournal_EveryFaultOnTheWay pumps with a fault at every call, of the store
// and of the journal, before and after it takes effect: then a pump without one
// acknowledges, once is enough, and no vault takes the store for a restored one.
func TestJournal_EveryFaultOnTheWay(t *testing.T) {
	calls := func() []faultstore.Call {
		w := journalWorld(t)
		plan := faultstore.NewPlan()
		f := w.faulty(plan)
		w.shred(f, personOf(shop, "42"))
		before := len(plan.Calls())
		require.NoError(t, f.PumpJournal(w.ctx))
		return plan.Calls()[before:]
	}()
	require.Greater(t, len(calls), 5)
	for i := range faultstore.Each(calls, faultstore.Faults()...) {
		t.Run(strings.Join([]string{i.Method, string(rune('0' + i.Nth)), string(i.Fault)}, " "), func(t *testing.T) {
			w := journalWorld(t)
			plan := faultstore.NewPlan()
			f := w.faulty(plan)
			r := w.shred(f, personOf(shop, "42"))
			plan.Add(i)
			ctx, cancel := plan.Context(w.ctx)
			defer cancel()
			_ = f.PumpJournal(ctx)
			require.Equal(t, 1, plan.Injected())
			second := w.vault() // does not find the store lagging
			require.NoError(t, second.PumpJournal(w.ctx))
			w.journalled(second, r, true)
			require.Equal(t, 1, w.journal.Len(), "a line that is there is recognised")
			require.NoError(t, f.PumpJournal(w.ctx))
			require.Equal(t, 1, w.journal.Len())
		})
	}
}

func (w *world) faulty(plan *faultstore.Plan) *vault.Vault {
	w.t.Helper()
	c := w.config()
	tx := faultstore.Transactor(w.db, plan)
	c.Store = vaultfault.New(w.store, tx, plan)
	c.Journal = vaultfault.Journal(w.journal, plan)
	c.Recorder = joined{w.rec, tx}
	v, err := vault.Open(w.ctx, c, vault.Unmanaged("tests"), vault.WithFenceAge(time.Hour))
	require.NoError(w.t, err)
	return v
}

// joined is a recorder that says it joins another transactor.
type joined struct {
	*recorder
	tx troth.Transactor
}

func (j joined) Transactor() troth.Transactor { return j.tx }

func TestJournal_TwoPumpsAtOnce(t *testing.T) {
	w := journalWorld(t)
	a, b := w.vault(), w.vault()
	const people = 40
	var receipts []vault.Receipt
	for i := range people {
		receipts = append(receipts, w.shred(a, personOf(shop, string(rune('A'+i)))))
	}
	var wg sync.WaitGroup
	for _, v := range []*vault.Vault{a, b, a, b} {
		wg.Go(func() {
			if err := v.PumpJournal(w.ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, r := range receipts {
		w.journalled(b, r, true)
	}
	require.GreaterOrEqual(t, w.journal.Len(), people)
	w.vault()
}

// TestPumpJournal_AnotherSawLess: another process, which read the journal before the
// last line was there, moves the head between this one's read and its mark.
func TestPumpJournal_AnotherSawLess(t *testing.T) {
	w := journalWorld(t)
	h := &hooked{Backend: w.store}
	v := w.vaultOn(h)
	first := w.shred(v, personOf(shop, "1"))
	second := w.shred(v, personOf(shop, "2"))
	overtaken := false
	h.heldLines = func() {
		if overtaken || w.journal.Len() < 2 {
			return
		}
		overtaken = true
		moved, err := w.store.MoveJournal(w.ctx, 0, 1, sha256.Sum256(w.lines()[0]))
		require.NoError(t, err)
		require.True(t, moved)
		require.NoError(t, w.store.AckLines(w.ctx, []troth.EntryID{first.Entry}, 1))
	}
	require.NoError(t, v.PumpJournal(w.ctx))
	require.True(t, overtaken)
	w.journalled(v, second, true)
	require.Zero(t, w.waiting(v))
	state, err := w.store.JournalState(w.ctx)
	require.NoError(t, err)
	require.EqualValues(t, 2, state.Position)
}

// TestJournal_NeverTakesWhatNoVaultWrote: who can write to the database cannot
// have something erased at the next restore.
func TestJournal_NeverTakesWhatNoVaultWrote(t *testing.T) {
	w := journalWorld(t)
	v := w.vault()
	r := w.shred(v, personOf(shop, "42"))
	row, found, err := w.store.Line(w.ctx, shop, r.Entry)
	require.NoError(t, err)
	require.True(t, found)
	forged := row
	forged.Entry = troth.NewEntryID(time.Now())
	_, err = w.store.InsertLine(w.ctx, forged)
	require.NoError(t, err)
	require.ErrorIs(t, v.PumpJournal(w.ctx), vault.ErrJournal)
	require.Equal(t, 1, w.journal.Len(), "the true one went through")
	w.journalled(v, r, true)
	require.EqualValues(t, 1, w.waiting(v))
}

// TestJournal_ThatForgetsIsNotFedForEver.
func TestJournal_ThatForgetsIsNotFedForEver(t *testing.T) {
	w := journalWorld(t)
	c := w.config()
	c.Journal = forgetful{w.journal}
	v, err := vault.Open(w.ctx, c, vault.Unmanaged("tests"))
	require.NoError(t, err)
	r := w.shred(v, personOf(shop, "42"))
	require.ErrorIs(t, v.PumpJournal(w.ctx), vault.ErrJournal)
	w.journalled(v, r, false)
}

type forgetful struct{ *vaulttest.Journal }

func (forgetful) Append(context.Context, [][]byte) error { return nil }

// TestJournal_HoldsNoIDs: neither tenant nor person nor compartment, in any
// form.
func TestJournal_HoldsNoIDs(t *testing.T) {
	w := journalWorld(t)
	v := w.vault()
	const who = "subject-canary-17"
	w.seal(v, emailOf("tenant-canary", who, "compartment-canary"), "x")
	w.shred(v, vault.Target{Tenant: "tenant-canary", SubjectID: who, Compartments: []troth.Compartment{"compartment-canary"}})
	w.shred(v, personOf("tenant-canary", who))
	w.shred(v, vault.Target{Tenant: "tenant-canary", WholeTenant: true})
	require.NoError(t, v.PumpJournal(w.ctx))
	n := 0
	for l, err := range w.journal.Lines(w.ctx, 0) {
		require.NoError(t, err)
		require.NotContains(t, strings.ToLower(string(l.Line)), "canary")
		n++
	}
	require.Equal(t, 3, n)
	// The same name gives the same hash in one installation only.
	other := journalWorld(t)
	ov := other.vault()
	other.shred(ov, personOf("tenant-canary", who))
	require.NoError(t, ov.PumpJournal(other.ctx))
}

func TestShred_OfTooManyCompartmentsForOneLine(t *testing.T) {
	w := journalWorld(t)
	v := w.vault()
	target := personOf(shop, "42")
	for i := range 2001 {
		target.Compartments = append(target.Compartments, troth.Compartment("c"+string(rune('a'+i%26))+strings.Repeat("x", i/26)))
	}
	_, err := v.Shred(w.ctx, erasure, target)
	require.ErrorIs(t, err, vault.ErrTarget)
	require.Zero(t, w.waiting(v))
	target.Compartments = target.Compartments[:2000]
	w.shred(v, target)
	require.NoError(t, v.PumpJournal(w.ctx))
	require.Equal(t, 1, w.journal.Len())
}
