package audit_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"github.com/trothdev/troth/audit"
)

func TestCheckpoint_SignAndOpen(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	cp := fixedCheckpoint(7)
	b := signed(t, cp, key)
	golden(t, "checkpoint.txt", b)

	got, sigs, err := audit.OpenCheckpoint(b, verifiersOf(t, key.VerifierKey()))
	require.NoError(t, err)
	assert.Equal(t, cp, got)
	assert.Equal(t, []audit.Signature{{Name: testOrigin, KeyID: key.KeyHash()}}, sigs)

	// x/mod reads the note and finds the same signature.
	verifier, err := note.NewVerifier(key.VerifierKey())
	require.NoError(t, err)
	n, err := note.Open(b, note.VerifierList(verifier))
	require.NoError(t, err)
	assert.Empty(t, n.UnverifiedSigs)
	assert.True(t, strings.HasPrefix(n.Text, testOrigin+"\n7\nAAECAwQF"), n.Text)

	// And writes it byte for byte as we do.
	theirs, err := note.NewSigner(secretOf(t, key))
	require.NoError(t, err)
	again, err := note.Sign(&note.Note{Text: n.Text}, theirs)
	require.NoError(t, err)
	assert.Equal(t, string(b), string(again))
}

func TestOpenCheckpoint_NoByteCanChange(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	v := fixedRing(t)
	b := signed(t, fixedCheckpoint(100), fixedKey(t, testOrigin, 1), fixedKey(t, testOrigin, 2))
	b, err := audit.AddCosignature(b, newFixedWitness("witness.example/w", 9).cosign(bodyOf(b), 1_795_000_000), v)
	require.NoError(t, err)
	golden(t, "checkpoint-cosigned.txt", b)
	refusesNeighbours(t, b, func(b []byte) error {
		_, _, err := audit.OpenCheckpoint(b, v)
		return err
	})
}

// Lines of signatures stand for themselves: without one, and in another order, it is the
// same checkpoint with what signatures there are. One by the log's key has to be there, no
// line may be there twice, and none by who is not known, whatever its name.
func TestOpenCheckpoint_LinesOfSignatures(t *testing.T) {
	v := fixedRing(t)
	ours, witness := fixedKey(t, testOrigin, 1), newFixedWitness("witness.example/w", 9)
	cp := fixedCheckpoint(100)
	b := signed(t, cp, ours)
	body := bodyOf(b) + "\n"
	log := strings.TrimPrefix(string(b), body)
	cosigned := string(witness.cosign(bodyOf(b), 1_795_000_000))
	later := string(witness.cosign(bodyOf(b), 1_795_000_001))
	stranger := strings.TrimPrefix(string(signed(t, cp, fixedKey(t, testOrigin, 7))), body)
	swapped := strings.Replace(cosigned, "witness.example/w", testOrigin, 1)
	posing := strings.TrimPrefix(string(signed(t, cp, ours)), "— "+testOrigin)
	for _, c := range []struct {
		what, lines string
		sigs        int
		err         error
	}{
		{"both", log + cosigned, 2, nil},
		{"the witness first", cosigned + log, 2, nil},
		{"the log alone", log, 1, nil},
		{"the witness alone", cosigned, 0, audit.ErrSignature},
		{"nobody", "", 0, audit.ErrNote},
		{"the witness twice", log + cosigned + later, 0, audit.ErrNote},
		{"the log twice", log + cosigned + log, 0, audit.ErrNote},
		{"a stranger of the log's name", log + stranger, 0, audit.ErrUnknownKey},
		{"a stranger of the log's name, alone", stranger, 0, audit.ErrUnknownKey},
		{"a witness's line in the log's name", log + swapped, 0, audit.ErrUnknownKey},
		{"the log's line in a witness's name", log + "— witness.example/w" + posing[strings.LastIndex(posing, " "):], 0, audit.ErrUnknownKey},
		{"a name that looks like it", log + strings.Replace(cosigned, "w ", "\u1e87 ", 1), 0, audit.ErrUnknownKey},
		{"a name with a space that is none", log + strings.Replace(cosigned, "/w", "\u00a0w", 1), 0, audit.ErrNote},
		{"a hyphen for the dash", log + strings.Replace(cosigned, "—", "-", 1), 0, audit.ErrNote},
		{"a line feed too few", log + strings.TrimSuffix(cosigned, "\n"), 0, audit.ErrNote},
		{"other line ends", strings.ReplaceAll(log+cosigned, "\n", "\r\n"), 0, audit.ErrNote},
	} {
		got, sigs, err := audit.OpenCheckpoint([]byte(body+c.lines), v)
		require.ErrorIs(t, err, c.err, c.what)
		require.Len(t, sigs, c.sigs, c.what)
		if c.err == nil {
			require.Equal(t, cp, got, c.what)
		}
	}
}

