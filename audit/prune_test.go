package audit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/storage/faultstore"
)

const logName = "log.example.org/1"

// grow puts n entries of each of two tenants into log 1, half of them with
// parts, and gives it a head and a signed checkpoint.
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
	w.toLog()
	w.sign(audit.Checkpoint{Origin: logName, Size: w.size, Root: [32]byte{1}, SignedAt: w.at})
	created, err := w.store.CreateHead(w.Context(), audit.Head{Log: 1, Origin: logName, Size: w.size, Root: [32]byte{1}})
	require.NoError(w, err)
	require.True(w, created)
	return ids
}

func (w *world) sign(cp audit.Checkpoint) {
	w.Helper()
	key, err := audit.GenerateSigningKey(cp.Origin)
	require.NoError(w, err)
	note, err := audit.SignCheckpoint(cp, key)
	require.NoError(w, err)
	row := audit.CheckpointRow{Log: 1, Size: cp.Size, SignedAt: cp.SignedAt.UnixMicro(), Note: note}
	require.NoError(w, w.store.PutCheckpoint(w.Context(), row))
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
	w := newWorld(t, audit.Unmanaged("test"))
	ids := w.grow(300)
	require.Equal(t, uint64(600+1), w.size, "with the entry that the trail was made")
	w.sign(audit.Checkpoint{Origin: logName, Size: 400, Root: [32]byte{4}, SignedAt: w.at})
	w.sign(audit.Checkpoint{Origin: logName, Size: 250, Root: [32]byte{2}, SignedAt: w.at})

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
	w.toLog()
	told := w.envelope(troth.Platform, by)
	require.Equal(t, []audit.NamedFact{
		{Name: "log", Fact: troth.Count(1)}, {Name: "before", Fact: troth.Count(256)},
		{Name: "size", Fact: troth.Count(400)}, {Name: "root", Fact: troth.Digest([32]byte{4})},
	}, told.Facts[:4], "the first checkpoint that covers them")
	_, err := w.trail.Parts(t.Context(), "acme", ids[0])
	require.ErrorIs(t, err, audit.ErrNoEntry)
	parts, err := w.store.Parts(t.Context(), "acme", ids[0])
	require.NoError(t, err)
	require.Empty(t, parts)
	require.Equal(t, "present, present, present", w.states("acme", ids[298]))

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

func TestPrune_RefusesWhatNoCheckpointCovers(t *testing.T) {
	w := newWorld(t, audit.Unmanaged("test"))
	w.grow(150)
	p, err := w.prune(audit.PruneTo{Log: 1, Before: 255})
	require.NoError(t, err)
	require.Equal(t, audit.Pruned{Log: 1}, p, "less than a tile is not pruned")
	_, err = w.prune(audit.PruneTo{Log: 1, Before: 512})
	require.ErrorIs(t, err, audit.ErrNoCheckpoint)
	_, err = w.prune(audit.PruneTo{Log: 2, Before: 256})
	require.ErrorIs(t, err, audit.ErrNoLog)

	require.NoError(t, w.store.DropCheckpoints(t.Context(), 1, []uint64{w.size}))
	_, err = w.prune(audit.PruneTo{Log: 1, Before: 256})
	require.ErrorIs(t, err, audit.ErrNoCheckpoint)
	for name, cp := range map[string]audit.Checkpoint{
		"another log's":  {Origin: "log.example.org/2", Size: w.size, Root: [32]byte{1}, SignedAt: w.at},
		"another root":   {Origin: logName, Size: w.size, Root: [32]byte{2}, SignedAt: w.at},
		"another size's": {Origin: logName, Size: 280, Root: [32]byte{1}, SignedAt: w.at},
	} {
		w.at = w.at.Add(1000)
		key, err := audit.GenerateSigningKey(cp.Origin)
		require.NoError(t, err)
		note, err := audit.SignCheckpoint(cp, key)
		require.NoError(t, err)
		w.tick()
		require.NoError(t, w.store.PutCheckpoint(t.Context(), audit.CheckpointRow{Log: 1, Size: w.size, SignedAt: w.at.UnixMicro(), Note: note}))
		_, err = w.prune(audit.PruneTo{Log: 1, Before: 256})
		require.ErrorIs(t, err, audit.ErrNote, name)
	}
	w.tick()
	require.NoError(t, w.store.PutCheckpoint(t.Context(), audit.CheckpointRow{Log: 1, Size: w.size, SignedAt: w.at.UnixMicro(), Note: []byte("noise")}))
	_, err = w.prune(audit.PruneTo{Log: 1, Before: 256})
	require.ErrorIs(t, err, audit.ErrNote)
	require.NoError(t, w.store.PutCheckpoint(t.Context(), audit.CheckpointRow{Log: 1, Size: 1024, SignedAt: 1, Note: []byte("noise")}))
	_, err = w.prune(audit.PruneTo{Log: 1, Before: 512})
	require.ErrorIs(t, err, audit.ErrNoCheckpoint, "the log does not reach so far")
	require.Zero(t, w.first())
	require.Empty(t, w.waitingOf(troth.Platform))
}

func TestPrune_NeedsAPermit(t *testing.T) {
	grown := false
	deedRefused(t, audit.LogRef(1), []troth.PermitRef{
		{}, {Tenant: string(troth.Platform)}, audit.LogRef(2), audit.PartsRef(troth.Platform),
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
	w := newWorld(t)
	w.grow(150)
	trail, err := audit.New(t.Context(), overtaken{w.store, troth.NewEntryID(w.at)}, w.keys, w.sealer, audit.Unmanaged("test"))
	require.NoError(t, err)
	_, err = trail.Prune(w.as(kim), leave, audit.PruneTo{Log: 1, Before: 256})
	require.ErrorIs(t, err, troth.ErrBusy)
	require.True(t, troth.Retryable(err))
	require.NotContains(t, w.waitingOf(troth.Platform), "audit.prune")
}

func TestPrune_IsRecordedOrUndone(t *testing.T) {
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
