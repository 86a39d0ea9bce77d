package vault_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/storage/faultstore"
	"github.com/trothdev/troth/storage/faultstore/vaultfault"
	"github.com/trothdev/troth/vault"
)

// past is a world with people of two tenants, a copy from then, and what was
// shredded since.
type past struct {
	*world
	old    backup
	sealed map[troth.Context][]byte
}

var (
	ada, adasOrders = emailOf(shop, "ada", profile), emailOf(shop, "ada", invoice)
	bob, bobsOrders = emailOf(shop, "bob", profile), emailOf(shop, "bob", invoice)
	cyd             = emailOf(shop, "cyd", profile)
	adasTwin        = emailOf(bakery, "ada", profile)
	dan             = emailOf("mill-9", "dan", profile)
)

// newPast: ada is erased but for her orders, of bob his profile, tenant mill-9
// wholly, and eve, who came later.
func newPast(t *testing.T) *past {
	t.Helper()
	p := &past{world: journalWorld(t), sealed: map[troth.Context][]byte{}}
	v := p.vault()
	for _, at := range []troth.Context{ada, adasOrders, bob, bobsOrders, cyd, adasTwin, dan} {
		p.sealed[at] = p.seal(v, at, "data of "+at.Subject.ID)
	}
	p.old = p.backUp()
	eve := emailOf(shop, "eve", profile)
	p.sealed[eve] = p.seal(v, eve, "data of eve")
	p.shred(v, vault.Target{Tenant: shop, SubjectID: "ada", Except: []troth.Compartment{invoice}})
	p.shred(v, vault.Target{Tenant: shop, SubjectID: "bob", Compartments: []troth.Compartment{profile, "newsletter"}})
	p.shred(v, vault.Target{Tenant: "mill-9", WholeTenant: true})
	p.shred(v, vault.Target{Tenant: "mill-10", WholeTenant: true}) // of which nothing was ever there
	p.shred(v, personOf(shop, "eve"))
	require.NoError(t, v.PumpJournal(p.ctx))
	return p
}

// erased demands that what died is dead, also to be made anew, and that the rest
// lives.
func (p *past) erased(w *world, v *vault.Vault) {
	w.t.Helper()
	for _, at := range []troth.Context{adasOrders, bobsOrders, cyd, adasTwin} {
		w.opens(v, at, p.sealed[at], "data of "+at.Subject.ID)
	}
	for _, at := range []troth.Context{ada, bob, dan, emailOf(shop, "eve", profile)} {
		w.refuses(v, at, p.sealed[at], vault.ErrShredded)
	}
	for _, at := range []troth.Context{
		emailOf(shop, "ada", "newsletter"), emailOf(shop, "bob", "newsletter"), emailOf(shop, "eve", invoice),
		emailOf("mill-9", "new", profile), emailOf("mill-10", "new", profile),
	} {
		_, err := v.AppendSeal(w.ctx, nil, at, []byte("again"))
		require.ErrorIs(w.t, err, vault.ErrShredded, at.Subject)
	}
	_, err := v.MAC(w.ctx, troth.KeyRef{Tenant: "mill-10", Use: "u", ID: "i"}, nil)
	require.ErrorIs(w.t, err, vault.ErrShredded)
	// What nobody erased can be made.
	for _, at := range []troth.Context{
		emailOf(shop, "fay", profile), emailOf(bakery, "eve", profile), emailOf(shop, "bob", "other"),
		emailOf(shop, "eve", troth.PseudonymCompartment),
	} {
		w.opens(v, at, w.seal(v, at, "new"), "new")
	}
}

func TestReplay_ErasesAgain(t *testing.T) {
	p := newPast(t)
	w := p.restored(p.old)
	require.ErrorIs(t, w.openErr(), vault.ErrJournalAhead)
	v := w.vault(vault.ForReplay())
	w.refuses(v, cyd, p.sealed[cyd], vault.ErrJournalAhead)
	w.refuses(v, ada, p.sealed[ada], vault.ErrJournalAhead)
	_, err := v.Shred(w.ctx, erasure, personOf(shop, "cyd"))
	require.ErrorIs(t, err, vault.ErrJournalAhead)
	require.ErrorIs(t, v.PumpJournal(w.ctx), vault.ErrJournalAhead)

	done, err := v.Replay(w.ctx)
	require.NoError(t, err)
	require.Equal(t, vault.Replayed{Lines: 5, Missing: 5, People: 2, Tenants: 1, Keys: 3}, done)
	p.erased(w, v)
	p.erased(w, w.vault())
	w.evidence(5, 5, 3)

	// Eve has a pseudonym by now, so there is a row to close.
	done, err = v.Replay(w.ctx)
	require.NoError(t, err)
	require.Equal(t, vault.Replayed{Lines: 5, People: 1}, done)
	// Once more changes nothing, in this vault and in another.
	for _, again := range []*vault.Vault{w.vault(), w.vault(vault.ForReplay())} {
		done, err = again.Replay(w.ctx)
		require.NoError(t, err)
		require.Equal(t, vault.Replayed{Lines: 5}, done)
	}
	require.Len(t, w.rec.committed(t, "vault.replay"), 4)
	require.Len(t, w.rec.committed(t, "vault.replayed"), 4)
	require.Equal(t, 5, w.journal.Len())
}

