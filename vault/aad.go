package vault

import (
	"crypto/sha256"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// Domains of the associated data; docs/formats.md lists their fields.
const (
	valueDomain  = "troth.vault.value/1"
	keyDomain    = "troth.vault.key/1"
	keyDomain2   = "troth.vault.key/2" // with a flag
	rootDomain   = "troth.vault.root/1"
	epochDomain  = "troth.vault.epoch/1"
	commitDomain = "troth.vault.commit/1"
	wrapInfo     = "troth.vault.wrap/1"
	macInfo      = "troth.vault.mac/1"
	aeadInfo     = "troth.vault.aead/1"
	ownDomain    = "troth.vault.own/1"
)

// AssociatedData returns what a value sealed at the given place is bound to.
// Programs that open exported values with Tink pass it as associated data. It
// returns a *[troth.IdentifierError] if the context is not valid.
func AssociatedData(at troth.Context) ([]byte, error) {
	if err := at.Validate(); err != nil {
		return nil, err
	}
	name := KeyName{Tenant: at.Subject.Tenant, SubjectID: at.Subject.ID, Compartment: at.Compartment}
	return appendCell(valuePrefix(name), &at.Cell), nil
}

// valuePrefix is the part of a value's associated data that all values of one
// compartment share.
func valuePrefix(n KeyName) []byte {
	// One allocation of the right size: every key that is loaded makes one.
	b := make([]byte, 0, 4*5+len(valueDomain)+len(n.Tenant)+len(n.SubjectID)+len(n.Compartment))
	b = canon.AppendDomain(b, valueDomain)
	b = canon.AppendText(b, n.Tenant)
	b = canon.AppendText(b, n.SubjectID)
	return canon.AppendText(b, n.Compartment)
}

func appendCell(b []byte, c *troth.Cell) []byte {
	b = canon.AppendText(b, c.Table)
	b = canon.AppendText(b, c.Column)
	return canon.AppendText(b, c.Row)
}

// appendKeyAAD appends what a stored data key is bound to.
func appendKeyAAD(b []byte, k *KeyRow) []byte {
	if len(k.Flag) == 0 {
		b = canon.AppendDomain(b, keyDomain)
	} else {
		b = canon.AppendDomain(b, keyDomain2)
	}
	b = canon.AppendText(b, k.Tenant)
	b = canon.AppendText(b, k.SubjectID)
	b = canon.AppendText(b, k.Compartment)
	b = canon.AppendUint(b, uint64(k.Generation))
	b = canon.AppendUint(b, uint64(k.KeyID))
	b = canon.AppendUint(b, uint64(k.Epoch))
	b = canon.AppendBytes(b, k.Commitment[:])
	if len(k.Flag) > 0 {
		b = canon.AppendBytes(b, k.Flag)
	}
	return b
}

// rootAAD is what a stored root is bound to by the key-encryption key, epochAAD
// by the key of its epoch, which stays what it is when the tenant moves.
func epochAAD(r *RootRow) []byte { return rootNames(epochDomain, r) }

func rootAAD(r *RootRow) []byte {
	b := rootNames(rootDomain, r)
	if r.KEK != "" {
		b = canon.AppendText(b, r.KEK)
	}
	return b
}

func rootNames(domain string, r *RootRow) []byte {
	b := canon.AppendDomain(nil, domain)
	b = canon.AppendText(b, r.Tenant)
	b = canon.AppendText(b, r.Lineage)
	b = canon.AppendUint(b, uint64(r.Epoch))
	return canon.AppendBytes(b, r.Commitment[:])
}

// commitment is a value that only this key has: AES-GCM alone would let one
// ciphertext open under two keys.
func commitment(key *[keySize]byte) [32]byte {
	var buf [5 + len(commitDomain) + 5 + keySize]byte
	b := canon.AppendDomain(buf[:0], commitDomain)
	b = canon.AppendBytes(b, key[:])
	sum := sha256.Sum256(b)
	clear(buf[:])
	return sum
}
