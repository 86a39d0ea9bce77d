package audit

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// Pseudonym stands for a person on the trail: 16 bytes that look random to
// whoever has not the [Opening]. The zero Pseudonym stands for nobody. It is
// still personal data as long as the link to the person exists.
type Pseudonym [16]byte

// unlinked returns a pseudonym that has no opening.
func unlinked() Pseudonym {
	var p Pseudonym
	_, _ = rand.Read(p[:]) // never fails, crypto/rand documents
	return p
}

// IsZero reports whether it stands for nobody.
func (p Pseudonym) IsZero() bool { return p == Pseudonym{} }

// String returns 32 hexadecimal digits.
func (p Pseudonym) String() string { return hex.EncodeToString(p[:]) }

// Short returns the first eight digits, enough for the eye and not for a key.
func (p Pseudonym) Short() string { return p.String()[:8] }

// Table and column of the sealed identities, part of what they are bound to.
const (
	pseudonymTable = "troth_audit_pseudonym"
	identityColumn = "identity"
)

const (
	lookupUse       = "audit.pseudonym"
	lookupDomain    = "troth.audit.pseudonym-lookup/1"
	identityDomain  = "troth.audit.pseudonym-identity/1"
	pseudonymDomain = "troth.audit.pseudonym/1"
	rowDomain       = "troth.audit.pseudonym-row/1"
)

// role is the part that a person plays; one human being who is a customer and
// acts in person has two pseudonyms.
type role string

const (
	asActor   role = "person"
	asSubject role = "subject"
)

// person is who a pseudonym stands for.
type person struct {
	tenant troth.Tenant
	role   role
	id     string
}

// keyRef names the key of the tenant's look-ups and rows. It belongs to the platform,
// so that evidence can be found after the tenant's own keys are gone.
func (p person) keyRef() troth.KeyRef {
	return troth.KeyRef{Tenant: troth.Platform, Use: lookupUse, ID: string(p.tenant)}
}

// message is what is hashed for the look-up.
func (p person) message() []byte { return p.append(canon.AppendDomain(nil, lookupDomain)) }

// salted is what a pseudonym is made of, or what is sealed as identity.
func (p person) salted(domain string, salt [32]byte) []byte {
	return p.append(canon.AppendBytes(canon.AppendDomain(nil, domain), salt[:]))
}

func (p person) append(m []byte) []byte {
	m = canon.AppendText(m, p.tenant)
	m = canon.AppendText(m, p.role)
	return canon.AppendText(m, p.id)
}

// rowMessage is what the tag of the person's row is a keyed hash of: who could
// only write to the database cannot give the person another's pseudonym, or
// none.
func (p person) rowMessage(name PseudonymName, ps Pseudonym) []byte {
	m := canon.AppendDomain(nil, rowDomain)
	m = canon.AppendText(m, p.tenant)
	m = canon.AppendText(m, p.role)
	m = canon.AppendBytes(m, name.Lookup[:])
	return canon.AppendBytes(m, ps[:])
}

// place is what the sealed identity is bound to.
func (p person) place(ps Pseudonym) troth.Context {
	return troth.Context{
		Subject:     troth.Subject{Tenant: p.tenant, ID: p.id},
		Compartment: troth.PseudonymCompartment,
		Cell:        troth.Cell{Table: pseudonymTable, Column: identityColumn, Row: ps.String()},
	}
}
