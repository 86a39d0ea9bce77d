package retention

import "github.com/trothdev/troth"

// WarrantRow is what is left of a record that was destroyed, until it is gone from its
// last copy; or a record's leave from some copies, when a stage begins.
type WarrantRow struct {
	Tenant troth.Tenant
	// ID is a random name.
	ID string
	// Handle is the record's name in evidence, Type its record type. RecordID is the
	// host's name for it; it is emptied when nobody needs to be told any more.
	Handle, Type, RecordID string
	// SubjectID is the person whom it was about; it is emptied when the last copy is
	// gone.
	SubjectID    string
	Class, Stage string
	// End is how the record ended; empty if it is still there, in Stage.
	End End
	// Version is the version of the policy that decided, and Policy its hash.
	Version uint32
	Policy  [32]byte
	// Created is when the record was created, At when the warrant was committed, to
	// hold against.
	Created, At int64
	// GoneBy is when Rule, a promise or an erasure, wants the record to be gone; 0 for
	// none. Ground is of which kind it is. Deferred says what kept the record longer than
	// that: the ground of a hold, a minimum or an exception.
	GoneBy   int64
	Ground   Ground
	Rule     string
	Deferred Ground
	// Waits says that a copy waits for a connector or a person.
	Waits bool
	// Gone is when the last copy was; 0 while that is not known or not yet.
	Gone int64
	// Alarmed is the last threshold that was told of, NextAt when to look at the row again.
	Alarmed uint32
	NextAt  int64
	// Entry is the evidence of the destruction, or of the stage.
	Entry troth.EntryID
	// Detail is the state of its copies, see docs/formats/retention.md.
	Detail []byte
	// MAC authenticates all but NextAt; empty where the keeper has no keys.
	MAC []byte
}

// WarrantKey names a warrant.
type WarrantKey struct {
	Tenant troth.Tenant
	ID     string
}

// Key names the warrant.
func (row *WarrantRow) Key() WarrantKey { return WarrantKey{row.Tenant, row.ID} }

// WarrantQuery chooses warrants of a tenant of which a copy may still be there.
type WarrantQuery struct {
	Tenant troth.Tenant
	// SubjectID chooses those about that person or about nobody known; empty all.
	SubjectID string
	// After is the id after which to go on.
	After string
	Limit int
}

// TallyRow counts what became of what was promised, in the month that begins at Month.
type TallyRow struct {
	Tenant      troth.Tenant
	Month       int64
	Class, Rule string
	Ground      Ground
	// Kept, Deferred and Broken count records: gone in time, kept longer by a hold, a
	// minimum or an exception, and gone too late.
	Kept, Deferred, Broken int64
	// KeptEntry is the evidence of the last one that was kept, BrokenEntry, BrokenHandle
	// and BrokenAt are of the last that was broken.
	KeptEntry, BrokenEntry troth.EntryID
	BrokenHandle           string
	BrokenAt               int64
}

// LatenessRow is the last threshold that was told of for the records of a class that
// are due by a rule.
type LatenessRow struct {
	Tenant      troth.Tenant
	Class, Rule string
	Ground      Ground
	Stage       uint32
	At          int64
}
