package rights

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/rights/export"
)

// codec is one kind of stored record: again parses bytes, and encodes what was read.
type codec struct {
	name  string
	again func(b []byte) ([]byte, error)
	// sample is a record in which every field says something of its own.
	sample []byte
}

var at = time.UnixMicro(1_763_776_391_123_457).UTC()

func codecs() []codec {
	hash := sha256.Sum256([]byte("troth"))
	us := micros(at)
	q := request{
		right: Erase, state: StateVerifying, subject: "c-17", sensitive: true, owner: "dpo", via: ViaAgent, language: "de",
		regimes: []string{"gdpr", "uk"}, purposes: []troth.Purpose{"newsletter"}, fields: []string{"town"}, of: "r-0",
		fingerprint: hash, reachable: true, receivedAt: us, createdAt: us + 1, acknowledgedAt: us + 2, closedAt: us + 3,
		ticks:   []tick{{deadline.Received, us}, {deadline.IdentityAsked, us + 4}},
		pending: true, proof: "p-1", level: LevelReasonable, until: us + 5,
		agent: &mandate{agent: "helpers", rights: []Right{Erase}, until: us + 6, basis: ByDocument, document: hash, confirmed: true},
		done:  3, left: 1, entered: 2, other: "r-9", reason: LegalClaims, dueAt: us + 7, rule: "gdpr.erasure.respond", stage: 2,
		alarmFor: us + 7, clock: us + 8, seq: 9,
	}
	e := Event{
		Kind: WasRefused, At: at, RecordedAt: at.Add(time.Microsecond), From: StateReceived, To: StateRefused, Word: "legal-claims",
		Ref: "f-1", Until: at.Add(time.Hour), Evidence: troth.EntryID(hash[:16]),
	}
	noted := Event{Kind: Executed, At: at, RecordedAt: at, From: StateExecuting, To: StateExecuting, Evidence: troth.EntryID(hash[:16])}
	p := evidence{right: Erase, level: LevelHigh, method: BySight, kinds: []string{"passport"}, subject: "c-17", at: us, until: us + 1}
	k := code{hash: hash, until: us, tries: 2, sends: 1, subject: "c-17"}
	m := posted{kind: MessageExtended, then: Extended, word: "complexity", tries: 4}
	o := Obligation{Kind: DeferredErasure, Ref: "files", DueAt: at, OpenedAt: at.Add(-time.Hour)}
	f := Refusal{
		Reason: LegalClaims, Citation: "Art. 17(3)(e)", Scope: []string{"invoices"}, Evidence: hash, Review: at, At: at.Add(1000),
		AppealBy: at.Add(time.Hour),
	}
	issued := Certified{Entry: troth.EntryID(hash[:16]), Certificate: Certificate{
		Format: CertificateFormat, Nonce: hexOf(hash[:16]), Stage: Provisional, Issued: CertificateTime{at}, Controller: "Acme & Co.",
		Tenant: "acme", Request: "r-1", Right: Erase, Received: CertificateTime{at}, Ledger: 2, Sources: []CertificateSource{{
			Name: "files", Outcome: Done, Method: Deleted, Records: 3, At: CertificateTime{at}, CopiesUntil: &CertificateTime{at.Add(time.Hour)},
			Evidence: troth.EntryID(hash[:16]).String(),
		}},
	}}
	work := []SourceWork{{
		Source: "files", Order: Remote, Policy: "policy-1", Title: "Files", Able: true, Found: 9, Located: true, Tries: 2, Outcome: Retained,
		Method: Deleted, Records: 3, Asked: []string{"subject", "email"}, Kept: []Kept{{Basis: LegalClaims, Records: 1, Until: at, Review: at.Add(time.Hour), Cite: "§ 147(3) AO"}},
		Keyed: 1, Until: at.Add(time.Minute), CopiesUntil: at.Add(time.Hour), Ref: "t-1", At: at, Evidence: troth.EntryID(hash[:16]), asked: 4,
	}, {Source: "orders", Order: Primary}}
	certified, err := issued.message()
	if err != nil {
		panic(err)
	}
	return []codec{
		{"certificate", func(b []byte) ([]byte, error) {
			c, err := parseCertified(b)
			if err != nil {
				return nil, err
			}
			return c.message()
		}, certified},
		{"request", func(b []byte) ([]byte, error) {
			q, err := parseRequest(b)
			if err != nil {
				return nil, err
			}
			return q.encode(), nil
		}, q.encode()},
		{"row", func(b []byte) ([]byte, error) { es, err := parseEvents(b, 1); return encodeEvents(es), err }, encodeEvents([]Event{e, noted})},
		{"proof", func(b []byte) ([]byte, error) { e, err := parseEvidence(b); return e.encode(), err }, p.encode()},
		{"code", func(b []byte) ([]byte, error) { k, err := parseCode(b); return k.encode(), err }, k.encode()},
		{"message", func(b []byte) ([]byte, error) { m, err := parsePosted(b); return m.encode(), err }, m.encode()},
		{"obligation", func(b []byte) ([]byte, error) { o, err := parseObligation("", b); return o.encode(), err }, o.encode()},
		{"refusal", func(b []byte) ([]byte, error) {
			f, err := parseRefusal("", "", "", b)
			return f.encode(), err
		}, f.encode()},
		{"lifting", func(b []byte) ([]byte, error) {
			l, err := parseLifting(b)
			return l.encode(), err
		}, (&lifting{ground: "accuracy-verified", at: micros(at), told: micros(at) + 1}).encode()},
		{"sheet", func(b []byte) ([]byte, error) {
			work, of, err := parseSheet(b)
			return encodeSheet(work, of), err
		}, encodeSheet(work, 8)},
		{"ticket", func(b []byte) ([]byte, error) { t, err := parseTicket(b); return encodeTicket(t), err }, encodeTicket(export.Ticket{
			Hash: hash, Expires: at, Used: at.Add(time.Microsecond),
		})},
		{"call", func(b []byte) ([]byte, error) { p, err := parseAnswer(b); return encodeAnswer(p), err }, encodeAnswer(hash)},
		{"mandate", func(b []byte) ([]byte, error) { return b, nil }, MandateBytes(troth.Subject{Tenant: "acme", ID: "c-17"}, Mandate{
			Agent: "helpers", Rights: []Right{Erase, Access}, Until: at,
		})},
	}
}

