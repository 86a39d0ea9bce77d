package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/auditmem"
)

// shop is a trail, and who judges what is proved of it.
type shop struct {
	*testing.T
	trail *audit.Trail
	keys  audit.Verifiers
}

func newShop(t *testing.T) *shop {
	t.Helper()
	signer := key(t, 3)
	trail, err := audit.New(t.Context(), auditmem.New(memory.Open()), audittest.NewKeys(), audittest.NewSealer(), audit.WithSigner(signer))
	require.NoError(t, err)
	keys, err := audit.Verifiers{}.With(signer.VerifierKey())
	require.NoError(t, err)
	return &shop{t, trail, keys}
}

func (s *shop) judge(file []byte) (string, error) {
	return (&verifier{keys: s.keys}).judge(bytes.NewReader(file))
}

// record puts what a desk records about a certificate on the trail, after change.
func (s *shop) record(c rights.Certificate, change func(e *troth.Entry)) (proof string) {
	s.Helper()
	hash, err := c.Hash()
	require.NoError(s, err)
	act := &troth.Act{Name: "rights.certificate", Version: 1, Doc: "A certificate was issued.", Fields: []troth.Field{
		{Name: "request", Kind: troth.IDFact, Doc: "of which request"},
		{Name: "stage", Kind: troth.WordFact, Doc: "how much"},
		{Name: "certificate", Kind: troth.DigestFact, Doc: "its hash"},
	}}
	e := troth.Entry{Act: act, Tenant: c.Tenant, Facts: troth.Facts{
		"request": troth.ID(c.Request), "stage": troth.Word(string(c.Stage)), "certificate": troth.Digest(hash),
	}}
	if change != nil {
		change(&e)
	}
	id, err := s.trail.Record(troth.WithActor(s.Context(), troth.Actor{Kind: troth.Service, ID: "desk"}), e)
	require.NoError(s, err)
	sign(s.T, s.trail)
	b, err := s.trail.Prove(s.Context(), e.Tenant, id)
	require.NoError(s, err)
	return string(b)
}

func erasedAll() rights.Certificate {
	at := rights.CertificateTime{Time: time.Date(2026, 10, 1, 9, 0, 0, 0, time.UTC)}
	return rights.Certificate{
		Format: rights.CertificateFormat, Nonce: strings.Repeat("0f", 16), Stage: rights.Final, Issued: at, Controller: "Acme Ltd",
		Tenant: "acme", Request: "r-17", Right: rights.Erase, Received: at, Ledger: 2,
		Sources: []rights.CertificateSource{{Name: "orders", Outcome: rights.Done, Method: rights.Deleted, Records: 3, At: at, Evidence: "e-1"}},
	}
}

func marshalled(t *testing.T, c rights.Certificate) []byte {
	t.Helper()
	b, err := c.Marshal()
	require.NoError(t, err)
	return b
}

