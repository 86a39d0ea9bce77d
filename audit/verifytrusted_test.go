package audit_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// checkpointOf returns the stored checkpoint of the log that is nearest above a
// size.
func (f *tamper) checkpointOf(log int, size uint64) audit.CheckpointRow {
	f.Helper()
	for _, c := range f.checkpoints {
		if c.Log == log && c.Size > size {
			return c
		}
	}
	f.Fatalf("no checkpoint of log %d above %d", log, size)
	return audit.CheckpointRow{}
}

func (f *tamper) foundFrom(trusted audit.CheckpointRow, what string) {
	f.Helper()
	f.tried++
	_, err := f.trail.Verify(f.Context(), audit.VerifyParams{Trusted: trusted.Note})
	_, damage := errors.AsType[*audit.DamageError](err)
	if !damage && !isRolledBack(err) {
		f.Errorf("not found: %s: %v", what, err)
	}
}

func isRolledBack(err error) bool {
	_, ok := errors.AsType[*audit.RolledBackError](err)
	return ok
}

// TestVerify_FromATrustedCheckpointFindsWhatCameLater changes, removes and adds
// rows behind a checkpoint, and verifies from there.
func TestVerify_FromATrustedCheckpointFindsWhatCameLater(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	f := openTamper(t)
	trusted := f.checkpointOf(1, 200)
	r, err := f.trail.Verify(t.Context(), audit.VerifyParams{Trusted: trusted.Note})
	require.NoError(t, err)
	require.Equal(t, f.heads[0].Size-trusted.Size, r.Logs[0].Read)
	require.Equal(t, f.heads[1].Size, r.Logs[1].Read)

	later := func(e audit.LogRow) bool { return e.Log > 1 || e.Index >= trusted.Size }
	for i := range f.entries {
		if !later(f.entries[i]) || i%some(9) != 0 {
			continue
		}
		every(reflect.ValueOf(&f.entries[i]).Elem(), fmt.Sprintf("entry %d", i), some(7), func(what string) {
			f.foundFrom(trusted, what)
		})
	}
	was := f.entries
	for i := range was {
		if later(was[i]) {
			f.entries = slices.Delete(slices.Clone(was), i, i+1)
			f.foundFrom(trusted, fmt.Sprintf("entry %d is gone", i))
		}
	}
	forged := was[7]
	forged.Index, forged.ID = f.heads[0].Size, troth.EntryID{1}
	f.entries = append(slices.Clone(was), forged)
	f.foundFrom(trusted, "an entry was added")
	f.entries = was
	for i := range f.tenants {
		row := &f.tenants[i]
		idle := row.Log == 1 && row.Index < trusted.Size
		every(reflect.ValueOf(row).Elem(), fmt.Sprintf("tenant %d", i), 1, func(what string) {
			if idle && row.Index < trusted.Size && strings.Contains(what, ".Index ") {
				return // of an entry that the checkpoint covers
			}
			f.foundFrom(trusted, what)
		})
	}
	for i := range f.tiles {
		if tile := f.tiles[i]; tile.Log == 1 && tile.Level == 0 {
			every(reflect.ValueOf(&f.tiles[i].Tile.Hashes).Elem(), "tile", some(300), func(what string) {
				f.foundFrom(trusted, what)
			})
		}
	}
	f.fits()
	t.Logf("%d changes", f.tried)
}

// TestVerify_FromALaterLogReadsNoneBefore trusts a checkpoint of the second log,
// whose first entry pins the first log.
func TestVerify_FromALaterLogReadsNoneBefore(t *testing.T) {
	f := openTamper(t)
	trusted := f.checkpointOf(2, 0)
	r, err := f.trail.Verify(t.Context(), audit.VerifyParams{Trusted: trusted.Note})
	require.NoError(t, err)
	require.Zero(t, r.Logs[0].Read)
	require.Zero(t, r.Logs[1].Read)

	f.heads[0].Root[3] ^= 1
	f.foundFrom(trusted, "the root of the log before is another")
	f.heads[0].Root[3] ^= 1
	for i := range f.entries {
		if e := &f.entries[i]; e.Log == 2 && e.Index == 0 {
			e.Leaf[9] ^= 1
			f.foundFrom(trusted, "the first entry is another")
			e.Leaf[9] ^= 1
		}
	}
	f.fits()
}

