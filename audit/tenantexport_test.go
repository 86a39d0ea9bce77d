package audit_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

func TestExport_HoldsAllOfOneTenant(t *testing.T) {
	w := newLog(t)
	ids := w.fill(1201, "acme", "globex")
	for i, tenant := range []troth.Tenant{"acme", "globex"} {
		p, all := w.mustProve(w.export(tenant))
		require.Len(t, all, 601-i, "of several pages")
		for n, e := range all {
			assert.Equal(t, tenant, e.Entry.Tenant)
			assert.Equal(t, uint64(n)+1, e.Number)
			assert.Equal(t, ids[2*n+i], e.Entry.ID)
			assert.Equal(t, audit.HashLeaf(e.Append(nil)), e.Hash)
		}
		assert.Equal(t, tenant, p.Tenant)
		assert.Equal(t, uint64(1202), p.Checkpoint.Size)
		assert.Equal(t, all[len(all)-1].Hash, p.Hash)
		assert.Len(t, p.Signatures, 1)
		assert.Zero(t, p.Pruned+uint64(p.Redacted)+uint64(p.Elsewhere))
	}
	p, err := audit.VerifyTenant(bytes.NewReader(w.export(troth.Platform)), w.verifiers(), nil)
	require.NoError(t, err)
	assert.Equal(t, uint64(1), p.Number)
	require.ErrorIs(t, w.trail.Export(t.Context(), io.Discard, "initech", ""), audit.ErrNoEntry)
	require.ErrorIs(t, w.trail.Export(t.Context(), io.Discard, "acme", "other.example"), audit.ErrNoLog)
	require.Error(t, w.trail.Export(t.Context(), io.Discard, "", ""))
}

// A trail that cannot sign exports up to the checkpoint that is there.
func TestExport_EndsAtTheCheckpoint(t *testing.T) {
	w := newLog(t)
	reader := w.another(audit.WithVerifiers(w.verifiers()))
	require.ErrorIs(t, reader.Export(t.Context(), io.Discard, "acme", ""), audit.ErrNoLog)
	w.fill(5, "acme")
	_, err := w.trail.Checkpoint(t.Context())
	require.NoError(t, err)
	w.fill(3, "acme", "globex")
	w.trail = reader
	p, all := w.mustProve(w.export("acme"))
	assert.Equal(t, uint64(6), p.Checkpoint.Size)
	assert.Len(t, all, 5)
	require.ErrorIs(t, reader.Export(t.Context(), io.Discard, "globex", ""), audit.ErrNoEntry, "none at the checkpoint")
}

func TestExport_OfRedactedEntries(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"))
	ids := w.fill(8, "acme")
	before := slices.Collect(hashesOf(w.mustProve(w.export("acme"))))
	w.tick()
	_, err := w.redact("acme", ids[3])
	require.NoError(t, err)
	require.ErrorIs(t, w.trail.Export(t.Context(), io.Discard, "acme", ""), troth.ErrPending)
	w.sequence()
	w.erase("acme", ids[0], ids[4], ids[7])

	p, all := w.mustProve(w.export("acme"))
	assert.Equal(t, uint64(12), p.Number)
	assert.Equal(t, 4, p.Redacted)
	assert.Zero(t, p.Elsewhere)
	for i, e := range all[:8] {
		gone := slices.Contains([]int{0, 3, 4, 7}, i)
		assert.Equal(t, gone, e.Redacted, i)
		assert.Equal(t, before[i], e.Hash, i)
		assert.Equal(t, uint64(i)+1, e.Number)
	}
	for _, e := range all[8:] {
		assert.Equal(t, "audit.redact", e.Entry.Act)
	}
}

func hashesOf(_ audit.TenantProof, all []audit.ProvenEntry) func(func([32]byte) bool) {
	return func(yield func([32]byte) bool) {
		for _, e := range all {
			if !yield(e.Hash) {
				return
			}
		}
	}
}

func TestExport_OfAPrunedLog(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"))
	ids := w.fill(10, "initech")
	ids = append(ids, w.fill(590, "acme", "globex")...)
	whole := slices.Collect(hashesOf(w.mustProve(w.export("acme"))))
	w.cut(256)
	p, all := w.mustProve(w.export("acme"))
	assert.Equal(t, uint64(122), p.Pruned)
	require.Len(t, all, 295-122)
	assert.Equal(t, uint64(123), all[0].Number)
	assert.Equal(t, whole[122:], slices.Collect(hashesOf(p, all)))

	// The first that is left is redacted, and so is the next one.
	w.erase("acme", all[0].Entry.ID, all[1].Entry.ID)
	p, all = w.mustProve(w.export("acme"))
	assert.Equal(t, uint64(122), p.Pruned)
	assert.Equal(t, 2, p.Redacted)
	assert.True(t, all[0].Redacted && all[1].Redacted)
	assert.Equal(t, whole[122:], slices.Collect(hashesOf(p, all[:295-122])))

	// Nothing is left.
	p, all = w.mustProve(w.export("initech"))
	assert.Empty(t, all)
	assert.Equal(t, uint64(10), p.Number)
	assert.Equal(t, uint64(10), p.Pruned)
	assert.NotZero(t, p.Hash)
	_, err := w.trail.Prove(t.Context(), "initech", ids[0])
	require.ErrorIs(t, err, audit.ErrNoEntry)
}

