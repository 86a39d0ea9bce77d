package rights

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/internal/strictjson"
)

// CertificateFormat names the form of a certificate, and its version.
const CertificateFormat = "troth.rights.certificate/1"

// MaxCertificate is the longest certificate that is read, in bytes.
const MaxCertificate = 1 << 20

// CertificateStage says how much a certificate certifies.
type CertificateStage string

// The stages.
const (
	// Provisional: it says what was done in live systems, and what is left: what is kept,
	// who has not answered, by when the last copy is gone.
	Provisional CertificateStage = "provisional"
	// Final: nothing is left. Live systems are done, everybody who was told has
	// answered, nothing is kept back, and the last copy is gone.
	Final CertificateStage = "final"
)

// Certificate says what became of a request to erase. It names the request and no
// person, says of what is kept on which basis and not in which matter, and can be
// checked by anybody with its proof, see [VerifyCertificate].
type Certificate struct {
	Format string `json:"format"`
	// Nonce is random, so that the certificate's hash confirms no guess.
	Nonce      string           `json:"nonce"`
	Stage      CertificateStage `json:"stage"`
	Issued     CertificateTime  `json:"issued"`
	Controller string           `json:"controller"`
	Tenant     troth.Tenant     `json:"tenant"`
	Request    string           `json:"request"`
	Right      Right            `json:"right"`
	Received   CertificateTime  `json:"received"`
	// Complete is by when everything that is known of is gone; absent where something
	// has no end yet, or where nothing is left.
	Complete *CertificateTime `json:"complete_by,omitempty"`
	// Ledger is how many keyed hashes stay of what the person was found by, to keep them
	// erased.
	Ledger  uint64              `json:"ledger"`
	Sources []CertificateSource `json:"sources"`
	// Proof is that of the entry of the trail which commits to the certificate; empty in
	// one that has none yet.
	Proof string `json:"proof,omitempty"`
}

// CertificateSource is what became of the request at one source.
type CertificateSource struct {
	Name    string          `json:"name"`
	Title   string          `json:"title,omitempty"`
	Outcome Outcome         `json:"outcome"`
	Method  ActionMethod    `json:"method,omitempty"`
	Records uint64          `json:"records"`
	At      CertificateTime `json:"at"`
	// Asked are the kinds of identifiers that were looked for.
	Asked []string `json:"asked,omitempty"`
	// CopiesUntil is when the last copy is gone that nobody deletes one by one.
	CopiesUntil *CertificateTime  `json:"copies_until,omitempty"`
	Kept        []CertificateKept `json:"kept,omitempty"`
	// Keyed is how many keyed hashes stay, to leave the person alone.
	Keyed uint64 `json:"keyed,omitempty"`
	// Evidence is the id of the entry of the trail about this source.
	Evidence string `json:"evidence"`
}

// CertificateKept is something that is kept.
type CertificateKept struct {
	Basis   Reason           `json:"basis"`
	Cite    string           `json:"cite,omitempty"`
	Records uint64           `json:"records"`
	Until   *CertificateTime `json:"until,omitempty"`
	Review  *CertificateTime `json:"review,omitempty"`
}

// CertificateTime is an instant with microseconds, UTC, in the one way in which
// certificates write it.
type CertificateTime struct{ time.Time }

// MarshalJSON writes the instant as a string.
func (t CertificateTime) MarshalJSON() ([]byte, error) {
	return strictjson.EncodeTime(t.Time), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *CertificateTime) UnmarshalJSON(b []byte) error {
	at, ok := strictjson.DecodeTime(b)
	if !ok {
		return ErrCertificate
	}
	t.Time = at
	return nil
}

var (
	// ErrCertificate says that something is no certificate, or contradicts itself.
	ErrCertificate = errors.New("rights: not a certificate")
	// ErrCertificateProof says that a certificate is not what the trail recorded.
	ErrCertificateProof = errors.New("rights: certificate is not what was recorded")
)

// certificateDomain is for the hash of certificates.
const certificateDomain = "troth.rights.certificate-hash/1"

