package vault

import "context"

// KEKStore is the part of [Store] that moves tenants between key-encryption
// keys.
type KEKStore interface {
	// RewrapRoot gives the living root of the row's tenant, lineage and epoch the
	// row's KEK and Sealed, and changes nothing else. replaced is false, and
	// nothing changed, if there is none, or if its Sealed is not before any more.
	RewrapRoot(ctx context.Context, row RootRow, before []byte) (replaced bool, err error)
}

// GenerationStore is the part of [Store] that renews keys and lets old ones go.
type GenerationStore interface {
	// NewestKeys returns the newest generation of every name of the tenant that
	// lives and comes behind after, ordered by subject and compartment, at most
	// limit. A name with an empty SubjectID and Compartment comes before all.
	NewestKeys(ctx context.Context, after KeyName, limit int) ([]KeyRow, error)
	// RetireKey empties the key of that generation, sets its ShreddedAt and
	// returns it as a tombstone, which Keys does not return any more: the name
	// lives on. Its generation and its KeyID stay taken. retired is false, and
	// nothing changed, unless it lives and a newer generation does too. Call it
	// under an exclusive lock.
	RetireKey(ctx context.Context, name KeyName, generation uint32, at int64) (row KeyRow, retired bool, err error)
}
