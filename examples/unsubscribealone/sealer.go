package main

import (
	"context"
	"encoding/json"

	"github.com/trothdev/troth"
)

// sealer seals payloads under keys that are derived from a key file. It is the
// least that work with a payload needs, and less than the vault: a derived key can
// be derived again, so emptied rows are all that becomes of old payloads, and
// nobody records who opened one.
type sealer struct{ keys troth.Keys }

// Seal binds the bytes to their place: as JSON of valid UTF-8 two places never
// look the same.
func (s sealer) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	place, key, err := s.at(at)
	if err != nil {
		return nil, err
	}
	aead, err := s.keys.AEAD(ctx, key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(dst, nil, plaintext, place), nil
}

// Open opens what Seal sealed at the same place.
func (s sealer) Open(ctx context.Context, dst []byte, at troth.Context, _ troth.Purpose, sealed []byte) ([]byte, error) {
	place, key, err := s.at(at)
	if err != nil {
		return nil, err
	}
	aead, err := s.keys.AEAD(ctx, key)
	if err != nil {
		return nil, err
	}
	return aead.Open(dst, nil, sealed, place)
}

func (s sealer) at(at troth.Context) (place []byte, key troth.KeyRef, err error) {
	if err := at.Validate(); err != nil {
		return nil, key, err
	}
	place, err = json.Marshal(at)
	return place, troth.KeyRef{Tenant: at.Subject.Tenant, Use: "unsubscribealone.seal", ID: at.Subject.ID}, err
}
