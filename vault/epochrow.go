package vault

import "github.com/trothdev/troth"

// EpochRow is an epoch as stored. Instants are microseconds since 1970, UTC; 0
// means not yet.
type EpochRow struct {
	// Epoch counts from 1.
	Epoch uint32
	// Place is the name of the EpochStore that holds the key, see [EpochPlace].
	Place string
	// OpenedAt is when roots could first be made under the epoch, ClosedAt since
	// when they cannot be.
	OpenedAt, ClosedAt int64
	// FinalAt is when the EpochStore has promised that the key is gone,
	// DestroyedAt when it has confirmed that it is.
	FinalAt, DestroyedAt int64
	// BackedUpAt is when a backup of the key tables in which the epoch is closed,
	// as it is here, was opened as a test.
	BackedUpAt int64
}

// KeyPlace is the place of a key among those of its tenant, which are ordered by
// person, compartment and generation. The zero KeyPlace is in front of all.
type KeyPlace struct {
	SubjectID   string
	Compartment troth.Compartment
	Generation  uint32
}

// place is where the row stands among those of its tenant.
func (k *KeyRow) place() KeyPlace {
	return KeyPlace{SubjectID: k.SubjectID, Compartment: k.Compartment, Generation: k.Generation}
}

// StaleKeys chooses living keys of a tenant that lie under an epoch below
// another.
type StaleKeys struct {
	Tenant troth.Tenant
	Below  uint32
	// After is the place behind which to begin.
	After KeyPlace
	Limit int
}

// KeyMove exchanges the seal of one key. The row must still be of the epoch
// From, and live.
type KeyMove struct {
	KeyPlace
	From   uint32
	Sealed []byte
}

// RewrapRow is how far the rewrapping of a tenant's keys has come.
type RewrapRow struct {
	Tenant troth.Tenant
	// Epoch is the one that keys are moved to.
	Epoch uint32
	// After is the place of the last key that was looked at. Moved and Stuck
	// count keys since StartedAt: those that were moved, and those that could
	// not be.
	After        KeyPlace
	Moved, Stuck int64
	StartedAt    int64
}

// RootPlace is the place of a root among those of all tenants, which are ordered
// by epoch and tenant.
type RootPlace struct {
	Epoch  uint32
	Tenant troth.Tenant
}

// Staleness is what lies under epochs below another, across tenants.
type Staleness struct {
	// Tenants have a living root there; Keys are the living keys under these.
	Tenants, Keys int64
	// Slowest is the tenant with the most living keys in the oldest of these
	// epochs, or any of that epoch's if there are no keys; Oldest is the epoch.
	Slowest troth.Tenant
	Oldest  uint32
}
