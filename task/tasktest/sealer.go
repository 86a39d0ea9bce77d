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
// destroys keys, in the transactions of a store: as a vault does, but for the
// evidence. It is for tests.
type Sealer struct {
	tx   troth.Transactor
	mu   sync.Mutex
	keys map[owner]*key
}

type owner struct {
	subject     troth.Subject
	compartment troth.Compartment
}

// key is a key and the transactions in which it was made and destroyed.
type key struct {
	aead       cipher.AEAD
	made, dies *troth.Scope
	dead       bool
}

func undone(s *troth.Scope) bool { return s != nil && s.State() == troth.ScopeRolledBack }

var _ troth.Sealer = (*Sealer)(nil)

// NewSealer returns a sealer without keys that joins tx.
func NewSealer(tx troth.Transactor) *Sealer { return &Sealer{tx: tx, keys: make(map[owner]*key)} }

// ErrShredded is what a Sealer answers for a key that was destroyed.
var ErrShredded error = shreddedError{errors.New("tasktest: shredded")}

type shreddedError struct{ error }

// Shredded reports true: packages that cannot import a vault ask this.
func (shreddedError) Shredded() bool { return true }

// ErrNoKey says that nothing was ever sealed there.
var ErrNoKey = errors.New("tasktest: no such key")

// find returns the key, nil if there is none. It holds mu.
func (s *Sealer) find(o owner) *key {
	k := s.keys[o]
	switch {
	case k == nil:
		return nil
	case undone(k.made):
		delete(s.keys, o)
		return nil
	case k.dead && undone(k.dies):
		k.dead = false
	}
	return k
}

func (s *Sealer) key(ctx context.Context, at troth.Context, create bool) (cipher.AEAD, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := owner{at.Subject, at.Compartment}
	k := s.find(o)
	switch {
	case k != nil && k.dead:
		return nil, ErrShredded
	case k != nil:
		return k.aead, nil
	case !create:
		return nil, ErrNoKey
	}
	bytes := make([]byte, 32)
	_, _ = rand.Read(bytes) // never fails, crypto/rand documents
	block, err := aes.NewCipher(bytes)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	s.keys[o] = &key{aead: aead, made: s.tx.Scope(ctx)}
	return aead, err
}

// Seal implements troth.Sealer.
func (s *Sealer) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	if err := errors.Join(ctx.Err(), at.Validate()); err != nil {
		return nil, err
	}
	key, err := s.key(ctx, at, true)
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
	key, err := s.key(ctx, at, false)
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
func (s *Sealer) Destroy(ctx context.Context, _ troth.Permit, of troth.Subject, c troth.Compartment) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.find(owner{of, c}); k != nil && !k.dead {
		k.dead, k.dies = true, s.tx.Scope(ctx)
	}
	return nil
}

// Living returns how many keys there are.
func (s *Sealer) Living() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for o := range s.keys {
		if k := s.find(o); k != nil && !k.dead {
			n++
		}
	}
	return n
}
