package rights

import (
	"context"
	"crypto/hmac"
	"encoding/base64"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

const tokenDomain = "troth.rights.token/1"

// Token is what somebody without an account follows a request with: who has it submitted
// the request, or was given it by who did. It shows nobody's identity. It is a keyed
// hash of the id, the same at any time, and stored nowhere. Ids that are
// no request's have one too.
func (d *Desk) Token(ctx context.Context, tenant troth.Tenant, id string) (troth.Sensitive[string], error) {
	mac, err := d.tokenOf(ctx, tenant, id)
	return troth.Protect(base64.RawURLEncoding.EncodeToString(mac[:])), err
}

// CheckToken returns [ErrUnproven] unless the token is that of the id. Whether there is a
// request of that id makes no difference, neither to what is returned nor to what it costs.
func (d *Desk) CheckToken(ctx context.Context, tenant troth.Tenant, id string, token troth.Sensitive[string]) error {
	text, err := token.Reveal(sealingPurpose)
	if err != nil {
		return err
	}
	mac, err := d.tokenOf(ctx, tenant, id)
	if err != nil {
		return err
	}
	given, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || !hmac.Equal(given, mac[:]) {
		return ErrUnproven
	}
	return nil
}

func (d *Desk) tokenOf(ctx context.Context, tenant troth.Tenant, id string) ([32]byte, error) {
	if err := tenant.Validate(); err != nil {
		return [32]byte{}, err
	}
	b := canon.AppendText(canon.AppendDomain(nil, tokenDomain), id)
	mac, err := d.keys.MAC(ctx, troth.KeyRef{Tenant: tenant, Use: "rights.token", ID: "1"}, b)
	return mac, wrap("make token", err)
}
