package vault

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// Foreign is a value that Tink sealed with a key of a keyset that was taken in,
// and with associated data that is not the vault's.
type Foreign struct {
	// Data is the value, of Tink's output prefix type TINK or CRUNCHY, or, if
	// KeyID is not 0, RAW: without any prefix, sealed by the key of that id.
	Data  []byte
	KeyID uint32
	// AssociatedData is what Tink was given; empty for none.
	AssociatedData []byte
}

// normal is the value in the form of the vault's own.
func (f *Foreign) normal() ([]byte, error) {
	if f.KeyID != 0 {
		b := binary.BigEndian.AppendUint32([]byte{valueVersion}, f.KeyID)
		return append(b, f.Data...), nil
	}
	if len(f.Data) < Overhead || f.Data[0] > valueVersion {
		return nil, ErrOpen
	}
	b := bytes.Clone(f.Data)
	b[0] = valueVersion
	return b, nil
}

var ownBinding = canon.AppendDomain(nil, valueDomain)

// InsecureOpenForeign opens a value that Tink sealed with other associated data
// than [AssociatedData] of its place, under the rules of [Vault.AppendOpen], and
// appends the plaintext to dst. Nothing ties such a value to the person's cell:
// whoever can write the database can exchange it for another one of the same
// keyset and associated data. It is for having it sealed anew, once, see
// [Reencryption]. It does not open what the vault sealed, wherever that stands.
func (v *Vault) InsecureOpenForeign(ctx context.Context, dst []byte, at troth.Context, p troth.Purpose, f Foreign) ([]byte, error) {
	actor, err := troth.ActorFrom(ctx)
	if err != nil {
		return nil, err
	}
	if err := at.Validate(); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(f.AssociatedData, ownBinding) {
		return nil, ErrOpen
	}
	sealed, err := f.normal()
	if err != nil {
		return nil, err
	}
	q := v.cache.seek(nameOf(&at))
	s, err := v.resolveKey(ctx, &q, sealed, p)
	if err != nil {
		return nil, err
	}
	if actor.Kind == troth.Person {
		return v.openForeignForPerson(ctx, dst, s, &at.Cell, p, sealed, f.AssociatedData)
	}
	waited, err := v.count(ctx, &s.tally, &q, &actor, p)
	if err == nil && waited {
		s, err = v.resolveKey(ctx, &q, sealed, p)
	}
	if err != nil {
		return nil, err
	}
	return s.openWith(dst, sealed, f.AssociatedData)
}

// openForeignForPerson is openForPerson for such a value.
func (v *Vault) openForeignForPerson(ctx context.Context, dst []byte, s *slot, cell *troth.Cell, p troth.Purpose, sealed, aad []byte) ([]byte, error) {
	if err := v.admitPerson(ctx, p); err != nil {
		return nil, err
	}
	out, err := s.openWith(dst, sealed, aad)
	if err != nil {
		return nil, err
	}
	return v.show(ctx, dst, out, s, cell, p, sealed)
}

// openWith opens a value with any associated data.
func (s *slot) openWith(dst, sealed, aad []byte) ([]byte, error) {
	key := s.find(sealed)
	if key == nil {
		return nil, ErrOpen
	}
	out, err := key.aead.Open(dst, nil, sealed[headerSize:], aad)
	if err != nil {
		return nil, ErrOpen
	}
	return out, nil
}
