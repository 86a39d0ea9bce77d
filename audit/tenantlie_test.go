package audit_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// toldExport is one with two redacted entries side by side, made from the
// definition of the format.
func toldExport(t testing.TB) (*toldLog, []string, []byte) {
	t.Helper()
	l := newToldLog(t)
	l.add(l.entry("globex", 1))
	first := l.add(l.entry("acme", 2))
	second := l.add(l.entry("acme", 3))
	l.add(l.entry("globex", 4))
	third := l.add(l.entry("acme", 5))
	fourth := l.add(l.entry("acme", 6))
	why := l.add(l.reason("acme", 7, second))
	whyToo := l.add(l.reason("acme", 8, third))
	l.add(l.entry("globex", 9))
	lines := []string{
		l.leaf(first), l.at(first), l.redacted(second), l.at(second), l.redacted(third), l.leaf(fourth),
		l.leaf(why), l.leaf(whyToo), l.at(whyToo),
	}
	export := l.export("acme", lines...)
	return l, lines, export
}

func TestVerifyTenant_ReadsTheFormatAsItIsWrittenDown(t *testing.T) {
	l, lines, b := toldExport(t)
	golden(t, "tenant.txt", b)
	p, all, err := proven(b, fixedRing(t))
	require.NoError(t, err)
	assert.Equal(t, l.checkpoint(), p.Checkpoint)
	assert.Equal(t, uint64(6), p.Number)
	assert.Equal(t, l.ends["acme"].hash, p.Hash)
	assert.Equal(t, 2, p.Redacted)
	assert.Len(t, all, 6)

	hash := strings.TrimSuffix(strings.TrimPrefix(lines[2], "redacted "), "\n")
	at := func(i int, line string) []string {
		c := slices.Clone(lines)
		c[i] = line
		return c
	}
	for what, c := range map[string][]string{
		"nothing":                          {},
		"no place before a redacted entry": at(1, ""),
		"no place of a redacted entry":     at(3, ""),
		"no place of the last entry":       at(8, ""),
		"a place that is not needed":       at(5, lines[5]+l.at(all[4].Leaf)),
		"a place twice":                    at(1, lines[1]+lines[1]),
		"the place of another":             at(1, lines[3]),
		"a mark on what has a reason":      at(2, "redacted "+hash+" elsewhere\n"),
		"another mark":                     at(2, "redacted "+hash+" x\n"),
		"an empty mark":                    at(2, "redacted "+hash+" \n"),
		"nothing pruned":                   at(0, "pruned 0 -\n"+lines[0]),
		"pruned, and there":                at(0, "pruned 1 "+hash+"\n"+lines[0]),
		"pruned by its hash":               append([]string{"pruned 1 " + base64Of(all[0].Hash[:]) + "\n"}, lines[2:]...),
		"pruned too far":                   {"pruned 7 " + base64Of(p.Hash[:]) + "\n"},
		"pruned to an unknown end":         {"pruned 6 -\n"},
		"pruned in the middle":             at(0, lines[0]+"pruned 1 -\n"),
		"an empty line at the end":         append(slices.Clone(lines), "\n"),
		"another word":                     at(0, "entry"+lines[0][4:]),
	} {
		_, _, err := proven(l.export("acme", c...), fixedRing(t))
		require.True(t, isRefusal(err), "%s: %v", what, err)
	}
	for _, cut := range [][]string{
		append([]string{"pruned 1 -\n"}, lines[2:]...), {"pruned 6 " + base64Of(p.Hash[:]) + "\n"},
	} {
		_, _, err = proven(l.export("acme", cut...), fixedRing(t))
		require.ErrorIs(t, err, audit.ErrProof, "a log of this size was never pruned")
	}
}

