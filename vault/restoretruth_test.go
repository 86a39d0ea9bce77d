package vault_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// restore is the way back from older data: the key tables, if there is a backup of
// them, and the replay.
func (p *past) restore(keys []byte, opts ...vault.Option) (*world, *vault.Vault) {
	p.t.Helper()
	w := p.restored(p.old)
	v := w.vault(append([]vault.Option{vault.ForReplay()}, opts...)...)
	if keys != nil {
		w.restoreKeys(v, keys)
	}
	_, err := v.Replay(w.ctx)
	require.NoError(p.t, err)
	return w, v
}

// TestHorizon_ARestoreForgetsNoExport: what a keyset took along has no horizon,
// whether the backup of the key tables tells so or the journal alone.
func TestHorizon_ARestoreForgetsNoExport(t *testing.T) {
	needsTink(t)
	export := func(p *past, v *vault.Vault) {
		_, err := v.InsecureExportCleartextKeyset(p.ctx, token, exportOf(cyd))
		require.NoError(t, err)
	}
	for name, c := range map[string]struct {
		before, after func(p *past, v *vault.Vault)
		journal, lost bool
	}{
		"by the key backup":     {before: export},
		"by the journal":        {after: export, journal: true},
		"of the whole tenant":   {after: exportAll, journal: true},
		"by both":               {before: export, after: exportAll, journal: true},
		"of a compartment lost": {after: exportLost, journal: true, lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPast(t)
			p.t = t
			if !c.journal {
				p.world, p.old = newWorld(t), backup{}
				v := p.vault()
				p.seal(v, cyd, "cyd")
				_, err := v.MAC(p.ctx, troth.KeyRef{Tenant: troth.Platform, Use: "u", ID: "i"}, nil)
				require.NoError(t, err)
				p.old = p.backUp()
			}
			v := p.vault()
			if c.before != nil {
				c.before(p, v)
			}
			_, keys := p.backUpKeys(v)
			if c.after != nil {
				c.after(p, v)
			}
			target := personOf(shop, "cyd")
			if c.lost { // nobody can tell any more which one it was
				target.Compartments = []troth.Compartment{profile}
			}
			r := p.shred(v, target)
			other := p.shred(v, personOf(bakery, "ada"))
			require.NoError(t, v.PumpJournal(p.ctx))
			h, err := v.Horizon(p.ctx, r)
			require.NoError(t, err)
			require.Equal(t, !c.lost, h.Exported)

			if !c.journal {
				w := p.restored(p.old)
				rv := w.vault()
				w.restoreKeys(rv, keys)
				h, err = rv.Horizon(p.ctx, w.shred(rv, personOf(shop, "cyd")))
				require.NoError(t, err)
				require.True(t, h.Exported)
				return
			}
			w := p.restored(p.old)
			rv := w.vault(vault.ForReplay())
			_, err = rv.Horizon(p.ctx, r)
			require.ErrorIs(t, err, vault.ErrJournalAhead, "before the replay nobody knows")
			for _, with := range [][]byte{keys, nil} {
				w, rv = p.restore(with)
				h, err = rv.Horizon(p.ctx, r)
				require.NoError(t, err)
				require.True(t, h.Exported, h)
				h, err = rv.Horizon(w.ctx, other)
				require.NoError(t, err)
				require.False(t, h.Exported, "another tenant's keys did not leave")
			}
		})
	}
}

func exportAll(p *past, v *vault.Vault) {
	_, err := v.InsecureExportCleartextKeyset(p.ctx, token, vault.KeysetExport{Tenant: shop, WholeTenant: true, Ground: "portability"})
	require.NoError(p.t, err)
}

// exportLost is of a compartment that the older data does not have.
func exportLost(p *past, v *vault.Vault) {
	at := emailOf(shop, "cyd", "letters")
	p.seal(v, at, "a letter")
	_, err := v.InsecureExportCleartextKeyset(p.ctx, token, exportOf(at))
	require.NoError(p.t, err)
}

// TestExportKeyset_NothingLeavesBeforeTheJournalHasIt.
func TestExportKeyset_NothingLeavesBeforeTheJournalHasIt(t *testing.T) {
	needsTink(t)
	w := journalWorld(t)
	v := w.vault()
	w.seal(v, cyd, "cyd")
	w.journal.Fail(errKMS)
	k, err := v.InsecureExportCleartextKeyset(w.ctx, token, exportOf(cyd))
	require.ErrorIs(t, err, vault.ErrJournal)
	require.Empty(t, k.Bytes)
	w.journal.Fail(nil)
	_, err = v.InsecureExportCleartextKeyset(w.ctx, token, exportOf(cyd))
	require.NoError(t, err)
	require.Zero(t, w.waiting(v))
}

