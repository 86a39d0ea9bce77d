package tasktest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"sync"

	"github.com/trothdev/troth"
)

// Sealer seals in memory under a random key for each person and compartment, and
// destroys keys as a vault does, but for the evidence. It is for tests.
type Sealer struct {
	mu   sync.Mutex
	keys map[owner]cipher.AEAD
	dead map[owner]bool
}

type owner struct {
	subject     troth.Subject
	compartment troth.Compartment
}

var _ troth.Sealer = (*Sealer)(nil)

// NewSealer returns a sealer without keys.
func NewSealer() *Sealer {
	return &Sealer{keys: make(map[owner]cipher.AEAD), dead: make(map[owner]bool)}
}

// ErrShredded is what a Sealer answers for a key that was destroyed.
var ErrShredded error = shreddedError{errors.New("tasktest: shredded")}

type shreddedError struct{ error }

// Shredded reports true: packages that cannot import a vault ask this.
func (shreddedError) Shredded() bool { return true }

// ErrNoKey says that nothing was ever sealed there.
var ErrNoKey = errors.New("tasktest: no such key")

func (s *Sealer) key(at troth.Context, create bool) (cipher.AEAD, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := owner{at.Subject, at.Compartment}
	switch {
	case s.dead[o]:
		return nil, ErrShredded
	case s.keys[o] != nil:
		return s.keys[o], nil
	case !create:
		return nil, ErrNoKey
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails, crypto/rand documents
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	s.keys[o], err = cipher.NewGCMWithRandomNonce(block)
	return s.keys[o], err
}

// Seal implements troth.Sealer.
func (s *Sealer) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	if err := errors.Join(ctx.Err(), at.Validate()); err != nil {
		return nil, err
	}
	key, err := s.key(at, true)
	if err != nil {
		return nil, err
	}
	bound, err := json.Marshal(at)
	if err != nil {
		return nil, err
	}
	return key.Seal(dst, nil, plaintext, bound), nil
}

// Open implements troth.Sealer. It demands an actor, as a vault does.
func (s *Sealer) Open(ctx context.Context, dst []byte, at troth.Context, p troth.Purpose, sealed []byte) ([]byte, error) {
	if _, err := troth.ActorFrom(ctx); err != nil {
		return nil, err
	}
	if err := errors.Join(ctx.Err(), at.Validate(), p.Validate()); err != nil {
		return nil, err
	}
	key, err := s.key(at, false)
	if err != nil {
		return nil, err
	}
	bound, err := json.Marshal(at)
	if err != nil {
		return nil, err
	}
	return key.Open(dst, nil, sealed, bound)
}

// Destroy destroys a key; it is the DestroyKey of a task.Config. It looks at no
// permit.
func (s *Sealer) Destroy(_ context.Context, _ troth.Permit, of troth.Subject, c troth.Compartment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := owner{of, c}
	delete(s.keys, o)
	s.dead[o] = true
	return nil
}

// Living returns how many keys there are.
func (s *Sealer) Living() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys)
}
