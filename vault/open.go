package vault

import (
	"context"
	"errors"

	"github.com/trothdev/troth"
)

// Open is [Vault.AppendOpen] into dst; it implements [troth.Sealer].
func (v *Vault) Open(ctx context.Context, dst []byte, at troth.Context, p troth.Purpose, sealed []byte) ([]byte, error) {
	return v.AppendOpen(ctx, dst, at, p, sealed)
}

// AppendOpen opens a sealed value for a purpose and appends the plaintext to
// dst. The context's actor is on record before it returns:
//
//   - a person's opening by an entry of its own, in a transaction of its own;
//     inside the caller's transaction people get [ErrOpenInTx], since a
//     rollback would not make them forget;
//   - a service's by a window of actor, tenant and purpose, which was
//     committed before its first opening and tells the counts when it closes.
//     Inside a transaction a window must be open already where the database has
//     one writer or one connection, see [Vault.OpenWindow].
//
// It returns [ErrOpen] for bytes that do not open here, whatever the reason,
// [troth.ErrNoActor] without an actor, [ErrShredded] and [ErrShredPending] for
// destroyed keys, a *[RestrictedError] where a restriction leaves the purpose no
// room, [ErrFenceStale] where that cannot be found out in time, and
// [ErrKEK] where the key-encryption key fails. dst keeps its bytes in any case;
// it must not overlap sealed.
func (v *Vault) AppendOpen(ctx context.Context, dst []byte, at troth.Context, p troth.Purpose, sealed []byte) ([]byte, error) {
	actor, err := troth.ActorFrom(ctx)
	if err != nil {
		return nil, err
	}
	q := v.cache.seek(nameOf(&at))
	s := v.hit(&q)
	if s == nil || !v.fence.Fresh(v.mono()) || s.find(sealed) == nil {
		if err := at.Validate(); err != nil {
			return nil, err
		}
		if s, err = v.resolveKey(ctx, &q, sealed, p); err != nil {
			return nil, err
		}
	} else if s.rule != nil && !s.rule.allows(p) {
		return nil, &RestrictedError{Purpose: p}
	}
	if actor.Kind == troth.Person {
		return v.openForPerson(ctx, dst, s, &at.Cell, p, sealed)
	}
	waited, err := v.count(ctx, &s.tally, &q, &actor, p)
	if err == nil && waited {
		s, err = v.resolveKey(ctx, &q, sealed, p)
	}
	if err != nil {
		return nil, err
	}
	return s.openPooled(dst, &at.Cell, sealed)
}

func (s *slot) openPooled(dst []byte, cell *troth.Cell, sealed []byte) ([]byte, error) {
	aad := getScratch(s)
	out, err := s.open(dst, cell, sealed, aad)
	aad.release()
	return out, err
}

// resolveKey returns the slot that holds the key of the sealed value, if no
// restriction forbids to open it for the purpose.
func (v *Vault) resolveKey(ctx context.Context, q *sought, sealed []byte, p troth.Purpose) (*slot, error) {
	if _, ok := keyID(sealed); !ok {
		return nil, ErrOpen
	}
	// What is decided here is read anew below.
	if err := v.checkRestricting(ctx, &q.name, p); err != nil {
		return nil, err
	}
	s, err := v.locateKey(ctx, q, sealed)
	if err != nil {
		return nil, err
	}
	if s.rule != nil && !s.rule.allows(p) {
		return nil, &RestrictedError{Purpose: p}
	}
	return s, nil
}

// locateKey returns the slot that holds the key of the sealed value. A cached
// slot may lack a generation that another process began, so it looks again
// before it gives up. Damage to key records looks like damage to values.
func (v *Vault) locateKey(ctx context.Context, q *sought, sealed []byte) (*slot, error) {
	if _, ok := keyID(sealed); !ok {
		return nil, ErrOpen
	}
	s, err := v.resolve(ctx, q)
	if err == nil && s != nil && s.find(sealed) == nil && v.tx.Scope(ctx) == nil {
		v.cache.evict(q.name)
		s, err = v.resolve(ctx, q)
	}
	if errors.Is(err, ErrKeyRecord) {
		return nil, ErrOpen
	}
	if err != nil {
		return nil, err
	}
	if s == nil || s.find(sealed) == nil {
		return nil, ErrOpen
	}
	return s, nil
}

// openForPerson records one opening and then returns what it gave.
func (v *Vault) openForPerson(ctx context.Context, dst []byte, s *slot, cell *troth.Cell, p troth.Purpose, sealed []byte) ([]byte, error) {
	if err := v.admitPerson(ctx, p); err != nil {
		return nil, err
	}
	out, err := s.openPooled(dst, cell, sealed)
	if err != nil {
		return nil, err
	}
	return v.show(ctx, dst, out, s, cell, p, sealed)
}

// show records that a person opened what is behind dst in out, and then returns out.
func (v *Vault) show(ctx context.Context, dst, out []byte, s *slot, cell *troth.Cell, p troth.Purpose, sealed []byte) ([]byte, error) {
	seen := newSightings()
	seen.add(&s.name, cell)
	err := v.recordSightings(ctx, p, seen)
	if err == nil {
		// Recording may have waited while somebody shredded or restricted. What
		// was recorded was not seen then, which harms nobody.
		q := v.cache.seek(s.name)
		_, err = v.resolveKey(ctx, &q, sealed, p)
	}
	if err != nil {
		clear(out[len(dst):])
		return nil, err
	}
	return out, nil
}

func (v *Vault) admitPerson(ctx context.Context, p troth.Purpose) error {
	if err := p.Validate(); err != nil {
		return err
	}
	if v.tx.Scope(ctx) != nil {
		return ErrOpenInTx
	}
	return nil
}
