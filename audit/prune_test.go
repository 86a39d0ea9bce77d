package audit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
)

// grow records n entries of each of two tenants, half of them with parts, moves
// them into the log and signs it.
func (w *world) grow(n int) (ids []troth.EntryID) {
	w.Helper()
	for i := range n {
		for _, tenant := range []troth.Tenant{"acme", "bolt"} {
			e := touch(tenant, "17")
			if i%2 == 0 {
				e = letter(tenant)
			}
			id := w.record(w.as(kim), e)
			if tenant == "acme" {
				ids = append(ids, id)
			}
		}
		w.tick()
	}
	w.sequence()
	_, err := w.trail.Checkpoint(w.Context())
	require.NoError(w, err)
	return ids
}

func (w *world) prune(to audit.PruneTo) (audit.Pruned, error) {
	return w.trail.Prune(w.as(kim), leave, to)
}

func (w *world) head() audit.Head {
	w.Helper()
	heads, err := w.store.Heads(w.Context())
	require.NoError(w, err)
	require.Len(w, heads, 1)
	return heads[0]
}

// first is the position of the first entry in the log.
func (w *world) first() uint64 {
	w.Helper()
	rows, err := w.store.LogRange(w.Context(), 1, 0, 1)
	require.NoError(w, err)
	require.NotEmpty(w, rows)
	return rows[0].Index
}

func TestPrune_DestroysTheBeginningInStepsAndSaysSo(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"))
	w.grow(100)
	ids := w.grow(60)
	covering := w.head()
	last := w.grow(140)
	require.Greater(t, w.head().Size, uint64(600))

	var by troth.EntryID
	for _, left := range []int{156, 56, 0, 0} {
		p, err := w.prune(audit.PruneTo{Log: 1, Before: 511, Limit: 100})
		require.NoError(t, err)
		if by.IsZero() {
			by = p.By
		}
		require.Equal(t, audit.Pruned{Log: 1, Before: 256, By: by, Left: left}, p)
		require.Equal(t, uint64(256-left), w.first())
		require.Equal(t, uint64(256), w.head().Pruned)
		require.Equal(t, by, w.head().PrunedBy)
	}
	require.Equal(t, []string{"audit.prune"}, w.waitingOf(troth.Platform), "it is told once")
	require.Empty(t, w.waitingOf("acme"))
	w.sequence()
	told := w.envelope(troth.Platform, by)
	require.Equal(t, []audit.NamedFact{
		{Name: "log", Fact: troth.Count(1)},
		{Name: "before", Fact: troth.Count(256)},
		{Name: "size", Fact: troth.Count(covering.Size)},
		{Name: "root", Fact: troth.Digest(covering.Root)},
	}, told.Facts[:4], "the first checkpoint that covers them")
	_, err := w.trail.Parts(t.Context(), "acme", ids[0])
	require.ErrorIs(t, err, audit.ErrNoEntry)
	parts, err := w.store.Parts(t.Context(), "acme", ids[0])
	require.NoError(t, err)
	require.Empty(t, parts)
	require.Equal(t, "present / present / present", w.states("acme", last[138]))

	p, err := w.prune(audit.PruneTo{Log: 1, Before: 600})
	require.NoError(t, err)
	require.Equal(t, uint64(512), p.Before)
	require.Zero(t, p.Left)
	require.NotEqual(t, by, p.By)
	require.Equal(t, uint64(512), w.first())
	p, err = w.prune(audit.PruneTo{Log: 1, Before: 256})
	require.NoError(t, err)
	require.Equal(t, uint64(512), p.Before, "less than is gone already")
}

// TestRetention_LeavesALogThatVerifies drops, redacts and prunes, and goes on.
func TestRetention_LeavesALogThatVerifies(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"))
	ids := w.grow(200)
	_, err := w.trail.DropParts(w.as(kim), leave, audit.OldParts{Tenant: "acme", Before: w.at})
	require.NoError(t, err)
	for _, id := range []troth.EntryID{ids[10], ids[198], ids[199]} {
		_, err = w.redact("acme", id)
		require.NoError(t, err)
	}
	r := w.verify()
	require.Equal(t, 3, r.Logs[0].Redacted, "told by entries that wait")
	_, err = w.prune(audit.PruneTo{Log: 1, Before: 300})
	require.NoError(t, err)
	for range 2 {
		r = w.verify()
		require.Len(t, r.Logs, 1)
		require.Equal(t, uint64(256), r.Logs[0].Pruned)
		require.Equal(t, 2, r.Logs[0].Redacted, "the first one is gone altogether")
		w.grow(5)
	}
	other := w.another(audit.WithSigner(w.signer))
	_, err = other.Record(w.as(kim), letter("acme"))
	require.NoError(t, err)
	_, err = other.Sequence(t.Context())
	require.NoError(t, err, "another process loads what is left")
	proof, err := w.trail.Prove(t.Context(), "acme", ids[190])
	require.NoError(t, err)
	keys, err := audit.Verifiers{}.With(w.signer.VerifierKey())
	require.NoError(t, err)
	_, err = audit.VerifyProof(proof, keys)
	require.NoError(t, err)
}

