package audit_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/trothdev/troth/audit"
)

func TestAddCosignature(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	one, two := newFixedWitness("witness.example/w", 9), newFixedWitness("witness.example/w", 10)
	v := withWitness(t, withWitness(t, verifiersOf(t, key.VerifierKey()), one.vkey()), two.vkey())
	b := signed(t, fixedCheckpoint(7), key)
	body := bodyOf(b)
	add := func(to, line []byte) []byte {
		t.Helper()
		out, err := audit.AddCosignature(to, line, v)
		require.NoError(t, err)
		return out
	}

	first := add(b, one.cosign(body, 100))
	assert.Equal(t, string(b)+string(one.cosign(body, 100)), string(first))
	assert.Equal(t, string(first), string(add(first, one.cosign(body, 100))), "again")
	assert.Equal(t, string(first), string(add(first, one.cosign(body, 99))), "an older one")

	// Another key of the same name stands beside it, a newer line in its place.
	both := add(first, two.cosign(body, 50))
	assert.Equal(t, string(first)+string(two.cosign(body, 50)), string(both))
	newer := add(both, one.cosign(body, 101))
	assert.Equal(t, string(b)+string(one.cosign(body, 101))+string(two.cosign(body, 50)), string(newer))

	cp, sigs, err := audit.OpenCheckpoint(newer, v)
	require.NoError(t, err)
	assert.Equal(t, fixedCheckpoint(7), cp)
	assert.Equal(t, []audit.Signature{
		{Name: testOrigin, KeyID: key.KeyHash()},
		{Name: one.name, KeyID: keyID(one.name, 4, one.public()), Witness: true, At: time.Unix(101, 0).UTC()},
		{Name: two.name, KeyID: keyID(two.name, 4, two.public()), Witness: true, At: time.Unix(50, 0).UTC()},
	}, sigs)
}

func TestAddCosignature_Refuses(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	w, stranger := newFixedWitness("witness.example/w", 9), newFixedWitness("stranger.example", 11)
	v := withWitness(t, verifiersOf(t, key.VerifierKey()), w.vkey())
	b := signed(t, fixedCheckpoint(7), key)
	line := w.cosign(bodyOf(b), 100)
	own := []byte(strings.SplitAfter(string(b), "\n\n")[1])

	for what, c := range map[string]struct {
		note, line []byte
		err        error
	}{
		"nothing":                  {b, nil, audit.ErrNote},
		"two lines":                {b, append(line, line...), audit.ErrNote},
		"no newline":               {b, line[:len(line)-1], audit.ErrNote},
		"not a line":               {b, []byte("x\n"), audit.ErrNote},
		"too long":                 {b, []byte("— " + w.name + " " + strings.Repeat("A", 1<<17) + "\n"), audit.ErrNote},
		"a stranger":               {b, stranger.cosign(bodyOf(b), 100), audit.ErrUnknownKey},
		"the log itself":           {b, own, audit.ErrUnknownKey},
		"of another checkpoint":    {signed(t, fixedCheckpoint(8), key), line, audit.ErrSignature},
		"after the year 9999":      {b, w.cosign(bodyOf(b), 253402300800), audit.ErrSignature},
		"beyond time":              {b, w.cosign(bodyOf(b), math.MaxUint64), audit.ErrSignature},
		"not a checkpoint":         {[]byte("x"), line, audit.ErrNote},
		"an unsigned checkpoint":   {[]byte(bodyOf(b) + "\n" + string(line)), line, audit.ErrSignature},
		"a checkpoint of unknowns": {append(slices.Clip(b), stranger.cosign(bodyOf(b), 1)...), line, audit.ErrUnknownKey},
	} {
		_, err := audit.AddCosignature(c.note, c.line, v)
		require.ErrorIs(t, err, c.err, what)
	}
	refusesNeighbours(t, line, func(line []byte) error {
		_, err := audit.AddCosignature(b, line, v)
		return err
	})
}

// A checkpoint takes 100 signatures and no more: what is returned can be read,
// here and by x/mod.
func TestAddCosignature_UpToTheBound(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	key := fixedKey(t, testOrigin, 1)
	v := verifiersOf(t, key.VerifierKey())
	b := signed(t, fixedCheckpoint(7), key)
	var witnesses []fixedWitness
	for i := range 100 {
		w := newFixedWitness(fmt.Sprintf("witness.example/%d", i), byte(i))
		witnesses, v = append(witnesses, w), withWitness(t, v, w.vkey())
	}
	for i, w := range witnesses {
		next, err := audit.AddCosignature(b, w.cosign(bodyOf(b), 100), v)
		if i == 99 {
			require.ErrorIs(t, err, audit.ErrNote)
			break
		}
		require.NoError(t, err, i)
		b = next
	}
	_, sigs, err := audit.OpenCheckpoint(b, v)
	require.NoError(t, err)
	assert.Len(t, sigs, 100)
	verifier, err := note.NewVerifier(key.VerifierKey())
	require.NoError(t, err)
	_, err = note.Open(b, note.VerifierList(verifier))
	require.NoError(t, err)
}

func TestOpenCheckpoint_RefusesCosignaturesThatAreCutOff(t *testing.T) {
	key, w := fixedKey(t, testOrigin, 1), newFixedWitness("witness.example/w", 9)
	v := withWitness(t, verifiersOf(t, key.VerifierKey()), w.vkey())
	b := signed(t, fixedCheckpoint(7), key)
	id := binary.BigEndian.AppendUint32(nil, keyID(w.name, 4, w.public()))
	for _, n := range []int{1, 7, 8, 71} {
		line := "— " + w.name + " " + base64.StdEncoding.EncodeToString(append(id, make([]byte, n)...)) + "\n"
		_, _, err := audit.OpenCheckpoint([]byte(string(b)+line), v)
		require.ErrorIs(t, err, audit.ErrSignature, n)
	}
}