// evidence demands the entries of a replay.
func (w *world) evidence(lines, missing, acts int) {
	w.t.Helper()
	told := w.rec.committed(w.t, "vault.replayed")
	require.NotEmpty(w.t, told)
	require.EqualValues(w.t, lines, told[0].Facts["erasures"].Number())
	require.EqualValues(w.t, missing, told[0].Facts["missing"].Number())
	entries := w.rec.committed(w.t, "vault.replay")
	require.Len(w.t, entries, acts)
	for _, e := range entries {
		require.NotEmpty(w.t, e.Facts["erasure"].Text())
		require.Equal(w.t, "mailer", e.Actor.ID)
		require.Equal(w.t, e.Tenant == "mill-9", e.SubjectID == "")
	}
}

// TestReplay_OfTheWholeIsTheSameInSteps: memory is bounded by the batch.
func TestReplay_OfTheWholeIsTheSameInSteps(t *testing.T) {
	for _, limit := range []int{1, 2, 3, 5} {
		p := newPast(t)
		w := p.restored(p.old)
		v := w.vault(vault.ForReplay(), vault.LimitReplay(limit))
		_, err := v.Replay(w.ctx)
		require.NoError(t, err)
		p.erased(w, v)
		w.evidence(5, 5, 3)
	}
}

// TestReplay_EveryFaultOnTheWay breaks a replay off at every call; another one
// finishes it, with each act recorded once.
func TestReplay_EveryFaultOnTheWay(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	p := newPast(t)
	calls := func() []faultstore.Call {
		plan := faultstore.NewPlan()
		w := p.restored(p.old)
		v := w.faultyReplay(plan)
		before := len(plan.Calls())
		_, err := v.Replay(w.ctx)
		require.NoError(t, err)
		return plan.Calls()[before:]
	}()
	require.Greater(t, len(calls), 30)
	for i := range faultstore.Each(calls, faultstore.FailBefore, faultstore.FailAfter, faultstore.CancelAfter) {
		t.Run(fmt.Sprint(i.Method, i.Nth, i.Fault), func(t *testing.T) {
			plan := faultstore.NewPlan()
			w := p.restored(p.old).in(t)
			v := w.faultyReplay(plan)
			plan.Add(i)
			ctx, cancel := plan.Context(w.ctx)
			defer cancel()
			_, err := v.Replay(ctx)
			require.Equal(t, 1, plan.Injected())
			if err != nil {
				w.refuses(v, cyd, p.sealed[cyd], vault.ErrJournalAhead)
			}
			next := w.vault(vault.ForReplay())
			_, err = next.Replay(w.ctx)
			require.NoError(t, err)
			p.erased(w, next)
			require.Len(t, w.rec.committed(t, "vault.replay"), 3)
		})
	}
}

func (w *world) faultyReplay(plan *faultstore.Plan) *vault.Vault {
	w.t.Helper()
	c := w.config()
	tx := faultstore.Transactor(w.db, plan)
	c.Store = vaultfault.New(w.store, tx, plan)
	c.Journal = vaultfault.Journal(w.journal, plan)
	c.Recorder = joined{w.rec, tx}
	v, err := vault.Open(w.ctx, c, vault.Unmanaged("tests"), vault.ForReplay(), vault.LimitReplay(2))
	require.NoError(w.t, err)
	return v
}

// TestReplay_WithoutEvidenceDoesNothing.
func TestReplay_WithoutEvidenceDoesNothing(t *testing.T) {
	p := newPast(t)
	w := p.restored(p.old)
	v := w.vault(vault.ForReplay())
	_, err := v.Replay(t.Context())
	require.ErrorIs(t, err, troth.ErrNoActor)
	stop := w.rec.failOn("vault.replay")
	_, err = v.Replay(w.ctx)
	require.ErrorIs(t, err, errRecorder)
	for _, row := range p.old.keys {
		rows, err := w.store.Keys(w.ctx, row.KeyName)
		require.NoError(t, err)
		require.Equal(t, []vault.KeyRow{row}, rows)
	}
	stop()
	require.Error(t, w.db.Atomically(w.ctx, func(ctx context.Context) error {
		_, err := v.Replay(ctx)
		return err
	}))
	_, err = v.Replay(w.ctx)
	require.NoError(t, err)
	p.erased(w, v)
}

