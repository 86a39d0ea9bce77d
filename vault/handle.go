package vault

import (
	"context"
	"sync/atomic"

	"github.com/trothdev/troth"
)

// Handle seals and opens many values of one person's compartment: it finds the
// key once. It is safe for concurrent use, and never outlives a shredding: it
// asks again whenever the vault would.
type Handle struct {
	v       *Vault
	keys    sought
	purpose troth.Purpose
	actor   troth.Actor
	// slot is where the key was found last. It is nil for a handle made in a
	// transaction, which asks each time.
	slot atomic.Pointer[slot]
	// tally is where its last opening was counted.
	tally atomic.Pointer[tally]
	// aad is a buffer for associated data; all values share its beginning.
	aad atomic.Pointer[scratch]
}

// For returns a handle for a person's compartment. It opens for the given
// purpose as the context's actor; with an empty purpose, which needs no actor,
// it only seals. The key is made on first use.
//
// Made inside a transaction, the handle knows what the transaction knows, and
// must be used with that transaction's context.
func (v *Vault) For(ctx context.Context, s troth.Subject, c troth.Compartment, p troth.Purpose) (*Handle, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	h := &Handle{v: v, keys: v.cache.seek(KeyName{Tenant: s.Tenant, SubjectID: s.ID, Compartment: c}), purpose: p}
	if p != "" {
		if err := p.Validate(); err != nil {
			return nil, err
		}
		var err error
		if h.actor, err = troth.ActorFrom(ctx); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// AppendSeal is [Vault.AppendSeal] for a place of the handle's compartment.
func (h *Handle) AppendSeal(ctx context.Context, dst []byte, cell troth.Cell, plaintext []byte) ([]byte, error) {
	if err := cell.Validate(); err != nil {
		return nil, err
	}
	s := h.hit()
	if s == nil {
		var err error
		if s, err = h.v.resolveOrCreate(ctx, &h.keys); err != nil {
			return nil, err
		}
		h.keep(s)
	}
	aad := h.scratch(s)
	dst = s.seal(dst, &cell, plaintext, aad)
	h.aad.Store(aad)
	return dst, nil
}

// AppendOpen is [Vault.AppendOpen] for a place of the handle's compartment, its
// purpose and its actor. It returns [ErrNoPurpose] if it has none.
func (h *Handle) AppendOpen(ctx context.Context, dst []byte, cell troth.Cell, sealed []byte) ([]byte, error) {
	if h.purpose == "" {
		return nil, ErrNoPurpose
	}
	var key *dataKey
	s := h.hit()
	if s != nil && h.v.fence.Fresh(h.v.mono()) {
		key = s.find(sealed)
	}
	if key == nil {
		var err error
		if s, err = h.v.resolveKey(ctx, &h.keys, sealed, h.purpose); err != nil {
			return nil, err
		}
		h.keep(s)
		key = s.find(sealed)
	} else if s.rule != nil && !s.rule.allows(h.purpose) {
		return nil, &RestrictedError{Purpose: h.purpose}
	}
	if h.actor.Kind == troth.Person {
		return h.v.openForPerson(troth.WithActor(ctx, h.actor), dst, s, &cell, h.purpose, sealed)
	}
	if t := h.tally.Load(); t == nil || !h.v.addTo(t) {
		waited, err := h.v.countAnew(ctx, &h.tally, &h.keys, &h.actor, h.purpose)
		if err == nil && waited {
			s, err = h.v.resolveKey(ctx, &h.keys, sealed, h.purpose)
		}
		if err != nil {
			return nil, err
		}
		key = s.find(sealed)
	}
	aad := h.scratch(s)
	aad.b = appendCell(aad.b[:len(s.prefix)], &cell)
	out, err := key.aead.Open(dst, nil, sealed[headerSize:], aad.b)
	h.aad.Store(aad)
	if err != nil {
		return nil, refused(&cell)
	}
	return out, nil
}

// scratch returns the handle's buffer, with the slot's prefix in front, for one
// call to use and put back; another call at the same time gets one of its own.
func (h *Handle) scratch(s *slot) *scratch {
	if aad := h.aad.Swap(nil); aad != nil {
		return aad
	}
	return &scratch{b: append(make([]byte, 0, len(s.prefix)+64), s.prefix...)}
}

// hit returns the kept slot if it may be used with no further question.
func (h *Handle) hit() *slot {
	s := h.slot.Load()
	if s == nil || s.gone() || h.v.mustAsk() || h.v.fence.AsOf() > s.expires {
		return nil
	}
	return s
}

// keep remembers a slot of the shared cache, which fence events reach. One that
// belongs to a transaction never expires into it: its deadline is zero.
func (h *Handle) keep(s *slot) {
	if s.expires != 0 {
		h.slot.Store(s)
	}
}
