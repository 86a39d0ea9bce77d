package audit_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth/audit"
)

func TestVerifyConsistency_EveryPairOfSizes(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	v := verifiersOf(t, key.VerifierKey())
	log := newPlainLog(t, 17)
	for size := 1; size <= len(log.leaves); size++ {
		for old := range size + 1 {
			c := log.consistency(t, old, size, key)
			var from audit.Checkpoint
			if old > 0 {
				from = log.checkpoint(old)
			}
			got, err := audit.VerifyConsistency(c.Marshal(), from, v)
			require.NoError(t, err, "from %d to %d", old, size)
			assert.Equal(t, log.checkpoint(size), got)

			parsed, err := audit.ParseConsistency(c.Marshal())
			require.NoError(t, err)
			assert.Equal(t, c, parsed)
		}
	}
}

func TestVerifyConsistency_NoByteCanChange(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	v := fixedRing(t)
	log := newPlainLog(t, 11)
	c := log.consistency(t, 6, 11, fixedKey(t, testOrigin, 1))
	golden(t, "consistency.txt", c.Marshal())
	refusesNeighbours(t, c.Marshal(), func(b []byte) error {
		_, err := audit.VerifyConsistency(b, log.checkpoint(6), v)
		return err
	})
	refusesNeighbours(t, log.consistency(t, 0, 11, fixedKey(t, testOrigin, 1)).Marshal(), func(b []byte) error {
		_, err := audit.VerifyConsistency(b, audit.Checkpoint{}, v)
		return err
	})
}

func TestVerifyConsistency_DoesNotHold(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	v := verifiersOf(t, key.VerifierKey())
	log := newPlainLog(t, 11)
	forked := newPlainLog(t, 11)
	forked.leaves[2] = log.leaves[3]
	type question struct {
		c   audit.Consistency
		old audit.Checkpoint
	}
	for what, change := range map[string]func(q *question){
		"the log forgets":        func(q *question) { q.c, q.old = log.consistency(t, 6, 6, key), log.checkpoint(11); q.c.OldSize = 11 },
		"the log forked":         func(q *question) { q.c = forked.consistency(t, 6, 11, key) },
		"forked at equal size":   func(q *question) { q.c, q.old = forked.consistency(t, 11, 11, key), log.checkpoint(11) },
		"another old size":       func(q *question) { q.old = log.checkpoint(7) },
		"bundle of another size": func(q *question) { q.c.OldSize = 7 },
		"from nothing, asked":    func(q *question) { q.old = audit.Checkpoint{} },
		"from nothing, given":    func(q *question) { q.c = log.consistency(t, 0, 11, key) },
		"hashes from nothing":    func(q *question) { q.c.OldSize, q.old = 0, audit.Checkpoint{} },
		"hashes at equal size":   func(q *question) { q.c.OldSize, q.old = 11, log.checkpoint(11) },
		"an old one of no size":  func(q *question) { q.c.OldSize, q.c.Hashes, q.old.Size = 0, nil, 0 },
		"another log":            func(q *question) { q.old.Origin = "other.example" },
		"another salt":           func(q *question) { q.old.SaltCommitment[0] ^= 1 },
		"tenants at equal size": func(q *question) {
			q.c, q.old = log.consistency(t, 11, 11, key), log.checkpoint(11)
			q.old.TenantRoot[0] ^= 1
		},
		"another old root": func(q *question) { q.old.Root[0] ^= 1 },
		"one hash less":    func(q *question) { q.c.Hashes = q.c.Hashes[1:] },
		"one hash more":    func(q *question) { q.c.Hashes = append(slices.Clone(q.c.Hashes), [32]byte{}) },
	} {
		q := question{log.consistency(t, 6, 11, key), log.checkpoint(6)}
		change(&q)
		_, err := audit.VerifyConsistency(q.c.Marshal(), q.old, v)
		require.ErrorIs(t, err, audit.ErrProof, what)
	}
	_, err := audit.VerifyConsistency(log.consistency(t, 6, 11, key).Marshal(), log.checkpoint(6), verifiersOf(t, specKey))
	require.ErrorIs(t, err, audit.ErrUnknownKey)
}

// The tenants' root changes as the log grows; the salt commitment does not.
func TestVerifyConsistency_TenantsMayGrow(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	log := newPlainLog(t, 11)
	old := log.checkpoint(6)
	old.TenantRoot[0] ^= 1
	_, err := audit.VerifyConsistency(log.consistency(t, 6, 11, key).Marshal(), old, verifiersOf(t, key.VerifierKey()))
	require.NoError(t, err)
}

func TestParseConsistency_Refuses(t *testing.T) {
	key := fixedKey(t, testOrigin, 1)
	good := newPlainLog(t, 11).consistency(t, 6, 11, key)
	text := string(good.Marshal())
	_, err := audit.ParseConsistency([]byte(text))
	require.NoError(t, err)
	many := good
	many.Hashes = make([][32]byte, 64)
	_, rest, _ := strings.Cut(text, "\n")
	for what, text := range map[string]string{
		"nothing":          "",
		"no old size":      rest,
		"an empty line":    "\n" + text,
		"leading zero":     strings.Replace(text, "old 6", "old 06", 1),
		"another word":     strings.Replace(text, "old 6", "was 6", 1),
		"no number":        strings.Replace(text, "old 6", "old ", 1),
		"too many hashes":  string(many.Marshal()),
		"carriage returns": strings.ReplaceAll(text, "\n", "\r\n"),
		"two empty lines":  strings.Replace(text, "\n\n", "\n\n\n", 1),
		"no checkpoint":    text[:strings.Index(text, "\n\n")+2],
		"too long":         text + strings.Repeat("x", 1<<20),
	} {
		_, err := audit.ParseConsistency([]byte(text))
		require.ErrorIs(t, err, audit.ErrNotProof, what)
	}
}

func FuzzParseConsistency(f *testing.F) {
	key := fixedKey(f, testOrigin, 1)
	log := newPlainLog(f, 11)
	f.Add(log.consistency(f, 6, 11, key).Marshal())
	f.Add(log.consistency(f, 0, 11, key).Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := audit.ParseConsistency(b)
		if err == nil && !bytes.Equal(c.Marshal(), b) {
			t.Fatalf("%q was read as %q", b, c.Marshal())
		}
	})
}
