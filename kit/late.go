package kit

import (
	"context"
	"crypto/cipher"
	"sync/atomic"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// late lets trail and vault be made one after the other although each needs the
// other from its first moment, and be closed one after the other although the
// trail still needs keys then: the trail seals pseudonyms in the vault and
// authenticates entries by its keys, the vault records on the trail. keys stands
// in for the vault before it is there and after it has ended; both give the
// same.
type late struct {
	keys  *vault.Vault
	vault *vault.Vault
	// ended says that the vault is closed.
	ended atomic.Bool
}

var (
	_ troth.Keys   = (*late)(nil)
	_ troth.Sealer = (*late)(nil)
)

func (l *late) MAC(ctx context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	return l.source().MAC(ctx, ref, message)
}

func (l *late) AEAD(ctx context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	return l.source().AEAD(ctx, ref)
}

func (l *late) source() troth.Keys {
	if l.vault == nil || l.ended.Load() {
		return l.keys
	}
	return l.vault
}

func (l *late) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	return l.vault.Seal(ctx, dst, at, plaintext)
}

func (l *late) Open(ctx context.Context, dst []byte, at troth.Context, p troth.Purpose, sealed []byte) ([]byte, error) {
	return l.vault.Open(ctx, dst, at, p, sealed)
}
