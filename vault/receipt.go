package vault

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
	"github.com/trothdev/troth/internal/clearance"
)

// Receipt tells what a shredding destroyed. It is pending until the transaction
// has committed and every other process has followed; and backups from before
// it hold the keys until the horizon, see [Vault.Horizon].
type Receipt struct {
	Target Target
	// At is the instant by the service's clock.
	At time.Time
	// Entry is the evidence; zero if there was nothing left to shred.
	Entry troth.EntryID
	// Keys are the keys destroyed, or a tenant's roots.
	Keys []DeadKey
	// Already says that there was nothing left to shred.
	Already bool

	// stones counts the tombstones, closed tells that the person was closed.
	stones int
	closed bool
}

// DeadKey names a destroyed key by what committed to it.
type DeadKey struct {
	// Compartment, Generation and KeyID are zero for a tenant's root.
	Compartment troth.Compartment
	Generation  uint32
	KeyID       uint32
	Commitment  [32]byte
	// FirstEpoch and LastEpoch are those under which the key lay from its making
	// to its end; 0 is directly under the key-encryption key.
	FirstEpoch, LastEpoch uint32
}

func (r *Receipt) addKeys(rows []KeyRow) {
	for _, row := range rows {
		if row.KeyID == 0 {
			continue // a compartment that had no key, closed for ever
		}
		r.Keys = append(r.Keys, DeadKey{
			Compartment: row.Compartment, Generation: row.Generation, KeyID: row.KeyID, Commitment: row.Commitment,
			FirstEpoch: row.FirstEpoch, LastEpoch: row.Epoch,
		})
	}
}

// epochs are the first and the last epoch under which one of the keys lay.
func (r *Receipt) epochs() (first, last uint32) {
	for i, k := range r.Keys {
		if i == 0 {
			first = k.FirstEpoch
		}
		first, last = min(first, k.FirstEpoch), max(last, k.LastEpoch)
	}
	return first, last
}

// addRoots adds a tenant's roots.
func (r *Receipt) addRoots(rows []RootRow) {
	for _, row := range rows {
		if row.Commitment != ([32]byte{}) {
			r.Keys = append(r.Keys, DeadKey{Commitment: row.Commitment, FirstEpoch: row.Epoch, LastEpoch: row.Epoch})
		}
	}
}

const deadDomain = "troth.vault.dead/1"

// digest is the hash of the destroyed keys' commitments, in order.
func (r *Receipt) digest() [32]byte { return digestOf(r.Keys) }

func digestOf(keys []DeadKey) [32]byte {
	b := canon.AppendDomain(nil, deadDomain)
	b = canon.AppendList(b, len(keys))
	for _, k := range keys {
		b = canon.AppendBytes(b, k.Commitment[:])
	}
	return sha256.Sum256(b)
}

// compartments are those of the keys.
func (r *Receipt) compartments() []troth.Compartment {
	var cs []troth.Compartment
	for _, k := range r.Keys {
		if k.Compartment.Validate() == nil { // a row may hold any text
			cs = append(cs, k.Compartment)
		}
	}
	return cs
}

func (r *Receipt) entry(p troth.Permit) troth.Entry {
	facts := troth.Facts{
		"scope":       troth.Word(r.Target.kind()),
		"keys":        troth.Count(len(r.Keys)),
		"tombstones":  troth.Count(r.stones),
		"commitments": troth.Digest(r.digest()),
	}
	clearance.Facts(p, facts)
	if len(r.Keys) > 0 {
		first, last := r.epochs()
		facts["first-epoch"], facts["last-epoch"] = troth.Count(int(first)), troth.Count(int(last))
	}
	if r.closed {
		facts["closed"] = troth.Word("subject")
	}
	died := append(r.compartments(), r.Target.Compartments...)
	if len(died) > 0 {
		facts["compartments"] = troth.Words(died...)
	}
	if spared := r.Target.spared(); len(spared) > 0 {
		facts["spared"] = troth.Words(slices.Clone(spared)...)
	}
	return troth.Entry{
		Act: actShred, Tenant: r.Target.Tenant, SubjectID: r.Target.SubjectID, Facts: facts,
	}
}