// After a log was closed, the reason of a redaction stands in the next one.
func TestExport_OfAClosedLog(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"))
	ids := w.fill(6, "acme")
	next, err := audit.GenerateSigningKey("troth.example/next")
	require.NoError(t, err)
	_, err = w.trail.Checkpoint(t.Context())
	require.NoError(t, err)
	v := verifiersOf(t, w.signer.VerifierKey(), next.VerifierKey())
	w.trail = w.another(audit.WithSigner(next), audit.WithVerifiers(v), audit.Unmanaged("test"))
	require.NoError(t, w.trail.Continue(t.Context(), nil))
	w.erase("acme", ids[2], ids[3], ids[5])

	var old bytes.Buffer
	require.NoError(t, w.trail.Export(t.Context(), &old, "acme", origin))
	p, all, err := proven(old.Bytes(), v)
	require.NoError(t, err)
	assert.Equal(t, 3, p.Redacted)
	assert.Equal(t, 3, p.Elsewhere)
	later, reasons, err := proven(w.export("acme"), v)
	require.NoError(t, err)
	assert.Equal(t, "troth.example/next", later.Checkpoint.Origin)
	require.Len(t, reasons, 3)
	for i, n := range []int{2, 3, 5} {
		assert.True(t, all[n].Redacted && all[n].Elsewhere)
		assert.Equal(t, troth.Digest(all[n].Hash), reasons[i].Entry.Facts[1].Fact)
	}
	unmarked := strings.Replace(old.String(), " elsewhere\n", "\n", 1)
	_, _, err = proven([]byte(unmarked), v)
	require.ErrorIs(t, err, audit.ErrProof)
}

// However long the export, no more than an entry of it is in memory.
func TestExport_StreamsInBoundedMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	w := newLog(t)
	w.fill(6000, "acme")
	_, err := w.trail.Checkpoint(t.Context())
	require.NoError(t, err)
	r, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- errors.Join(w.trail.Export(t.Context(), out, "acme", ""), out.Close()) }()
	var first, highest uint64
	size := 0
	_, err = audit.VerifyTenant(r, w.verifiers(), func(e audit.ProvenEntry) error {
		size += len(e.Envelope)
		if e.Number%1500 == 100 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			if first == 0 {
				first = m.HeapAlloc
			}
			highest = max(highest, m.HeapAlloc)
		}
		return nil
	})
	require.NoError(t, err)
	require.NoError(t, <-done)
	assert.Less(t, highest-first, uint64(size/3), "of %d bytes", size)
}

func TestExport_TellsOfDamage(t *testing.T) {
	for what, change := range map[string]func(row *audit.LogRow) (drop bool){
		"is missing":                    func(row *audit.LogRow) bool { return row.Number == 3 },
		"hash does not match the leaf":  func(row *audit.LogRow) bool { row.Hash[0] ^= 1; return false },
		"has no leaf":                   func(row *audit.LogRow) bool { row.Leaf = nil; return false },
		"columns do not match the leaf": func(row *audit.LogRow) bool { row.Act = "test.other"; return false },
		"does not end where its entries do": func(row *audit.LogRow) bool {
			if row.Number == 5 {
				row.Leaf, row.RedactedBy = nil, troth.EntryID{1}
				row.Hash[0] ^= 1
			}
			return false
		},
	} {
		w := newLog(t)
		w.fill(5, "acme")
		_, err := w.trail.Checkpoint(t.Context())
		require.NoError(t, err)
		trail, err := audit.New(t.Context(), pageForger{w.store, change}, w.keys, w.sealer, audit.WithVerifiers(w.verifiers()))
		require.NoError(t, err)
		err = trail.Export(t.Context(), io.Discard, "acme", "")
		damage, ok := errors.AsType[*audit.DamageError](err)
		require.True(t, ok, "%s: %v", what, err)
		require.Equal(t, what, damage.Reason)
	}
}

// pageForger is a store in which somebody changed a tenant's entries.
type pageForger struct {
	audit.Backend
	change func(row *audit.LogRow) (drop bool)
}

func (s pageForger) LogEntries(ctx context.Context, p audit.LogPage) ([]audit.LogRow, error) {
	rows, err := s.Backend.LogEntries(ctx, p)
	var changed []audit.LogRow
	for _, row := range rows {
		if !s.change(&row) {
			changed = append(changed, row)
		}
	}
	return changed, err
}