// TestHorizon_ARestoreBeginsTheLifeOfBackupsAnew for who died by it, and for nobody
// else: until then the database held the old key once more.
func TestHorizon_ARestoreBeginsTheLifeOfBackupsAnew(t *testing.T) {
	const life = 30 * 24 * time.Hour
	w := journalWorld(t)
	at := time.Date(2027, 3, 1, 9, 0, 0, 0, time.UTC)
	opts := []vault.Option{vault.WithClock(func() time.Time { return at }), vault.WithBackupLife(life)}
	v := w.vault(opts...)
	sealed := map[troth.Context][]byte{}
	for _, who := range []troth.Context{ada, bob, cyd, dan} {
		sealed[who] = w.seal(v, who, "x")
	}
	early := w.shred(v, personOf(shop, "bob"))
	p := &past{world: w, old: w.backUp(early)}
	at = at.Add(24 * time.Hour)
	died := at
	person, tenant := w.shred(v, personOf(shop, "ada")), w.shred(v, vault.Target{Tenant: "mill-9", WholeTenant: true})
	require.NoError(t, v.PumpJournal(w.ctx))
	_, keys := w.backUpKeys(v)
	expiry := func(v *vault.Vault, r vault.Receipt, want time.Time) {
		t.Helper()
		h, err := v.Horizon(w.ctx, r)
		require.NoError(t, err)
		require.Equal(t, want, h.At, h)
	}
	expiry(v, person, died.Add(life))
	expiry(v, tenant, died.Add(life))

	at = at.Add(10 * 24 * time.Hour)
	restored := at
	rw, rv := p.restore(keys, opts...)
	for range 2 {
		expiry(rv, person, restored.Add(life))
		expiry(rv, tenant, restored.Add(life))
		expiry(rv, early, died.Add(-24*time.Hour).Add(life))
		// Another restore of the same, later, changes nothing: they are dead here.
		at = at.Add(24 * time.Hour)
		rw.restoreKeys(rv, keys)
	}
	// It is kept by backups of the key tables too.
	_, keys = rw.backUpKeys(rv)
	ew := rw.restored(backup{})
	ev := ew.vault(append(opts, vault.ForReplay())...)
	require.NoError(t, ev.RestorePlatform(w.ctx, bytes.NewReader(keys)))
	ew.restoreKeys(ev, keys)
	_, err := ev.Replay(w.ctx)
	require.NoError(t, err)
	expiry(ev, person, restored.Add(life))
	expiry(ev, tenant, restored.Add(life))
}

// TestHorizon_OfWhoDiedInALostHistoryIsUnknown: nothing of them is here, and that
// proves nothing.
func TestHorizon_OfWhoDiedInALostHistoryIsUnknown(t *testing.T) {
	p := newPast(t)
	_, v := p.restore(nil)
	h, err := v.Horizon(p.ctx, p.shred(p.vault(), personOf(shop, "eve")))
	require.NoError(t, err)
	require.Zero(t, h.At)
	require.False(t, h.Final)
}

// TestReplay_AGenerationThatWasLetGoStaysDead, with the key tables and without, and
// whichever is done first.
func TestReplay_AGenerationThatWasLetGoStaysDead(t *testing.T) {
	w := journalWorld(t)
	v := w.vault()
	first := w.seal(v, cyd, "first")
	p := &past{world: w, old: w.backUp()}
	_, earlier := w.backUpKeys(v)
	w.renew(v, cyd)
	second := w.seal(v, cyd, "second")
	_, between := w.backUpKeys(v)
	aged := w.aged()
	receipt, err := aged.RetireKey(w.ctx, erasure, retirementOf(cyd, 1))
	require.NoError(t, err)
	_, acked, err := aged.Journalled(w.ctx, receipt)
	require.NoError(t, err)
	require.False(t, acked)
	require.NoError(t, aged.PumpJournal(w.ctx))
	_, acked, err = aged.Journalled(w.ctx, receipt)
	require.NoError(t, err)
	require.True(t, acked)
	_, keys := w.backUpKeys(aged)

	require.ErrorIs(t, p.restored(p.old).openErr(), vault.ErrJournalAhead)
	for name, with := range map[string][]byte{"": keys, "again": between} {
		r, rv := p.restore(with)
		r.opens(rv, cyd, second, "second")
		require.ErrorIs(t, lookup(rv.AppendOpen(r.ctx, nil, cyd, orders, first)), vault.ErrOpen, name)
		require.Len(t, r.rec.committed(t, "vault.replay"), len(name)/5)
		again, err := rv.Replay(r.ctx)
		require.NoError(t, err)
		require.Zero(t, again.Keys)
	}
	// The generation behind it is lost: the compartment lives, and goes on.
	r, rv := p.restore(nil)
	require.ErrorIs(t, lookup(rv.AppendOpen(r.ctx, nil, cyd, orders, first)), vault.ErrOpen)
	for range 2 {
		third := r.seal(rv, cyd, "third")
		r.opens(rv, cyd, third, "third")
		require.EqualValues(t, 2, r.keyRow(cyd).Generation)
		_, err = rv.Replay(r.ctx) // which knows the dead one by its key, not its number
		require.NoError(t, err)
		// And an old backup of the keys does not bring it back.
		r.restoreKeys(rv, earlier)
		require.ErrorIs(t, lookup(rv.AppendOpen(r.ctx, nil, cyd, orders, first)), vault.ErrOpen)
		r.opens(rv, cyd, third, "third")
	}
}

