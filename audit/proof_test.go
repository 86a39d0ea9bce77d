package audit_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

func TestVerifyProof_EveryEntryOfEverySize(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	v := verifiersOf(t, key.VerifierKey())
	log := newPlainLog(t, 17)
	for size := 1; size <= len(log.leaves); size++ {
		for index := range size {
			p := log.proof(t, index, size, key)
			got, err := audit.VerifyProof(p.Marshal(), v)
			require.NoError(t, err, "%d of %d", index, size)
			assert.Equal(t, log.leaves[index], got.Bytes)
			assert.Equal(t, audit.HashLeaf(log.leaves[index]), got.Hash)
			assert.Equal(t, uint64(index), got.Leaf.Index)
			assert.Equal(t, small(t), got.Entry)
			assert.Equal(t, log.checkpoint(size), got.Checkpoint)
			assert.Equal(t, []audit.Signature{{Name: testOrigin, KeyID: key.KeyHash()}}, got.Signatures)

			parsed, err := audit.ParseProof(p.Marshal())
			require.NoError(t, err)
			assert.Equal(t, p, parsed)
		}
	}
}

func TestVerifyProof_NoByteCanChange(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	t.Parallel()
	v := fixedRing(t)
	p := newPlainLog(t, 11).proof(t, 5, 11, fixedKey(t, testOrigin, 1))
	var err error
	p.Checkpoint, err = audit.AddCosignature(p.Checkpoint,
		newFixedWitness("witness.example/w", 9).cosign(bodyOf(p.Checkpoint), 1_795_000_000), v)
	require.NoError(t, err)
	golden(t, "inclusion.tlog-proof", p.Marshal())
	refusesNeighbours(t, p.Marshal(), func(b []byte) error {
		_, err := audit.VerifyProof(b, v)
		return err
	})
}

func TestVerifyProof_DoesNotHold(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	v := verifiersOf(t, key.VerifierKey())
	log := newPlainLog(t, 11)
	good := log.proof(t, 5, 11, key)
	for what, change := range map[string]func(p *audit.Proof){
		"another index":      func(p *audit.Proof) { p.Index = 4 },
		"beyond the log":     func(p *audit.Proof) { p.Index = 11 },
		"another leaf":       func(p *audit.Proof) { p.Leaf = log.leaves[4] },
		"one hash less":      func(p *audit.Proof) { p.Hashes = p.Hashes[1:] },
		"one hash more":      func(p *audit.Proof) { p.Hashes = append(slices.Clone(p.Hashes), [32]byte{}) },
		"hashes swapped":     func(p *audit.Proof) { p.Hashes = slices.Clone(p.Hashes); slices.Reverse(p.Hashes) },
		"another checkpoint": func(p *audit.Proof) { p.Checkpoint = signed(t, log.checkpoint(10), key) },
	} {
		p := good
		change(&p)
		_, err := audit.VerifyProof(p.Marshal(), v)
		require.ErrorIs(t, err, audit.ErrProof, what)
		require.NotErrorIs(t, err, audit.ErrNotProof, what)
	}

	// A leaf in another place than it names, which only a faulty log signs.
	log.leaves[5], log.leaves[6] = log.leaves[6], log.leaves[5]
	p := log.proof(t, 5, 11, key)
	_, err := audit.VerifyProof(p.Marshal(), v)
	require.ErrorIs(t, err, audit.ErrProof)

	_, err = audit.VerifyProof(good.Marshal(), verifiersOf(t, specKey))
	require.ErrorIs(t, err, audit.ErrUnknownKey)
	require.NotErrorIs(t, err, audit.ErrProof)
}

// What other packages compare with receipts and certificates is the entry as it is, and is
// nothing where the proof does not hold.
func TestVerifiers_ProvenIsWhatTheEntrySays(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	v := verifiersOf(t, key.VerifierKey())
	log := newPlainLog(t, 11)
	leaf, _, err := audit.ParseLeaf(log.leaves[5])
	require.NoError(t, err)
	e := full(t)
	leaf.Envelope = e.Append(nil)
	log.leaves[5] = leaf.Append(nil)
	good := log.proof(t, 5, 11, key)
	got, err := v.Proven(good.Marshal())
	require.NoError(t, err)
	facts := troth.Facts{}
	for _, f := range e.Facts {
		facts[f.Name] = f.Fact
	}
	require.NotEmpty(t, e.Purpose)
	require.NotEmpty(t, facts)
	require.Equal(t, troth.Proven{
		Act: e.Act, ActVersion: e.ActVersion, Outcome: e.Outcome, Tenant: e.Tenant, Purpose: e.Purpose, Facts: facts,
	}, got)

	good.Index = 4
	got, err = v.Proven(good.Marshal())
	require.ErrorIs(t, err, audit.ErrProof)
	require.Zero(t, got)
	_, err = v.Proven([]byte("no proof"))
	require.ErrorIs(t, err, audit.ErrNotProof)
}

func TestParseProof_Refuses(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	good := newPlainLog(t, 11).proof(t, 5, 11, key)
	text := string(good.Marshal())
	_, err := audit.ParseProof([]byte(text))
	require.NoError(t, err)
	lines := strings.SplitAfter(text, "\n")
	without := func(i int) string { return strings.Join(slices.Delete(slices.Clone(lines), i, i+1), "") }
	many := good
	many.Hashes = make([][32]byte, 64)
	notLeaf := good
	notLeaf.Leaf = []byte("leaf")
	noLeaf := good
	noLeaf.Leaf = nil
	noNote := good
	noNote.Checkpoint = []byte("checkpoint\n")

	for what, text := range map[string]string{
		"nothing":                 "",
		"another version":         strings.Replace(text, "@v1", "@v2", 1),
		"no header":               without(0),
		"no leaf":                 without(1),
		"no index":                without(2),
		"no empty line":           without(7),
		"leaf and index swapped":  swapLines(text, 1, 2),
		"leading zero":            strings.Replace(text, "index 5", "index 05", 1),
		"negative":                strings.Replace(text, "index 5", "index -5", 1),
		"index too high":          strings.Replace(text, "index 5", "index 4611686018427387904", 1),
		"too many hashes":         string(many.Marshal()),
		"not a leaf":              string(notLeaf.Marshal()),
		"an empty leaf":           string(noLeaf.Marshal()),
		"not a checkpoint":        string(noNote.Marshal()),
		"carriage returns":        strings.ReplaceAll(text, "\n", "\r\n"),
		"something behind":        text + "more\n",
		"two empty lines":         strings.Replace(text, "\n\n", "\n\n\n", 1),
		"checkpoint of two lines": strings.Replace(text, "troth.signed/1", "troth.signed/2", 1),
		"too long":                text + strings.Repeat("x", 1<<20),
	} {
		_, err := audit.ParseProof([]byte(text))
		require.ErrorIs(t, err, audit.ErrNotProof, what)
	}

	most := good
	most.Hashes = make([][32]byte, 63)
	_, err = audit.ParseProof(most.Marshal())
	require.NoError(t, err)
}

func FuzzParseProof(f *testing.F) {
	key := fixedKey(f, testOrigin, 1)
	log := newPlainLog(f, 11)
	f.Add(log.proof(f, 5, 11, key).Marshal())
	f.Add(log.proof(f, 0, 1, key).Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := audit.ParseProof(b)
		if err == nil && !bytes.Equal(p.Marshal(), b) {
			t.Fatalf("%q was read as %q", b, p.Marshal())
		}
	})
}
