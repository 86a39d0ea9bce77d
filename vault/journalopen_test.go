package vault_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

func TestOpen_RefusesAStoreThatLagsBehind(t *testing.T) {
	w := journalWorld(t)
	v := w.vault()
	first := w.shred(v, personOf(shop, "1"))
	require.NoError(t, v.PumpJournal(w.ctx))
	old := w.backUp(first)
	w.shred(v, personOf(shop, "2"))
	w.shred(v, personOf(bakery, "2"))
	require.NoError(t, v.PumpJournal(w.ctx))
	require.NoError(t, w.openErr(), "the store itself does not lag")

	r := w.restored(old)
	err := r.openErr()
	require.ErrorIs(t, err, vault.ErrJournalAhead)
	ahead, ok := errors.AsType[*vault.JournalAheadError](err)
	require.True(t, ok)
	require.Equal(t, 2, ahead.Missing)
	empty := w.restored(backup{roots: old.roots})
	ahead, ok = errors.AsType[*vault.JournalAheadError](empty.openErr())
	require.True(t, ok)
	require.Equal(t, 3, ahead.Missing)
}

// TestOpen_ACrashBeforeTheMarkIsNoLag: the journal has lines that the store has
// not acknowledged, and knows.
func TestOpen_ACrashBeforeTheMarkIsNoLag(t *testing.T) {
	w := journalWorld(t)
	v := w.vault()
	r := w.shred(v, personOf(shop, "1"))
	row, _, err := w.store.Line(w.ctx, shop, r.Entry)
	require.NoError(t, err)
	require.NoError(t, w.journal.Append(w.ctx, [][]byte{row.Line, row.Line}))
	next := w.vault()
	w.journalled(next, r, false)
	require.NoError(t, next.PumpJournal(w.ctx))
	w.journalled(next, r, true)
	require.Equal(t, 2, w.journal.Len(), "nothing is appended again")
}

func TestOpen_RefusesAJournalThatCannotBeBelieved(t *testing.T) {
	w := journalWorld(t)
	v := w.vault()
	for _, who := range []string{"1", "2", "3"} {
		w.shred(v, personOf(shop, who))
	}
	require.NoError(t, v.PumpJournal(w.ctx))
	lines := w.lines()

	w.journal.Fail(errKMS)
	require.ErrorIs(t, w.openErr(), vault.ErrJournal, "unreadable")
	require.ErrorIs(t, w.openErr(), errKMS)
	w.journal.Fail(nil)
	require.NoError(t, w.openErr())

	w.journal.Cut(2)
	require.ErrorIs(t, w.openErr(), vault.ErrJournalLost, "cut off")
	w.journal = vaulttest.NewJournal()
	require.ErrorIs(t, w.openErr(), vault.ErrJournalLost, "empty, or another machine's")
	require.NoError(t, w.journal.Append(w.ctx, [][]byte{lines[0], lines[1], lines[1]}))
	require.ErrorIs(t, w.openErr(), vault.ErrJournalLost, "others in its place")

	w.journal = vaulttest.NewJournal()
	other := journalWorld(t)
	ov := other.vault()
	for _, who := range []string{"1", "2", "3", "4"} {
		other.shred(ov, personOf(shop, who))
	}
	require.NoError(t, ov.PumpJournal(other.ctx))
	fresh := journalWorld(t)
	fresh.journal = other.journal
	require.ErrorIs(t, fresh.openErr(), vault.ErrJournal, "another store's")

	w.journal = vaulttest.NewJournal()
	require.NoError(t, w.journal.Append(w.ctx, append(lines, []byte("x"))))
	require.ErrorIs(t, w.openErr(), vault.ErrJournal, "a line that is none")
	last := append([]byte(nil), lines[2]...)
	last[len(last)-1] ^= 1
	w.journal.Change(4, last)
	require.ErrorIs(t, w.openErr(), vault.ErrJournal, "a line that was changed")

	w.journal = nil
	require.ErrorIs(t, w.openErr(), vault.ErrNoJournal)
}

// lines are those of the journal.
func (w *world) lines() (lines [][]byte) {
	w.t.Helper()
	for l, err := range w.journal.Lines(w.ctx, 0) {
		require.NoError(w.t, err)
		lines = append(lines, l.Line)
	}
	return lines
}

