package vault

import (
	"context"

	"github.com/trothdev/troth"
)

// Seal is [Vault.AppendSeal] into dst; it implements [troth.Sealer].
func (v *Vault) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	return v.AppendSeal(ctx, dst, at, plaintext)
}

// AppendSeal seals plaintext under the person's key of the compartment, made on
// first use, and appends the result to dst: [Overhead] bytes more than the
// plaintext. It opens only with the same context. dst must not overlap
// plaintext, unless it is its own bytes that are sealed elsewhere.
//
// It returns a *[troth.IdentifierError] for a context that is not valid,
// [ErrShredded] and [ErrShredPending] for a person, compartment or tenant that
// was shredded, [ErrFenceStale] where that cannot be found out in time, and
// [ErrKEK] where a tenant's root is needed and the key-encryption key fails.
// In a transaction a new key lives and dies with it.
func (v *Vault) AppendSeal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	if err := at.Cell.Validate(); err != nil {
		return nil, err
	}
	name := nameOf(&at)
	s := v.hit(&name)
	if s == nil {
		if err := at.Validate(); err != nil {
			return nil, err
		}
		var err error
		if s, err = v.resolveOrCreate(ctx, name); err != nil {
			return nil, err
		}
	}
	return s.seal(dst, &at.Cell, plaintext), nil
}

// hit returns the slot that may be used with no further question, nil if some
// question must be asked first. What is in the cache has a valid name.
func (v *Vault) hit(name *KeyName) *slot {
	now := v.mono()
	if now > v.fence.freshUntil.Load() || v.pendings.count.Load() != 0 || v.closed.Load() {
		return nil
	}
	s := v.cache.get(name, now)
	if s == nil || s.shredded {
		return nil
	}
	return s
}

func (s *slot) seal(dst []byte, cell *troth.Cell, plaintext []byte) []byte {
	key := s.keys[0]
	aad := getScratch()
	aad.b = appendCell(append(aad.b[:0], s.prefix...), *cell)
	dst = append(dst, key.header[:]...)
	dst = key.aead.Seal(dst, nil, plaintext, aad.b)
	aad.release()
	return dst
}

// open appends the plaintext to dst, or returns ErrOpen and dst as it was.
func (s *slot) open(dst []byte, cell *troth.Cell, sealed []byte) ([]byte, error) {
	id, ok := keyID(sealed)
	if !ok {
		return dst, ErrOpen
	}
	key := s.key(id)
	if key == nil {
		return dst, ErrOpen
	}
	aad := getScratch()
	aad.b = appendCell(append(aad.b[:0], s.prefix...), *cell)
	out, err := key.aead.Open(dst, nil, sealed[headerSize:], aad.b)
	aad.release()
	if err != nil {
		return dst, ErrOpen
	}
	return out, nil
}