// An older copy of the store is whole in itself; only what is kept elsewhere
// shows it.
func TestVerify_AnOlderCopyIsFoundByWhatOthersHold(t *testing.T) {
	w := newLog(t)
	ctx := w.as(kim)
	step := func() []byte {
		for range 130 {
			w.tick()
			w.record(ctx, touch("acme", "17"))
		}
		w.sequence()
		note, err := w.trail.Checkpoint(t.Context())
		require.NoError(t, err)
		return note
	}
	first := step()
	backup := w.freeze()
	second := step()
	keys, err := audit.Verifiers{}.With(w.signer.VerifierKey())
	require.NoError(t, err)
	restored := func(opts ...audit.Option) *audit.Trail {
		trail, err := audit.New(t.Context(), backup, w.keys, w.sealer, append(opts, audit.WithVerifiers(keys))...)
		require.NoError(t, err)
		return trail
	}
	_, err = restored().Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err, "by itself an old copy is a good one")
	_, err = restored().Verify(t.Context(), audit.VerifyParams{Trusted: first})
	require.NoError(t, err)

	_, err = restored().Verify(t.Context(), audit.VerifyParams{Trusted: second})
	require.True(t, isRolledBack(err), "%v", err)
	_, err = restored(audit.WithSink(holding(second))).Verify(t.Context(), audit.VerifyParams{})
	require.True(t, isRolledBack(err), "%v", err)
	_, err = restored(audit.WithSink(holding(first))).Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)

	// Nothing at all is an older copy too.
	backup.heads, backup.entries, backup.tiles, backup.tenants, backup.checkpoints = nil, nil, nil, nil, nil
	_, err = restored().Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)
	_, err = restored().Verify(t.Context(), audit.VerifyParams{Trusted: first})
	require.True(t, isRolledBack(err), "%v", err)
	_, err = restored(audit.WithSink(holding(first))).Verify(t.Context(), audit.VerifyParams{})
	require.True(t, isRolledBack(err), "%v", err)
}

// holding is a sink that has one checkpoint.
type holding []byte

func (holding) Put(context.Context, []byte) error        { return nil }
func (h holding) Latest(context.Context) ([]byte, error) { return h, nil }

func TestVerify_ALogThatWentOnAdmitsWhatIsLost(t *testing.T) {
	w := newLog(t)
	for range 5 {
		w.tick()
		w.record(w.as(kim), touch("acme", "17"))
	}
	w.sequence()
	_, err := w.trail.Checkpoint(t.Context())
	require.NoError(t, err)
	signed := func(size uint64, root byte) []byte {
		cp := audit.Checkpoint{Origin: origin, Size: size, Root: [32]byte{root}, SignedAt: w.at}
		note, err := audit.SignCheckpoint(cp, w.signer)
		require.NoError(t, err)
		return note
	}
	known := signed(100, 1)
	_, err = w.trail.Verify(t.Context(), audit.VerifyParams{Trusted: known})
	require.True(t, isRolledBack(err), "%v", err)

	keys, err := audit.Verifiers{}.With(w.signer.VerifierKey())
	require.NoError(t, err)
	next := w.another(audit.WithSigner(newSigner(t, origin+"/2")), audit.WithVerifiers(keys))
	require.NoError(t, next.Continue(t.Context(), known))
	r, err := next.Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)
	require.Equal(t, uint64(94), r.Logs[0].Lost)
	require.False(t, r.Logs[0].Forked)
	for name, c := range map[string]struct {
		note []byte
		fits bool
	}{
		"the pinned one": {known, true}, "one before it": {signed(50, 3), true}, "another of that size": {signed(100, 2), false},
		"one behind it": {signed(101, 1), false}, "one that the log contradicts": {signed(3, 1), false},
	} {
		_, err := next.Verify(t.Context(), audit.VerifyParams{Trusted: c.note})
		require.Equal(t, c.fits, err == nil, "%s: %v", name, err)
	}
}
