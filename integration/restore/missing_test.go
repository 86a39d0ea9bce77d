package restore_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// erasedSince backs the data up and erases somebody then.
func (d *drill) erasedSince() (restore func(t *testing.T) place, dead troth.Context) {
	d.Helper()
	dead = d.seal(shop, "dies", profile)
	require.NoError(d, d.site.vault.PumpJournal(d.Context()))
	restore = d.backUp(d.T, d.where)
	d.shred(vault.Target{Tenant: shop, SubjectID: "dies"})
	require.NoError(d, d.site.vault.PumpJournal(d.Context()))
	return restore, dead
}

// eachKind runs a drill on one database of each kind.
func eachKind(t *testing.T, test func(d *drill)) {
	t.Helper()
	for _, w := range []way{ways[1], ways[3]} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			test(newDrill(t, w))
		})
	}
}

// TestRestore_WithoutKeyBackup: what was sealed under keys made since is lost,
// what died stays dead, the rest lives.
func TestRestore_WithoutKeyBackup(t *testing.T) {
	eachKind(t, func(d *drill) {
		stays := d.seal(shop, "stays", profile)
		restore, dead := d.erasedSince()
		between := d.seal(shop, "between", profile)
		require.NoError(d, d.site.close())
		d.where = restore(d.T)
		d.site = d.mustOpen(d.T, vault.ForReplay())
		_, err := d.site.vault.Replay(service(d.Context()))
		require.NoError(d, err)
		d.lives(stays)
		d.refuses(vault.ErrShredded, dead)
		_, err = d.site.vault.AppendOpen(service(d.Context()), nil, between, purpose, d.values[between])
		require.ErrorIs(d, err, vault.ErrOpen)
	})
}

func TestRestore_JournalUnreadable(t *testing.T) {
	eachKind(t, func(d *drill) {
		restore, dead := d.erasedSince()
		d.shred(vault.Target{Tenant: shop, SubjectID: "another"})
		require.NoError(d, d.site.vault.PumpJournal(d.Context()))
		whole, err := os.ReadFile(d.journalPath)
		require.NoError(d, err)
		require.NoError(d, d.site.close())
		d.where = restore(d.T)
		d.step(15, "the journal is damaged, and a copy is put back", func() {
			bad := bytes.Clone(whole)
			bad[bytes.IndexByte(bad, '\n')+80] ^= 1
			require.NoError(d, os.WriteFile(d.journalPath, bad, 0o600))
			_, err := vault.OpenJournalFile(d.journalPath)
			require.ErrorIs(d, err, vault.ErrJournal)
			require.NoError(d, os.WriteFile(d.journalPath, whole[:len(whole)-9], 0o600)) // a torn end
			d.restartOn(d.journalPath, vault.ForReplay())
			_, err = d.site.vault.Replay(service(d.Context()))
			require.NoError(d, err)
			d.refuses(vault.ErrShredded, dead)
		})
	})
}

// restartOn opens the site with the journal at the path.
func (d *drill) restartOn(path string, opts ...vault.Option) {
	d.Helper()
	d.journalPath = path
	d.journal = d.openJournal()
	d.site = d.mustOpen(d.T, opts...)
}

