package vault

import (
	"context"

	"github.com/trothdev/troth"
)

// RotationStore is the part of [Store] with which a tenant moves from one epoch
// to another.
type RotationStore interface {
	// Roots returns all roots of the tenant, of both lineages, in order of
	// lineage and epoch: tombstones and emptied ones too.
	Roots(ctx context.Context, tenant troth.Tenant) ([]RootRow, error)
	// RenewRoot adds a root of a higher epoch to a lineage that has a living
	// one. inserted is false, and nothing changed, if the lineage has a root of
	// that epoch or a higher one, or a tombstone, or none at all, or its living
	// one lies under another KEK, or the epoch is closed. It does not wait for
	// transactions that hold a person of the tenant locked: those that lock one
	// from its commit on hold the new root.
	RenewRoot(ctx context.Context, row RootRow) (inserted bool, err error)
	// SupersedeRoots sets SupersededAt of the tenant's living roots of epochs
	// below another that have none, in lineages that have a living root of that
	// epoch or a higher one. It waits for transactions that hold a person under
	// one of them locked, and for no others.
	SupersedeRoots(ctx context.Context, tenant troth.Tenant, below uint32, at int64) error
	// StaleKeys returns the chosen keys, in order of their places, and keeps them
	// as they are until the transaction ends. It leaves out keys that another
	// transaction is about to change, and waits for none. It needs a
	// transaction.
	StaleKeys(ctx context.Context, p StaleKeys) ([]KeyRow, error)
	// MoveKeys puts keys of the tenant under the epoch to, and returns how many
	// it moved: those that live and are of the epoch that their move says. It
	// moves none if the tenant's wrap root of that epoch is not there, was
	// superseded, or is dead; that root stays as it is until the transaction
	// ends.
	MoveKeys(ctx context.Context, tenant troth.Tenant, to uint32, moves []KeyMove) (moved int, err error)
	// RetireRoots empties roots of the tenant that were superseded, of epochs
	// below another, and sets their RetiredAt; those of the wrap lineage only
	// where no living key lies under them. It returns how many living roots are
	// left below, and if there are none it forgets how far rewrapping had come.
	RetireRoots(ctx context.Context, tenant troth.Tenant, below uint32, at int64) (left int, err error)
	// TakeRewrap returns how far rewrapping has come, and keeps others from
	// taking it until the transaction ends. If there is nothing, or it is of a
	// lower epoch, it begins anew. taken is false if another transaction has it
	// now, or it is of a higher epoch. It needs a transaction.
	TakeRewrap(ctx context.Context, tenant troth.Tenant, epoch uint32, at int64) (row RewrapRow, taken bool, err error)
	// SaveRewrap replaces what TakeRewrap returned, in the same transaction.
	SaveRewrap(ctx context.Context, row RewrapRow) error

	// Tombstones returns a person's dead keys, of all compartments, in order of
	// their places. Those of a closed compartment that never had a key are not
	// among them.
	Tombstones(ctx context.Context, tenant troth.Tenant, subjectID string) ([]KeyRow, error)
	// NoteExport remembers that keys under the name have left the vault: an
	// empty Compartment is all of a person's, an empty SubjectID all of a
	// tenant's. Of two notes under one name the later instant stays.
	NoteExport(ctx context.Context, name KeyName, at int64) error
	// Exported returns the latest instant at which a key left that the name
	// covers, with its empty parts as above; 0 if none did.
	Exported(ctx context.Context, name KeyName) (at int64, err error)
}

// EpochRows is the part of [SystemStore] that knows epochs.
type EpochRows interface {
	// Epochs returns all epochs, in order.
	Epochs(ctx context.Context) ([]EpochRow, error)
	// InsertEpoch adds an epoch. inserted is false, and nothing changed, if it
	// is there already.
	InsertEpoch(ctx context.Context, row EpochRow) (inserted bool, err error)
	// CloseEpoch sets ClosedAt, if no living root of any tenant lies under the
	// epoch. From then on no root can be added under it; it waits for
	// transactions that are adding one. closed is false, and nothing changed, if
	// there is a root, or the epoch is closed already, is the highest one, or is
	// not known.
	CloseEpoch(ctx context.Context, epoch uint32, at int64) (closed bool, err error)
	// EndEpoch sets FinalAt and DestroyedAt of a closed epoch of which no
	// destruction is confirmed yet. ended is false, and nothing changed, for any
	// other.
	EndEpoch(ctx context.Context, epoch uint32, finalAt, destroyedAt int64) (ended bool, err error)
	// StaleRoots returns the places of living roots of epochs below another,
	// behind the given place, in order, at most limit. A tenant's roots of both
	// lineages are at one place.
	StaleRoots(ctx context.Context, below uint32, after RootPlace, limit int) ([]RootPlace, error)
	// Staleness counts what StaleRoots would find in all.
	Staleness(ctx context.Context, below uint32) (Staleness, error)

	// EpochBackedUp sets BackedUpAt of an epoch whose ClosedAt is the given one,
	// and not 0. noted is false, and nothing changed, for any other, and for one
	// that has a BackedUpAt: the first stays. Which backup is newer than which
	// closing no clock is asked.
	EpochBackedUp(ctx context.Context, epoch uint32, closedAt, at int64) (noted bool, err error)
}
