package vault

import "github.com/trothdev/troth"

// RestrictionRow is one restriction of a person (GDPR Article 18), in force or
// lifted. The row permits nothing by itself: what it excepts, and that it is
// lifted, count only with a MAC that fits.
type RestrictionRow struct {
	Tenant    troth.Tenant
	SubjectID string
	// ID is the entry that tells of it.
	ID troth.EntryID
	// Except are the purposes for which the data still opens, sorted.
	Except []troth.Purpose
	Ground string
	// At and LiftedAt are microseconds since 1970, UTC; LiftedAt is 0 while the
	// restriction is in force.
	At, LiftedAt int64
	// Grant is the grant by which it was lifted, LiftedBy the entry that tells
	// of that; zero while it is in force.
	Grant, LiftedBy troth.EntryID
	// MAC is over all of it, see docs/formats.md.
	MAC [32]byte
}

// GrantRow is a decision that a restriction may end.
type GrantRow struct {
	Tenant    troth.Tenant
	SubjectID string
	// ID is the entry that tells of the decision, and so who took it.
	ID troth.EntryID
	// Restriction is the one that may end.
	Restriction troth.EntryID
	Ground      string
	// Announced is when the person is told, At when it was decided, in
	// microseconds since 1970, UTC.
	Announced, At int64
	// MAC is over all of it, see docs/formats.md.
	MAC [32]byte
}

// PersonRow is what is known of a person beside their keys.
type PersonRow struct {
	Tenant    troth.Tenant
	SubjectID string
	// ClosedAt is microseconds since 1970, UTC; 0 while the person is open.
	ClosedAt int64
	// Evidence is the entry that tells why the person is closed.
	Evidence troth.EntryID
	// Restricted counts the restrictions that are in force.
	Restricted int
}
