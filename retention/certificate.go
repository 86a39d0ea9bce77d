package retention

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/internal/strictjson"
)

// CertificateFormat is the first field of every certificate.
const CertificateFormat = "troth.retention.certificate/1"

// MaxCertificate is the longest certificate that is read, in bytes.
const MaxCertificate = 1 << 20

var (
	// ErrCertificate says that a certificate cannot be read, contradicts itself, or has
	// no proof.
	ErrCertificate = errors.New("retention: not a certificate")
	// ErrCertificateProof says that a certificate is not what the trail recorded.
	ErrCertificateProof = errors.New("retention: certificate does not hold")
)

// Certificate says how records were destroyed, and in which copies they may still be.
// With its proof it can be checked by anybody, offline, see [VerifyCertificate]. It names
// records by their random handles, nobody, and no holds.
type Certificate struct {
	Format string          `json:"format"`
	ID     string          `json:"id"`
	Tenant troth.Tenant    `json:"tenant"`
	Issued CertificateTime `json:"issued"`
	// Nonce is random, so that the certificate's hash confirms no guess.
	Nonce string `json:"nonce"`
	// Final says that every copy of every record is gone.
	Final   bool              `json:"final"`
	Records []CertifiedRecord `json:"records"`
	// Proof is that of the entry which commits to the certificate; empty in one that has
	// none yet.
	Proof string `json:"proof,omitempty"`
}

// CertifiedRecord is one record that was destroyed.
type CertifiedRecord struct {
	// Handle is its random name in evidence.
	Handle string `json:"record"`
	Type   string `json:"type"`
	Class  string `json:"class"`
	End    End    `json:"end"`
	// Policy is the hash of the policy that decided, in hex.
	Policy string `json:"policy"`
	// Destroyed is when the transaction committed that destroyed it, Entry the evidence.
	Destroyed CertificateTime `json:"destroyed"`
	Entry     string          `json:"entry"`
	// Gone is when the last copy was; absent while one may be there.
	Gone *CertificateTime `json:"gone,omitempty"`
	// Key is the destruction of the key that the record was sealed with, where there was
	// one whose horizon is past.
	Key    *CertifiedKey   `json:"key,omitempty"`
	Copies []CertifiedCopy `json:"copies"`
}

// CertifiedKey is a key that was destroyed.
type CertifiedKey struct {
	Entry string `json:"entry"`
	// Horizon is from when on nobody can read what it sealed.
	Horizon CertificateTime `json:"horizon"`
}

// CertifiedCopy is what became of one copy.
type CertifiedCopy struct {
	Copy   string     `json:"copy"`
	Kind   CopyKind   `json:"kind"`
	Status CopyStatus `json:"status"`
	// At is since when it is gone, By when it is at the latest.
	At *CertificateTime `json:"at,omitempty"`
	By *CertificateTime `json:"by,omitempty"`
	// Method is how it ended; Sanitisation is the word of NIST SP 800-88 for that, where
	// it has one: see [Method.Sanitisation]. Both are absent until it is gone.
	Method       Method `json:"method,omitempty"`
	Sanitisation string `json:"nist_sp_800_88,omitempty"`
	// Shown says that the copy showed it. Evidence and Digest are what a person showed.
	Shown    bool   `json:"shown,omitempty"`
	Evidence string `json:"evidence,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Entry    string `json:"entry,omitempty"`
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

func certified(t time.Time) *CertificateTime {
	if t.IsZero() {
		return nil
	}
	return &CertificateTime{t.UTC()}
}

// Hash is what the trail commits to: the SHA-256 of the certificate without its proof.
func (c Certificate) Hash() ([32]byte, error) {
	c.Proof = ""
	b, err := strictjson.Encode(c)
	if err != nil {
		return [32]byte{}, fmt.Errorf("retention: encode certificate: %w", err)
	}
	return sha256.Sum256(canon.AppendBytes(canon.AppendDomain(nil, CertificateFormat), b)), nil
}

// Marshal writes the certificate as a file: indented JSON.
func (c Certificate) Marshal() ([]byte, error) {
	b, err := strictjson.EncodeFile(c)
	if err != nil {
		return nil, fmt.Errorf("retention: encode certificate: %w", err)
	}
	return b, nil
}

// ParseCertificate reads a certificate. Layout does not matter; of everything else it
// accepts only what [Certificate.Marshal] writes: every member that it knows, in that
// order, once, and no other; and nothing that contradicts itself, such as a final
// certificate of which a copy may be there, or a word that its method does not earn.
// Anything else is [ErrCertificate].
func ParseCertificate(b []byte) (Certificate, error) {
	var c Certificate
	if len(b) > MaxCertificate || !strictjson.Decode(b, &c) || !c.sound() {
		return Certificate{}, ErrCertificate
	}
	return c, nil
}

// sound reports whether the certificate does not contradict itself.
func (c Certificate) sound() bool {
	if c.Format != CertificateFormat || len(c.Records) == 0 || c.Tenant.Validate() != nil {
		return false
	}
	final := true
	for i := range c.Records {
		r := &c.Records[i]
		if len(r.Copies) == 0 || r.Handle == "" || r.Destroyed.After(c.Issued.Time) {
			return false
		}
		all := true
		for k := range r.Copies {
			if !r.Copies[k].sound(r, c.Issued.Time) {
				return false
			}
			all = all && r.Copies[k].Status == CopyGone
		}
		if all != (r.Gone != nil) {
			return false
		}
		final = final && all
	}
	return c.Final == final
}

func (c *CertifiedCopy) sound(r *CertifiedRecord, issued time.Time) bool {
	if c.Sanitisation != c.Method.Sanitisation() {
		return false
	}
	switch c.Status {
	case CopyGone:
		if c.At == nil || c.At.After(issued) || c.By != nil || c.Method == "" || r.Gone != nil && c.At.After(r.Gone.Time) {
			return false
		}
	case CopyWaiting, CopyLeaving:
		return c.At == nil && c.Method == ""
	case CopyPresent:
		return false
	default:
		return false
	}
	switch {
	case c.Method == MethodKeyDestroyed:
		return r.Key != nil && !r.Key.Horizon.After(issued)
	case c.Sanitisation == "destroy":
		return c.Kind.Manual() && (c.Evidence != "" || c.Digest != "")
	}
	return true
}

// Proven is what the proof of a certificate shows.
type Proven = troth.Proven

// VerifyCertificate checks that a certificate is what the trail recorded: nothing in it
// was changed since. prove verifies the proof that the certificate carries, and returns the
// entry that it proves; this package does not judge proofs. With keys of the log,
// audit.Verifiers that its owner gave away once, it is keys.Proven.
//
// It returns [ErrCertificate] for what cannot be read, or has no proof;
// [ErrCertificateProof] for what is not what was recorded; and errors of prove as they
// are.
func VerifyCertificate(file []byte, prove func(proof []byte) (Proven, error)) (Certificate, error) {
	c, err := ParseCertificate(file)
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
	if !p.Says(actCertificate, c.Tenant, troth.Facts{"certificate": troth.Digest(hash)}) {
		return Certificate{}, ErrCertificateProof
	}
	return c, nil
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }
