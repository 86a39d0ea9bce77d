package audit

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// Opening shows whom a pseudonym stands for: whoever has it can check by
// [Opening.Verify], without store or keys, and also after the trail has
// forgotten the link. A person who is given theirs before that can still show
// later that entries of the trail are about them, or by them.
//
// For as long as it exists somewhere, who holds it can link those entries to the
// person; the trail keeps it under seal only, and loses it when it forgets. It
// prints as a placeholder; [Opening.Reveal] gives it away.
//
// A pseudonym is 128 bits of SHA-256 over a secret salt of 256 bits and the
// person's name. To find another person's opening for a pseudonym that the trail
// made takes some 2^128 tries. Whoever makes a pseudonym, and so the host,
// could prepare one with two openings in some 2^64.
type Opening struct {
	secret troth.Sensitive[opened]
}

// opened is what an opening holds.
type opened struct {
	person
	salt [32]byte
}

// pseudonym is what the opening opens.
func (o opened) pseudonym() Pseudonym {
	sum := sha256.Sum256(o.salted(pseudonymDomain, o.salt))
	return Pseudonym(sum[:16])
}

// openingForm begins the text of an opening, and names its version.
const openingForm = "troth.audit.opening/1"

// Opening returns the opening of the pseudonym under which the trail names the
// data subject, for a purpose. It is unsealed under the rules of the sealer,
// who records that it was. It returns [ErrNoPseudonym] where there is none, and
// [ErrPseudonym] where the stored link was tampered with.
func (t *Trail) Opening(ctx context.Context, s troth.Subject, p troth.Purpose) (Opening, error) {
	return t.unseal(ctx, s, asSubject, p)
}

// ActorOpening is Opening for the pseudonym of a person as actor, given as a
// subject of their home tenant.
func (t *Trail) ActorOpening(ctx context.Context, s troth.Subject, p troth.Purpose) (Opening, error) {
	return t.unseal(ctx, s, asActor, p)
}

func (t *Trail) unseal(ctx context.Context, s troth.Subject, as role, p troth.Purpose) (Opening, error) {
	if err := s.Validate(); err != nil {
		return Opening{}, err
	}
	if err := p.Validate(); err != nil {
		return Opening{}, err
	}
	who := person{tenant: s.Tenant, role: as, id: s.ID}
	name, err := t.name(ctx, who)
	if err != nil {
		return Opening{}, err
	}
	row, found, err := t.link(ctx, who, name)
	if err != nil {
		return Opening{}, err
	}
	if !found {
		return Opening{}, ErrNoPseudonym
	}
	plain, err := t.sealer.Open(ctx, nil, who.place(row.Pseudonym), p, row.Identity)
	if err != nil {
		return Opening{}, fmt.Errorf("audit: open identity: %w", err)
	}
	o, ok := parseIdentity(plain)
	if !ok || o.person != who || o.pseudonym() != row.Pseudonym {
		return Opening{}, ErrPseudonym
	}
	return Opening{troth.Protect(o)}, nil
}

// parseIdentity reads what was sealed as identity.
func parseIdentity(b []byte) (o opened, ok bool) {
	m, err := canon.Parse(b)
	if err != nil || m.Domain != identityDomain {
		return o, false
	}
	r := reader{fields: m.Fields}
	r.fixed(o.salt[:])
	o.tenant, o.role, o.id = troth.Tenant(r.text()), role(r.text()), r.text()
	return o, !r.failed && len(r.fields) == 0
}

// Verify returns [ErrOpening] unless the opening is that of the pseudonym.
func (o Opening) Verify(ps Pseudonym) error {
	in, err := o.secret.Reveal(verifying)
	if err != nil {
		return err
	}
	if in.id == "" || ps.IsZero() || in.pseudonym() != ps {
		return ErrOpening
	}
	return nil
}

// verifying is why Verify looks into an opening.
const verifying troth.Purpose = "audit-verify"

// Subject returns whom the opening names, and whether as actor. As with
// troth.Sensitive, the purpose is there so that readers can be found.
func (o Opening) Subject(p troth.Purpose) (s troth.Subject, actor bool, err error) {
	in, err := o.secret.Reveal(p)
	return troth.Subject{Tenant: in.tenant, ID: in.id}, in.role == asActor, err
}

// Reveal returns the opening as one line of text, without a line's end, to be
// handed to the person: "troth.audit.opening/1", the salt, the tenant, the role
// and the id, with one space between. Salt, tenant and id are in base64.
// [ParseOpening] reads it. It returns [ErrOpening] for the zero Opening.
func (o Opening) Reveal(p troth.Purpose) (string, error) {
	in, err := o.secret.Reveal(p)
	if err != nil {
		return "", err
	}
	if in.id == "" {
		return "", ErrOpening
	}
	return in.text(), nil
}

func (o opened) text() string {
	b64 := base64.StdEncoding.EncodeToString
	return strings.Join([]string{
		openingForm, b64(o.salt[:]), b64([]byte(o.tenant)), string(o.role), b64([]byte(o.id)),
	}, " ")
}

// maxOpening bounds the text of an opening, in bytes: two identifiers and a
// salt in base64.
const maxOpening = 1024

// ParseOpening reads what [Opening.Reveal] returned, and nothing else: anything
// that is not exactly that is [ErrOpening].
func ParseOpening(text string) (Opening, error) {
	fields := strings.Split(text, " ")
	if len(text) > maxOpening || len(fields) != 5 {
		return Opening{}, ErrOpening
	}
	salt, err1 := base64.StdEncoding.DecodeString(fields[1])
	tenant, err2 := base64.StdEncoding.DecodeString(fields[2])
	id, err3 := base64.StdEncoding.DecodeString(fields[4])
	if err1 != nil || err2 != nil || err3 != nil || len(salt) != 32 {
		return Opening{}, ErrOpening
	}
	o := opened{salt: [32]byte(salt)}
	o.tenant, o.role, o.id = troth.Tenant(tenant), role(fields[3]), string(id)
	if (o.role != asSubject && o.role != asActor) || o.text() != text {
		return Opening{}, ErrOpening
	}
	if (troth.Subject{Tenant: o.tenant, ID: o.id}).Validate() != nil {
		return Opening{}, ErrOpening
	}
	return Opening{troth.Protect(o)}, nil
}
