package vault_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

// backUpKeys writes a backup of the key tables.
func (w *world) backUpKeys(v *vault.Vault) (vault.KeyBackup, []byte) {
	w.t.Helper()
	var b bytes.Buffer
	made, err := v.BackupKeys(w.ctx, &b)
	require.NoError(w.t, err)
	return made, b.Bytes()
}

func (w *world) restoreKeys(v *vault.Vault, b []byte) vault.KeysRestored {
	w.t.Helper()
	done, err := v.RestoreKeys(w.ctx, bytes.NewReader(b))
	require.NoError(w.t, err)
	return done
}

func TestKeyBackup_IsTestOpenedAndNoted(t *testing.T) {
	p := newPast(t)
	at := time.Now().Truncate(time.Microsecond)
	v := p.vault(vault.WithClock(func() time.Time { return at }))
	made, b := p.backUpKeys(v)
	require.True(t, made.At.Equal(at))
	// Of the five tenants mill-10 has tombstones only, the platform an index root.
	require.Equal(t, vault.KeyBackup{At: made.At, Digest: made.Digest, Roots: 7, People: 6, Keys: 9}, made)
	require.Empty(t, p.rec.committed(t, "vault.verify-keys"))

	at = at.Add(time.Hour)
	tested, err := v.VerifyKeyBackup(p.ctx, bytes.NewReader(b))
	require.NoError(t, err)
	require.Equal(t, made, tested)
	e := p.rec.committed(t, "vault.back-up-keys", "vault.verify-keys")
	require.Len(t, e, 2)
	for _, e := range e {
		require.Equal(t, string(made.Digest[:]), e.Facts["backup"].Text())
		require.Equal(t, made.At.UnixMicro(), e.Facts["cut-off"].Number())
	}
	require.EqualValues(t, 3, e[1].Facts["roots"].Number(), "of shop, bakery and the platform")
	require.EqualValues(t, 4, e[1].Facts["keys"].Number())

	_, err = v.BackupKeys(t.Context(), &bytes.Buffer{})
	require.ErrorIs(t, err, troth.ErrNoActor)
	_, err = v.VerifyKeyBackup(t.Context(), bytes.NewReader(b))
	require.ErrorIs(t, err, troth.ErrNoActor)
	_, err = v.RestoreKeys(t.Context(), bytes.NewReader(b))
	require.ErrorIs(t, err, troth.ErrNoActor)
	stop := p.rec.failOn("vault.verify-keys")
	_, err = v.VerifyKeyBackup(p.ctx, bytes.NewReader(b))
	require.ErrorIs(t, err, errRecorder)
	stop()
	_, err = v.BackupKeys(p.ctx, fullDisk{})
	require.ErrorIs(t, err, errFull)
}

