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

// export returns all of a tenant's entries in the newest log.
func (w *world) export(tenant troth.Tenant) []byte {
	w.Helper()
	var b bytes.Buffer
	require.NoError(w, w.trail.Export(w.Context(), &b, tenant, ""))
	return b.Bytes()
}

func (w *world) verifiers() audit.Verifiers { return verifiersOf(w, w.signer.VerifierKey()) }

// proven verifies an export as a stranger does.
func proven(b []byte, v audit.Verifiers) (p audit.TenantProof, all []audit.ProvenEntry, err error) {
	p, err = audit.VerifyTenant(bytes.NewReader(b), v, func(e audit.ProvenEntry) error {
		all = append(all, e)
		return nil
	})
	return p, all, err
}

// mustProve verifies an export that holds.
func (w *world) mustProve(b []byte) (audit.TenantProof, []audit.ProvenEntry) {
	w.Helper()
	p, all, err := proven(b, w.verifiers())
	require.NoError(w, err)
	return p, all
}

// fill records n entries of the tenants in turn and sequences them.
func (w *world) fill(n int, tenants ...troth.Tenant) (ids []troth.EntryID) {
	w.Helper()
	ctx := w.as(troth.Actor{Kind: troth.Service, ID: "test"})
	for i := range n {
		w.tick()
		ids = append(ids, w.record(ctx, troth.Entry{
			Act: actTouch, Tenant: tenants[i%len(tenants)], Facts: troth.Facts{"class": troth.Word("orders")},
		}))
	}
	w.sequence()
	return ids
}

// erase redacts entries and sequences the reasons.
func (w *world) erase(tenant troth.Tenant, ids ...troth.EntryID) {
	w.Helper()
	for _, id := range ids {
		w.tick()
		_, err := w.redact(tenant, id)
		require.NoError(w, err)
	}
	w.sequence()
}

// cut destroys what stands before the index.
func (w *world) cut(before uint64) {
	w.Helper()
	_, err := w.trail.Checkpoint(w.Context())
	require.NoError(w, err)
	_, err = w.trail.Prune(w.as(kim), leave, audit.PruneTo{Log: 1, Before: before})
	require.NoError(w, err)
	w.sequence()
}

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

// mixed is a small export with everything that one can have but a log that was
// closed: pruned, redacted first, side by side, and last before the reasons.
func mixed(t *testing.T) (*world, []byte) {
	t.Helper()
	w := newLog(t, audit.Unmanaged("test"))
	w.fill(1, "acme")
	w.fill(254, "globex")
	ids := w.fill(4, "acme")
	w.cut(256)
	w.erase("acme", ids[0], ids[2], ids[3])
	export := w.export("acme")
	return w, export
}

func TestVerifyTenant_NoByteCanChange(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	w, b := mixed(t)
	p, all := w.mustProve(b)
	require.Len(t, all, 7)
	require.Equal(t, uint64(1), p.Pruned)
	require.Equal(t, 3, p.Redacted)
	v := w.verifiers()
	for i := range b {
		c := slices.Clone(b)
		c[i] ^= 1 << (i % 8)
		_, _, err := proven(c, v)
		require.True(t, isRefusal(err) || errors.Is(err, audit.ErrUnknownKey), "byte %d changed: %v", i, err)
		_, _, err = proven(slices.Delete(c, i, i+1), v)
		require.Error(t, err, "byte %d removed", i)
	}
}

// Nor can a bit, of one that is as short as can be.
func TestVerifyTenant_NoBitCanChange(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	l := newToldLog(t)
	l.add(l.entry("acme", 1))
	for i := range 255 { // a tile, which could be pruned
		l.add(l.entry("globex", byte(i)))
	}
	second := l.add(l.entry("acme", 2))
	third := l.add(l.entry("acme", 3))
	last := l.add(l.reason("acme", 4, second))
	v := verifiersOf(t, l.key.VerifierKey())
	refusesNeighbours(t, l.export("acme", "pruned 1 -\n", l.redacted(second), l.leaf(third), l.leaf(last), l.at(last)), func(b []byte) error {
		_, _, err := proven(b, v)
		return err
	})
}

