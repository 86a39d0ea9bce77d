package retention

import "github.com/trothdev/troth"

// Instants in rows are microseconds since 1970, UTC; 0 means never, but for Since.

// RecordKey names one record: its type and the host's id for it.
type RecordKey struct {
	Tenant troth.Tenant
	// Type is the record type, as the policy's classes list it; ID is the host's, and
	// opaque.
	Type, ID string
}

// RecordRow is what is known of one record.
type RecordRow struct {
	RecordKey
	// Handle is a random name for the record, which evidence uses in place of its id.
	Handle string
	// Class, Stage and Cohort are where it stands, Since the anchor of that, EndBy the
	// end that an event must not put off.
	Class, Stage string
	Cohort       uint32
	Since, EndBy int64
	// Visible is what its handler was told last.
	Visible Visibility
	// SubjectID is the person whom it is about; empty for nobody in particular.
	SubjectID string
	// AccountID is the account that it belongs to, Purpose what it is kept for; empty for
	// none.
	AccountID, Purpose string
	// Created is when it was.
	Created int64
	// DueAt is when to look at it again; 0 leaves that to the anchor, [Parked] to
	// what happens. Policy is the version by which that was decided.
	DueAt  int64
	Policy uint32
	// Held says that a hold, an exception or a granted erasure covered it when a sweep
	// looked at it last, so that the end of one, or an event, must have it looked at again.
	Held bool
	// Version counts the changes of the record.
	Version int64
	// Tries is how often its handler has failed in a row.
	Tries uint32
	// Detail is the record's events and labels, see docs/formats/retention.md.
	Detail []byte
}

// Waiting is the DueAt of records that are due to be destroyed and wait for people: for
// the end of a stop, or the approval of a plan.
const Waiting = Parked - 1

// Parked is the DueAt of records that wait for an event, a release or a policy alone.
const Parked = int64(1) << 62

// atOnce is the DueAt of records that are to be looked at whatever the clock shows.
const atOnce = int64(1)

// MaxDetail is the longest Detail.
const MaxDetail = 64 << 10

// PolicyRow is one version of the policy.
type PolicyRow struct {
	Tenant  troth.Tenant
	Version uint32
	// Hash is that of the policy; Text is the policy as JSON.
	Hash        [32]byte
	Text        []byte
	ActivatedAt int64
}

// HoldRow is one legal hold.
type HoldRow struct {
	Tenant troth.Tenant
	ID     string
	Matter string
	// SubjectID, Class, From and To narrow it; empty and 0 narrow nothing.
	SubjectID, Class string
	From, To         int64
	PlacedAt         int64
	ReviewAt         int64
	// ProposedAt is when counsel proposed to release it; Proposer tells that person
	// from others, and nobody who they are.
	ProposedAt int64
	Proposer   []byte
	ReleasedAt int64
	// Where is the condition that narrows it; empty narrows nothing.
	Where []byte
	// ToldAt is the ReviewAt of which people were told that it has come.
	ToldAt int64
}

// PlanRow is one plan that was proposed.
type PlanRow struct {
	Tenant troth.Tenant
	// Hash is that of the plan; Text is the plan, see docs/formats/retention.md.
	Hash       [32]byte
	Text       []byte
	ProposedAt int64
	// Proposer tells who proposed it from others, and nobody who that is.
	Proposer   []byte
	ApprovedAt int64
	// Spent is how many records went by each of its buckets; one for each, or empty.
	Spent []int64
	// EndedAt is when it was carried out, or given up.
	EndedAt int64
	// MAC authenticates all of it; empty where the keeper has no keys.
	MAC []byte
}

// AllowanceRow counts what goes of one class without a plan.
type AllowanceRow struct {
	Tenant troth.Tenant
	// ID is the class.
	ID string
	// Since is when counting began, Spent how many went since, and Old how many of them
	// had been there before. Stored is how many there were then, as far as was counted.
	Since, Spent, Old, Stored int64
	// ClosedAt is when a ceiling was reached, or what is due began to wait for its first
	// plan: until a plan is approved nothing goes.
	ClosedAt int64
}

// StopRow stops all destruction in a tenant; of [troth.Platform], everywhere.
type StopRow struct {
	Tenant             troth.Tenant
	ID                 string
	PlacedAt, LiftedAt int64
}
