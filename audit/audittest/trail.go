package audittest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/internal/canon"
)

// NewTrail returns a trail on the store with throw-away keys.
func NewTrail(t testing.TB, store audit.Backend, opts ...audit.Option) *audit.Trail {
	t.Helper()
	trail, err := audit.New(t.Context(), store, NewKeys(), NewSealer(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	return trail
}

// NewKeys returns random keys that live as long as the value.
func NewKeys() troth.Keys {
	master := make([]byte, 32)
	_, _ = rand.Read(master) // never fails, crypto/rand documents
	return keys(func(ref troth.KeyRef) []byte {
		m := canon.AppendDomain(nil, "troth.audittest.key/1")
		m = canon.AppendText(m, ref.Tenant)
		m = canon.AppendText(m, ref.Use)
		return mac(master, canon.AppendText(m, ref.ID))
	})
}

// keys derives the key of a reference.
type keys func(ref troth.KeyRef) []byte

func mac(key, message []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(message)
	return h.Sum(nil)
}

func (k keys) MAC(_ context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	if err := ref.Validate(); err != nil {
		return [32]byte{}, err
	}
	return [32]byte(mac(k(ref), message)), nil
}

func (k keys) AEAD(_ context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	if err := ref.Validate(); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(k(ref))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Sealer seals under throw-away keys, for tests of what needs a troth.Sealer
// and no vault. It records no openings.
type Sealer struct {
	keys troth.Keys

	mu       sync.Mutex
	shredded map[sealed]bool
}

type sealed struct {
	subject     troth.Subject
	compartment troth.Compartment
}

var _ troth.Sealer = (*Sealer)(nil)

// NewSealer returns a sealer with fresh keys.
func NewSealer() *Sealer { return &Sealer{keys: NewKeys(), shredded: make(map[sealed]bool)} }

// ErrShredded is what a Sealer answers for what was shredded.
var ErrShredded error = shreddedError{errors.New("audittest: shredded")}

type shreddedError struct{ error }

// Shredded reports true: packages that cannot import a vault ask this.
func (shreddedError) Shredded() bool { return true }

// Shred makes a compartment of a person unreadable for ever.
func (s *Sealer) Shred(subject troth.Subject, c troth.Compartment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shredded[sealed{subject, c}] = true
}

// Seal implements troth.Sealer.
func (s *Sealer) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	aead, err := s.aead(ctx, at)
	if err != nil {
		return nil, err
	}
	return aead.Seal(dst, nil, plaintext, place(at)), nil
}

// Open implements troth.Sealer.
func (s *Sealer) Open(ctx context.Context, dst []byte, at troth.Context, p troth.Purpose, box []byte) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	aead, err := s.aead(ctx, at)
	if err != nil {
		return nil, err
	}
	return aead.Open(dst, nil, box, place(at))
}

func (s *Sealer) aead(ctx context.Context, at troth.Context) (cipher.AEAD, error) {
	if err := errors.Join(ctx.Err(), at.Validate()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	dead := s.shredded[sealed{at.Subject, at.Compartment}]
	s.mu.Unlock()
	if dead {
		return nil, ErrShredded
	}
	return s.keys.AEAD(ctx, troth.KeyRef{Tenant: at.Subject.Tenant, Use: string(at.Compartment), ID: at.Subject.ID})
}

func place(at troth.Context) []byte {
	m := canon.AppendDomain(nil, "troth.audittest.value/1")
	m = canon.AppendText(m, at.Cell.Table)
	m = canon.AppendText(m, at.Cell.Column)
	return canon.AppendText(m, at.Cell.Row)
}
