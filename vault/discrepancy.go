package vault

import (
	"fmt"

	"github.com/trothdev/troth"
)

// Discrepancy is one thing in which the vault's rows and the trail disagree:
// somebody changed one of them, or put back an older copy. It names people by
// their ids.
type Discrepancy struct {
	Kind   DiscrepancyKind
	Tenant troth.Tenant
	// SubjectID and Compartment are empty where they are not known, or where the
	// thing is not about one.
	SubjectID   string
	Compartment troth.Compartment
	// Entry is the entry that tells what should be; zero if there is none.
	Entry troth.EntryID
}

// String names the discrepancy without the person.
func (d Discrepancy) String() string {
	return fmt.Sprintf("%s: tenant %q, entry %s", d.Kind, string(d.Tenant), d.Entry)
}

// DiscrepancyKind is a kind of disagreement. What to do about each is in
// docs/tampering.md.
type DiscrepancyKind string

const (
	// TombstoneMissing: a shredding left more tombstones than there are, or
	// others: one was deleted or changed.
	TombstoneMissing DiscrepancyKind = "tombstone-missing"
	// TombstoneReplaced: where a shredding left a tombstone a key, or a root,
	// lives again.
	TombstoneReplaced DiscrepancyKind = "tombstone-replaced"
	// TombstoneUnevidenced: a tombstone of which no entry tells.
	TombstoneUnevidenced DiscrepancyKind = "tombstone-unevidenced"
	// PersonReopened: a shredding closed a person who is not closed.
	PersonReopened DiscrepancyKind = "person-reopened"

	// RestrictionMissing: the row of a restriction is gone.
	RestrictionMissing DiscrepancyKind = "restriction-missing"
	// RestrictionForged: no vault wrote it as it is.
	RestrictionForged DiscrepancyKind = "restriction-forged"
	// RestrictionUnevidenced: no entry tells of it.
	RestrictionUnevidenced DiscrepancyKind = "restriction-unevidenced"
	// FlagMissing: a key, or the person's row, does not say that the person is
	// under the restriction: an older row was put back.
	FlagMissing DiscrepancyKind = "flag-missing"
	// FlagStale: a key is under a restriction that was lifted, or is not known, or
	// the person's row counts one that is not there: an older row was put back, or
	// one was deleted.
	FlagStale DiscrepancyKind = "flag-stale"

	// GrantMissing: the row of a grant is gone.
	GrantMissing DiscrepancyKind = "grant-missing"
	// GrantForged: no vault wrote it as it is.
	GrantForged DiscrepancyKind = "grant-forged"
	// GrantUnevidenced: no entry tells of it.
	GrantUnevidenced DiscrepancyKind = "grant-unevidenced"
	// LiftMissing: a restriction that was lifted is in force: an older row was
	// put back.
	LiftMissing DiscrepancyKind = "lift-missing"
	// LiftUnevidenced: a restriction is lifted, and no entry tells of it.
	LiftUnevidenced DiscrepancyKind = "lift-unevidenced"

	// RowUnreadable: a row holds what no vault writes, so that it, and what
	// comes with it, cannot be compared.
	RowUnreadable DiscrepancyKind = "row-unreadable"
)
