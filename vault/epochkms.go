package vault

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// EpochKMS says how the host reaches the keys of epochs in a KMS. Tink's
// interface to a KMS makes and destroys no keys, so these two calls are the
// host's.
type EpochKMS struct {
	// URI names the key of an epoch, always the same for the same epoch: an
	// alias, a key name or a version that the number is part of.
	URI func(epoch uint32) string
	// AEAD returns the key under a URI, as the clients of Tink's KMS modules do.
	AEAD func(ctx context.Context, uri string) (tink.AEADWithContext, error)
	// Create makes the key under a URI. If there is one it does nothing; if there
	// was one that is destroyed, or about to be, it returns [ErrEpochDestroyed].
	Create func(ctx context.Context, uri string) error
	// Destroy destroys the key under a URI, for ever. It returns the instant at
	// which that is final while the KMS still waits for it, and the zero time
	// once the KMS says that the key is gone. It can be repeated; if somebody
	// took the destruction back it begins anew.
	Destroy func(ctx context.Context, uri string) (final time.Time, err error)
	// Declared is where the keys lie. Apart is true of every KMS whose keys do
	// not leave it.
	Declared EpochPlace
}

// epochKMS asks a KMS for each root.
type epochKMS struct {
	EpochKMS
	mu   sync.Mutex
	keys map[uint32]tink.AEADWithContext
}

// NewEpochKMS returns the EpochStore of a KMS.
func NewEpochKMS(k EpochKMS) (EpochStore, error) {
	if k.URI == nil || k.AEAD == nil || k.Create == nil || k.Destroy == nil {
		return nil, fmt.Errorf("vault: epoch KMS: URI, AEAD, Create and Destroy are required")
	}
	if err := k.Declared.validate(); err != nil {
		return nil, err
	}
	return &epochKMS{EpochKMS: k, keys: make(map[uint32]tink.AEADWithContext)}, nil
}

// Place implements EpochStore.
func (k *epochKMS) Place() EpochPlace { return k.Declared }

// Create implements EpochStore.
func (k *epochKMS) Create(ctx context.Context, epoch uint32) error {
	return k.EpochKMS.Create(ctx, k.URI(epoch))
}

// key returns what stands for the epoch's key, which itself stays in the KMS.
func (k *epochKMS) key(ctx context.Context, epoch uint32) (tink.AEADWithContext, error) {
	k.mu.Lock()
	key := k.keys[epoch]
	k.mu.Unlock()
	if key != nil {
		return key, nil
	}
	key, err := k.AEAD(ctx, k.URI(epoch)) // not under the lock: it may be slow
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[epoch] = key
	return key, nil
}

// Wrap implements EpochStore.
func (k *epochKMS) Wrap(ctx context.Context, epoch uint32, plaintext, associatedData []byte) ([]byte, error) {
	key, err := k.key(ctx, epoch)
	if err != nil {
		return nil, err
	}
	return key.EncryptWithContext(ctx, plaintext, associatedData)
}

// Unwrap implements EpochStore.
func (k *epochKMS) Unwrap(ctx context.Context, epoch uint32, ciphertext, associatedData []byte) ([]byte, error) {
	key, err := k.key(ctx, epoch)
	if err != nil {
		return nil, err
	}
	return key.DecryptWithContext(ctx, ciphertext, associatedData)
}

// Destroy implements EpochStore.
func (k *epochKMS) Destroy(ctx context.Context, epoch uint32) (final time.Time, err error) {
	k.mu.Lock()
	delete(k.keys, epoch)
	k.mu.Unlock()
	return k.EpochKMS.Destroy(ctx, k.URI(epoch))
}