var errFull = errors.New("disk is full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

// TestKeyBackup_EveryByteCounts: no bit of it can be changed, nothing cut off or
// added, without verification and restoring refusing it; and then nothing was
// changed.
func TestKeyBackup_EveryByteCounts(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	p := newPast(t)
	v := p.vault()
	_, b := p.backUpKeys(v)
	w := p.restored(p.old)
	rv := w.vault(vault.ForReplay())
	before := w.backUp()
	refused := func(bad []byte, what string, i int) {
		t.Helper()
		_, err := v.VerifyKeyBackup(p.ctx, bytes.NewReader(bad))
		require.Error(t, err, "%s %d", what, i)
		if !errors.Is(err, vault.ErrKEK) { // a sealed root that was changed
			require.ErrorIs(t, err, vault.ErrBadKeyBackup, "%s %d", what, i)
		}
		_, err = rv.RestoreKeys(w.ctx, bytes.NewReader(bad))
		require.Error(t, err, "%s %d", what, i)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1 << (i % 8)
		refused(bad, "bit in byte", i)
	}
	for n := 0; n < len(b); n += 7 {
		refused(b[:n], "cut to", n)
	}
	refused(append(bytes.Clone(b), 0), "longer by", 1)
	require.Equal(t, before, w.backUp())
	require.Empty(t, p.rec.committed(t, "vault.verify-keys"))
}

func TestKeyBackup_OfAnotherStore(t *testing.T) {
	p := newPast(t)
	other := newPast(t)
	ov := other.vault()
	_, b := other.backUpKeys(ov)
	v := p.vault()
	_, err := v.VerifyKeyBackup(p.ctx, bytes.NewReader(b))
	require.ErrorIs(t, err, vault.ErrBadKeyBackup)
	_, err = v.RestoreKeys(p.ctx, bytes.NewReader(b))
	require.ErrorIs(t, err, vault.ErrBadKeyBackup)
	w := p.restored(backup{})
	w.kek = w.fileKEK("another")
	_, err = w.vault(vault.ForReplay()).RestoreKeys(w.ctx, bytes.NewReader(b))
	require.ErrorIs(t, err, vault.ErrKEK)
}

// TestKeyBackup_ThatDoesNotUnwrapDoesNotCount.
func TestKeyBackup_ThatDoesNotUnwrapDoesNotCount(t *testing.T) {
	p := newPast(t)
	row := p.keyRow(cyd)
	row.Sealed = bytes.Clone(row.Sealed)
	row.Sealed[20] ^= 1
	broken := p.backUp()
	for i := range broken.keys {
		if broken.keys[i].KeyName == row.KeyName {
			broken.keys[i] = row
		}
	}
	w := p.restored(broken)
	v := w.vault(vault.ForReplay())
	_, err := v.Replay(w.ctx)
	require.NoError(t, err)
	_, b := w.backUpKeys(v)
	_, err = v.VerifyKeyBackup(w.ctx, bytes.NewReader(b))
	dead, ok := errors.AsType[*vault.DeadBackupError](err)
	require.True(t, ok)
	require.Equal(t, vault.DeadBackupError{Keys: 1}, *dead)
	require.ErrorIs(t, err, vault.ErrBadKeyBackup)
	require.Empty(t, w.rec.committed(t, "vault.verify-keys"))

	kek := p.hookKEK()
	pv := p.vault()
	_, b = p.backUpKeys(pv)
	kek.decrypt = func(context.Context, []byte, error) ([]byte, error) { return nil, errKMS }
	_, err = pv.VerifyKeyBackup(p.ctx, bytes.NewReader(b))
	require.ErrorIs(t, err, vault.ErrKEK)
}

// TestRestoreKeys_BringsWhatIsNewerAndKillsWhatDied.
func TestRestoreKeys_BringsWhatIsNewerAndKillsWhatDied(t *testing.T) {
	p := newPast(t)
	v := p.vault()
	gil := emailOf("bank-1", "gil", profile) // a tenant that is new
	p.sealed[gil] = p.seal(v, gil, "data of gil")
	p.sealed[emailOf(shop, "cyd", invoice)] = p.seal(v, emailOf(shop, "cyd", invoice), "data of cyd")
	_, b := p.backUpKeys(v)

	for _, from := range []backup{p.old, {}} {
		w := p.restored(from)
		rv := w.vault(vault.ForReplay())
		done := w.restoreKeys(rv, b)
		require.Positive(t, done.Added)
		require.EqualValues(t, 0, done.Refused)
		if from.keys != nil {
			require.EqualValues(t, 3, done.Died, "two keys and a root")
		}
		_, err := rv.Replay(w.ctx)
		require.NoError(t, err)
		p.erased(w, rv)
		for _, at := range []troth.Context{gil, emailOf(shop, "cyd", invoice)} {
			w.opens(rv, at, p.sealed[at], "data of "+at.Subject.ID)
		}
		var added int64
		for _, e := range w.rec.committed(t, "vault.restore-keys") {
			added += e.Facts["added"].Number()
		}
		require.Equal(t, done.Added, added, "each row is in somebody's evidence")
		again := w.restoreKeys(rv, b)
		require.Equal(t, vault.KeysRestored{Backup: done.Backup}, again)
	}
}

// TestRestoreKeys_AnOldBackupBringsNobodyBack: neither into the store that is
// newer, nor into an older one in which the journal was replayed first.
func TestRestoreKeys_AnOldBackupBringsNobodyBack(t *testing.T) {
	p := &past{world: journalWorld(t), sealed: map[troth.Context][]byte{}}
	v := p.vault()
	eve := emailOf(shop, "eve", profile)
	for _, at := range []troth.Context{adasOrders, bobsOrders, cyd, adasTwin} {
		p.sealed[at] = p.seal(v, at, "data of "+at.Subject.ID)
	}
	before := p.backUp()
	for _, at := range []troth.Context{ada, bob, dan, eve} {
		p.sealed[at] = p.seal(v, at, "data of "+at.Subject.ID)
	}
	_, b := p.backUpKeys(v)
	p.shred(v, vault.Target{Tenant: shop, SubjectID: "ada", Except: []troth.Compartment{invoice}})
	p.shred(v, vault.Target{Tenant: shop, SubjectID: "bob", Compartments: []troth.Compartment{profile, "newsletter"}})
	p.shred(v, vault.Target{Tenant: "mill-9", WholeTenant: true})
	p.shred(v, vault.Target{Tenant: "mill-10", WholeTenant: true})
	p.shred(v, personOf(shop, "eve"))
	require.NoError(t, v.PumpJournal(p.ctx))

	now := p.backUp()
	done := p.restoreKeys(v, b)
	require.Equal(t, vault.KeysRestored{Backup: done.Backup, Refused: 4}, done, "three keys and a root")
	require.Equal(t, now, p.backUp())
	p.erased(p.world, v)

	w := p.restored(before)
	rv := w.vault(vault.ForReplay())
	_, err := rv.Replay(w.ctx)
	require.NoError(t, err)
	done = w.restoreKeys(rv, b)
	require.Positive(t, done.Refused)
	p.erased(w, rv)
	_, err = rv.Replay(w.ctx)
	require.NoError(t, err)
	p.erased(w, w.vault())
}

// TestRestoreKeys_AfterTheReplayBringsWhatWasSpared: the steps in the wrong
// order lose nothing that lives, and bring back nothing that died.
func TestRestoreKeys_AfterTheReplayBringsWhatWasSpared(t *testing.T) {
	p := newPast(t)
	v := p.vault()
	hal, halsOrders, halsLog := emailOf(shop, "hal", profile), emailOf(shop, "hal", invoice), emailOf(shop, "hal", "log")
	for _, at := range []troth.Context{hal, halsOrders, halsLog} {
		p.sealed[at] = p.seal(v, at, "hal")
	}
	_, early := p.backUpKeys(v)
	p.shred(v, vault.Target{Tenant: shop, SubjectID: "hal", Except: []troth.Compartment{invoice, "log"}})
	p.shred(v, vault.Target{Tenant: shop, SubjectID: "hal", Except: []troth.Compartment{invoice}})
	require.NoError(t, v.PumpJournal(p.ctx))
	_, late := p.backUpKeys(v)
	for _, b := range [][]byte{early, late} {
		w := p.restored(p.old)
		rv := w.vault(vault.ForReplay())
		_, err := rv.Replay(w.ctx)
		require.NoError(t, err)
		w.restoreKeys(rv, b)
		w.opens(rv, halsOrders, p.sealed[halsOrders], "hal")
		w.refuses(rv, hal, p.sealed[hal], vault.ErrShredded)
		w.refuses(rv, halsLog, p.sealed[halsLog], vault.ErrShredded)
		p.erased(w, rv)
	}
}

// on is the epochal world on another store.
func (e *epochal) on(b backup) *epochal {
	e.t.Helper()
	other := *e
	other.world = e.restored(b)
	return &other
}

// TestRestoreKeys_ANewerEpochBeatsAnOlderOne, whichever comes from where; also
// when the key of the older one was destroyed since, so that of the restored
// store nothing opens before, not even the platform's root.
func TestRestoreKeys_ANewerEpochBeatsAnOlderOne(t *testing.T) {
	e := newEpochal(t)
	e.journal = vaulttest.NewJournal()
	v := e.open()
	sealed := e.seal(v, cyd, "cyd")
	dead := e.seal(v, ada, "ada")
	old := e.backUp()
	_, oldKeys := e.backUpKeys(v)
	e.shred(v, personOf(shop, "ada"))
	require.NoError(t, v.PumpJournal(e.ctx))
	e.pass(time.Second)
	e.advance(v)
	e.rewrap(v)
	retired, err := v.Retire(e.ctx)
	require.ErrorIs(t, err, vault.ErrNoKeyBackup)
	require.Equal(t, []uint32{1}, retired.Waiting, "no key backup is new enough")
	e.pass(time.Second)
	made, newKeys := e.backUpKeys(v)
	require.EqualValues(t, 2, made.Epochs)
	_, err = v.VerifyKeyBackup(e.ctx, bytes.NewReader(newKeys))
	require.NoError(t, err)
	retired, err = v.Retire(e.ctx)
	require.NoError(t, err)
	require.Equal(t, []uint32{1}, retired.Destroyed)
	now := e.backUp()

	r := e.on(old)
	rv := r.open(vault.ForReplay())
	done := r.restoreKeys(rv, newKeys)
	require.Positive(t, done.Added)
	require.EqualValues(t, 1, done.Died)
	_, err = rv.Replay(e.ctx)
	require.NoError(t, err)
	for _, at := range []*vault.Vault{rv, r.open()} {
		r.opens(at, cyd, sealed, "cyd")
		r.refuses(at, ada, dead, vault.ErrShredded)
	}
	then := r.backUp()
	for i := range then.keys {
		require.Equal(t, then.keys[i].ShreddedAt != 0, then.keys[i].RestoredAt != 0, "who died by the restore lived here until now")
		then.keys[i].RestoredAt = 0
	}
	for i := range then.roots {
		require.Equal(t, then.roots[i].RetiredAt != 0, then.roots[i].RestoredAt != 0)
		then.roots[i].RestoredAt = 0
	}
	require.Equal(t, now.keys, then.keys)
	require.Equal(t, now.roots, then.roots)
	rows, err := r.store.Epochs(e.ctx)
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.NotZero(t, rows[0].ClosedAt)

	// An old backup cannot even be believed any more.
	_, err = v.VerifyKeyBackup(e.ctx, bytes.NewReader(oldKeys))
	require.ErrorIs(t, err, vault.ErrEpochStore)
	_, err = v.RestoreKeys(e.ctx, bytes.NewReader(oldKeys))
	require.ErrorIs(t, err, vault.ErrEpochStore)
	require.Equal(t, now.keys, e.backUp().keys)
}

// TestRestoreKeys_AnOlderEpochMovesNothingBack.
func TestRestoreKeys_AnOlderEpochMovesNothingBack(t *testing.T) {
	e := newEpochal(t)
	v := e.open()
	sealed := e.seal(v, cyd, "cyd")
	_, oldKeys := e.backUpKeys(v)
	e.advance(v)
	e.rewrap(v)
	now := e.backUp()
	done := e.restoreKeys(v, oldKeys)
	require.Equal(t, vault.KeysRestored{Backup: done.Backup}, done)
	require.Equal(t, now, e.backUp())
	e.opens(e.open(), cyd, sealed, "cyd")
}

// TestRestoreKeys_ARestrictedKeyStaysBoundToItsRestriction although the rows that
// tell of the restriction are not in the backup.
func TestRestoreKeys_ARestrictedKeyStaysBoundToItsRestriction(t *testing.T) {
	p := newPast(t)
	v := p.vault()
	ivy := emailOf(shop, "ivy", profile)
	sealed := p.seal(v, ivy, "ivy")
	_, err := v.Restrict(p.ctx, vault.Restriction{
		Tenant: shop, SubjectID: "ivy", Except: []troth.Purpose{"legal-claims"}, Ground: "accuracy-contested",
	})
	require.NoError(t, err)
	_, b := p.backUpKeys(v)
	w := p.restored(p.old)
	rv := w.vault(vault.ForReplay())
	w.restoreKeys(rv, b)
	_, err = rv.Replay(w.ctx)
	require.NoError(t, err)
	_, err = rv.AppendOpen(w.ctx, nil, ivy, orders, sealed)
	require.ErrorIs(t, err, vault.ErrRestricted)
	got, err := rv.AppendOpen(w.ctx, nil, ivy, "legal-claims", sealed)
	require.NoError(t, err)
	require.Equal(t, "ivy", string(got))
}