func TestPrune_RefusesWhatNoCheckpointCovers(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"))
	w.grow(150)
	size, before := w.head().Size, w.first()
	p, err := w.prune(audit.PruneTo{Log: 1, Before: 255})
	require.NoError(t, err)
	require.Equal(t, audit.Pruned{Log: 1}, p, "less than a tile is not pruned")
	_, err = w.prune(audit.PruneTo{Log: 1, Before: 512})
	require.ErrorIs(t, err, audit.ErrNoCheckpoint)
	_, err = w.prune(audit.PruneTo{Log: 2, Before: 256})
	require.ErrorIs(t, err, audit.ErrNoLog)
	_, err = w.another(audit.Unmanaged("test")).Prune(w.as(kim), leave, audit.PruneTo{Log: 1, Before: 256})
	require.Error(t, err, "who knows no key cannot believe a checkpoint")

	row, found, err := w.store.Checkpoint(t.Context(), 1, size)
	require.NoError(t, err)
	require.True(t, found)
	for name, cp := range map[string]audit.Checkpoint{
		"another root":   {Origin: origin, Size: size, Root: [32]byte{2}},
		"another size's": {Origin: origin, Size: 280, Root: w.head().Root},
	} {
		w.tick()
		cp.SignedAt = w.at
		note, err := audit.SignCheckpoint(cp, w.signer)
		require.NoError(t, err)
		w.requireNotBehind(size, note, name)
	}
	w.tick()
	stranger, err := audit.GenerateSigningKey(origin)
	require.NoError(t, err)
	note, err := audit.SignCheckpoint(audit.Checkpoint{Origin: origin, Size: size, Root: w.head().Root, SignedAt: w.at}, stranger)
	require.NoError(t, err)
	w.requireNotBehind(size, note, "a stranger's")
	w.requireNotBehind(size, []byte("noise"), "noise")
	w.requireNotBehind(size, append(row.Note, '\n'), "one byte more")

	require.NoError(t, w.store.DropCheckpoints(t.Context(), 1, []uint64{size}))
	_, err = w.prune(audit.PruneTo{Log: 1, Before: 256})
	require.ErrorIs(t, err, audit.ErrNoCheckpoint)
	require.NoError(t, w.store.PutCheckpoint(t.Context(), audit.CheckpointRow{Log: 1, Size: 1024, SignedAt: 1, Note: []byte("noise")}))
	_, err = w.prune(audit.PruneTo{Log: 1, Before: 512})
	require.ErrorIs(t, err, audit.ErrNoCheckpoint, "the log does not reach so far")
	require.Equal(t, before, w.first())
	require.NotContains(t, w.waitingOf(troth.Platform), "audit.prune")
}

// requireNotBehind demands that the log is not pruned behind the note.
func (w *world) requireNotBehind(size uint64, note []byte, name string) {
	w.Helper()
	row := audit.CheckpointRow{Log: 1, Size: size, SignedAt: w.at.UnixMicro(), Note: note}
	require.NoError(w, w.store.PutCheckpoint(w.Context(), row))
	_, err := w.prune(audit.PruneTo{Log: 1, Before: 256})
	_, ok := errors.AsType[*audit.DamageError](err)
	require.True(w, ok, "%s: %v", name, err)
}

func TestPrune_NeedsAPermit(t *testing.T) {
	grown := false
	deedRefused(t, audit.LogRef(1), []troth.PermitRef{
		{},
		{Tenant: string(troth.Platform)},
		audit.LogRef(2), audit.PartsRef(troth.Platform),
		{Tenant: "acme", Record: "audit.log/1"},
	}, func(w *world, trail *audit.Trail, ctx context.Context, p troth.Permit) error {
		if !grown {
			grown = true
			w.grow(200)
		}
		_, err := trail.Prune(ctx, p, audit.PruneTo{Log: 1, Before: 256})
		return err
	}, func(w *world) {
		require.Zero(t, w.first())
		require.Zero(t, w.head().Pruned)
		require.NotContains(t, w.waitingOf(troth.Platform), "audit.prune")
	})
}