// A witness says when it signed; what it says is held to a time that there can be, and
// signed with the rest.
func TestOpenCheckpoint_TimesOfCosignatures(t *testing.T) {
	v := fixedRing(t)
	b := signed(t, fixedCheckpoint(100), fixedKey(t, testOrigin, 1))
	witness := newFixedWitness("witness.example/w", 9)
	for at, want := range map[uint64]error{
		0: nil, 1: nil, 253402300799: nil, 253402300800: audit.ErrSignature,
		1 << 62: audit.ErrSignature, 1<<63 - 1: audit.ErrSignature, 1 << 63: audit.ErrSignature, 1<<64 - 1: audit.ErrSignature,
	} {
		_, sigs, err := audit.OpenCheckpoint(append(bytes.Clone(b), witness.cosign(bodyOf(b), at)...), v)
		require.ErrorIs(t, err, want, at)
		if want == nil {
			require.Equal(t, int64(at), sigs[1].At.Unix())
		}
	}
}

// bodyOf is what is signed of a note.
func bodyOf(b []byte) string {
	body, _, _ := strings.Cut(string(b), "\n\n")
	return body + "\n"
}

func TestOpenCheckpoint_AcceptsOneEncoding(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	v := verifiersOf(t, key.VerifierKey())
	b := string(signed(t, fixedCheckpoint(7), key))
	body, line := bodyOf([]byte(b)), b[len(bodyOf([]byte(b)))+1:]

	// The last character before the padding has bits that say nothing; x/mod's
	// reader takes all of them.
	loose := strings.TrimSuffix(line, "=\n")
	last := loose[len(loose)-1]
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	next := alphabet[strings.IndexByte(alphabet, last)+1]
	twisted := body + "\n" + loose[:len(loose)-1] + string(next) + "=\n"
	verifier, err := note.NewVerifier(key.VerifierKey())
	require.NoError(t, err)
	_, err = note.Open([]byte(twisted), note.VerifierList(verifier))
	require.NoError(t, err, "x/mod takes it")

	for what, text := range map[string]string{
		"other bits in the last character": twisted,
		"the same line twice":              b + line,
		"an empty line at the end":         b + "\n",
		"no newline at the end":            strings.TrimSuffix(b, "\n"),
		"no signature":                     body + "\n",
		"no empty line":                    body,
		"nothing":                          "",
		"a signature without key":          body + "\n— " + testOrigin + " AAAA\n",
		"too long":                         b + strings.Repeat(line, 600),
	} {
		_, _, err := audit.OpenCheckpoint([]byte(text), v)
		require.ErrorIs(t, err, audit.ErrNote, what)
	}
}