// TestForReplay_GivesNoTenantsKeysAndMakesNoPlatformRoot.
func TestForReplay_GivesNoTenantsKeysAndMakesNoPlatformRoot(t *testing.T) {
	p := newPast(t)
	v := p.vault()
	ref := func(tenant troth.Tenant) troth.KeyRef { return troth.KeyRef{Tenant: tenant, Use: "u", ID: "i"} }
	want, err := v.MAC(p.ctx, ref(troth.Platform), nil)
	require.NoError(t, err)
	_, keys := p.backUpKeys(v)

	w := p.restored(p.old)
	rv := w.vault(vault.ForReplay())
	_, err = rv.MAC(w.ctx, ref(shop), nil)
	require.ErrorIs(t, err, vault.ErrJournalAhead)
	_, err = rv.AEAD(w.ctx, ref("mill-9"))
	require.ErrorIs(t, err, vault.ErrJournalAhead)
	got, err := rv.MAC(w.ctx, ref(troth.Platform), nil)
	require.NoError(t, err, "the trail needs it")
	require.Equal(t, want, got)

	w = p.restored(backup{})
	rv = w.vault(vault.ForReplay())
	_, err = rv.MAC(w.ctx, ref(troth.Platform), nil)
	require.ErrorIs(t, err, vault.ErrJournalAhead)
	_, err = rv.AEAD(w.ctx, ref(troth.Platform))
	require.ErrorIs(t, err, vault.ErrJournalAhead)
	_, err = rv.Replay(w.ctx)
	require.ErrorIs(t, err, vault.ErrJournalAhead)
	roots, err := w.store.RootsAfter(w.ctx, vault.RootAt{}, 10)
	require.NoError(t, err)
	require.Empty(t, roots, "one that was made now would make a stranger's of the journal")
	w.restoreKeys(rv, keys)
	_, err = rv.Replay(w.ctx)
	require.NoError(t, err)
	got, err = rv.MAC(w.ctx, ref(troth.Platform), nil)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// TestRestoreKeys_LocksTheWrapLineageFirst, as everything does that takes both.
func TestRestoreKeys_LocksTheWrapLineageFirst(t *testing.T) {
	p := newPast(t)
	v := p.vault()
	_, err := v.MAC(p.ctx, troth.KeyRef{Tenant: shop, Use: "u", ID: "i"}, nil)
	require.NoError(t, err)
	_, keys := p.backUpKeys(v)
	w := p.restored(p.old)
	store := &putOrder{Backend: w.store}
	_, err = w.vaultOn(store, vault.ForReplay()).RestoreKeys(w.ctx, bytes.NewReader(keys))
	require.NoError(t, err)
	require.Contains(t, store.put, shop)
	for tenant, lineages := range store.put {
		if tenant == troth.Platform {
			continue // it has the one
		}
		for i := 1; i < len(lineages); i++ {
			require.GreaterOrEqual(t, lineages[i-1], lineages[i], tenant)
		}
	}
	require.Equal(t, []vault.Lineage{vault.WrapLineage, vault.IndexLineage}, store.put[shop])
}

// TestRetire_AClockThatJumpsMakesNoBackupNewer: whether a key backup is from after
// the closing of an epoch is told by what it holds.
func TestRetire_AClockThatJumpsMakesNoBackupNewer(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	e.seal(v, cyd, "cyd")
	e.advance(v)
	e.pass(1000 * time.Hour)
	_, before := e.backUpKeys(v) // made in the future, and before the closing
	e.pass(-1000 * time.Hour)
	e.rewrap(v)
	verify := func(keys []byte) {
		t.Helper()
		_, err := v.VerifyKeyBackup(e.ctx, bytes.NewReader(keys))
		require.NoError(t, err)
	}
	verify(before)
	for range 2 {
		r, err := v.Retire(e.ctx)
		require.ErrorIs(t, err, vault.ErrNoKeyBackup)
		require.Equal(t, []uint32{1}, r.Waiting)
		verify(before)
	}
	e.pass(-1000 * time.Hour)
	_, after := e.backUpKeys(v) // made in the past, and after it
	verify(after)
	r, err := v.Retire(e.ctx)
	require.NoError(t, err)
	require.Equal(t, []uint32{1}, r.Destroyed)
}