// Whole tiles are pruned: who leaves entries out cannot say that they were if they, or
// others before the first that is there, stand in one that has more of them.
func TestVerifyTenant_PrunedAreWholeTiles(t *testing.T) {
	for _, c := range []struct {
		name string
		// first is where the tenant's entries begin, side by side; the log has size
		// entries, and the export says that so many of them were pruned.
		first, number, size, pruned int
		holds                       bool
	}{
		{"up to the end of a tile", 250, 20, 300, 6, true},
		{"beyond the end of a tile", 250, 20, 300, 7, true}, // nobody can tell
		{"of the first tile of a log", 100, 20, 300, 5, false},
		{"all, in a tile that is not full", 100, 20, 255, 20, false},
		{"all, in a full tile", 100, 20, 256, 20, true},
		{"more than fit into the tiles before", 2, 260, 270, 257, false},
		{"as many as fit into the tiles before", 2, 260, 270, 254, true},
	} {
		l := newToldLog(t)
		var mine []audit.Leaf
		for i := range c.size {
			tenant := troth.Tenant("globex")
			if i >= c.first && i < c.first+c.number {
				tenant = "acme"
			}
			if leaf := l.add(l.entry(tenant, byte(i))); tenant == "acme" {
				mine = append(mine, leaf)
			}
		}
		hash := audit.HashLeaf(mine[c.pruned-1].Append(nil))
		lines := []string{fmt.Sprintf("pruned %d %s\n", c.pruned, base64Of(hash[:]))}
		for _, leaf := range mine[c.pruned:] {
			lines = append(lines, l.leaf(leaf))
		}
		if c.pruned < len(mine) {
			lines = append(lines, l.at(mine[len(mine)-1]))
		}
		p, all, err := proven(l.export("acme", lines...), verifiersOf(t, l.key.VerifierKey()))
		if !c.holds {
			require.ErrorIs(t, err, audit.ErrProof, c.name)
			continue
		}
		require.NoError(t, err, c.name)
		require.Equal(t, uint64(c.pruned), p.Pruned)
		require.Len(t, all, c.number-c.pruned)
	}
}

// A redaction that was refused is no reason for what is gone.
func TestVerifyTenant_AReasonTellsOfWhatWasDone(t *testing.T) {
	for outcome, want := range map[troth.ActOutcome]error{troth.Done: nil, troth.Refused: audit.ErrProof, troth.Unknown: audit.ErrProof} {
		l := newToldLog(t)
		gone := l.add(l.entry("acme", 1))
		why := l.reason("acme", 2, gone)
		why.Outcome = outcome
		reason := l.add(why)
		_, _, err := proven(l.export("acme", l.redacted(gone), l.leaf(reason), l.at(reason)), fixedRing(t))
		require.ErrorIs(t, err, want, outcome)
	}
}

func isRefusal(err error) bool {
	return errors.Is(err, audit.ErrProof) || errors.Is(err, audit.ErrNotProof) || errors.Is(err, audit.ErrNote)
}

