package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

// The files in testdata/bundles are from a trail that is made here. They stay:
// what was once given to somebody must verify with every later version.
var fixtures = flag.Bool("fixtures", false, "make the files in testdata/bundles anew; then run with -update")

const (
	bundles = "testdata/bundles"
	origin  = "shop.example/audit"
)

var export = &troth.Act{
	Name: "shop.export", Version: 1, Doc: "A person's data were handed out.",
	Fields: []troth.Field{
		{Name: "format", Kind: troth.WordFact, Doc: "form"},
		{Name: "classes", Kind: troth.WordsFact, Doc: "which data"},
		{Name: "rows", Kind: troth.CountFact, Doc: "how many"},
		{Name: "until", Kind: troth.InstantFact, Doc: "up to when"},
		{Name: "file", Kind: troth.DigestFact, Doc: "hash of the file"},
	},
}

func key(t *testing.T, seed byte) audit.SigningKey {
	t.Helper()
	k, err := audit.NewSigningKey(origin, [32]byte(slices.Repeat([]byte{seed}, 32)))
	require.NoError(t, err)
	return k
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	require.NoError(t, os.MkdirAll(bundles, 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(bundles, name), content, 0o600))
}

func TestFixtures(t *testing.T) {
	if !*fixtures {
		files, err := os.ReadDir(bundles)
		require.NoError(t, err)
		require.NotEmpty(t, files)
		return
	}
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	clock := func() time.Time { at = at.Add(1_000_123 * time.Microsecond); return at }
	trail, err := audit.New(t.Context(), auditmem.New(memory.Open()), audittest.NewKeys(), audittest.NewSealer(),
		audit.WithClock(clock), audit.WithSigner(key(t, 1)), audit.Unmanaged("example"))
	require.NoError(t, err)
	record := func(tenant troth.Tenant, subject string, actor troth.Actor) troth.EntryID {
		id, err := trail.Record(troth.WithActor(t.Context(), actor), troth.Entry{
			Act: export, Tenant: tenant, SubjectID: subject, Purpose: "access-request",
			Facts: troth.Facts{
				"format": troth.Word("csv"), "classes": troth.Words("orders", "profile"), "rows": troth.Count(17),
				"until": troth.Instant(at), "file": troth.Digest(sha256.Sum256([]byte("a file"))),
			},
		})
		require.NoError(t, err)
		return id
	}
	kim := troth.Actor{Kind: troth.Person, ID: "kim", Tenant: "acme"}
	desk := troth.Actor{Kind: troth.Service, ID: "desk"}
	first := record("acme", "c-17", kim)
	record("globex", "c-1", desk)
	gone := record("acme", "c-18", desk)
	old := sign(t, trail)
	record("globex", "", desk)
	record("acme", "c-17", desk)
	_, err = trail.Redact(troth.WithActor(t.Context(), desk), troth.UnmanagedPermit("court-order"), "acme", gone)
	require.NoError(t, err)
	writeKeys(t)
	writeBundles(t, trail, old, sign(t, trail), first)
}

// sign moves all that was recorded into the log and signs it.
func sign(t *testing.T, trail *audit.Trail) []byte {
	t.Helper()
	_, err := trail.Sequence(t.Context())
	require.NoError(t, err)
	note, err := trail.Checkpoint(t.Context())
	require.NoError(t, err)
	return note
}

const witnessName = "witness.example/w1"

func writeKeys(t *testing.T) {
	t.Helper()
	ours := key(t, 1).VerifierKey()
	write(t, "trail.pub", []byte(ours+"\n"))
	write(t, "other.pub", []byte(key(t, 2).VerifierKey()+"\n"))
	write(t, "expired.pub", []byte(ours+" 1 3\n"))
	write(t, "witnessed.pub", []byte(ours+"\nwitness "+witnessKey()+"\n"))
}

func writeBundles(t *testing.T, trail *audit.Trail, old, latest []byte, first troth.EntryID) {
	t.Helper()
	ctx := t.Context()
	keys, err := audit.ParseVerifiers(key(t, 1).VerifierKey() + "\nwitness " + witnessKey() + "\n")
	require.NoError(t, err)
	write(t, "old.checkpoint", old)
	write(t, "latest.checkpoint", latest)

	cp, _, err := audit.OpenCheckpoint(latest, keys)
	require.NoError(t, err)
	fork := cp
	fork.Root[0] ^= 1
	forked, err := audit.SignCheckpoint(fork, key(t, 1))
	require.NoError(t, err)
	write(t, "fork.checkpoint", forked)

	proof, err := trail.Prove(ctx, "acme", first)
	require.NoError(t, err)
	write(t, "entry.proof", proof)
	p, err := audit.ParseProof(proof)
	require.NoError(t, err)
	moved := p
	moved.Index++
	write(t, "moved.proof", moved.Marshal())
	p.Checkpoint, err = audit.AddCosignature(p.Checkpoint, cosign(p.Checkpoint), keys)
	require.NoError(t, err)
	write(t, "witnessed.proof", p.Marshal())

	before, _, err := audit.OpenCheckpoint(old, keys)
	require.NoError(t, err)
	grown, err := trail.Consistency(ctx, origin, before.Size)
	require.NoError(t, err)
	write(t, "grown.proof", grown)
	fromNothing, err := trail.Consistency(ctx, origin, 0)
	require.NoError(t, err)
	write(t, "nothing.proof", fromNothing)

	var all strings.Builder
	require.NoError(t, trail.Export(ctx, &all, "acme", ""))
	write(t, "tenant.export", []byte(all.String()))
	lines := strings.SplitAfter(all.String(), "\n")
	short := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "leaf ") })
	write(t, "short.export", []byte(strings.Join(slices.Delete(lines, short, short+1), "")))

	opening, err := trail.Opening(ctx, troth.Subject{Tenant: "acme", ID: "c-17"}, "access-request")
	require.NoError(t, err)
	line, err := opening.Reveal("access-request")
	require.NoError(t, err)
	write(t, "opening.txt", []byte(line+"\n"))
	ps, _, err := trail.Pseudonym(ctx, troth.Subject{Tenant: "acme", ID: "c-17"})
	require.NoError(t, err)
	write(t, "pseudonym", []byte(ps.String()+"\n"))
	write(t, "letter.txt", []byte("Dear customer,\nwe value your privacy.\n"))
}

func witness() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(slices.Repeat([]byte{9}, ed25519.SeedSize))
}

func witnessID() []byte {
	h := sha256.Sum256(append([]byte(witnessName+"\n\x04"), witness().Public().(ed25519.PublicKey)...))
	return h[:4]
}

func witnessKey() string {
	return fmt.Sprintf("%s+%x+%s", witnessName, witnessID(),
		base64.StdEncoding.EncodeToString(append([]byte{4}, witness().Public().(ed25519.PublicKey)...)))
}

// cosign returns a line as C2SP tlog-cosignature has it.
func cosign(note []byte) []byte {
	const at = 1_795_000_100
	body, _, _ := strings.Cut(string(note), "\n\n")
	raw := binary.BigEndian.AppendUint64(witnessID(), at)
	raw = append(raw, ed25519.Sign(witness(), fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s\n", at, body))...)
	return []byte("— " + witnessName + " " + base64.StdEncoding.EncodeToString(raw) + "\n")
}
