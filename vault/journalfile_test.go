package vault_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

func newJournalFile(t testing.TB) (path string, j *vault.JournalFile) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "journal")
	require.NoError(t, vault.CreateJournalFile(path))
	return path, openJournalFile(t, path)
}

func openJournalFile(t testing.TB, path string) *vault.JournalFile {
	t.Helper()
	j, err := vault.OpenJournalFile(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func TestJournalFile_KeepsTheContract(t *testing.T) {
	vaulttest.RunJournal(t, func(t *testing.T) vaulttest.JournalHarness {
		path, j := newJournalFile(t)
		return vaulttest.JournalHarness{Journal: j, Reopen: func() vault.Journal { return openJournalFile(t, path) }}
	})
}

func TestJournalInMemory_KeepsTheContract(t *testing.T) {
	vaulttest.RunJournal(t, func(*testing.T) vaulttest.JournalHarness {
		j := vaulttest.NewJournal()
		return vaulttest.JournalHarness{Journal: j, Reopen: func() vault.Journal { return j }}
	})
}

func TestJournalFile_IsMadeOnPurpose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	_, err := vault.OpenJournalFile(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoFileExists(t, path)
	require.NoError(t, vault.CreateJournalFile(path))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	require.ErrorIs(t, vault.CreateJournalFile(path), fs.ErrExist)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	files, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, files, 1)
	_, err = vault.OpenJournalFile(t.TempDir())
	require.ErrorIs(t, err, vault.ErrJournal)
	require.NoError(t, os.WriteFile(path, []byte("something else"), 0o600))
	_, err = vault.OpenJournalFile(path)
	require.ErrorIs(t, err, vault.ErrJournal)
}

// fill appends records of one, two, … lines, and returns the lines and where the
// records end in the file.
func fill(t *testing.T, path string, j *vault.JournalFile, records int) (lines [][]byte, ends []int64) {
	t.Helper()
	ends = append(ends, size(t, path))
	for n := range records {
		var some [][]byte
		for i := range n + 1 {
			some = append(some, bytes.Repeat([]byte{byte(n), byte(i)}, 10+i))
		}
		require.NoError(t, j.Append(t.Context(), some))
		lines, ends = append(lines, some...), append(ends, size(t, path))
	}
	return lines, ends
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Size()
}

func linesOf(t *testing.T, j vault.Journal) (lines [][]byte) {
	t.Helper()
	for l, err := range j.Lines(t.Context(), 0) {
		require.NoError(t, err)
		lines = append(lines, l.Line)
	}
	return lines
}

// TestJournalFile_ATornEndIsPassedOver at every byte at which a write can be cut
// off, with zeros or rubbish behind it as file systems leave it; and the next
// record takes its place.
func TestJournalFile_ATornEndIsPassedOver(t *testing.T) {
	path, j := newJournalFile(t)
	lines, ends := fill(t, path, j, 4)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	before := lines[:len(lines)-4]
	behind := [][]byte{nil, make([]byte, 100), []byte("rubbish\n")}
	torn := filepath.Join(t.TempDir(), "journal")
	for cut := ends[3]; cut < ends[4]; cut++ {
		content := append(bytes.Clone(whole[:cut]), behind[cut%3]...)
		require.NoError(t, os.WriteFile(torn, content, 0o600))
		j := openJournalFile(t, torn)
		require.Equal(t, before, linesOf(t, j))
		require.NoError(t, j.Append(t.Context(), [][]byte{{7}}))
		want := append(append([][]byte(nil), before...), []byte{7})
		require.Equal(t, want, linesOf(t, j))
		require.Equal(t, want, linesOf(t, openJournalFile(t, torn)))
		require.NoError(t, j.Close())
	}
}

// TestJournalFile_DamageBeforeTheEndIsRefused: a bit of every byte in front
// of the last record.
func TestJournalFile_DamageBeforeTheEndIsRefused(t *testing.T) {
	path, j := newJournalFile(t)
	_, ends := fill(t, path, j, 4)
	require.NoError(t, j.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	damaged := filepath.Join(t.TempDir(), "journal")
	// A newline that is damaged joins its record with the next, which then is the
	// end if there is no third.
	for i := range ends[2] - 1 {
		bad := bytes.Clone(whole)
		bad[i] ^= 1 << (i % 8)
		require.NoError(t, os.WriteFile(damaged, bad, 0o600))
		_, err := vault.OpenJournalFile(damaged)
		require.ErrorIs(t, err, vault.ErrJournal, "byte %d", i)
	}
	for name, bad := range map[string][]byte{
		"a record is gone":    append(bytes.Clone(whole[:ends[1]]), whole[ends[2]:]...),
		"a record is doubled": append(bytes.Clone(whole[:ends[2]]), whole[ends[1]:]...),
		"records changed places": bytes.Join([][]byte{
			whole[:ends[1]], whole[ends[2]:ends[3]], whole[ends[1]:ends[2]], whole[ends[3]:],
		}, nil),
	} {
		require.NoError(t, os.WriteFile(damaged, bad, 0o600))
		_, err := vault.OpenJournalFile(damaged)
		require.ErrorIs(t, err, vault.ErrJournal, name)
	}
}

// TestJournalFile_OfAnotherFileIsNotContinued: records are bound to their file.
func TestJournalFile_RecordsAreBoundToTheirFile(t *testing.T) {
	path, j := newJournalFile(t)
	_, ends := fill(t, path, j, 3)
	other, oj := newJournalFile(t)
	_, _ = fill(t, other, oj, 3)
	mine, err := os.ReadFile(path)
	require.NoError(t, err)
	theirs, err := os.ReadFile(other)
	require.NoError(t, err)
	mixed := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, os.WriteFile(mixed, append(mine[:ends[1]], theirs[ends[1]:]...), 0o600))
	_, err = vault.OpenJournalFile(mixed)
	require.ErrorIs(t, err, vault.ErrJournal)
}

// TestJournalFile_UnderARunningProgram: a file that was moved away, replaced or
// cut is not written to.
func TestJournalFile_UnderARunningProgram(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"gone": func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) },
		"replaced": func(t *testing.T, path string) {
			require.NoError(t, os.Remove(path))
			require.NoError(t, vault.CreateJournalFile(path))
		},
		"cut": func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 60)) },
	} {
		t.Run(name, func(t *testing.T) {
			path, j := newJournalFile(t)
			fill(t, path, j, 3)
			spoil(t, path)
			require.Error(t, j.Append(t.Context(), [][]byte{{1}}))
			failed := false
			for _, err := range j.Lines(t.Context(), 0) {
				failed = failed || err != nil
			}
			require.True(t, failed)
		})
	}
	path, j := newJournalFile(t)
	fill(t, path, j, 1)
	require.NoError(t, j.Close())
	require.ErrorIs(t, j.Append(t.Context(), [][]byte{{1}}), vault.ErrJournal)
	require.Error(t, j.Append(t.Context(), [][]byte{{}}))
	require.Error(t, j.Append(t.Context(), [][]byte{make([]byte, vault.MaxJournalLine+1)}))
}

