package audit

import (
	"crypto/sha256"
	"strconv"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// partDomain names what a commitment to a part is a hash of, and its version.
const partDomain = "troth.audit.part/1"

// partTable is part of what sealed parts are bound to; the column is the
// part's name.
const partTable = "troth_audit_part"

// withheld is the box of a part whose compartment had been shredded before the
// act was recorded: nothing was sealed. No sealer gives a box of one byte.
const withheld = 0

// SealedPart is one part of the payload of an entry as the entry commits to it.
// It says about whom, in which class of data, and what bytes; never what is in
// them.
type SealedPart struct {
	// Salt is random, so that a commitment confirms no guess.
	Salt        [32]byte
	Name        string
	Subject     Pseudonym
	Compartment troth.Compartment
	// Box is what the sealer made; the one byte 0 where the person's key was
	// gone before the act was recorded.
	Box []byte
}

// Commitment is what the envelope holds of the part: SHA-256 of its canonical
// form, see docs/formats.md.
func (p SealedPart) Commitment() [32]byte {
	m := canon.AppendDomain(nil, partDomain)
	m = canon.AppendBytes(m, p.Salt[:])
	m = canon.AppendText(m, p.Name)
	m = canon.AppendBytes(m, p.Subject[:])
	m = canon.AppendText(m, p.Compartment)
	return sha256.Sum256(canon.AppendBytes(m, p.Box))
}

// Withheld says that nothing was sealed, because the person's key was gone
// before the act was recorded.
func (p SealedPart) Withheld() bool { return len(p.Box) == 1 && p.Box[0] == withheld }

// CheckPart returns [ErrPart] unless p is the part that the envelope commits to
// at position n, from 0. It needs no key and no store: who is handed an entry
// and a part of it can tell that they belong together.
func CheckPart(e Envelope, n int, p SealedPart) error {
	if n < 0 || n >= len(e.Commitments) || p.Commitment() != e.Commitments[n] {
		return ErrPart
	}
	return nil
}

// sealed is the row as the entry commits to it; ok is false if it holds none.
func (r PartRow) sealed() (p SealedPart, ok bool) {
	if len(r.Salt) != len(p.Salt) || len(r.Box) == 0 {
		return p, false
	}
	return SealedPart{
		Salt: [32]byte(r.Salt), Name: r.Name, Subject: r.Subject, Compartment: r.Compartment, Box: r.Box,
	}, true
}

// partPlace is what the content of a part is bound to.
func partPlace(s troth.Subject, r PartRow) troth.Context {
	return troth.Context{
		Subject:     s,
		Compartment: r.Compartment,
		Cell: troth.Cell{
			Table: partTable, Column: r.Name, Row: r.Entry.String() + "/" + strconv.Itoa(r.Part),
		},
	}
}
