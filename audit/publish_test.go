package audit_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
)

// files are the names and contents of a folder.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		found[filepath.ToSlash(name)] = string(b)
		return err
	}))
	return found
}

// asServed checks that the folder has what the handler serves, and all of it.
func (w *world) asServed(dir string, want ...string) {
	w.Helper()
	there := files(w, dir)
	for name, content := range there {
		rec := ask(w, w.trail, http.MethodGet, "/"+name)
		require.Equal(w, http.StatusOK, rec.Code, name)
		require.True(w, rec.Body.String() == content, name) //nolint:testifylint // too long to print
	}
	for _, name := range want {
		require.Contains(w, there, name)
	}
	require.Len(w, there, len(want))
}

func TestPublish_GrowsWithTheLog(t *testing.T) {
	w := newLog(t)
	dir := filepath.Join(t.TempDir(), "a", "log")
	require.ErrorIs(t, w.trail.Publish(t.Context(), dir), audit.ErrNoLog)
	w.fill(3, "acme")
	w.checkpoint()
	require.NoError(t, w.trail.Publish(t.Context(), dir))
	w.asServed(dir, "checkpoint", "tile/0/000.p/4")

	w.fill(250, "acme")
	w.checkpoint()
	w.fill(2, "acme") // not signed for
	require.NoError(t, w.trail.Publish(t.Context(), dir))
	w.asServed(dir, "checkpoint", "tile/0/000.p/4", "tile/0/000.p/254")

	w.fill(500, "acme")
	w.checkpoint()
	for range 2 {
		require.NoError(t, w.trail.Publish(t.Context(), dir))
		w.asServed(dir, "checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/244", "tile/1/000.p/2")
	}
	w.fill(12, "acme")
	w.checkpoint()
	require.NoError(t, w.trail.Publish(t.Context(), dir))
	w.asServed(dir, "checkpoint", "tile/0/000", "tile/0/001", "tile/0/002", "tile/1/000.p/2", "tile/1/000.p/3")
}

// torn is a store that fails at the nth tile, or runs what is given.
type torn struct {
	audit.Backend
	n    int
	then func() error
}

func (s *torn) Tile(ctx context.Context, log, level int, n uint64) ([]byte, bool, error) {
	if s.n--; s.n == 0 {
		if err := s.then(); err != nil {
			return nil, false, err
		}
	}
	return s.Backend.Tile(ctx, log, level, n)
}

// Wherever it ends, the folder holds all that its checkpoint covers, and the
// next call completes it.
func TestPublish_CanBeRepeated(t *testing.T) {
	t.Parallel()
	w := newLog(t)
	w.fill(400, "acme")
	first := w.checkpoint()
	begun := filepath.Join(t.TempDir(), "begun")
	require.NoError(t, w.trail.Publish(t.Context(), begun))
	earlier := files(t, begun)
	w.fill(700, "acme")
	second := w.checkpoint()
	fails := errors.New("fails")
	ended := 0
	for n := 1; ended == 0; n++ {
		dir := filepath.Join(t.TempDir(), "log")
		require.NoError(t, os.CopyFS(dir, os.DirFS(begun)))
		store := &torn{w.store, n, func() error { return fails }}
		trail, err := audit.New(t.Context(), store, w.keys, w.sealer, audit.WithVerifiers(w.verifiers()))
		require.NoError(t, err)
		if err := trail.Publish(t.Context(), dir); err == nil {
			ended = n
		} else {
			require.ErrorIs(t, err, fails)
			require.Equal(t, string(first), files(t, dir)["checkpoint"])
			for name, content := range earlier {
				if !strings.Contains(name, ".p/") {
					require.True(t, files(t, dir)[name] == content, name) //nolint:testifylint // too long to print
				}
			}
			// What a process leaves that was killed while it wrote.
			require.NoError(t, os.WriteFile(filepath.Join(dir, ".troth-123"), []byte("half"), 0o600))
		}
		require.NoError(t, w.trail.Publish(t.Context(), dir))
		require.Equal(t, string(second), files(t, dir)["checkpoint"])
		w.asServed(dir, "checkpoint", "tile/0/000", "tile/0/001", "tile/0/002", "tile/0/003", "tile/0/004.p/77",
			"tile/1/000.p/1", "tile/1/000.p/4")
	}
	require.Greater(t, ended, 5)
}