func TestFormats_OneEncoding(t *testing.T) {
	for _, c := range codecs() {
		got, err := c.again(c.sample)
		require.NoError(t, err, c.name)
		require.Equal(t, c.sample, got, c.name)
		if c.name == "mandate" {
			continue // it is signed, and never read
		}
		_, err = c.again(append(bytes.Clone(c.sample), 0))
		require.ErrorIs(t, err, ErrRecord, c.name)
		for n := range c.sample {
			_, err := c.again(c.sample[:n])
			require.ErrorIs(t, err, ErrRecord, "%s, the first %d bytes", c.name, n)
		}
	}
}

var vector = regexp.MustCompile("(?s)(Vector of a ([a-z]+)[^\n]*\n\n```hex\n)(.*?)```")

// lines is hexadecimal in lines of 48 bytes.
func lines(b []byte) string {
	var all strings.Builder
	for part := range slices.Chunk(b, 48) {
		all.WriteString(hex.EncodeToString(part) + "\n")
	}
	return all.String()
}

// The page has a vector of each, written as code writes it.
func TestFormats_VectorsOfThePage(t *testing.T) {
	const path = "../docs/formats/rights.md"
	samples := map[string][]byte{}
	for _, c := range codecs() {
		samples[c.name] = c.sample
	}
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		page = vector.ReplaceAllFunc(page, func(block []byte) []byte {
			m := vector.FindSubmatch(block)
			return []byte(string(m[1]) + lines(samples[string(m[2])]) + "```")
		})
		require.NoError(t, os.WriteFile(path, page, 0o644))
	}
	blocks := map[string]string{}
	for _, m := range vector.FindAllStringSubmatch(string(page), -1) {
		blocks[m[2]] = m[3]
	}
	for name, sample := range samples {
		require.Equal(t, lines(sample), blocks[name], "%s: run with -update", name)
	}
}

func FuzzRecord(f *testing.F) {
	all := codecs()
	for i, c := range all {
		f.Add(byte(i), c.sample)
	}
	f.Fuzz(func(t *testing.T, which byte, b []byte) {
		c := all[int(which)%len(all)]
		got, err := c.again(b)
		if err == nil && !bytes.Equal(got, b) {
			t.Fatalf("%s: a second encoding: %x and %x", c.name, b, got)
		}
	})
}
