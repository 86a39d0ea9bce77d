package vault

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// journalUse is what the keys of the journal are for. They are the platform
// tenant's, which outlives all others, and are derived from a root whose secret
// stays the same however often it is wrapped anew: so a line is understood for
// ever.
const (
	journalUse    = "vault.journal"
	namesKey      = "names"
	linesKey      = "lines"
	keyBackupsKey = "key-backups"
)

const nameDomain = "troth.vault.erasure-name/1"

// journalKey returns one of the journal's keys.
func (v *Vault) journalKey(ctx context.Context, id string) ([]byte, error) {
	return v.deriveKey(ctx, macInfo, journalRef(id))
}

func journalRef(id string) troth.KeyRef {
	return troth.KeyRef{Tenant: troth.Platform, Use: journalUse, ID: id}
}

// names makes the keyed hashes by which the journal names tenants, people and
// compartments. It serves one goroutine.
type names struct {
	mac hash.Hash
	b   []byte
}

func newNames(key []byte) *names { return &names{mac: hmac.New(sha256.New, key)} }

// names returns what hashes names for the journal.
func (v *Vault) names(ctx context.Context) (*names, error) {
	key, err := v.journalKey(ctx, namesKey)
	if err != nil {
		return nil, err
	}
	return newNames(key), nil
}

func (n *names) tenant(t troth.Tenant) [32]byte {
	return n.sum(canon.AppendText(canon.AppendDomain(n.b[:0], nameDomain), t))
}

func (n *names) person(t troth.Tenant, subjectID string) [32]byte {
	b := canon.AppendText(canon.AppendDomain(n.b[:0], nameDomain), t)
	return n.sum(canon.AppendText(b, subjectID))
}

func (n *names) compartment(k KeyName) [32]byte {
	b := canon.AppendText(canon.AppendDomain(n.b[:0], nameDomain), k.Tenant)
	b = canon.AppendText(b, k.SubjectID)
	return n.sum(canon.AppendText(b, k.Compartment))
}

func (n *names) sum(message []byte) (sum [32]byte) {
	n.b = message
	n.mac.Reset()
	_, _ = n.mac.Write(message) // never fails, package hash documents
	n.mac.Sum(sum[:0])
	return sum
}

// compartments are the names of several of one person's, in order.
func (n *names) compartments(t troth.Tenant, subjectID string, cs []troth.Compartment) [][32]byte {
	sums := make([][32]byte, len(cs))
	for i, c := range cs {
		sums[i] = n.compartment(KeyName{Tenant: t, SubjectID: subjectID, Compartment: c})
	}
	slices.SortFunc(sums, compareNames)
	return slices.Compact(sums)
}

func compareNames(a, b [32]byte) int { return bytes.Compare(a[:], b[:]) }

// macOf is HMAC-SHA-256.
func macOf(key, message []byte) [32]byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(message) // never fails, package hash documents
	return [32]byte(h.Sum(nil))
}
