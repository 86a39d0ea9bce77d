package audit_test

import (
	"bytes"
	"errors"
	"io"
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
