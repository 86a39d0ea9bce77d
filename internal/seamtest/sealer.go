package seamtest

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/trothdev/troth"
)

// Sealer seals under a key for each person and compartment, which can be shredded.
type Sealer struct {
	keys Keys

	mu     sync.Mutex
	gone   map[compartment]bool
	opened []troth.Purpose
}

var _ troth.Sealer = (*Sealer)(nil)

type compartment struct {
	subject troth.Subject
	of      troth.Compartment
}

// NewSealer has keys of its own.
func NewSealer() *Sealer { return &Sealer{keys: Keys{Secret: "seal"}, gone: map[compartment]bool{}} }

// GoneError says that a key was shredded.
type GoneError struct{ error }

// Gone is such an error.
func Gone() GoneError { return GoneError{errors.New("shredded")} }

// Shredded tells it apart from other failures.
func (GoneError) Shredded() bool { return true }

func (s *Sealer) key(ctx context.Context, at troth.Context) (cipher.AEAD, []byte, error) {
	if err := at.Validate(); err != nil {
		return nil, nil, err
	}
	if s.Shredded(at.Subject, at.Compartment) {
		return nil, nil, Gone()
	}
	place := fmt.Appendf(nil, "%q", []string{
		string(at.Subject.Tenant), at.Subject.ID, string(at.Compartment), at.Cell.Table, at.Cell.Column, at.Cell.Row,
	})
	key, err := s.keys.AEAD(ctx, troth.KeyRef{Tenant: at.Subject.Tenant, Use: "test.seal", ID: at.Subject.ID + "/" + string(at.Compartment)})
	return key, place, err
}

// Seal implements troth.Sealer.
func (s *Sealer) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	key, place, err := s.key(ctx, at)
	if err != nil {
		return nil, err
	}
	return key.Seal(dst, nil, plaintext, place), nil
}

// Open implements troth.Sealer.
func (s *Sealer) Open(ctx context.Context, dst []byte, at troth.Context, p troth.Purpose, sealed []byte) ([]byte, error) {
	key, place, err := s.key(ctx, at)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.opened = append(s.opened, p)
	s.mu.Unlock()
	return key.Open(dst, nil, sealed, place)
}

// Shred destroys keys of a person; all of them where no compartment is named.
func (s *Sealer) Shred(_ context.Context, _ troth.Permit, who troth.Subject, of ...troth.Compartment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(of) == 0 {
		of = []troth.Compartment{""}
	}
	for _, c := range of {
		s.gone[compartment{who, c}] = true
	}
	return nil
}

// Shredded reports whether a key was destroyed.
func (s *Sealer) Shredded(who troth.Subject, of troth.Compartment) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone[compartment{who, of}] || s.gone[compartment{who, ""}]
}

// Shreddings is how many keys, or persons, were destroyed.
func (s *Sealer) Shreddings() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.gone)
}

// Opened are the purposes for which something was opened, in their order.
func (s *Sealer) Opened() []troth.Purpose {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.opened)
}
