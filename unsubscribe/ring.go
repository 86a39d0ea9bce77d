package unsubscribe

import (
	"context"
	"crypto/cipher"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/trothdev/troth"
)

// linkUse names the keys of links; their ids are the numbers of [KeyRing].
const linkUse = "unsubscribe.link"

// KeyRing are the keys of links by number, 1 to 255. The keys themselves come
// from troth.Keys, for the platform tenant: a link outlives the client whose
// message carried it.
//
// A key has served long enough after a year or two, and in any case before four
// thousand million links were made under it: the random nonces of AES-256-GCM
// are safe no further (NIST SP 800-38D, 8.3). Then the next number becomes
// Current, and the old one is Retired: links in mailboxes are not made again, so
// a retired key is kept for as long as such a link may be used.
type KeyRing struct {
	// Current makes new links; 0 is 1.
	Current uint8
	// Retired read old ones.
	Retired []uint8
}

func (k KeyRing) filled() (KeyRing, error) {
	if k.Current == 0 {
		k.Current = 1
	}
	k.Retired = slices.Clone(k.Retired)
	for i, n := range k.Retired {
		if n == 0 || n == k.Current || slices.Contains(k.Retired[:i], n) {
			return k, errors.New("unsubscribe: a retired key is 0, the current one, or named twice")
		}
	}
	return k, nil
}

func (k KeyRing) has(n uint8) bool { return n == k.Current || slices.Contains(k.Retired, n) }

// linkKeys keeps the keys of links once they were reached: they are the same for
// the life of the platform tenant.
type linkKeys struct {
	keys  troth.Keys
	ring  KeyRing
	known sync.Map // uint8 -> cipher.AEAD
}

// reach asks for a key, whether it is known or not.
func (k *linkKeys) reach(ctx context.Context, n uint8) (cipher.AEAD, error) {
	aead, err := k.keys.AEAD(ctx, troth.KeyRef{Tenant: troth.Platform, Use: linkUse, ID: strconv.Itoa(int(n))})
	if err != nil {
		return nil, fmt.Errorf("unsubscribe: key of links: %w", err)
	}
	k.known.Store(n, aead)
	return aead, nil
}

func (k *linkKeys) get(ctx context.Context, n uint8) (cipher.AEAD, error) {
	if aead, ok := k.known.Load(n); ok {
		return aead.(cipher.AEAD), nil
	}
	return k.reach(ctx, n)
}

func (k *linkKeys) seal(ctx context.Context, b *tokenBody) (string, error) {
	aead, err := k.get(ctx, k.ring.Current)
	if err != nil {
		return "", err
	}
	return sealToken(aead, k.ring.Current, b), nil
}

// open reads a token. A key that the ring does not name reads nothing; one that
// cannot be reached is an error of its own, so that nobody takes a link for
// unknown because keys are away.
func (k *linkKeys) open(ctx context.Context, token string) (tokenBody, error) {
	n, sealed, err := splitToken(token)
	if err != nil {
		return tokenBody{}, err
	}
	if !k.ring.has(n) {
		return tokenBody{}, ErrLink
	}
	aead, err := k.get(ctx, n)
	if err != nil {
		return tokenBody{}, err
	}
	return openToken(aead, n, sealed)
}
