package rights

import (
	"context"
	"crypto/ed25519"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// MandateBasis is what an agent's authority rests on.
type MandateBasis string

// The bases.
const (
	// NoBasis: the agent has shown nothing that holds.
	NoBasis MandateBasis = "none"
	// ByDocument: the holder's signed consent on paper or as a file, which somebody
	// looked at. It needs the holder's direct confirmation before anything is disclosed
	// or destroyed.
	ByDocument MandateBasis = "document"
	// BySignature: the holder signed with a key that they registered, which is a
	// direct confirmation too.
	BySignature MandateBasis = "signature"
	// ByAttorney: a power of attorney under a statute, which somebody looked at
	// (11 CCR §7063(b)).
	ByAttorney MandateBasis = "attorney"
)

// Mandate is the authority of an agent to ask for a person: the holder's signed written
// consent. It is never a condition for taking the request in.
type Mandate struct {
	// Agent is the host's id of the agent. It names no person.
	Agent string
	// Rights are what the agent may ask for; Until is when that ends.
	Rights []Right
	Until  time.Time
	// Document is the SHA-256 of the signed document, zero if there is none; who
	// submits it has looked at it.
	Document [32]byte
	// Signature is the holder's Ed25519 signature over [MandateBytes], empty if there
	// is none. It is checked with the keys of [WithHolderKeys].
	Signature []byte
	// Attorney says that the document is a power of attorney.
	Attorney bool
}

const mandateDomain = "troth.rights.mandate/1"

// MandateBytes are what a holder signs so that an agent may ask for them: docs/formats
// gives them.
func MandateBytes(holder troth.Subject, m Mandate) []byte {
	b := canon.AppendDomain(nil, mandateDomain)
	b = canon.AppendText(b, holder.Tenant)
	b = canon.AppendText(b, holder.ID)
	b = canon.AppendText(b, m.Agent)
	b = appendTexts(b, slices.Sorted(slices.Values(m.Rights)))
	return canon.AppendInt(b, micros(m.Until))
}

// mandate is what is kept of a mandate.
type mandate struct {
	agent     string
	rights    []Right
	until     int64
	basis     MandateBasis
	document  [32]byte
	confirmed bool
}

// good reports whether the agent may have done what the right does.
func (m *mandate) good(r Right, now int64) bool {
	if m.basis == NoBasis || now >= m.until || !slices.Contains(m.rights, r) {
		return false
	}
	if e := r.Effect(); m.basis == ByDocument && (e == Discloses || e == Destroys) {
		return m.confirmed
	}
	return true
}

func (m *mandate) append(dst []byte) []byte {
	if m == nil {
		return canon.AppendNone(dst)
	}
	dst = canon.AppendList(dst, 6)
	dst = canon.AppendText(dst, m.agent)
	dst = appendTexts(dst, m.rights)
	dst = canon.AppendInt(dst, m.until)
	dst = canon.AppendText(dst, m.basis)
	dst = canon.AppendBytes(dst, m.document[:])
	return appendFlag(dst, m.confirmed)
}

func (r *reader) mandate() *mandate {
	if r.None() {
		return nil
	}
	r.bad = r.List() != 6 || r.bad
	m := &mandate{agent: r.text()}
	for _, right := range r.texts() {
		m.rights = append(m.rights, Right(right))
	}
	m.until, m.basis = r.Int(), MandateBasis(r.text())
	r.fixed(m.document[:])
	m.confirmed = r.flag()
	return m
}

// admit takes a mandate for what it is worth: one that does not hold is NoBasis, and
// the request waits for a better one.
func (c *change) admit(ctx context.Context, m *Mandate) (*mandate, error) {
	if err := checkID("agent", m.Agent); err != nil {
		return nil, err
	}
	if len(m.Rights) > maxList {
		return nil, ErrTooMuch
	}
	for _, r := range m.Rights {
		if !r.Valid() {
			return nil, ErrRight
		}
	}
	kept := &mandate{agent: m.Agent, rights: slices.Clone(m.Rights), until: micros(m.Until), basis: NoBasis, document: m.Document}
	switch {
	case len(m.Signature) > 0:
		ok, err := c.signed(ctx, m)
		if err != nil {
			return nil, err
		}
		if ok {
			kept.basis = BySignature
		}
	case m.Document != [32]byte{} && m.Attorney:
		kept.basis = ByAttorney
	case m.Document != [32]byte{}:
		kept.basis = ByDocument
	}
	return kept, nil
}

// signed reports whether the holder signed the mandate.
func (c *change) signed(ctx context.Context, m *Mandate) (bool, error) {
	if c.d.opt.holderKeys == nil {
		return false, needs("WithHolderKeys, for signed mandates")
	}
	if c.q.subject == "" || len(m.Signature) != ed25519.SignatureSize {
		return false, nil
	}
	holder := troth.Subject{Tenant: c.tenant, ID: c.q.subject}
	keys, err := c.d.opt.holderKeys(ctx, holder)
	if err != nil {
		return false, &hostError{"keys of holders", err}
	}
	message := MandateBytes(holder, *m)
	return slices.ContainsFunc(keys, func(k ed25519.PublicKey) bool {
		return len(k) == ed25519.PublicKeySize && ed25519.Verify(k, message, m.Signature)
	}), nil
}

// Authorise gives a request another mandate: the one that came with it did not hold, or
// there was none that did. A confirmation by the holder has to be given again.
func (d *Desk) Authorise(ctx context.Context, tenant troth.Tenant, id string, m Mandate) (Request, error) {
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		if c.q.agent == nil || c.q.agent.agent != m.Agent {
			return ErrUnproven // another agent asks by a request of their own
		}
		kept, err := c.admit(ctx, &m)
		if err != nil {
			return err
		}
		c.q.agent = kept
		return c.fire(ctx, Authorised, happening{word: string(kept.basis), until: kept.until})
	})
}

// ConfirmMandate says that the holder confirmed to the host itself that the agent may
// ask: not through the agent. It needs a proof of who the holder is in this request.
func (d *Desk) ConfirmMandate(ctx context.Context, tenant troth.Tenant, id string, p Proof) (Request, error) {
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		if c.q.agent == nil || c.q.agent.basis == NoBasis {
			return ErrUnproven
		}
		if err := c.check(ctx, p, c.q.needs()); err != nil {
			return err
		}
		if c.q.agent.confirmed {
			return nil
		}
		c.q.agent.confirmed = true
		return c.fire(ctx, HolderConfirmed, happening{ref: p.id})
	})
}