func TestErasure_ExitsWithWhatIsWrong(t *testing.T) {
	s := newShop(t)
	c := erasedAll()
	proof := s.record(c, nil)
	other := erasedAll()
	other.Request = "r-18"
	others := s.record(other, nil)
	c.Proof = proof

	text, err := s.judge(marshalled(t, c))
	require.NoError(t, err)
	for _, said := range []string{
		`final, issued 2026-10-01T09:00:00.000000Z by "Acme Ltd"`, "r-17 of tenant acme to erase",
		"orders: done, 3 records deleted", "2 keyed hashes keep the person erased",
	} {
		assert.Contains(t, text, said)
	}
	assert.NotContains(t, text, "provisional")

	for name, k := range map[string]struct {
		status int
		change func(c *rights.Certificate)
	}{
		"another controller":          {holdsNot, func(c *rights.Certificate) { c.Controller = "Acme Inc" }},
		"another count":               {holdsNot, func(c *rights.Certificate) { c.Sources[0].Records = 2 }},
		"another stage":               {holdsNot, func(c *rights.Certificate) { c.Stage = rights.Provisional }},
		"another request":             {holdsNot, func(c *rights.Certificate) { c.Request = "r-18" }},
		"another tenant":              {holdsNot, func(c *rights.Certificate) { c.Tenant = "globex" }},
		"another certificate's proof": {holdsNot, func(c *rights.Certificate) { c.Proof = others }},
		"an entry that was refused": {holdsNot, func(c *rights.Certificate) {
			c.Proof = s.record(erasedAll(), func(e *troth.Entry) { e.Outcome = troth.Refused })
		}},
		"an entry of another tenant": {holdsNot, func(c *rights.Certificate) {
			c.Proof = s.record(erasedAll(), func(e *troth.Entry) { e.Tenant = "globex" })
		}},
		"an entry of another act": {holdsNot, func(c *rights.Certificate) {
			c.Proof = s.record(erasedAll(), func(e *troth.Entry) { e.Act.Name = "rights.event" })
		}},
		"an entry of another stage": {holdsNot, func(c *rights.Certificate) {
			c.Proof = s.record(erasedAll(), func(e *troth.Entry) { e.Facts["stage"] = troth.Word("provisional") })
		}},
		"a proof of another place": {holdsNot, func(c *rights.Certificate) {
			p, err := audit.ParseProof([]byte(proof))
			require.NoError(t, err)
			p.Index++
			c.Proof = string(p.Marshal())
		}},
		"no proof":        {unreadable, func(c *rights.Certificate) { c.Proof = "" }},
		"no proof's form": {unreadable, func(c *rights.Certificate) { c.Proof = "it was erased" }},
		"half a proof":    {unreadable, func(c *rights.Certificate) { c.Proof = proof[:len(proof)/2] }},
		"a contradiction on record": {unreadable, func(c *rights.Certificate) {
			c.Sources[0].Outcome = rights.Failed
			c.Proof = s.record(*c, nil)
		}},
		"made contradictory": {holdsNot, func(c *rights.Certificate) { c.Sources[0].Outcome = rights.Failed }},
		"another version":    {unreadable, func(c *rights.Certificate) { c.Format = "troth.rights.certificate/2" }},
		"a receipt's format": {unreadable, func(c *rights.Certificate) { c.Format = "troth.retention.certificate/1" }},
	} {
		changed := c
		changed.Sources = append([]rights.CertificateSource(nil), c.Sources...)
		k.change(&changed)
		_, err := s.judge(marshalled(t, changed))
		assert.Equal(t, k.status, statusOf(err), "%s: %v", name, err)
	}
	_, err = (&verifier{keys: newKeys(t)}).judge(bytes.NewReader(marshalled(t, c)))
	assert.Equal(t, unreadable, statusOf(err), "an unknown key")
	assert.Equal(t, "it is not the certificate that was recorded: something in it was changed", reason(rights.ErrCertificateProof))
}

func newKeys(t *testing.T) audit.Verifiers {
	t.Helper()
	keys, err := audit.Verifiers{}.With(key(t, 4).VerifierKey())
	require.NoError(t, err)
	return keys
}

// TestErasure_NoByteOfWhatItSaysCanChange changes every byte of a certificate in three
// ways: what is still read and holds says the same.
func TestErasure_NoByteOfWhatItSaysCanChange(t *testing.T) {
	if testing.Short() {
		t.Skip("long, and nothing at once")
	}
	s := newShop(t)
	c := erasedAll()
	c.Proof = s.record(c, nil)
	whole := marshalled(t, c)
	text, err := s.judge(whole)
	require.NoError(t, err)
	for i := range whole {
		if i%slowdown != 0 {
			continue
		}
		for _, change := range []byte{0x01, 0x20, 0x80} {
			b := bytes.Clone(whole)
			b[i] ^= change
			if changed, err := s.judge(b); err == nil {
				require.Equal(t, text, changed, "byte %d ^ %#x: no more than layout", i, change)
			}
		}
	}
}
