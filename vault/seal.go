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
	q := v.cache.seek(nameOf(&at))
	s := v.hit(&q)
	if s == nil {
		if err := at.Validate(); err != nil {
			return nil, err
		}
		var err error
		if s, err = v.resolveOrCreate(ctx, &q); err != nil {
			return nil, err
		}
	}
	aad := getScratch(s)
	dst = s.seal(dst, &at.Cell, plaintext, aad)
	aad.release()
	return dst, nil
}

// hit returns the slot that may be used with no further question, nil if some
// question must be asked first. What is in the cache has a valid name.
func (v *Vault) hit(q *sought) *slot {
	if v.mustAsk() {
		return nil
	}
	s := q.cached(v.fence.AsOf())
	if s == nil || s.shredded {
		return nil
	}
	return s
}

// mustAsk reports whether using a cached key needs more than having it: the
// fence wants a look, a shredding is undecided, or the vault is closed.
func (v *Vault) mustAsk() bool {
	return v.fence.due.Load() || v.pendings.count.Load() != 0 || v.closed.Load()
}

// seal appends the sealed plaintext to dst. aad begins with the slot's prefix.
func (s *slot) seal(dst []byte, cell *troth.Cell, plaintext []byte, aad *scratch) []byte {
	key := &s.keys[0]
	aad.b = appendCell(aad.b[:len(s.prefix)], cell)
	dst = append(dst, valueVersion, byte(key.id>>24), byte(key.id>>16), byte(key.id>>8), byte(key.id))
	return key.aead.Seal(dst, nil, plaintext, aad.b)
}

// open appends the plaintext to dst, or returns ErrOpen. aad begins with the
// slot's prefix.
func (s *slot) open(dst []byte, cell *troth.Cell, sealed []byte, aad *scratch) ([]byte, error) {
	key := s.find(sealed)
	if key == nil {
		return nil, ErrOpen
	}
	aad.b = appendCell(aad.b[:len(s.prefix)], cell)
	out, err := key.aead.Open(dst, nil, sealed[headerSize:], aad.b)
	if err != nil {
		return nil, refused(cell)
	}
	return out, nil
}

// refused is why a value did not open: nothing was ever sealed at a place that
// is not valid, which is looked at only now.
func refused(cell *troth.Cell) error {
	if err := cell.Validate(); err != nil {
		return err
	}
	return ErrOpen
}
