package vault

import (
	"context"

	"github.com/trothdev/troth"
)

// ControlStore is what the vault needs of storage for control rows: what says
// which keys died and why, whose data is restricted, and who let that end. The
// rules of [Store] hold.
type ControlStore interface {
	// PersonKeys returns all keys of a person, tombstones included, ordered by
	// compartment and generation.
	PersonKeys(ctx context.Context, tenant troth.Tenant, subjectID string) ([]KeyRow, error)
	// ResealKey exchanges Sealed and Flag of the living key of that name and
	// generation. resealed is false, and nothing changed, if it is dead, or is
	// not sealed as r.Was any more.
	ResealKey(ctx context.Context, r Reseal) (resealed bool, err error)
	// SetEvidence names the entry in the tombstones that the shredding left: all
	// that died at e.At under its name and have no evidence yet, generations that
	// were let go included, and the person's row if e.Closed says so. It returns
	// how many keys, or roots, it named.
	SetEvidence(ctx context.Context, e ShredEvidence) (int, error)

	// InsertRestriction adds a restriction that is in force and counts it in the
	// person's state, which LockPerson returns. inserted is false, and nothing
	// changed, if the tenant has one of that ID. Call it under an exclusive lock.
	InsertRestriction(ctx context.Context, row RestrictionRow) (inserted bool, err error)
	// LiftRestriction sets what tells that the restriction is lifted: LiftedAt,
	// Grant, LiftedBy and MAC of the row, and counts it no longer. lifted is
	// false, and nothing changed, if it is unknown or was lifted before. Call it
	// under an exclusive lock.
	LiftRestriction(ctx context.Context, row RestrictionRow) (lifted bool, err error)
	// Restrictions returns those of a person, lifted ones included, ordered by
	// ID.
	Restrictions(ctx context.Context, tenant troth.Tenant, subjectID string) ([]RestrictionRow, error)
	// Restriction returns the tenant's restriction of that ID.
	Restriction(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (row RestrictionRow, found bool, err error)
	// InsertGrant adds a grant. inserted is false, and nothing changed, if the
	// tenant has one of that ID.
	InsertGrant(ctx context.Context, row GrantRow) (inserted bool, err error)
	// Grant returns the tenant's grant of that ID.
	Grant(ctx context.Context, tenant troth.Tenant, id troth.EntryID) (row GrantRow, found bool, err error)
	// Grants returns those about a person, ordered by ID.
	Grants(ctx context.Context, tenant troth.Tenant, subjectID string) ([]GrantRow, error)

	// TombstonesOf returns what carries the entry as its evidence, in the order of
	// their names: keys and roots, whatever else the rows say, and persons.
	TombstonesOf(ctx context.Context, tenant troth.Tenant, entry troth.EntryID) (Tombstones, error)
	// RetiredOf returns the generations that were let go and carry the entry as
	// their evidence. They are nowhere else in this interface.
	RetiredOf(ctx context.Context, tenant troth.Tenant, entry troth.EntryID) ([]KeyRow, error)
	// KeysPage returns keys of the tenant behind the page's beginning, ordered
	// by subject, compartment and generation: living ones, or those that are
	// control rows.
	KeysPage(ctx context.Context, p KeysPage) ([]KeyRow, error)
	// PersonsPage returns those of the tenant's persons who are closed, have
	// evidence or are restricted, behind the given one, ordered by SubjectID.
	PersonsPage(ctx context.Context, tenant troth.Tenant, after string, limit int) ([]PersonRow, error)
	// RestrictionsPage and GrantsPage return rows of the tenant behind the ID,
	// ordered by it.
	RestrictionsPage(ctx context.Context, tenant troth.Tenant, after troth.EntryID, limit int) ([]RestrictionRow, error)
	GrantsPage(ctx context.Context, tenant troth.Tenant, after troth.EntryID, limit int) ([]GrantRow, error)
}

// ControlSystem is what of it crosses tenants.
type ControlSystem interface {
	// Tenants returns tenants behind the given one that have roots, keys,
	// persons, restrictions or grants, in the order of their bytes.
	Tenants(ctx context.Context, after troth.Tenant, limit int) ([]troth.Tenant, error)
	// Mark returns what SetMark put under the name last, nil if nothing.
	Mark(ctx context.Context, name string) ([]byte, error)
	// SetMark keeps at most 4096 bytes under the name.
	SetMark(ctx context.Context, name string, mark []byte) error
}

// Reseal exchanges the sealed form of one key.
type Reseal struct {
	KeyName
	Generation uint32
	// Was is what Sealed must be still.
	Was          []byte
	Sealed, Flag []byte
}

// ShredEvidence names what a shredding left: all of a person's that died at the
// instant, or all roots of a tenant where SubjectID is empty.
type ShredEvidence struct {
	Tenant    troth.Tenant
	SubjectID string
	// At is microseconds since 1970, UTC.
	At     int64
	Closed bool
	Entry  troth.EntryID
}

// Tombstones are what carries one entry as its evidence.
type Tombstones struct {
	Keys    []KeyRow
	Roots   []RootRow
	Persons []PersonRow
}

// KeysPage chooses keys of one tenant.
type KeysPage struct {
	Tenant troth.Tenant
	// SubjectID, Compartment and Generation are of the last key that was seen;
	// zero values begin at the beginning.
	SubjectID   string
	Compartment troth.Compartment
	Generation  uint32
	// Living chooses keys that live, and otherwise those that are tombstones,
	// have evidence or carry a flag.
	Living bool
	// Limit is at least 1.
	Limit int
}
