package kit

import (
	"context"
	"crypto/cipher"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// late lets trail and vault be made one after the other although each needs the
// other: the trail seals pseudonyms in the vault, the vault records on the
// trail. The vault is there before Open returns.
type late struct{ vault *vault.Vault }

var (
	_ troth.Keys   = (*late)(nil)
	_ troth.Sealer = (*late)(nil)
)

func (l *late) MAC(ctx context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	return l.vault.MAC(ctx, ref, message)
}

func (l *late) AEAD(ctx context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	return l.vault.AEAD(ctx, ref)
}

func (l *late) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	return l.vault.Seal(ctx, dst, at, plaintext)
}

func (l *late) Open(ctx context.Context, dst []byte, at troth.Context, p troth.Purpose, sealed []byte) ([]byte, error) {
	return l.vault.Open(ctx, dst, at, p, sealed)
}