// bare is the certificate's text without its proof.
func (c Certificate) bare() ([]byte, error) {
	c.Proof = ""
	b, err := strictjson.Encode(c)
	if err != nil {
		return nil, fmt.Errorf("rights: encode certificate: %w", err)
	}
	return b, nil
}

// Hash is what the trail commits to: the SHA-256 of the certificate without its proof.
func (c Certificate) Hash() ([32]byte, error) {
	b, err := c.bare()
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(canon.AppendBytes(canon.AppendDomain(nil, certificateDomain), b)), nil
}

// Marshal writes the certificate as a file: indented JSON.
func (c Certificate) Marshal() ([]byte, error) {
	b, err := strictjson.EncodeFile(c)
	if err != nil {
		return nil, fmt.Errorf("rights: encode certificate: %w", err)
	}
	return b, nil
}

// ParseCertificate reads a certificate. Layout does not matter; of everything else it
// accepts only what [Certificate.Marshal] writes: every member that it knows, in that
// order, once, and no other; and nothing that contradicts itself, such as a final
// certificate of which something is kept. Anything else is [ErrCertificate].
func ParseCertificate(b []byte) (Certificate, error) {
	c, err := decodeCertificate(b)
	if err == nil && !c.sound() {
		err = ErrCertificate
	}
	if err != nil {
		return Certificate{}, err
	}
	return c, nil
}

func decodeCertificate(b []byte) (Certificate, error) {
	var c Certificate
	if len(b) > MaxCertificate || !strictjson.Decode(b, &c) || c.Format != CertificateFormat {
		return Certificate{}, ErrCertificate
	}
	return c, nil
}

// sound reports whether the certificate does not contradict itself.
func (c Certificate) sound() bool {
	if c.Stage != Provisional && c.Stage != Final || c.Right != Erase || c.Tenant.Validate() != nil {
		return false
	}
	if c.Stage == Final && (c.Complete != nil || len(c.Sources) == 0) { // nobody could be asked, so nothing is done
		return false
	}
	for i := range c.Sources {
		s := &c.Sources[i]
		known := s.Outcome == "" || slices.Contains(outcomes, s.Outcome) // of one that was not asked yet there is none
		if !known || s.Outcome.Complete() && len(s.Kept) > 0 {
			return false
		}
		waits := s.CopiesUntil != nil && s.CopiesUntil.After(c.Issued.Time)
		if c.Stage == Final && (!s.Outcome.Complete() || waits) {
			return false
		}
	}
	return true
}

// Proven is what the proof of a certificate shows.
type Proven = troth.Proven

// VerifyCertificate checks that a certificate is what the trail recorded: nothing in it
// was changed since. prove verifies the proof that it carries, and returns the entry that it
// proves; this package does not judge proofs. With keys of the log, audit.Verifiers that its
// owner gave away once, it is keys.Proven:
//
//	certificate, err := rights.VerifyCertificate(file, keys.Proven)
//
// It returns [ErrCertificate] for what cannot be read, has no proof, or contradicts itself
// although it was recorded;
// [ErrCertificateProof] for what is not what was recorded; and errors of prove as they
// are.
func VerifyCertificate(file []byte, prove func(proof []byte) (Proven, error)) (Certificate, error) {
	c, err := decodeCertificate(file)
	if err != nil {
		return Certificate{}, err
	}
	if c.Proof == "" {
		return Certificate{}, fmt.Errorf("%w: it carries no proof", ErrCertificate)
	}
	p, err := prove([]byte(c.Proof))
	if err != nil {
		return Certificate{}, err
	}
	hash, err := c.Hash()
	if err != nil {
		return Certificate{}, err
	}
	if !p.Says(actCertificate, c.Tenant, troth.Facts{
		"certificate": troth.Digest(hash), "stage": troth.Word(string(c.Stage)), "request": troth.ID(c.Request),
	}) {
		return Certificate{}, ErrCertificateProof
	}
	if !c.sound() {
		return Certificate{}, fmt.Errorf("%w: it contradicts itself", ErrCertificate)
	}
	return c, nil
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func certificateTimeOf(t time.Time) *CertificateTime {
	if t.IsZero() {
		return nil
	}
	return &CertificateTime{t.UTC()}
}
