package unsubscribe_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/unsubscribe"
)

func contextWithCancel(p *gateProcess) (context.Context, context.CancelFunc) {
	return context.WithCancel(p.ctx)
}

// savedIndex is the file of an index that knows one opt-out.
func savedIndex(t *testing.T) (w *gateWorld, a *gateProcess, file string) {
	t.Helper()
	w = newGateWorld(t)
	file = filepath.Join(t.TempDir(), "index")
	a = w.loaded(unsubscribe.WithIndexFile(file))
	a.optOut("ada@a.example", unsubscribe.Client)
	require.NoError(t, a.gate.Look(a.ctx))
	require.NoError(t, a.gate.Save(a.ctx))
	return w, a, file
}

// TestIndexFile_SparesReadingTheRegistry, and what changed since is read.
func TestIndexFile_SparesReadingTheRegistry(t *testing.T) {
	w, a, file := savedIndex(t)
	a.optOut("bob@a.example", unsubscribe.Client)
	b := w.loaded(unsubscribe.WithIndexFile(file))
	require.Zero(t, b.store.pages.Load(), "the registry was read")
	require.False(t, b.ask("ada@a.example").Send)
	require.False(t, b.ask("bob@a.example").Send)
	require.True(t, b.ask("eve@a.example").Send)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077, "it is nobody else's")
	left, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing is left beside it")
}

// TestIndexFile_EveryChangedByteIsRefused: the registry is read then, and the answers
// are the same.
func TestIndexFile_EveryChangedByteIsRefused(t *testing.T) {
	w, _, file := savedIndex(t)
	whole, err := os.ReadFile(file)
	require.NoError(t, err)
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 0x40
		require.NoError(t, os.WriteFile(file, changed, 0o600))
		b := w.loaded(unsubscribe.WithIndexFile(file))
		require.Positive(t, b.store.pages.Load(), "byte %d", i)
		require.False(t, b.ask("ada@a.example").Send, "byte %d", i)
	}
}

// TestIndexFile_OfAnotherHistoryIsRefused: a database that was restored, and has gone
// on since, has other events at the places that the file knows.
func TestIndexFile_OfAnotherHistoryIsRefused(t *testing.T) {
	_, _, file := savedIndex(t)
	restored := newGateWorld(t)
	c := restored.loaded()
	for _, address := range []string{"x@a.example", "y@a.example", "z@a.example"} {
		c.optOut(address, unsubscribe.Client)
	}
	b := restored.loaded(unsubscribe.WithIndexFile(file))
	require.Positive(t, b.store.pages.Load())
	require.False(t, b.ask("x@a.example").Send)
	require.True(t, b.ask("ada@a.example").Send, "of whom this history knows nothing")

	empty := newGateWorld(t).loaded(unsubscribe.WithIndexFile(file))
	require.Positive(t, empty.store.pages.Load())
	require.True(t, empty.ask("ada@a.example").Send)
}

// TestIndexFile_OlderThanTheFeed: events that the file does not have were pruned.
func TestIndexFile_OlderThanTheFeed(t *testing.T) {
	w, a, file := savedIndex(t)
	a.optOut("bob@a.example", unsubscribe.Client)
	a.optOut("eve@a.example", unsubscribe.Client)
	require.NoError(t, a.gate.Look(a.ctx))
	require.NoError(t, w.store.PruneFeed(w.ctx, time.Now().Add(time.Hour).UnixMicro()))
	b := w.loaded(unsubscribe.WithIndexFile(file))
	require.Positive(t, b.store.pages.Load())
	require.False(t, b.ask("bob@a.example").Send)
}

func TestIndexFile_NothingIsSavedThatIsNotLoaded(t *testing.T) {
	w, _, file := savedIndex(t)
	b := w.process(nil, unsubscribe.WithIndexFile(file))
	require.ErrorIs(t, b.gate.Save(b.ctx), unsubscribe.ErrStale)
	require.ErrorIs(t, w.loaded().gate.Save(w.ctx), unsubscribe.ErrNeeds)
}

// TestIndexFile_HasNothingUncommitted: what is pending goes into no file.
func TestIndexFile_HasNothingUncommitted(t *testing.T) {
	w, a, file := savedIndex(t)
	err := a.Transactor().Atomically(a.ctx, func(ctx context.Context) error {
		if _, err := a.OptOut(ctx, gateOut("bob@a.example", unsubscribe.Client)); err != nil {
			return err
		}
		require.Equal(t, 1, a.gate.Pending())
		if err := a.gate.Save(a.ctx); err != nil {
			return err
		}
		return errGateStore
	})
	require.ErrorIs(t, err, errGateStore)
	b := w.loaded(unsubscribe.WithIndexFile(file))
	require.Zero(t, b.store.pages.Load())
	require.True(t, b.ask("bob@a.example").Send)
}