// TestReplay_BelievesNoLineThatNoVaultWrote: the journal's owner cannot have
// somebody erased.
func TestReplay_BelievesNoLineThatNoVaultWrote(t *testing.T) {
	p := newPast(t)
	for name, bad := range map[string]func(line []byte) []byte{
		"changed":   func(l []byte) []byte { l[60] ^= 1; return l },
		"cut":       func(l []byte) []byte { return l[:len(l)-1] },
		"something": func([]byte) []byte { return []byte("x") },
	} {
		t.Run(name, func(t *testing.T) {
			lines := p.lines()
			p.journal.Change(3, bad(append([]byte(nil), lines[2]...)))
			defer p.journal.Change(3, lines[2])
			w := p.restored(p.old)
			v := w.vault(vault.ForReplay())
			_, err := v.Replay(w.ctx)
			require.ErrorIs(t, err, vault.ErrJournal)
			w.refuses(v, cyd, p.sealed[cyd], vault.ErrJournalAhead)
		})
	}
}

// TestReplay_NeedsTheJournalThatTheStoreKnows.
func TestReplay_NeedsTheJournalThatTheStoreKnows(t *testing.T) {
	p := newPast(t)
	p.journal.Cut(3)
	v := p.vault(vault.ForReplay())
	_, err := v.Replay(p.ctx)
	require.ErrorIs(t, err, vault.ErrJournalLost)
	p.refuses(v, cyd, p.sealed[cyd], vault.ErrJournalAhead)
}

// TestReplay_FindsWhatOnlyTheKeyTablesForgot: tables that were restored one by
// one. The store knows every erasure, and keys live all the same.
func TestReplay_FindsWhatOnlyTheKeyTablesForgot(t *testing.T) {
	p := newPast(t)
	now := p.backUp()
	mixed := p.old
	mixed.state = now.state
	w := p.restored(mixed)
	for _, line := range p.lines() {
		e, err := troth.ParseEntryID(entryOf(line).String())
		require.NoError(t, err)
		_, err = w.store.InsertLine(w.ctx, vault.LineRow{Tenant: shop, Entry: e, Line: line, At: 1, AckedAt: 1})
		require.NoError(t, err)
	}
	v := w.vault(vault.ForReplay())
	done, err := v.Replay(w.ctx)
	require.NoError(t, err)
	require.Equal(t, vault.Replayed{Lines: 5, People: 2, Tenants: 1, Keys: 3}, done)
	for _, at := range []troth.Context{ada, bob, dan} {
		w.refuses(v, at, p.sealed[at], vault.ErrShredded)
	}
}

// entryOf reads the entry out of a line, by docs/formats/vault.md.
func entryOf(line []byte) (id troth.EntryID) {
	copy(id[:], line[1+4+len("troth.vault.erasure/1")+5:])
	return id
}

// TestReplay_ErasesWhoHasKeysAndNoRow: somebody took the person's row away.
func TestReplay_ErasesWhoHasKeysAndNoRow(t *testing.T) {
	p := newPast(t)
	p.old.people = nil // PutKey makes none in SQL; the suite has that
	w := p.restored(p.old)
	v := w.vault(vault.ForReplay())
	_, err := v.Replay(w.ctx)
	require.NoError(t, err)
	p.erased(w, v)
}

// TestReplay_LeavesTheRowsAndTheTrailInAgreement: what a replay destroyed is told
// by its own entries; of what came back dead with the key tables the entries are
// lost, and the journal tells.
func TestReplay_LeavesTheRowsAndTheTrailInAgreement(t *testing.T) {
	p := newPast(t)
	v := p.vault()
	_, b := p.backUpKeys(v)
	p.shred(v, personOf(shop, "cyd"))
	require.NoError(t, v.PumpJournal(p.ctx))
	w := p.restored(p.old)
	c := w.config()
	c.Evidence = &evidence{w: w, gone: map[troth.EntryID]bool{}}
	rv, err := vault.Open(w.ctx, c, vault.Unmanaged("tests"), vault.ForReplay())
	require.NoError(t, err)
	w.restoreKeys(rv, b)
	done, err := rv.Replay(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 1, done.People)
	r, err := rv.Reconcile(w.ctx, vault.ReconcileParams{Full: true})
	require.NoError(t, err)
	require.True(t, r.Complete)
	require.Empty(t, r.Discrepancies)
	require.Positive(t, r.Unchecked)

	// And a tombstone that is taken away is found as ever.
	again := w.backUp()
	for i := range again.keys {
		if again.keys[i].KeyName == nameOf(cyd) {
			for _, k := range p.old.keys {
				if k.KeyName == nameOf(cyd) {
					again.keys[i] = k
				}
			}
		}
	}
	forged := w.restored(again)
	forged.rec = w.rec
	fc := forged.config()
	fc.Recorder = joined{w.rec, forged.db}
	fc.Evidence = c.Evidence
	fv, err := vault.Open(w.ctx, fc, vault.Unmanaged("tests"), vault.ForReplay())
	require.NoError(t, err)
	r, err = fv.Reconcile(w.ctx, vault.ReconcileParams{Full: true})
	require.NoError(t, err)
	require.NotEmpty(t, r.Discrepancies)
}
