package audit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/trothdev/troth/audit"
)

// specKey is the verifier key of the example in the signed-note format.
const specKey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"

func fixedRing(t testing.TB) audit.Verifiers {
	t.Helper()
	v, err := audit.Verifiers{}.WithSizes(fixedKey(t, testOrigin, 1).VerifierKey(), 0, 101)
	require.NoError(t, err)
	v, err = v.WithSizes(fixedKey(t, testOrigin, 2).VerifierKey(), 100, 0)
	require.NoError(t, err)
	v, err = v.With(fixedKey(t, testOrigin+"-2", 3).VerifierKey())
	require.NoError(t, err)
	return withWitness(t, v, newFixedWitness("witness.example/w", 9).vkey())
}

func TestVerifiers_Text(t *testing.T) {
	v := fixedRing(t)
	golden(t, "verifiers.pub", []byte(v.String()))
	again, err := audit.ParseVerifiers(v.String())
	require.NoError(t, err)
	assert.Equal(t, v, again)

	spec, err := audit.ParseVerifiers(specKey + "\n")
	require.NoError(t, err)
	assert.Equal(t, specKey+"\n", spec.String())
}

func TestParseVerifiers_AcceptsOneText(t *testing.T) {
	text := fixedRing(t).String()
	_, err := audit.ParseVerifiers(text)
	require.NoError(t, err)
	for what, b := range neighbours([]byte(text)) {
		v, err := audit.ParseVerifiers(string(b))
		if err == nil { // another size is as good a ring
			require.Equal(t, string(b), v.String(), what)
		} else {
			require.ErrorIs(t, err, audit.ErrKey, what)
		}
	}
}

// TestParseVerifiers_SaysWhatToPutRight: who pasted a key from a letter most
// often lost the newline.
func TestParseVerifiers_SaysWhatToPutRight(t *testing.T) {
	one := fixedKey(t, testOrigin, 1).VerifierKey()
	for text, reason := range map[string]string{
		"":                        "is empty",
		one:                       "no newline ends the last line",
		one + "\n# mine\n":        "line 2",
		"\n":                      "line 1",
		one + " 1 -\n":            "not written as Verifiers.String does",
		one + "\n" + one + " 1 9": "given twice, line 2",
	} {
		_, err := audit.ParseVerifiers(text)
		require.ErrorIs(t, err, audit.ErrKey)
		require.ErrorContains(t, err, reason)
	}
}

func TestParseVerifiers_Refuses(t *testing.T) {
	one, two := fixedKey(t, testOrigin, 1).VerifierKey(), fixedKey(t, testOrigin, 2).VerifierKey()
	witness := newFixedWitness("witness.example/w", 9).vkey()
	for what, text := range map[string]string{
		"nothing":                     "",
		"no newline":                  one,
		"empty line":                  one + "\n\n" + two + "\n",
		"a comment":                   "# mine\n" + one + "\n",
		"carriage return":             one + "\r\n",
		"all sizes written out":       one + " 1 -\n",
		"from nothing":                one + " 0 5\n",
		"an empty range":              one + " 5 5\n",
		"a range that runs back":      one + " 5 4\n",
		"to nothing":                  one + " 1 0\n",
		"half a range":                one + " 5\n",
		"a range of three":            one + " 5 6 7\n",
		"leading zero":                one + " 05 6\n",
		"sign":                        one + " +5 6\n",
		"too high":                    one + " 5 4611686018427387904\n",
		"far too high":                one + " 5 18446744073709551616\n",
		"two spaces":                  one + "  5 6\n",
		"the same key twice":          one + "\n" + one + "\n",
		"the same key, two ranges":    one + " 1 5\n" + one + " 5 9\n",
		"witness before log":          "witness " + witness + "\n" + one + "\n",
		"witness as log":              witness + "\n",
		"log as witness":              "witness " + one + "\n",
		"witness twice":               "witness " + witness + "\nwitness " + witness + "\n",
		"witness with a range":        "witness " + witness + " 1 5\n",
		"wrong id":                    strings.Replace(one, "+", "+0", 1) + "\n",
		"upper-case id":               strings.Replace(specKey, "530d903a", "530D903A", 1) + "\n",
		"other bits in the key's end": specKey[:len(specKey)-1] + "l\n",
		"too long":                    strings.Repeat(one+"\n", 20_000),
	} {
		_, err := audit.ParseVerifiers(text)
		require.ErrorIs(t, err, audit.ErrKey, what)
	}
}

func TestVerifiers_With(t *testing.T) {
	one, two := fixedKey(t, testOrigin, 1).VerifierKey(), fixedKey(t, testOrigin, 2).VerifierKey()
	v, err := audit.Verifiers{}.WithSizes(one, 5, 9)
	require.NoError(t, err)
	same, err := v.With(one)
	require.NoError(t, err)
	assert.Equal(t, one+" 5 9\n", same.String(), "a key that is there keeps its range")

	// Two rings that grow from one do not write over each other.
	a, err := v.With(two)
	require.NoError(t, err)
	b, err := v.With(specKey)
	require.NoError(t, err)
	assert.Equal(t, one+" 5 9\n"+two+"\n", a.String())
	assert.Equal(t, one+" 5 9\n"+specKey+"\n", b.String())
	assert.Equal(t, one+" 5 9\n", v.String())

	_, err = v.WithSizes(one, 1, 2)
	require.ErrorIs(t, err, audit.ErrKey)
	_, err = v.WithSizes(two, 1, 1<<62+1)
	require.ErrorIs(t, err, audit.ErrKey)
	assert.Empty(t, audit.Verifiers{}.String())

	w := newFixedWitness("witness.example/w", 9).vkey()
	once := withWitness(t, v, w)
	assert.Equal(t, once, withWitness(t, once, w))
}

func TestParseWitnessKey(t *testing.T) {
	w := newFixedWitness("witness.example/w", 9)
	k, err := audit.ParseWitnessKey(w.vkey())
	require.NoError(t, err)
	assert.Equal(t, w.name, k.Name())
	assert.Equal(t, keyID(w.name, 4, w.public()), k.KeyHash())
	assert.Equal(t, w.vkey(), k.String())
	refusesNeighbours(t, []byte(w.vkey()), func(b []byte) error {
		_, err := audit.ParseWitnessKey(string(b))
		return err
	})

	// It serves x/mod as a verifier.
	body := "a\n1\nb\n"
	n, err := note.Open([]byte(body+"\n"+string(w.cosign(body, 5))), note.VerifierList(k))
	require.NoError(t, err)
	assert.Equal(t, w.name, n.Sigs[0].Name)
}

func FuzzParseVerifiers(f *testing.F) {
	f.Add(fixedRing(f).String())
	f.Add(specKey + " 1 2\n")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := audit.ParseVerifiers(text)
		if err == nil && v.String() != text {
			t.Fatalf("%q was read as %q", text, v)
		}
	})
}
