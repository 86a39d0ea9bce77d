package vault

import "github.com/trothdev/troth"

// Lineage tells a tenant's two roots apart: what they derive never mixes, so
// that either can be replaced without the other.
type Lineage string

const (
	// WrapLineage derives the key that seals data keys.
	WrapLineage Lineage = "wrap"
	// IndexLineage derives keys for keyed hashes and tokens, see [troth.Keys].
	IndexLineage Lineage = "index"
)

// RootRow is a tenant's root as stored. It lives while Sealed is not empty. One
// with a ShreddedAt is a tombstone: the tenant was shredded. One with a
// RetiredAt is a trace: everything under it has moved to another epoch.
type RootRow struct {
	Tenant  troth.Tenant
	Lineage Lineage
	// Epoch is the epoch key under which the root lies; 0 means directly under
	// the key-encryption key.
	Epoch uint32
	// KEK names the tenant's own key-encryption key, as its [KEKResolver] knows
	// it; empty for the platform's.
	KEK string
	// MovedAt is when it was last put under another KEK, microseconds since 1970,
	// UTC; 0 if it lies under the first.
	MovedAt int64
	// Sealed is what the key-encryption key made of the 32 bytes, or of what the
	// epoch key made of them.
	Sealed []byte
	// Commitment binds the record to the key inside, see docs/formats.md.
	Commitment [32]byte
	// CreatedAt and ShreddedAt are microseconds since 1970, UTC; ShreddedAt is
	// 0 while the tenant lives.
	CreatedAt, ShreddedAt int64
	// SupersededAt is since when no key can come under the root, because there
	// is one of a higher epoch, RetiredAt since when none is; 0 if it is not so.
	SupersededAt, RetiredAt int64
	// RestoredAt is when a restore emptied the root, which had come back with older
	// data and lived here until then; 0 if none did.
	RestoredAt int64
	// Evidence is the entry that tells of the shredding; zero before.
	Evidence troth.EntryID
}

// KeyName names the keys of one person's compartment.
type KeyName struct {
	Tenant      troth.Tenant
	SubjectID   string
	Compartment troth.Compartment
}

// KeyRow is a data key as stored. Key and tombstone share the row: shredding
// empties Sealed, so nobody can keep the key by removing the tombstone.
type KeyRow struct {
	KeyName
	// Generation counts from 1; the newest seals, all of them open.
	Generation uint32
	// KeyID stands in front of each sealed value. It is unique among the keys
	// of one person.
	KeyID uint32
	// Epoch is that of the root whose wrap key sealed this key, FirstEpoch that
	// of the root whose wrap key sealed it first.
	Epoch, FirstEpoch uint32
	Sealed            []byte
	// Commitment binds the record to the key inside, see docs/formats.md.
	Commitment [32]byte
	// CreatedAt and ShreddedAt are microseconds since 1970, UTC; ShreddedAt is
	// 0 while the key lives.
	CreatedAt, ShreddedAt int64
	// Flag tells which restrictions the key is under; empty if none. It is bound
	// to the key, see docs/formats.md.
	Flag []byte
	// Evidence is the entry that tells of the shredding; zero before.
	Evidence troth.EntryID
	// RestoredAt is when a restore destroyed the key, which had come back with older
	// data and lived here until then, whatever ShreddedAt says; 0 if none did.
	RestoredAt int64
	// Retired says that the generation was let go while its name lives on. It is a
	// tombstone of itself alone.
	Retired bool
}

// FenceEvent tells other processes that keys died, or moved. An empty Compartment is all
// of a person's, an empty SubjectID all of a tenant's.
type FenceEvent struct {
	KeyName
	// Position counts committed events without gaps; 0 while it is not known.
	Position int64
	// At is when the keys died, microseconds since 1970, UTC.
	At int64
	// Roots says that nothing died, and only the tenant's roots are others now.
	Roots bool
}

// WindowRow is an interval in which a service may open data of one tenant for
// one purpose. It commits before the first plaintext is returned.
type WindowRow struct {
	Tenant  troth.Tenant
	ID      troth.EntryID
	Actor   string
	Home    troth.Tenant
	Purpose troth.Purpose
	// OpenedAt, Until and ClosedAt are microseconds since 1970, UTC; ClosedAt
	// is 0 until the counts are recorded.
	OpenedAt, Until, ClosedAt int64
}