func TestPublish_WritesTheCheckpointLast(t *testing.T) {
	w := newLog(t)
	w.fill(600, "acme")
	w.checkpoint()
	var dir string
	for n := range 4 {
		dir = t.TempDir()
		store := &torn{w.store, n + 1, func() error {
			_, err := os.Stat(filepath.Join(dir, "checkpoint"))
			assert.ErrorIs(t, err, fs.ErrNotExist)
			return context.Canceled
		}}
		trail, err := audit.New(t.Context(), store, w.keys, w.sealer, audit.WithVerifiers(w.verifiers()))
		require.NoError(t, err)
		require.ErrorIs(t, trail.Publish(t.Context(), dir), context.Canceled)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, w.trail.Publish(gone, dir), context.Canceled)
	require.NoError(t, w.trail.Publish(t.Context(), dir))
	w.asServed(dir, "checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/89", "tile/1/000.p/2")
}

// A folder is one more place that remembers: it is never overwritten with a log
// that does not lead on from what it has.
func TestPublish_KeepsAnotherHistory(t *testing.T) {
	w := newLog(t)
	w.fill(20, "acme")
	w.checkpoint()
	dir := t.TempDir()
	require.NoError(t, w.trail.Publish(t.Context(), dir))
	before := files(t, dir)
	for _, n := range []int{5, 20, 30} { // an older copy was put back
		copied := newWorld(t, audit.WithSigner(w.signer))
		copied.fill(n, "acme")
		copied.checkpoint()
		err := copied.trail.Publish(t.Context(), dir)
		back, ok := errors.AsType[*audit.RolledBackError](err)
		require.True(t, ok, "%d: %v", n, err)
		require.Equal(t, uint64(21), back.Known)
		require.Equal(t, before, files(t, dir))
	}

	next := fixedKey(t, origin+"-2", 6)
	other := newWorld(t, audit.WithSigner(next), audit.WithVerifiers(w.verifiers()))
	other.fill(30, "acme")
	other.checkpoint()
	require.ErrorIs(t, other.trail.Publish(t.Context(), dir), audit.ErrOtherLog)
	stranger := newWorld(t, audit.WithSigner(next))
	stranger.fill(30, "acme")
	stranger.checkpoint()
	require.ErrorIs(t, stranger.trail.Publish(t.Context(), dir), audit.ErrUnknownKey)
	require.Equal(t, before, files(t, dir))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "checkpoint"), []byte("noise"), 0o600))
	require.ErrorIs(t, w.trail.Publish(t.Context(), dir), audit.ErrNote)
}

func TestPublish_OfAPrunedLog(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"))
	w.fill(200, "acme")
	first := w.checkpoint()
	w.fill(100, "acme")
	w.checkpoint()
	old, fresh := t.TempDir(), t.TempDir()
	require.NoError(t, w.trail.Publish(t.Context(), old))
	kept := files(t, old)["tile/0/000"]
	w.fill(400, "acme")
	w.cut(256)
	w.checkpoint()
	require.NoError(t, w.trail.Publish(t.Context(), fresh))
	w.asServed(fresh, "checkpoint", "tile/0/001", "tile/0/002.p/191", "tile/1/000.p/2")
	require.NoError(t, w.trail.Publish(t.Context(), old))
	require.True(t, files(t, old)["tile/0/000"] == kept) //nolint:testifylint // too long to print
	late := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(late, "checkpoint"), first, 0o600))
	require.ErrorIs(t, w.trail.Publish(t.Context(), late), audit.ErrPruned)
	_, err := w.trail.Consistency(t.Context(), origin, 301)
	require.NoError(t, err)
	_, err = w.trail.Consistency(t.Context(), origin, 256)
	require.NoError(t, err)
	_, err = w.trail.Consistency(t.Context(), origin, 201)
	require.ErrorIs(t, err, audit.ErrPruned)
}

func TestPublish_TellsWhatFails(t *testing.T) {
	w := newLog(t)
	w.fill(3, "acme")
	w.checkpoint()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.Error(t, w.trail.Publish(t.Context(), file))
	for _, taken := range []string{"checkpoint", "tile/0/000.p/4/x"} {
		dir := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.FromSlash(taken)), 0o755))
		require.Error(t, w.trail.Publish(t.Context(), dir))
		require.Empty(t, scratch(t, dir))
	}
}

func scratch(t *testing.T, dir string) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(dir, ".troth-*"))
	require.NoError(t, err)
	return left
}