// No line can be removed, doubled or put elsewhere, and the export cannot end
// early or go on.
func TestVerifyTenant_NoLineCanMove(t *testing.T) {
	w, b := mixed(t)
	v := w.verifiers()
	lines := strings.SplitAfter(strings.TrimSuffix(string(b), "\n"), "\n")
	lines[len(lines)-1] += "\n"
	refused := func(what string, lines []string) {
		t.Helper()
		changed := strings.Join(lines, "")
		if changed == string(b) {
			return // two lines are equal
		}
		_, _, err := proven([]byte(changed), v)
		require.Error(t, err, what)
	}
	foreign := strings.SplitAfter(string(w.export("globex")), "\n")
	for i := range lines {
		refused("cut off", lines[:i])
		refused("cut off in the line", append(slices.Clone(lines[:i]), lines[i][:len(lines[i])/2]))
		refused("removed", slices.Delete(slices.Clone(lines), i, i+1))
		refused("doubled", slices.Insert(slices.Clone(lines), i, lines[i]))
		for j := range i {
			swapped := slices.Clone(lines)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			refused("swapped", swapped)
			refused("moved", slices.Insert(slices.Delete(slices.Clone(lines), i, i+1), j, lines[i]))
		}
	}
	for _, line := range foreign[len(foreign)-4 : len(foreign)-1] {
		for i := range len(lines) + 1 {
			refused("somebody else's line put in", slices.Insert(slices.Clone(lines), i, line))
		}
	}
	refused("goes on", append(slices.Clone(lines), lines...))
}

// An entry whose successor was redacted is named by no other: it must be shown
// to stand in the tree, or anybody could put another in its place.
func TestVerifyTenant_RefusesAnotherEntryBeforeARedactedOne(t *testing.T) {
	w := newLog(t, audit.Unmanaged("test"))
	ids := w.fill(3, "acme")
	w.erase("acme", ids[1])
	b := w.export("acme")
	_, all := w.mustProve(b)
	forged := all[0].Leaf
	env := all[0].Entry
	env.Act = "test.forged"
	forged.Envelope = env.Append(nil)
	changed := bytes.Replace(b, []byte(base64Of(all[0].Append(nil))), []byte(base64Of(forged.Append(nil))), 1)
	require.NotEqual(t, b, changed)
	_, _, err := proven(changed, w.verifiers())
	require.ErrorIs(t, err, audit.ErrProof)
}

func TestVerifyTenant_NeedsTheKeyOfTheLog(t *testing.T) {
	_, b := mixed(t)
	_, _, err := proven(b, audit.Verifiers{})
	require.ErrorIs(t, err, audit.ErrUnknownKey)
	other := fixedKey(t, origin, 3)
	_, _, err = proven(b, verifiersOf(t, other.VerifierKey()))
	require.ErrorIs(t, err, audit.ErrUnknownKey)
}

func TestVerifyTenant_EndsWithTheErrorOfVisitAndOfTheReader(t *testing.T) {
	w, b := mixed(t)
	stop := errors.New("stop")
	seen := 0
	_, err := audit.VerifyTenant(bytes.NewReader(b), w.verifiers(), func(audit.ProvenEntry) error {
		seen++
		return stop
	})
	require.ErrorIs(t, err, stop)
	assert.Equal(t, 1, seen)
	for _, n := range []int{0, 10, 400, len(b) - 1, len(b)} {
		broken := io.MultiReader(bytes.NewReader(b[:n]), errReader{stop})
		_, err = audit.VerifyTenant(broken, w.verifiers(), nil)
		require.ErrorIs(t, err, stop, n)
		require.NotErrorIs(t, err, audit.ErrNotProof, n)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// endless repeats a text for ever and counts what was taken of it.
type endless struct {
	text string
	at   int
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = e.text[e.at%len(e.text)]
		e.at++
	}
	e.read += len(p)
	return len(p), nil
}

func TestVerifyTenant_EndsWhateverGoesOn(t *testing.T) {
	w, b := mixed(t)
	v := w.verifiers()
	lines := strings.SplitAfter(string(b), "\n")
	begin := []int{0}
	for _, line := range lines {
		begin = append(begin, begin[len(begin)-1]+len(line))
	}
	hash := base64Of(make([]byte, 32))
	for _, more := range []string{
		"x", "\n", "leaf " + strings.Repeat("A", 1000), hash + "\n", "redacted " + hash + "\n", "redacted " + hash + " elsewhere\n",
		"at 1 0\n", "pruned 1 -\n", lines[len(lines)-2], "— a b\n", "salt " + hash + "\n",
	} {
		for _, n := range begin {
			e := &endless{text: more}
			_, err := audit.VerifyTenant(io.MultiReader(bytes.NewReader(b[:n]), e), v, nil)
			require.True(t, isRefusal(err), "%q after %d bytes: %v", more, n, err)
			require.Less(t, e.read, 200_000, "%q after %d bytes", more, n)
		}
	}
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