// TestShred_NeedsTheJournalThatTheStoreHas: a vault that was opened before there
// was one shreds nothing that the journal would not know of.
func TestShred_NeedsTheJournalThatTheStoreHas(t *testing.T) {
	w := newWorld(t)
	before := w.vault()
	at := emailOf(shop, "2", profile)
	sealed := w.seal(before, at, "ada")
	w.journal = vaulttest.NewJournal()
	w.shred(w.vault(), personOf(shop, "1"))
	_, err := before.Shred(w.ctx, erasure, personOf(shop, "2"))
	require.ErrorIs(t, err, vault.ErrNoJournal)
	w.opens(before, at, sealed, "ada")
	_, _, err = before.Journalled(w.ctx, vault.Receipt{})
	require.ErrorIs(t, err, vault.ErrNoJournal)
	_, err = before.Replay(w.ctx)
	require.ErrorIs(t, err, vault.ErrNoJournal)
	_, err = before.JournalStatus(w.ctx)
	require.ErrorIs(t, err, vault.ErrNoJournal)
	require.NoError(t, before.PumpJournal(w.ctx))
}

func TestOpen_UnsafeNewJournalWritesAllAgain(t *testing.T) {
	w := journalWorld(t)
	v := w.vault()
	r := w.shred(v, personOf(shop, "1"))
	w.shred(v, personOf(shop, "2"))
	require.NoError(t, v.PumpJournal(w.ctx))
	lines := w.lines()

	require.NoError(t, w.openErr(vault.UnsafeNewJournal("disk-lost")), "nothing is lost")
	require.Empty(t, w.rec.committed(t, "vault.new-journal"))
	w.journal.Fail(errKMS)
	require.ErrorIs(t, w.openErr(vault.UnsafeNewJournal("disk-lost")), errKMS, "unreadable is not lost")
	require.Error(t, w.openErr(vault.UnsafeNewJournal("")))

	w.journal = vaulttest.NewJournal()
	stop := w.rec.failOn("vault.new-journal")
	require.ErrorIs(t, w.openErr(vault.UnsafeNewJournal("disk-lost")), errRecorder)
	stop()
	require.ErrorIs(t, w.openErr(), vault.ErrJournalLost, "without evidence nothing was accepted")
	next := w.vault(vault.UnsafeNewJournal("disk-lost"))
	e := w.rec.committed(t, "vault.new-journal")
	require.Len(t, e, 1)
	require.Equal(t, "disk-lost", e[0].Facts["ground"].Text())
	require.EqualValues(t, 2, e[0].Facts["position"].Number())
	w.journalled(next, r, false)
	require.NoError(t, next.PumpJournal(w.ctx))
	w.journalled(next, r, true)
	require.ElementsMatch(t, lines, w.lines())
	w.vault()

	// One that was cut off may still know what the store does not.
	old := w.backUp()
	old.state = vault.JournalState{Position: 9, Digest: [32]byte{1}}
	require.ErrorIs(t, w.restored(old).openErr(vault.UnsafeNewJournal("disk-lost")), vault.ErrJournalAhead)
}

// TestPump_FindsARestoreUnderARunningProcess, and the process refuses until a
// replay.
func TestPump_FindsARestoreUnderARunningProcess(t *testing.T) {
	w := journalWorld(t)
	v := w.vault()
	at := emailOf(shop, "1", profile)
	sealed := w.seal(v, at, "ada")
	h, err := v.For(w.ctx, at.Subject, at.Compartment, orders)
	require.NoError(t, err)
	_, err = h.AppendOpen(w.ctx, nil, at.Cell, sealed)
	require.NoError(t, err)
	// Another copy of the store goes on elsewhere.
	elsewhere := w.restored(w.backUp())
	ev := elsewhere.vault()
	elsewhere.shred(ev, personOf(shop, "1"))
	require.NoError(t, ev.PumpJournal(w.ctx))

	w.opens(v, at, sealed, "ada")
	require.ErrorIs(t, v.PumpJournal(w.ctx), vault.ErrJournalAhead)
	w.refuses(v, at, sealed, vault.ErrJournalAhead)
	_, err = h.AppendOpen(w.ctx, nil, at.Cell, sealed)
	require.ErrorIs(t, err, vault.ErrJournalAhead)
	_, err = v.Shred(w.ctx, erasure, personOf(shop, "2"))
	require.ErrorIs(t, err, vault.ErrJournalAhead)
	require.ErrorIs(t, v.PumpJournal(w.ctx), vault.ErrJournalAhead)
	require.ErrorIs(t, v.Sweep(w.ctx), vault.ErrJournalAhead)

	done, err := v.Replay(w.ctx)
	require.NoError(t, err)
	require.Equal(t, vault.Replayed{Lines: 1, Missing: 1, People: 1, Keys: 1}, done)
	w.refuses(v, at, sealed, vault.ErrShredded)
	require.NoError(t, v.Sweep(w.ctx))
	w.seal(v, emailOf(shop, "2", profile), "still works")
}
