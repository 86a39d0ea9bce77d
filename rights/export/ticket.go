package export

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// Ticket is the right to download one archive once. The host keeps it with the
// request; the token that it is made of is in the person's link and nowhere else.
type Ticket struct {
	// Hash is that of the token: see [HashToken].
	Hash Hash
	// Expires is the first instant at which it is over. Used is when it was used; zero
	// if it was not.
	Expires, Used time.Time
}

// ticketDomain is for hashes of tokens.
const ticketDomain = "troth.export.ticket/1"

// tokenSize is the length of a token: 32 bytes, in base64 for URLs.
const tokenSize = 43

// MintTicket makes a ticket of a tenant that is good for life, from the instant now on.
// The token is returned this once.
func MintTicket(tenant troth.Tenant, now time.Time, life time.Duration) (Ticket, troth.Sensitive[string], error) {
	if err := tenant.Validate(); err != nil {
		return Ticket{}, troth.Protect(""), err
	}
	if life <= 0 {
		return Ticket{}, troth.Protect(""), needs("a ticket's life above zero")
	}
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails, crypto/rand documents
	token := base64.RawURLEncoding.EncodeToString(b[:])
	h, err := HashToken(tenant, token)
	if err != nil {
		return Ticket{}, troth.Protect(""), err
	}
	return Ticket{Hash: h, Expires: now.UTC().Add(life)}, troth.Protect(token), nil
}

// HashToken is what is stored of a token, bound to the tenant: no other tenant finds
// a ticket by it. Text that cannot be a token is [ErrTicket].
func HashToken(tenant troth.Tenant, token string) (Hash, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if len(token) != tokenSize || err != nil || len(b) != 32 {
		return Hash{}, ErrTicket
	}
	m := canon.AppendDomain(nil, ticketDomain)
	m = canon.AppendText(m, tenant)
	return sha256.Sum256(canon.AppendBytes(m, b)), nil
}

// Check says whether the ticket is good for who has the token, at that instant. It
// returns [ErrTicket], [ErrTicketUsed] or [ErrTicketExpired]. What is checked here
// holds for the moment: who uses the ticket marks it as used in the same transaction.
func (t Ticket) Check(token Hash, at time.Time) error {
	switch {
	case subtle.ConstantTimeCompare(t.Hash[:], token[:]) != 1 || t.Hash == (Hash{}):
		return ErrTicket
	case !t.Used.IsZero():
		return ErrTicketUsed
	case !at.Before(t.Expires):
		return ErrTicketExpired
	}
	return nil
}

// Use is Check, and returns the ticket as it is stored after it was used.
func (t Ticket) Use(token Hash, at time.Time) (Ticket, error) {
	if err := t.Check(token, at); err != nil {
		return t, err
	}
	t.Used = at.UTC()
	return t, nil
}
