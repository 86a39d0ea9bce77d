package audit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
)

// Tiles that no checkpoint of the folder covers may be of another history: a call
// ended half-way, and then an older copy of the store was put back, or another log
// goes on. What is covered in the end is of the log that was signed for.
func TestPublish_TilesOfAnotherHistoryDoNotStay(t *testing.T) {
	w := newLog(t)
	w.fill(600, "globex")
	w.checkpoint()
	covered := t.TempDir() // up to 20, and then nothing more
	early := newWorld(t, audit.WithSigner(w.signer))
	early.fill(20, "acme")
	early.checkpoint()
	require.NoError(t, early.trail.Publish(t.Context(), covered))
	early.fill(700, "acme")
	early.checkpoint()
	whole := t.TempDir()
	require.NoError(t, early.trail.Publish(t.Context(), whole))
	for _, dir := range []string{t.TempDir(), covered} {
		halfway(t, w, dir)
		require.NoError(t, early.trail.Publish(t.Context(), dir))
		got := files(t, dir)
		for name, content := range files(t, whole) {
			require.True(t, got[name] == content, name) //nolint:testifylint // too long to print
		}
	}
}

// A link in the place of a tile would have the folder hold what lies elsewhere, and
// changes there.
func TestPublish_KeepsNoLinks(t *testing.T) {
	w := newLog(t)
	w.fill(300, "acme")
	w.checkpoint()
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "elsewhere")
	require.NoError(t, w.trail.Publish(t.Context(), dir))
	tile := filepath.Join(dir, "tile", "0", "000")
	require.NoError(t, os.Rename(tile, elsewhere))
	require.NoError(t, os.Remove(filepath.Join(dir, "checkpoint"))) // the tile is behind it
	if err := os.Symlink(elsewhere, tile); err != nil {
		t.Skip("no links here")
	}
	before, err := os.ReadFile(elsewhere)
	require.NoError(t, err)
	require.NoError(t, w.trail.Publish(t.Context(), dir))
	there, err := os.Lstat(tile)
	require.NoError(t, err)
	require.True(t, there.Mode().IsRegular())
	after, err := os.ReadFile(elsewhere)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after))
}

// halfway writes tiles into a folder as a call does that ends before the checkpoint.
func halfway(t *testing.T, w *world, dir string) {
	t.Helper()
	whole := t.TempDir()
	require.NoError(t, w.trail.Publish(t.Context(), whole))
	for name, content := range files(t, whole) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Stat(path); err == nil || name == "checkpoint" {
			continue
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
}

// A folder that is a link lies elsewhere, where nothing is written or taken away.
func TestPublish_WritesNothingBehindLinks(t *testing.T) {
	for name, at := range map[string][]string{"all tiles": {"tile"}, "a level": {"tile", "0"}, "parts of a tile": {"tile", "0", "000.p"}} {
		t.Run(name, func(t *testing.T) {
			w := newLog(t)
			w.fill(20, "acme")
			w.checkpoint()
			dir, elsewhere := t.TempDir(), t.TempDir()
			link := filepath.Join(append([]string{dir}, at...)...)
			require.NoError(t, os.MkdirAll(filepath.Dir(link), 0o755))
			if err := os.Symlink(elsewhere, link); err != nil {
				t.Skip("no links here")
			}
			require.ErrorContains(t, w.trail.Publish(t.Context(), dir), "is a link")
			require.Empty(t, files(t, elsewhere))
			require.NoFileExists(t, filepath.Join(dir, "checkpoint"))
		})
	}
}

// The folder itself is where who calls says.
func TestPublish_TheFolderMayBeALink(t *testing.T) {
	w := newLog(t)
	w.fill(20, "acme")
	w.checkpoint()
	elsewhere, link := t.TempDir(), filepath.Join(t.TempDir(), "log")
	if err := os.Symlink(elsewhere, link); err != nil {
		t.Skip("no links here")
	}
	require.NoError(t, w.trail.Publish(t.Context(), link))
	w.asServed(elsewhere, "checkpoint", "tile/0/000.p/21")
}

func TestPublish_NeedsAFolder(t *testing.T) {
	w := newLog(t)
	w.fill(20, "acme")
	w.checkpoint()
	t.Chdir(t.TempDir())
	require.ErrorContains(t, w.trail.Publish(t.Context(), ""), "no folder is named")
	require.Empty(t, files(t, "."))
}
