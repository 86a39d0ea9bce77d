package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
	"github.com/trothdev/troth/storage/memory/retentionmem"
)

// The certificates in testdata/bundles are of a log of their own. They stay, as the
// other files there.
var certificateFixture = flag.Bool("certificate-fixture", false, "make the certificates in testdata/bundles anew; then run with -update")

// letters are records that are gone when they are asked for.
type letters struct{}

func (letters) Hide(context.Context, retention.Order) error    { return nil }
func (letters) Restore(context.Context, retention.Order) error { return nil }
func (letters) Destroy(context.Context, retention.Order) error { return retention.ErrNotFound }

func (letters) Anonymise(context.Context, retention.Order) error   { return retention.ErrNotFound }
func (letters) Count(context.Context, troth.Tenant) (int64, error) { return 0, nil }

// noted is a recorder that remembers the handle of the last record that was destroyed.
type noted struct {
	*audit.Trail
	handle string
}

func (n *noted) Record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	if e.Act.Name == "retention.purge" {
		n.handle = e.Facts["record"].Text()
	}
	return n.Trail.Record(ctx, e)
}

const policy = `
format: troth.retention.policy/1
policy: letters
version: 1
title: Letters
effective: 2020-01-01
zone: UTC
sweep: P1D
copies:
  - {copy: database, kind: primary}
  - {copy: backups, kind: backup, of: database, rotation: P30D}
  - {copy: file-cabinet, kind: paper, lag: P7D}
classes:
  - class: letters
    title: Letters
    records: [letter]
    copies: [database, file-cabinet]
    stages:
      - {stage: kept, visible: staff, for: P30D}
`

func TestCertificateFixture(t *testing.T) {
	if !*certificateFixture {
		require.FileExists(t, filepath.Join(bundles, "certificate.json"))
		return
	}
	at := time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)
	clock := func() time.Time { at = at.Add(1_000_123 * time.Microsecond); return at }
	signer, err := audit.NewSigningKey("shop.example/certificates", [32]byte(slices.Repeat([]byte{8}, 32)))
	require.NoError(t, err)
	db := memory.Open()
	trail, err := audit.New(t.Context(), auditmem.New(db), audittest.NewKeys(), audittest.NewSealer(),
		audit.WithClock(clock), audit.WithSigner(signer), audit.Unmanaged("example"))
	require.NoError(t, err)
	rec := &noted{Trail: trail}
	k, err := retention.New(t.Context(), retention.Config{Store: retentionmem.New(db), Recorder: rec},
		retention.WithClock(clock), retention.WithRecords("letter", retention.Registration{Handler: letters{}}),
		retention.WithCertificates(90*24*time.Hour), retention.WithProver(trail), retention.UnsafeWithoutApproval())
	require.NoError(t, err)
	person := func(id, role string) context.Context {
		return troth.WithActor(t.Context(), troth.Actor{Kind: troth.Person, ID: id, Roles: []string{role}})
	}
	p, err := retention.ParseYAML([]byte(policy))
	require.NoError(t, err)
	require.NoError(t, k.Activate(person("officer", "dpo"), p))
	host := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Service, ID: "shop"})
	require.NoError(t, k.Created(host, retention.NewRecord{
		RecordKey: retention.RecordKey{Tenant: "acme", Type: "letter", ID: "17"}, SubjectID: "c-17",
	}))
	at = at.AddDate(0, 0, 31)
	swept, err := k.Sweep(host)
	require.NoError(t, err)
	require.Equal(t, 1, swept.Destroyed)
	issue := func() (file, bare []byte) {
		c, err := k.Certify(host, "acme", rec.handle)
		require.NoError(t, err)
		sign(t, trail)
		file, err = k.ProveCertificate(host, c)
		require.NoError(t, err)
		bare, err = c.Marshal()
		require.NoError(t, err)
		return file, bare
	}
	early, _ := issue()
	write(t, "certificate-early.json", early)
	require.NoError(t, k.ConfirmCopy(person("porter", "custodian"), retention.Confirmation{
		Tenant: "acme", Handle: rec.handle, Copy: "file-cabinet", Method: retention.MethodShredded, Evidence: "protocol-7",
	}))
	at = at.AddDate(0, 0, 31)
	file, bare := issue()
	write(t, "certificates.pub", []byte(signer.VerifierKey()+"\n"))
	write(t, "certificate.json", file)
	write(t, "certificate-bare.json", bare)
	write(t, "certificate-date.json", bytes.Replace(file, []byte("2026-10-02T"), []byte("2026-10-01T"), 1))
	write(t, "certificate-word.json", bytes.Replace(file, []byte(`"method": "expired"`), []byte(`"method": "key-destroyed"`), 1))
}

// TestCertificate_NoByteOfWhatItSaysCanChange changes every byte in three ways: what is
// still read and holds says the same.
func TestCertificate_NoByteOfWhatItSaysCanChange(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	whole, err := os.ReadFile(filepath.Join(bundles, "certificate.json"))
	require.NoError(t, err)
	fresh := &verifier{}
	require.NoError(t, fresh.readKeys(filepath.Join(bundles, "certificates.pub")))
	judge := func(b []byte) (string, int) {
		v := *fresh
		text, err := v.judge(bytes.NewReader(b))
		return text, statusOf(err)
	}
	text, status := judge(whole)
	require.Equal(t, holds, status)
	for i := range whole {
		if i%slowdown != 0 {
			continue
		}
		for _, change := range []byte{0x01, 0x20, 0x80} {
			b := bytes.Clone(whole)
			b[i] ^= change
			if changed, status := judge(b); status == holds {
				require.Equal(t, text, changed, "byte %d ^ %#x: no more than layout", i, change)
			}
		}
	}
}