// Somebody who has the key can leave out an entry, in a log of its own: every
// export of that is bound to checkpoints that no other checkpoint of the honest
// log goes with, and no line of the one fits the other.
func TestVerifyTenant_AnEntryThatIsLeftOutMakesAnotherLog(t *testing.T) {
	honest, dishonest := newToldLog(t), newToldLog(t)
	var all, left []string
	var last, lastLeft audit.Leaf
	for i := range byte(6) {
		last = honest.add(honest.entry("acme", i))
		all = append(all, honest.leaf(last))
		if i == 3 {
			honest.add(honest.entry("globex", 99)) // the same sizes
			dishonest.add(dishonest.entry("globex", 98))
			dishonest.add(dishonest.entry("globex", 99))
			continue
		}
		lastLeft = dishonest.add(dishonest.entry("acme", i))
		left = append(left, dishonest.leaf(lastLeft))
	}
	all, left = append(all, honest.at(last)), append(left, dishonest.at(lastLeft))
	v := fixedRing(t)
	_, _, err := proven(honest.export("acme", all...), v)
	require.NoError(t, err)
	p, _, err := proven(dishonest.export("acme", left...), v)
	require.NoError(t, err, "it was signed")
	require.Equal(t, uint64(5), p.Number)

	// Under the honest checkpoint the short export does not hold, with either
	// number.
	_, _, err = proven(honest.export("acme", left...), v)
	require.ErrorIs(t, err, audit.ErrProof)
	spliced := *honest
	spliced.ends = dishonest.ends
	b := strings.Split(string(spliced.export("acme", left...)), "\n")
	require.True(t, strings.HasPrefix(b[3], "head 5 "))
	signed := strings.Split(string(honest.export("acme", left...)), "\n")
	signed[3] = b[3]
	_, _, err = proven([]byte(strings.Join(signed, "\n")), v)
	require.ErrorIs(t, err, audit.ErrProof)

	// And the checkpoints show that there are two logs, at every size.
	cp := honest.checkpoint()
	require.Equal(t, cp.Size, dishonest.checkpoint().Size)
	for range 3 {
		for old := range cp.Size + 1 {
			c := audit.Consistency{
				OldSize: cp.Size, Hashes: growth(int(old), dishonest.plog.leaves), Checkpoint: signedBy(dishonest),
			}
			_, err = audit.VerifyConsistency(c.Marshal(), cp, v)
			require.ErrorIs(t, err, audit.ErrProof)
		}
		dishonest.add(dishonest.entry("globex", 100))
	}
}

func signedBy(l *toldLog) []byte { return signed(l.TB, l.checkpoint(), l.key) }

// Somebody who has the key can put an entry into the tree that the tenant's chain
// passes by. The proof of that entry and the export then say two things of one
// number, both signed, under one checkpoint: who has both has evidence.
func TestVerifyTenant_TwoChainsInOneLogContradictEachOther(t *testing.T) {
	l := newToldLog(t)
	first := l.add(l.entry("acme", 1))
	end := l.ends["acme"]
	hidden := l.add(l.entry("acme", 2))
	l.ends["acme"] = end
	second := l.add(l.entry("acme", 3))
	v := fixedRing(t)
	_, all, err := proven(l.export("acme", l.leaf(first), l.leaf(second), l.at(second)), v)
	require.NoError(t, err)
	given := audit.Proof{
		Index: hidden.Index, Hashes: inclusion(int(hidden.Index), l.plog.leaves), Leaf: hidden.Append(nil), Checkpoint: signedBy(l),
	}
	got, err := audit.VerifyProof(given.Marshal(), v)
	require.NoError(t, err)
	assert.Equal(t, troth.Tenant("acme"), got.Entry.Tenant)
	assert.Equal(t, all[1].Number, got.Leaf.Number)
	assert.NotEqual(t, all[1].Hash, got.Hash, "the contradiction")
	assert.Equal(t, l.checkpoint(), got.Checkpoint)

	// Both at once fit no export.
	for _, lines := range [][]string{
		{l.leaf(first), l.leaf(hidden), l.leaf(second), l.at(second)},
		{l.leaf(first), l.leaf(hidden), l.at(hidden)},
		{l.leaf(first), l.at(first), l.redacted(hidden), l.leaf(second), l.at(second)},
	} {
		_, _, err = proven(l.export("acme", lines...), v)
		require.ErrorIs(t, err, audit.ErrProof)
	}
}

func FuzzVerifyTenant(f *testing.F) {
	_, _, b := toldExport(f)
	v := fixedRing(f)
	f.Add(b)
	lines := bytes.SplitAfter(b, []byte("\n"))
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		f.Add(bytes.Join(lines, nil))
	}
	for n := range 40 {
		f.Add(b[:len(b)*n/40])
		f.Add(fmt.Appendf(bytes.Clone(b[:len(b)*n/40]), "pruned %d -\n", n))
	}
	f.Fuzz(func(t *testing.T, c []byte) {
		_, _, err := proven(c, v)
		if err == nil && !bytes.Equal(b, c) {
			t.Fatalf("accepted %q", c)
		}
	})
}
