package vault

import (
	"context"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// MAC returns HMAC-SHA-256 of message under a key derived from the tenant's
// index root; it implements [troth.Keys]. The key dies with the tenant:
// [ErrShredded]. Before a replay only the platform's are given, which the trail
// needs: [ErrJournalAhead].
func (v *Vault) MAC(ctx context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	if err := v.givesKeys(ref.Tenant); err != nil {
		return [32]byte{}, err
	}
	key, err := v.derive(ctx, macInfo, ref)
	if err != nil {
		return [32]byte{}, err
	}
	return key.mac(message), nil
}

// AEAD returns AES-256-GCM with a random nonce under a key derived from the
// tenant's index root; it implements [troth.Keys].
func (v *Vault) AEAD(ctx context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	if err := v.givesKeys(ref.Tenant); err != nil {
		return nil, err
	}
	key, err := v.deriveKey(ctx, aeadInfo, ref)
	if err != nil {
		return nil, err
	}
	return newGCM(key)
}

// givesKeys refuses tenants' keys while it is not sure that they live.
func (v *Vault) givesKeys(tenant troth.Tenant) error {
	if tenant == troth.Platform {
		return nil
	}
	return v.checkGate("")
}

// deriveKey derives a key from an index root.
func (r *root) deriveKey(info string, ref troth.KeyRef) ([]byte, error) {
	b := canon.AppendDomain(nil, info)
	b = canon.AppendText(b, ref.Use)
	b = canon.AppendText(b, ref.ID)
	key, err := hkdf.Expand(sha256.New, r.index, string(b), keySize)
	if err != nil {
		return nil, fmt.Errorf("vault: derive key: %w", err)
	}
	return key, nil
}

var errNoRoot = fmt.Errorf("%w: it lacks a root, put the key tables back first", ErrJournalAhead)

// beforeAnything returns errNoRoot unless the journal holds nothing yet: another
// root in the place of one that was lost would make a stranger's of everything
// that was derived from it, the trail's names and the journal's.
func (v *Vault) beforeAnything(ctx context.Context) error {
	for _, err := range v.journal.Lines(ctx, 0) {
		if err != nil {
			return journalFailed(ctx, "read", err)
		}
		return errNoRoot
	}
	return ctx.Err()
}

// indexRoot returns the tenant's index root, made on first use in a transaction
// of its own or the caller's.
func (v *Vault) indexRoot(ctx context.Context, tenant troth.Tenant) (*root, error) {
	r, err := v.root(ctx, rootName{tenant: tenant, lineage: IndexLineage, epoch: newest})
	if err != nil || r != nil {
		return r, err
	}
	if tenant == troth.Platform && v.behind.Load() {
		if err := v.beforeAnything(ctx); err != nil {
			return nil, err
		}
	}
	for range rootTries {
		if r, err = v.makeIndexRoot(ctx, tenant); !errors.Is(err, errSuperseded) {
			break
		}
		v.forgetRoots(tenant)
	}
	return r, err
}

func (v *Vault) makeIndexRoot(ctx context.Context, tenant troth.Tenant) (r *root, err error) {
	var first *RootRow
	if v.tx.Scope(ctx) == nil {
		if first, err = v.prepareRoot(ctx, tenant, IndexLineage); err != nil {
			return nil, err
		}
	}
	err = v.tx.Atomically(ctx, func(ctx context.Context) error {
		var err error
		r, err = v.ensureRoot(ctx, tenant, IndexLineage, first)
		return err
	})
	return r, err
}
