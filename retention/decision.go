package retention

import "time"

// Decision is what follows for one record at one instant, and why. Times are
// UTC; a zero time means that there is none.
type Decision struct {
	// Verdict is what may be done now.
	Verdict Verdict
	// At is the instant that was asked about, and Record the record.
	At     time.Time
	Record string
	// Class and Stage are where the record stands.
	Class, Stage string
	// Next is the stage that comes by time and NextAt when; Next is the one to
	// move to if the verdict is [Move]. It may be [Purged].
	Next   string
	NextAt time.Time
	// Visible is who may see the record now: that of the stage due, and nobody where
	// destruction is due and must wait. Empty, where the class or the stage is not
	// known, is nobody.
	Visible Visibility
	// End is how the record ends.
	End End
	// KeepUntil is the instant before which nothing may destroy the record; KeepOpen
	// says that there is no end to it yet. Keep says what decided. An exception is
	// in it, though it keeps nothing from an erasure.
	KeepUntil time.Time
	KeepOpen  bool
	Keep      Reason
	// PurgeBy is the instant at which destroying it in all copies that can be deleted
	// is due, if nothing keeps it; Purge says what decided.
	PurgeBy time.Time
	Purge   Reason
	// DestroyAt is the first instant at which it may be destroyed and must be: of
	// PurgeBy, erasures, and what is to be kept. Zero if that is not known yet.
	DestroyAt time.Time
	// GoneBy is when it was promised to be gone everywhere, backups included, and
	// HiddenBy out of reach; Promise says what decided GoneBy, Hiding what HiddenBy.
	GoneBy   time.Time
	Promise  Reason
	HiddenBy time.Time
	Hiding   Reason
	// Conflict says that what must be kept stands against what was promised or
	// granted: a matter for the data-protection officer. Keeps and Against are the
	// two, of the first conflict if there are several.
	Conflict       bool
	Keeps, Against Reason
	// Version and Policy are of the version that decided when to destroy.
	Version uint32
	Policy  [32]byte
}

// Verdict is what may be done with a record now.
type Verdict uint8

const (
	// Unknown is the zero value: something that is needed is not known. Nothing
	// may be destroyed, and somebody must look. Purge says what is missing.
	Unknown Verdict = iota
	// Wait says that nothing is due.
	Wait
	// Move says that the stage Next is due. It destroys nothing.
	Move
	// Blocked says that destruction is due and something keeps the record, which
	// is nobody's to see meanwhile. Keep says what.
	Blocked
	// Due says that the record is to be destroyed, by its End.
	Due
	// Done says that the record is purged.
	Done
)

// Ground is the kind of rule that decided.
type Ground string

const (
	// ByNothing is the zero value: no rule says anything.
	ByNothing Ground = ""
	// ByHold is a legal hold.
	ByHold Ground = "hold"
	// ByObligation is a legal minimum.
	ByObligation Ground = "obligation"
	// ByException is an exception of the data-protection officer.
	ByException Ground = "exception"
	// ByErasure is an erasure that was granted.
	ByErasure Ground = "erasure"
	// ByPromise is a promise.
	ByPromise Ground = "promise"
	// ByLabel is a label of the record.
	ByLabel Ground = "label"
	// ByClass is the life of the record's class.
	ByClass Ground = "class"
	// ByDefault is the life of classes that have none of their own.
	ByDefault Ground = "default"
	// ByZeroRetention is a class of which nothing is kept.
	ByZeroRetention Ground = "zero-retention"
	// ByMissing is something that is not known.
	ByMissing Ground = "missing"
)

// Reason is what decided: the rule and the fact.
type Reason struct {
	// Ground is the kind of rule, and Rule its id.
	Ground Ground
	Rule   string
	// Fact is what it was applied to: an event or a stage. At is when that was.
	Fact string
	At   time.Time
	// Cite is the source of the rule.
	Cite string
}