func TestRestore_JournalLost(t *testing.T) {
	eachKind(t, func(d *drill) {
		stays := d.seal(shop, "stays", profile)
		old, err := os.ReadFile(d.journalPath)
		require.NoError(d, err)
		restore, dead := d.erasedSince()
		require.NoError(d, d.site.close())
		d.step(16, "the journal is older than the store, or gone, and a new one is accepted", func() {
			older := filepath.Join(d.TempDir(), "journal")
			require.NoError(d, os.WriteFile(older, old, 0o600))
			fresh := filepath.Join(d.TempDir(), "journal")
			require.NoError(d, vault.CreateJournalFile(fresh))
			for _, path := range []string{older, fresh} {
				d.journalPath = path
				d.journal = d.openJournal()
				_, err := d.open(d.Context())
				require.ErrorIs(d, err, vault.ErrJournalLost)
				_, err = d.open(d.Context(), vault.ForReplay())
				require.NoError(d, err, "a replay would tell")
			}
			d.restartOn(fresh, vault.UnsafeNewJournal("disk-lost"))
			require.NoError(d, d.site.vault.PumpJournal(d.Context()))
			require.Equal(d, 2, d.lines(), "all that the store knows is in the new one")
			require.NoError(d, d.site.close())
			d.restartOn(fresh)
			d.lives(stays)
			d.refuses(vault.ErrShredded, dead)
			require.Positive(d, d.site.acts(d.T, troth.Platform)["vault.new-journal"])
		})
		// The new one serves the next restore, of the data from before.
		require.NoError(d, d.site.close())
		d.where = restore(d.T)
		_, err = d.open(d.Context())
		_, ahead := errors.AsType[*vault.JournalAheadError](err)
		require.True(d, ahead, "%v", err)
		d.site = d.mustOpen(d.T, vault.ForReplay())
		_, err = d.site.vault.Replay(service(d.Context()))
		require.NoError(d, err)
		d.lives(stays)
		d.refuses(vault.ErrShredded, dead)
	})
}

func TestRestore_JournalOfAnotherMachine(t *testing.T) {
	eachKind(t, func(d *drill) {
		restore, dead := d.erasedSince()
		require.NoError(d, d.site.close())
		right := d.journalPath
		d.step(17, "two machines' journals, and another store's", func() {
			other := filepath.Join(d.TempDir(), "journal")
			require.NoError(d, vault.CreateJournalFile(other))
			d.journalPath = other
			d.journal = d.openJournal()
			_, err := d.open(d.Context())
			require.ErrorIs(d, err, vault.ErrJournalLost, "a machine with a file of its own")

			foreign := newDrill(d.T, d.way)
			for _, who := range []string{"1", "2", "3"} {
				foreign.shred(vault.Target{Tenant: shop, SubjectID: who})
			}
			require.NoError(d, foreign.site.vault.PumpJournal(d.Context()))
			d.journal = foreign.journal
			_, err = d.open(d.Context())
			require.ErrorIs(d, err, vault.ErrJournal)
			d.where = restore(d.T)
			_, err = d.open(d.Context())
			require.ErrorIs(d, err, vault.ErrJournal)

			d.restartOn(right, vault.ForReplay())
			_, err = d.site.vault.Replay(service(d.Context()))
			require.NoError(d, err)
			d.refuses(vault.ErrShredded, dead)
		})
	})
}

func TestRestore_UnderRunningPrograms(t *testing.T) {
	eachKind(t, func(d *drill) {
		stays := d.seal(shop, "stays", profile)
		restore, dead := d.erasedSince()
		d.step(18, "a program that ran on finds the restore", func() {
			// It opened what was restored while the journal said less.
			whole, err := os.ReadFile(d.journalPath)
			require.NoError(d, err)
			require.NoError(d, d.site.close())
			d.where = restore(d.T)
			short := filepath.Join(d.TempDir(), "journal")
			lines := bytes.SplitAfter(whole, []byte("\n"))
			require.NoError(d, os.WriteFile(short, bytes.Join(lines[:len(lines)-2], nil), 0o600))
			d.restartOn(short)
			d.lives(stays, dead)
			require.NoError(d, os.WriteFile(short, whole, 0o600))
			require.ErrorIs(d, d.site.vault.Sweep(d.Context()), vault.ErrJournalAhead)
			d.refuses(vault.ErrJournalAhead, stays, dead)
			_, err = d.site.vault.Replay(service(d.Context()))
			require.NoError(d, err)
			d.lives(stays)
			d.refuses(vault.ErrShredded, dead)
		})
	})
}
