package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
)

// sealer seals who is behind a pseudonym, under a key for each person that is
// derived from the key file. It is the least that a trail can work with, and
// less than the vault: a derived key can be derived again, so nobody's can be
// destroyed while the key file lives.
type sealer struct{ keys troth.Keys }

// Seal binds the bytes to their place: as JSON of valid UTF-8 two places never
// look the same.
func (s sealer) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	if err := at.Validate(); err != nil {
		return nil, err
	}
	place, err := json.Marshal(at)
	if err != nil {
		return nil, err
	}
	key, err := s.keys.AEAD(ctx, troth.KeyRef{Tenant: at.Subject.Tenant, Use: "consentalone.seal", ID: at.Subject.ID})
	if err != nil {
		return nil, err
	}
	return key.Seal(dst, nil, plaintext, place), nil
}

// Open opens nothing. The contract wants every opening on record before the
// plaintext is returned, which the vault does; recording entries, all that this
// program does, opens nothing.
func (s sealer) Open(context.Context, []byte, troth.Context, troth.Purpose, []byte) ([]byte, error) {
	return nil, fmt.Errorf("consentalone: opening takes a vault: %w", errors.ErrUnsupported)
}
