package vaulttest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/trothdev/troth/vault"
)

// EpochStore is a vault.EpochStore in memory, in whose ways a test can stand.
// The zero value is ready, and declares nothing but its name.
type EpochStore struct {
	// Declared is what Place returns, "memory" if it has no name.
	Declared vault.EpochPlace
	// Before is asked in front of each call, by the method's name. Its error is
	// the call's, which is not done then.
	Before func(ctx context.Context, call string, epoch uint32) error
	// FinalAt tells when a destruction is final; the key is gone once it returns
	// the zero time. Nil is at once.
	FinalAt func(epoch uint32) time.Time

	mu    sync.Mutex
	keys  map[uint32]cipher.AEAD
	dead  map[uint32]bool
	calls int
}

var _ vault.EpochStore = (*EpochStore)(nil)

// Place implements vault.EpochStore.
func (s *EpochStore) Place() vault.EpochPlace {
	p := s.Declared
	if p.Name == "" {
		p.Name = "memory"
	}
	return p
}

// Calls is how often a key was asked to wrap or unwrap.
func (s *EpochStore) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Has reports whether the epoch's key is there.
func (s *EpochStore) Has(epoch uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[epoch] != nil
}

func (s *EpochStore) before(ctx context.Context, call string, epoch uint32) error {
	if s.Before == nil {
		return ctx.Err()
	}
	return s.Before(ctx, call, epoch)
}

// Create implements vault.EpochStore.
func (s *EpochStore) Create(ctx context.Context, epoch uint32) error {
	if err := s.before(ctx, "Create", epoch); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead[epoch] {
		return vault.ErrEpochDestroyed
	}
	if s.keys[epoch] != nil {
		return nil
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails, crypto/rand documents
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return err
	}
	if s.keys == nil {
		s.keys = make(map[uint32]cipher.AEAD)
	}
	s.keys[epoch] = aead
	return nil
}

func (s *EpochStore) key(epoch uint32) (cipher.AEAD, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.dead[epoch] {
		return nil, vault.ErrEpochDestroyed
	}
	if s.keys[epoch] == nil {
		return nil, errors.New("vaulttest: epoch has no key")
	}
	return s.keys[epoch], nil
}

// Wrap implements vault.EpochStore.
func (s *EpochStore) Wrap(ctx context.Context, epoch uint32, plaintext, associatedData []byte) ([]byte, error) {
	if err := s.before(ctx, "Wrap", epoch); err != nil {
		return nil, err
	}
	key, err := s.key(epoch)
	if err != nil {
		return nil, err
	}
	return key.Seal(nil, nil, plaintext, associatedData), nil
}

// Unwrap implements vault.EpochStore.
func (s *EpochStore) Unwrap(ctx context.Context, epoch uint32, ciphertext, associatedData []byte) ([]byte, error) {
	if err := s.before(ctx, "Unwrap", epoch); err != nil {
		return nil, err
	}
	key, err := s.key(epoch)
	if err != nil {
		return nil, err
	}
	plain, err := key.Open(nil, nil, ciphertext, associatedData)
	if err != nil {
		return nil, errors.New("vaulttest: not sealed by this key")
	}
	return plain, nil
}

// Destroy implements vault.EpochStore.
func (s *EpochStore) Destroy(ctx context.Context, epoch uint32) (final time.Time, err error) {
	if err := s.before(ctx, "Destroy", epoch); err != nil {
		return time.Time{}, err
	}
	if s.FinalAt != nil {
		if final = s.FinalAt(epoch); !final.IsZero() {
			return final, nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead == nil {
		s.dead = make(map[uint32]bool)
	}
	delete(s.keys, epoch)
	s.dead[epoch] = true
	return time.Time{}, nil
}
