package consent

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/trothdev/troth"
)

// Token confirms a request. It is 256 random bits, of which the ledger keeps a
// keyed hash, and confirms once.
type Token = troth.Sensitive[string]

const tokenSize = 32

func (l *Ledger) newToken(ctx context.Context, tenant troth.Tenant, q *request) (string, error) {
	var raw [tokenSize]byte
	_, _ = rand.Read(raw[:])
	token := base64.RawURLEncoding.EncodeToString(raw[:])
	var err error
	q.token, err = l.hashToken(ctx, tenant, raw[:])
	return token, err
}

func (l *Ledger) hashToken(ctx context.Context, tenant troth.Tenant, raw []byte) ([32]byte, error) {
	sum, err := l.keys.MAC(ctx, troth.KeyRef{Tenant: tenant, Use: "consent.token", ID: "1"}, raw)
	if err != nil {
		return sum, fmt.Errorf("consent: hash token: %w", err)
	}
	return sum, nil
}

// parseToken accepts the one way in which a token is written.
func parseToken(s string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != tokenSize {
		return nil, ErrToken
	}
	return raw, nil
}