// TestOpenCheckpoint_HoldsTheBodyToItsForm signs what the log's own code would
// never write: a good signature does not make a checkpoint of it.
func TestOpenCheckpoint_HoldsTheBodyToItsForm(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	v := verifiersOf(t, key.VerifierKey())
	body := bodyOf(signed(t, fixedCheckpoint(7), key))
	tree, _, _ := strings.Cut(body, "troth.tenants")
	root := base64.StdEncoding.EncodeToString(make([]byte, 32))
	open := func(body string) error {
		b, err := note.Sign(&note.Note{Text: body}, key)
		require.NoError(t, err)
		_, _, err = audit.OpenCheckpoint(b, v)
		return err
	}
	require.NoError(t, open(body))
	replace := func(from, to string) string { return strings.Replace(body, from, to, 1) }
	for what, body := range map[string]string{
		"size zero":                  replace("\n7\n", "\n0\n"),
		"size with a leading zero":   replace("\n7\n", "\n07\n"),
		"size with a sign":           replace("\n7\n", "\n+7\n"),
		"size with a space":          replace("\n7\n", "\n7 \n"),
		"size too high":              replace("\n7\n", "\n4611686018427387904\n"),
		"size beyond 64 bits":        replace("\n7\n", "\n18446744073709551617\n"),
		"time with a leading zero":   replace("signed/1 ", "signed/1 0"),
		"time before 1970":           replace("signed/1 ", "signed/1 -"),
		"time missing":               replace("troth.signed/1 1795000000123456\n", ""),
		"tenants missing":            tree + "troth.signed/1 5\n",
		"lines swapped":              swapLines(body, 3, 4),
		"another version":            replace("tenants/1", "tenants/2"),
		"one line more":              body + "more\n",
		"three things about tenants": replace("\ntroth.signed", " "+root+"\ntroth.signed"),
		"one thing about tenants":    tree + "troth.tenants/1 " + root + "\ntroth.signed/1 5\n",
		"root too short":             testOrigin + "\n7\nAAAA\n" + strings.Join(strings.SplitAfter(body, "\n")[3:], ""),
		"nothing but the tree":       strings.Join(strings.SplitAfter(body, "\n")[:3], ""),
	} {
		require.ErrorIs(t, open(body), audit.ErrNote, what)
	}
	other := replace(testOrigin, "other.example/audit")
	require.ErrorIs(t, open(other), audit.ErrUnknownKey, "a key that signs for another log")
}

func swapLines(s string, i, j int) string {
	lines := strings.SplitAfter(s, "\n")
	lines[i], lines[j] = lines[j], lines[i]
	return strings.Join(lines, "")
}

func TestOpenCheckpoint_Keys(t *testing.T) {
	first, second, stranger := fixedKey(t, testOrigin, 1), fixedKey(t, testOrigin, 2), fixedKey(t, testOrigin, 5)
	next := fixedKey(t, testOrigin+"-2", 3)
	ring := fixedRing(t) // first up to 100, second from 100
	at := func(size uint64, signers ...audit.Signer) []byte { return signed(t, fixedCheckpoint(size), signers...) }
	elsewhere := fixedCheckpoint(50)
	elsewhere.Origin = testOrigin + "-2"
	forged := at(50, first)
	i := bytes.LastIndex(forged, []byte(" ")) + 12
	forged[i] ^= 1

	cases := map[string]struct {
		note []byte
		name string
		err  error
	}{
		"first in its range":    {at(100, first), "", nil},
		"second in its range":   {at(100, second), "", nil},
		"both":                  {at(100, first, second), "", nil},
		"continued log":         {signed(t, elsewhere, next), "", nil},
		"first after its range": {at(101, first), testOrigin, audit.ErrKeySizes},
		"second before":         {at(99, second), testOrigin, audit.ErrKeySizes},
		"first counts only":     {at(99, first, second), "", nil},
		"stranger":              {at(100, stranger), testOrigin, audit.ErrUnknownKey},
		"and a stranger":        {at(100, first, stranger), testOrigin, audit.ErrUnknownKey},
		"changed signature":     {forged, testOrigin, audit.ErrSignature},
	}
	for what, c := range cases {
		_, sigs, err := audit.OpenCheckpoint(c.note, ring)
		if c.err == nil {
			require.NoError(t, err, what)
			assert.NotEmpty(t, sigs, what)
			continue
		}
		require.ErrorIs(t, err, c.err, what)
		e, ok := errors.AsType[*audit.KeyError](err)
		require.True(t, ok, what)
		assert.Equal(t, c.name, e.Name, what)
		assert.Empty(t, sigs, what)
	}
	require.ErrorIs(t, audit.ErrKeySizes, audit.ErrProof)
	require.ErrorIs(t, audit.ErrSignature, audit.ErrProof)

	_, sigs, err := audit.OpenCheckpoint(at(99, first, second), ring)
	require.NoError(t, err)
	assert.Equal(t, []audit.Signature{{Name: testOrigin, KeyID: first.KeyHash()}}, sigs)

	_, _, err = audit.OpenCheckpoint(at(1, first), audit.Verifiers{})
	require.ErrorIs(t, err, audit.ErrUnknownKey)

	// A checkpoint that only a witness signed is not the log's.
	w := newFixedWitness("witness.example/w", 9)
	body := bodyOf(at(100, first))
	_, _, err = audit.OpenCheckpoint([]byte(body+"\n"+string(w.cosign(body, 5))), ring)
	require.ErrorIs(t, err, audit.ErrSignature)

	// A log's key does not sign for another log beside its own.
	n, err := note.Sign(&note.Note{Text: body}, first, next)
	require.NoError(t, err)
	_, _, err = audit.OpenCheckpoint(n, ring)
	require.ErrorIs(t, err, audit.ErrUnknownKey)
}

