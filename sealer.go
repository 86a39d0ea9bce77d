package troth

import "context"

// Sealer seals bytes of one person under their own key.
type Sealer interface {
	// Seal appends the sealed plaintext to dst. The result opens only under
	// the same context.
	Seal(ctx context.Context, dst []byte, at Context, plaintext []byte) ([]byte, error)
	// Open appends the plaintext to dst. It names a purpose, and the opening is
	// recorded as evidence before the plaintext is returned.
	Open(ctx context.Context, dst []byte, at Context, p Purpose, sealed []byte) ([]byte, error)
}
