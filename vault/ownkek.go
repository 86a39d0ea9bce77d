package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// MaxKEK bounds the length in bytes of the name of a tenant's own
// key-encryption key.
const MaxKEK = 1024

// KEKResolver gives the key-encryption keys of tenants that bring their own
// (BYOK, HYOK), by the name with which [Vault.MoveTenant] moved the tenant
// there: the URI of a key in the tenant's KMS, for instance, of which a client
// in one of tink's KMS modules makes a [KEK].
//
// It is asked for names only that MoveTenant was given. It may take its time,
// and so may the keys: calls end after the bound of [WithKEKTimeout], at most
// four for each key are under way at a time, and after a failure the key is left
// alone for a while, from a tenth of a second to ten seconds. None of it holds up
// another tenant. An error is how a resolver says that a tenant has taken its
// key away.
type KEKResolver interface {
	KEK(ctx context.Context, uri string) (KEK, error)
}

var errNoResolver = errors.New("vault: the tenant has a key of its own, and there is no resolver for it")

// forever is the deadline of what has none, on the monotonic clock.
const forever = math.MaxInt64

// validKEK returns an error unless a key-encryption key can be named so.
func validKEK(uri string) error {
	control := func(r rune) bool { return r < 0x20 || r == 0x7f }
	if len(uri) > MaxKEK || !utf8.ValidString(uri) || strings.ContainsFunc(uri, control) {
		return fmt.Errorf("%w: a key-encryption key is named by at most %d bytes of UTF-8 without control characters", ErrTarget, MaxKEK)
	}
	return nil
}

// kekFor returns what wraps and unwraps the root of a row: the platform's
// key-encryption key, or the tenant's own.
func (v *Vault) kekFor(row *RootRow) KEK {
	if row.KEK == "" {
		return v.kek
	}
	return ownKEK{v: v, uri: row.KEK}
}

// goodUntil is how long a root may be used that was unwrapped by an answer to a
// question asked at the given instant: a tenant that takes its key away must be
// heard.
func (v *Vault) goodUntil(row *RootRow, asked int64) int64 {
	if row.KEK == "" {
		return forever
	}
	return asked + jitter(v.opt.kekTTL)
}

// ownKEK is a tenant's own key-encryption key. In front of what that made stands
// a tag under a key which neither the database nor the tenant's KMS has: who
// writes the database can therefore not put a root of his own choice under a
// key of his own choice, nor have the resolver ask wherever he likes.
type ownKEK struct {
	v   *Vault
	uri string
}

const ownTag = sha256.Size

var ownKeyRef = troth.KeyRef{Tenant: troth.Platform, Use: "troth.vault.kek", ID: "1"}

// tag is over what binds the root, which names the key-encryption key, and what
// that made of it.
func (k ownKEK) tag(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	key, err := k.v.deriveKey(ctx, macInfo, ownKeyRef)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key)
	h.Write(canon.AppendBytes(canon.AppendBytes(canon.AppendDomain(nil, ownDomain), aad), wrapped))
	return h.Sum(nil), nil
}

func (k ownKEK) EncryptWithContext(ctx context.Context, plaintext, aad []byte) ([]byte, error) {
	wrapped, err := k.v.keks.ask(ctx, k.v, k.uri, func(ctx context.Context, kek KEK) ([]byte, error) {
		return wrapAndCheck(ctx, kek, plaintext, aad)
	})
	if err != nil {
		return nil, err
	}
	tag, err := k.tag(ctx, wrapped, aad)
	return append(tag, wrapped...), err
}

var errOtherKey = errors.New("vault: key-encryption key does not give back what it was given")

// wrapAndCheck does not trust a key that was never used before with the only
// copy of a root.
func wrapAndCheck(ctx context.Context, kek KEK, plaintext, aad []byte) ([]byte, error) {
	wrapped, err := kek.EncryptWithContext(ctx, plaintext, aad)
	if err != nil {
		return nil, err
	}
	back, err := kek.DecryptWithContext(ctx, wrapped, aad)
	if err != nil {
		return nil, err
	}
	defer clear(back)
	if !hmac.Equal(back, plaintext) || len(wrapped) > maxWrapped {
		return nil, errOtherKey
	}
	return wrapped, nil
}

// maxWrapped is what fits into a row, and plenty.
const maxWrapped = 4096 - ownTag

func (k ownKEK) DecryptWithContext(ctx context.Context, sealed, aad []byte) ([]byte, error) {
	wrapped, err := k.check(ctx, sealed, aad)
	if err != nil {
		return nil, err
	}
	return k.v.keks.ask(ctx, k.v, k.uri, func(ctx context.Context, kek KEK) ([]byte, error) {
		return kek.DecryptWithContext(ctx, wrapped, aad)
	})
}

// check takes the tag off, or returns ErrKeyRecord.
func (k ownKEK) check(ctx context.Context, sealed, aad []byte) (wrapped []byte, err error) {
	// Where the key of the tags was never made nothing can carry one.
	r, err := k.v.root(ctx, rootName{tenant: troth.Platform, lineage: IndexLineage, epoch: newest})
	if err != nil {
		return nil, err
	}
	if r == nil || len(sealed) < ownTag {
		return nil, ErrKeyRecord
	}
	want, err := k.tag(ctx, sealed[ownTag:], aad)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(want, sealed[:ownTag]) {
		return nil, ErrKeyRecord
	}
	return sealed[ownTag:], nil
}

// kekOf returns the name of the key-encryption key under which the tenant's
// roots lie.
func (v *Vault) kekOf(ctx context.Context, tenant troth.Tenant) (string, error) {
	if tenant == troth.Platform {
		return "", nil
	}
	for _, l := range []Lineage{WrapLineage, IndexLineage} {
		row, found, err := v.store.Root(ctx, tenant, l)
		if err != nil {
			return "", fmt.Errorf("vault: read root: %w", err)
		}
		if !found || row.KEK == "" {
			continue
		}
		if _, err := (ownKEK{v: v, uri: row.KEK}).check(ctx, row.Sealed, rootAAD(&row)); err != nil {
			return "", err
		}
		return row.KEK, nil
	}
	return "", nil
}
