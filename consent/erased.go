package consent

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

const markDomain = "troth.consent.erased/1"

// markOfErased is what an erased person is found by.
func (l *Ledger) markOfErased(ctx context.Context, who troth.Subject) ([32]byte, error) {
	message := canon.AppendText(canon.AppendDomain(nil, markDomain), who.ID)
	mark, err := l.keys.MAC(ctx, troth.KeyRef{Tenant: who.Tenant, Use: "consent.erased", ID: "1"}, message)
	if err != nil {
		return mark, fmt.Errorf("consent: hash subject: %w", err)
	}
	return mark, nil
}

func (l *Ledger) notErased(ctx context.Context, who troth.Subject) error {
	mark, err := l.markOfErased(ctx, who)
	if err != nil {
		return err
	}
	_, erased, err := l.store.ErasedPerson(ctx, who.Tenant, mark)
	switch {
	case err != nil:
		return fmt.Errorf("consent: read person: %w", err)
	case erased:
		return ErrErased
	}
	return nil
}

const erasedDomain = "troth.consent.person-id/1"

// erasedID is under which id the rows of an erased person stand.
func erasedID(p Pseudonym) string { return "~" + hexOf(p[:]) }

// sealID keeps an erased person's id under the tenant's key, for the one day when
// the keys of their proof are to be destroyed.
func (l *Ledger) sealID(ctx context.Context, who troth.Subject, p Pseudonym) ([]byte, error) {
	key, err := l.keys.AEAD(ctx, troth.KeyRef{Tenant: who.Tenant, Use: "consent.erased", ID: "1"})
	if err != nil {
		return nil, fmt.Errorf("consent: seal id: %w", err)
	}
	return key.Seal(nil, nil, []byte(who.ID), pseudonymAAD(who.Tenant, p)), nil
}

func (l *Ledger) openID(ctx context.Context, tenant troth.Tenant, p *person) (string, error) {
	key, err := l.keys.AEAD(ctx, troth.KeyRef{Tenant: tenant, Use: "consent.erased", ID: "1"})
	if err != nil {
		return "", fmt.Errorf("consent: open id: %w", err)
	}
	id, err := key.Open(nil, nil, p.id, pseudonymAAD(tenant, p.pseudonym))
	if err != nil {
		return "", ErrRecord
	}
	return string(id), nil
}

func pseudonymAAD(tenant troth.Tenant, p Pseudonym) []byte {
	return canon.AppendBytes(canon.AppendText(canon.AppendDomain(nil, erasedDomain), tenant), p[:])
}

// hashOf names a pseudonym on the trail.
func hashOf(tenant troth.Tenant, p Pseudonym) [32]byte { return sha256.Sum256(pseudonymAAD(tenant, p)) }