// overtaken is a store in which another process begins to prune first.
type overtaken struct {
	audit.Backend
	by troth.EntryID
}

func (s overtaken) Prune(ctx context.Context, p audit.Pruning, limit int) (int, error) {
	mine := p.By
	p.By = s.by
	if _, err := s.Backend.Prune(ctx, p, 1); err != nil {
		return 0, err
	}
	p.By = mine
	return s.Backend.Prune(ctx, p, limit)
}

func TestPrune_OfTwoAtOnceOneIsTold(t *testing.T) {
	w := newLog(t)
	w.grow(150)
	store := overtaken{w.store, troth.NewEntryID(w.at)}
	trail, err := audit.New(t.Context(), store, w.keys, w.sealer, audit.Unmanaged("test"), audit.WithSigner(w.signer))
	require.NoError(t, err)
	_, err = trail.Prune(w.as(kim), leave, audit.PruneTo{Log: 1, Before: 256})
	require.ErrorIs(t, err, troth.ErrBusy)
	require.True(t, troth.Retryable(err))
	require.NotContains(t, w.waitingOf(troth.Platform), "audit.prune")
}

func TestPrune_IsRecordedOrUndone(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	to := audit.PruneTo{Log: 1, Before: 256}
	prune := func(f *faulty, ctx context.Context) error {
		_, err := f.trail.Prune(ctx, leave, to)
		return err
	}
	eachFault(t, func(f *faulty, ctx context.Context) error { f.world().grow(140); return prune(f, ctx) },
		func(f *faulty, ctx context.Context, _ faultstore.Injection) {
			w := f.world()
			w.grow(140)
			_ = prune(f, ctx) // judged by what it left
			agree := func() bool {
				told := 0
				for _, act := range w.waitingOf(troth.Platform) {
					if act == "audit.prune" {
						told++
					}
				}
				require.Less(f, told, 2)
				require.Equal(f, told == 1, w.head().Pruned == 256)
				require.Equal(f, told == 1, w.first() == 256)
				return told == 1
			}
			agree()
			require.NoError(f, prune(f, troth.WithActor(f.Context(), kim)), "retry")
			require.True(f, agree())
		})
}

// world is the store of f without faults.
func (f *faulty) world() *world {
	return &world{
		T: f.T, db: f.db, store: &watched{Backend: f.store}, trail: f.honest, at: time.Now(),
		numbers: make(map[troth.Tenant]uint64), prev: make(map[troth.Tenant][32]byte),
	}
}

// TestSequence_PutBackAfterPruningIsTheSameEntryAgain shows what is not refused, see
// decision 0011: a row that was copied while it waited and put back once its entry was
// pruned is told again, as what it was and when, and nothing else comes of it.
func TestSequence_PutBackAfterPruningIsTheSameEntryAgain(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"))
	id := w.record(w.as(kim), touch("acme", "17"))
	rows, err := w.store.Entries(t.Context(), audit.EntriesPage{Tenant: "acme", Limit: 2})
	require.NoError(t, err)
	require.Len(t, rows, 1)
	w.grow(300)
	recorded := time.UnixMicro(rows[0].RecordedAt).UTC()
	find := func() (found []audit.Record) {
		t.Helper()
		for r, err := range w.trail.Entries(t.Context(), "acme", audit.Query{}) {
			require.NoError(t, err)
			if r.ID == id {
				found = append(found, r)
			}
		}
		return found
	}
	require.Len(t, find(), 1)
	appended, err := w.store.Append(t.Context(), rows[0])
	require.NoError(t, err)
	require.True(t, appended)
	w.sequence()
	require.Len(t, find(), 1, "it was told twice while its entry is there")

	_, err = w.prune(audit.PruneTo{Log: 1, Before: 256, Limit: 1000})
	require.NoError(t, err)
	require.Empty(t, find())
	appended, err = w.store.Append(t.Context(), rows[0])
	require.NoError(t, err)
	require.True(t, appended)
	w.sequence()
	again := find()
	require.Len(t, again, 1)
	require.Equal(t, rows[0].Envelope, again[0].Raw)
	require.Equal(t, recorded, again[0].RecordedAt)
	row, _, err := w.store.LogEntry(t.Context(), "acme", id)
	require.NoError(t, err)
	leaf, _, err := audit.ParseLeaf(row.Leaf)
	require.NoError(t, err)
	require.True(t, leaf.SequencedAt.After(recorded), "for all to see")
	_, err = w.trail.Verify(t.Context(), audit.VerifyParams{})
	require.NoError(t, err)
}