// faultySigner is a signer that errs in one way.
type faultySigner struct {
	audit.SigningKey
	vkey string
	err  error
	sig  []byte
}

func (s faultySigner) VerifierKey() string { return s.vkey }
func (s faultySigner) Sign(msg []byte) ([]byte, error) {
	if s.sig != nil || s.err != nil {
		return s.sig, s.err
	}
	return s.SigningKey.Sign(msg)
}

func TestSignCheckpoint_Refuses(t *testing.T) {
	key, other := fixedKey(t, testOrigin, 1), fixedKey(t, "other.example", 1)
	down := errors.New("down")
	for what, c := range map[string]struct {
		signers []audit.Signer
		err     error
	}{
		"nobody":               {nil, audit.ErrNote},
		"another log's key":    {[]audit.Signer{other}, audit.ErrUnknownKey},
		"twice the same":       {[]audit.Signer{key, key}, audit.ErrNote},
		"a signer that fails":  {[]audit.Signer{faultySigner{key, key.VerifierKey(), down, nil}}, down},
		"a wrong signature":    {[]audit.Signer{faultySigner{key, key.VerifierKey(), nil, make([]byte, 64)}}, audit.ErrSignature},
		"not the key it names": {[]audit.Signer{faultySigner{key, specKey, nil, nil}}, audit.ErrUnknownKey},
		"no key":               {[]audit.Signer{audit.SigningKey{}}, audit.ErrKey},
	} {
		_, err := audit.SignCheckpoint(fixedCheckpoint(7), c.signers...)
		require.ErrorIs(t, err, c.err, what)
	}
	for what, change := range map[string]func(cp *audit.Checkpoint){
		"no size":     func(cp *audit.Checkpoint) { cp.Size = 0 },
		"size":        func(cp *audit.Checkpoint) { cp.Size = 1 << 62 },
		"origin":      func(cp *audit.Checkpoint) { cp.Origin = "a b" },
		"before 1970": func(cp *audit.Checkpoint) { cp.SignedAt = time.UnixMicro(-1) },
		"no time":     func(cp *audit.Checkpoint) { cp.SignedAt = time.Time{} },
	} {
		cp := fixedCheckpoint(7)
		change(&cp)
		_, err := audit.SignCheckpoint(cp, key)
		require.Error(t, err, what)
	}
}

func FuzzOpenCheckpoint(f *testing.F) {
	key := fixedKey(f, testOrigin, 1)
	b := signed(f, fixedCheckpoint(7), key)
	v := verifiersOf(f, key.VerifierKey())
	f.Add(b)
	f.Fuzz(func(t *testing.T, c []byte) {
		// Ed25519 is deterministic: there is one note of this size that the key signed.
		if _, _, err := audit.OpenCheckpoint(c, v); err == nil && !bytes.Equal(b, c) {
			t.Fatalf("accepted %q", c)
		}
	})
}

// Names of keys come from strangers, and errors go to terminals.
func TestKeyError_QuotesWhatReadsAsSomethingElse(t *testing.T) {
	err := &audit.KeyError{Name: "a\u202egro.elpmaxe", Err: audit.ErrUnknownKey}
	assert.Equal(t, `audit: unknown key: "a\u202egro.elpmaxe"`, err.Error())
	assert.Equal(t, "audit: unknown key: example.org/log", (&audit.KeyError{Name: "example.org/log", Err: audit.ErrUnknownKey}).Error())
}