// TestJournalFile_WaitsForWhoWrites until the caller gives up.
func TestJournalFile_WaitsForWhoWrites(t *testing.T) {
	path, j := newJournalFile(t)
	unlock := vault.LockJournal(t, path)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, j.Append(ctx, [][]byte{{1}}), context.DeadlineExceeded)
	done := make(chan error)
	go func() { done <- j.Append(t.Context(), [][]byte{{2}}) }()
	unlock()
	require.NoError(t, <-done)
	require.Equal(t, [][]byte{{2}}, linesOf(t, j))
}

// TestJournalFile_ServesAVault through a restore.
func TestJournalFile_ServesAVault(t *testing.T) {
	p := newPast(t)
	path, j := newJournalFile(t)
	require.NoError(t, j.Append(t.Context(), p.lines()))
	w := p.restored(p.old)
	c := w.config()
	c.Journal = openJournalFile(t, path)
	_, err := vault.Open(w.ctx, c)
	require.ErrorIs(t, err, vault.ErrJournalAhead)
	v, err := vault.Open(w.ctx, c, vault.ForReplay(), vault.Unmanaged("tests"))
	require.NoError(t, err)
	_, err = v.Replay(w.ctx)
	require.NoError(t, err)
	p.erased(w, v)
	w.shred(v, personOf(shop, "cyd"))
	require.NoError(t, v.PumpJournal(w.ctx))
	require.Len(t, linesOf(t, openJournalFile(t, path)), 6)
}

// FuzzJournalRecord: no other text than what is written for a record is taken
// for it.
func FuzzJournalRecord(f *testing.F) {
	path, j := newJournalFile(f)
	require.NoError(f, j.Append(f.Context(), [][]byte{{1}, {2, 3}, {4, 5, 6}}))
	text, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(text[bytes.IndexByte(text, '\n')+1:])
	f.Add([]byte("00 AA\n"))
	f.Add([]byte(" \n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if again, ok := vault.ReadRecord(text); ok {
			require.Equal(t, text, again)
		}
	})
}

// FuzzErasure: no second encoding of a line is accepted.
func FuzzErasure(f *testing.F) {
	w := journalWorld(f)
	v := w.vault()
	w.shred(v, personOf(shop, "1"))
	w.shred(v, vault.Target{Tenant: bakery, WholeTenant: true})
	require.NoError(f, v.PumpJournal(w.ctx))
	for _, line := range w.lines() {
		_, err := vault.ReadErasure(line)
		require.NoError(f, err)
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		if again, err := vault.ReadErasure(line); err == nil {
			require.Equal(t, line, again)
		}
	})
}

// FuzzKeyBackup: nothing that was not written as a backup is restored.
func FuzzKeyBackup(f *testing.F) {
	w := journalWorld(f)
	v := w.vault()
	w.seal(v, cyd, "cyd")
	w.shred(v, personOf(shop, "1"))
	_, b := w.backUpKeys(v)
	f.Add(b)
	f.Add(b[:len(b)/2])
	f.Fuzz(func(t *testing.T, bad []byte) {
		_, err := v.VerifyKeyBackup(w.ctx, bytes.NewReader(bad))
		if !bytes.Equal(bad, b) {
			require.Error(t, err)
		}
	})
}
