package audit_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"iter"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
)

const testOrigin = "log.example/audit"

// fixedKey is a signing key that is made of one byte, and always the same.
func fixedKey(t testing.TB, origin string, seed byte) audit.SigningKey {
	t.Helper()
	raw := slices.Repeat([]byte{seed}, ed25519.SeedSize)
	public := ed25519.NewKeyFromSeed(raw).Public().(ed25519.PublicKey)
	k, err := audit.ParseSigningKey(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", origin, keyID(origin, 1, public),
		base64.StdEncoding.EncodeToString(append([]byte{1}, raw...))))
	require.NoError(t, err)
	return k
}

func keyID(name string, kind byte, public ed25519.PublicKey) uint32 {
	h := sha256.Sum256(append(append([]byte(name), '\n', kind), public...))
	return binary.BigEndian.Uint32(h[:])
}

// fixedWitness cosigns what it is given, as tlog-cosignature writes it down.
type fixedWitness struct {
	name string
	key  ed25519.PrivateKey
}

func newFixedWitness(name string, seed byte) fixedWitness {
	return fixedWitness{name, ed25519.NewKeyFromSeed(slices.Repeat([]byte{seed}, ed25519.SeedSize))}
}

func (w fixedWitness) public() ed25519.PublicKey { return w.key.Public().(ed25519.PublicKey) }

func (w fixedWitness) vkey() string {
	return fmt.Sprintf("%s+%08x+%s", w.name, keyID(w.name, 4, w.public()),
		base64.StdEncoding.EncodeToString(append([]byte{4}, w.public()...)))
}

// cosign returns the signature line.
func (w fixedWitness) cosign(body string, at uint64) []byte {
	raw := binary.BigEndian.AppendUint32(nil, keyID(w.name, 4, w.public()))
	raw = binary.BigEndian.AppendUint64(raw, at)
	raw = append(raw, ed25519.Sign(w.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, body))...)
	return []byte("— " + w.name + " " + base64.StdEncoding.EncodeToString(raw) + "\n")
}

func verifiersOf(t testing.TB, vkeys ...string) (v audit.Verifiers) {
	t.Helper()
	for _, k := range vkeys {
		var err error
		v, err = v.With(k)
		require.NoError(t, err)
	}
	return v
}

func withWitness(t testing.TB, v audit.Verifiers, vkey string) audit.Verifiers {
	t.Helper()
	v, err := v.WithWitness(vkey)
	require.NoError(t, err)
	return v
}

// fixedCheckpoint is one with a different byte wherever there is one.
func fixedCheckpoint(size uint64) audit.Checkpoint {
	cp := audit.Checkpoint{
		Origin: testOrigin, Size: size,
		SignedAt: time.UnixMicro(1_795_000_000_123_456).UTC(),
	}
	for i := range 32 {
		cp.Root[i], cp.TenantRoot[i], cp.SaltCommitment[i] = byte(i), 0x40+byte(i), 0x80+byte(i)
	}
	return cp
}

func signed(t testing.TB, cp audit.Checkpoint, signers ...audit.Signer) []byte {
	t.Helper()
	b, err := audit.SignCheckpoint(cp, signers...)
	require.NoError(t, err)
	return b
}

// neighbours are all texts that differ from b by one bit, by a byte that is
// missing, or by one of a few bytes that was put in.
func neighbours(b []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for i := range b {
			for bit := range 8 {
				c := slices.Clone(b)
				c[i] ^= 1 << bit
				if !yield(fmt.Sprintf("bit %d of byte %d changed", bit, i), c) {
					return
				}
			}
			if !yield(fmt.Sprintf("byte %d removed", i), slices.Delete(slices.Clone(b), i, i+1)) {
				return
			}
		}
		for i := range len(b) + 1 {
			for _, put := range []byte{'\n', ' ', '0', '1', 'A', '=', '\r', 0} {
				if !yield(fmt.Sprintf("%q put in at byte %d", put, i), slices.Insert(slices.Clone(b), i, put)) {
					return
				}
			}
		}
	}
}

// refusesNeighbours checks that accept takes b, and nothing that is next to it.
func refusesNeighbours(t *testing.T, b []byte, accept func(b []byte) error) {
	t.Helper()
	require.NoError(t, accept(b))
	for what, c := range neighbours(b) {
		require.Error(t, accept(c), what)
	}
}

// golden holds b to a file, which -update writes again.
func golden(t *testing.T, name string, b []byte) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		require.NoError(t, os.WriteFile(path, b, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(b))
}
