package retention

import (
	"context"
	"time"

	"github.com/trothdev/troth"
)

// Store is what the keeper needs of storage for one tenant at a time. Methods run in
// the transaction of their context, or, where it has none, each in one of its own;
// reads outside a transaction see committed rows only. No method sees, changes or
// counts another tenant's rows. Returned slices belong to the caller.
type Store interface {
	// Transactor is the one whose transactions the methods join.
	Transactor() troth.Transactor

	// LockTenant waits for, and then keeps off until the transaction ends, everybody
	// who locks the tenant: alone, or together with others who do not lock it alone.
	// What was committed before it returns is seen by reads after it. It needs a
	// transaction.
	LockTenant(ctx context.Context, tenant troth.Tenant, alone bool) error

	// InsertPolicy adds a version. inserted is false, and nothing changed, if there is
	// one of that number.
	InsertPolicy(ctx context.Context, row PolicyRow) (inserted bool, err error)
	// Policies returns the versions above a number, ordered.
	Policies(ctx context.Context, tenant troth.Tenant, above uint32) ([]PolicyRow, error)

	// InsertRecord adds a record. inserted is false, and nothing changed, if there is
	// one under that key.
	InsertRecord(ctx context.Context, row RecordRow) (inserted bool, err error)
	// Record returns one record.
	Record(ctx context.Context, key RecordKey) (row RecordRow, found bool, err error)
	// LockRecord is Record for who is about to change it: until the transaction ends
	// nobody else can lock the same. If somebody else has it, LockRecord waits, or,
	// where wait is false, finds nothing. It needs a transaction.
	LockRecord(ctx context.Context, key RecordKey, wait bool) (row RecordRow, found bool, err error)
	// PutRecord replaces a record that is there.
	PutRecord(ctx context.Context, row RecordRow) error
	// DeleteRecord removes a record that is there.
	DeleteRecord(ctx context.Context, key RecordKey) error
	// WakeHeld sets the DueAt of all records of the tenant that are Held, which they
	// are no more then, and returns how many.
	WakeHeld(ctx context.Context, tenant troth.Tenant, at int64) (records int, err error)

	// InsertHold adds a hold. inserted is false, and nothing changed, if there is one
	// of that id.
	InsertHold(ctx context.Context, row HoldRow) (inserted bool, err error)
	// PutHold replaces a hold that is there.
	PutHold(ctx context.Context, row HoldRow) error
	// Hold returns one hold, released or not.
	Hold(ctx context.Context, tenant troth.Tenant, id string) (row HoldRow, found bool, err error)
	// ActiveHolds returns the holds that are not released, ordered by id.
	ActiveHolds(ctx context.Context, tenant troth.Tenant) ([]HoldRow, error)

	// InsertControl adds a control row. inserted is false, and nothing changed, if there
	// is one under that key.
	InsertControl(ctx context.Context, row ControlRow) (inserted bool, err error)
	// PutControl replaces a control row that is there.
	PutControl(ctx context.Context, row ControlRow) error
	// Control returns one control row.
	Control(ctx context.Context, key ControlKey) (row ControlRow, found bool, err error)
	// LockControl is Control for who is about to change it: until the transaction ends
	// nobody else can lock the same, and waits. It needs a transaction.
	LockControl(ctx context.Context, key ControlKey) (row ControlRow, found bool, err error)
	// OpenControls returns the tenant's open control rows of a kind, ordered by id.
	OpenControls(ctx context.Context, tenant troth.Tenant, kind string) ([]ControlRow, error)
	// Controls returns the control rows of the key's tenant and kind, open or not, whose
	// id is behind the key's, ordered by id, at most limit.
	Controls(ctx context.Context, after ControlKey, limit int) ([]ControlRow, error)

	// InsertEvent adds an event of many records. inserted is false, and nothing changed,
	// if there is one under that key.
	InsertEvent(ctx context.Context, row EventRow) (inserted bool, err error)
	// EventsOf returns the events of any of these, ordered by when they happened, and of
	// one instant by name.
	EventsOf(ctx context.Context, tenant troth.Tenant, of []Many) ([]EventRow, error)
	// LockEvent returns one event for who is about to change it: until the transaction
	// ends nobody else can lock the same, and finds nothing. It needs a transaction.
	LockEvent(ctx context.Context, key EventKey) (row EventRow, found bool, err error)
	// PutEvent replaces an event that is there.
	PutEvent(ctx context.Context, row EventRow) error
	// DeleteEvents removes all events of an account, a person or a purpose, and returns
	// how many there were.
	DeleteEvents(ctx context.Context, tenant troth.Tenant, of Many) (events int, err error)
	// RecordsOf returns the records that belong to an account, a person or a purpose and
	// come behind the key's type and id, of the key's tenant, ordered by type and id, at
	// most limit. Those of an account without id are all of the tenant's; nothing belongs
	// to a person or a purpose without one.
	RecordsOf(ctx context.Context, after RecordKey, of Many, limit int) ([]RecordRow, error)

	// InsertWarrant adds a warrant, whose id nobody has used.
	InsertWarrant(ctx context.Context, row WarrantRow) error
	// LockWarrant returns one warrant; it locks as LockRecord does.
	LockWarrant(ctx context.Context, key WarrantKey, wait bool) (row WarrantRow, found bool, err error)
	// PutWarrant replaces a warrant that is there.
	PutWarrant(ctx context.Context, row WarrantRow) error
	// DeleteWarrant removes a warrant that is there.
	DeleteWarrant(ctx context.Context, key WarrantKey) error
	// WarrantsOf returns the warrants about a record by its handle, the last At first.
	WarrantsOf(ctx context.Context, tenant troth.Tenant, handle string) ([]WarrantRow, error)
	// Warrants returns warrants whose Gone is 0, about a person or about nobody known, or
	// about anybody, ordered by id, see [WarrantQuery].
	Warrants(ctx context.Context, q WarrantQuery) ([]WarrantRow, error)
	// AddTally adds the counts of a row to those of its tenant, month, class, rule and
	// ground. What the row says of the last that was kept or broken replaces what was
	// said before, unless its count is 0.
	AddTally(ctx context.Context, row TallyRow) error
	// Tallies returns the counts of months that begin at an instant or later, ordered by
	// month, class, ground and rule.
	Tallies(ctx context.Context, tenant troth.Tenant, since int64) ([]TallyRow, error)
	// PutLateness sets what was told of a class, rule and ground.
	PutLateness(ctx context.Context, row LatenessRow) error
	// Lateness returns what was told, ordered by class, ground and rule.
	Lateness(ctx context.Context, tenant troth.Tenant) ([]LatenessRow, error)
	// InsertPlan adds a plan. inserted is false, and nothing changed, if there is one of
	// that hash.
	InsertPlan(ctx context.Context, row PlanRow) (inserted bool, err error)
	// PutPlan replaces a plan that is there.
	PutPlan(ctx context.Context, row PlanRow) error
	// LockPlan returns one plan, ended or not. Until the transaction ends nobody else can
	// lock the same; it waits and needs a transaction as LockRecord.
	LockPlan(ctx context.Context, tenant troth.Tenant, hash [32]byte, wait bool) (row PlanRow, found bool, err error)
	// OpenPlans returns the plans that have not ended, ordered by hash.
	OpenPlans(ctx context.Context, tenant troth.Tenant) ([]PlanRow, error)

	// LockAllowance returns one allowance, and makes it with nothing spent if there is
	// none. Until the transaction ends nobody else can lock the same; if somebody else has
	// it, LockAllowance waits, or, where wait is false, finds nothing. It needs a
	// transaction.
	LockAllowance(ctx context.Context, tenant troth.Tenant, id string, wait bool) (row AllowanceRow, found bool, err error)
	// PutAllowance replaces an allowance that is there.
	PutAllowance(ctx context.Context, row AllowanceRow) error
	// Allowances returns all of them, ordered by id.
	Allowances(ctx context.Context, tenant troth.Tenant) ([]AllowanceRow, error)

	// InsertStop adds a stop. inserted is false, and nothing changed, if there is one of
	// that id.
	InsertStop(ctx context.Context, row StopRow) (inserted bool, err error)
	// PutStop replaces a stop that is there.
	PutStop(ctx context.Context, row StopRow) error
	// ActiveStops returns the stops that are not lifted, ordered by id.
	ActiveStops(ctx context.Context, tenant troth.Tenant) ([]StopRow, error)
}

// SystemStore is what crosses tenants. Its rows carry their tenant.
type SystemStore interface {
	// CutRecords returns records with DueAt 0 of a class, stage and cohort whose anchor
	// is not after that of the cut, ordered by their anchors, and of one anchor by their
	// keys, that come behind a place, at most limit. The places are theirs.
	CutRecords(ctx context.Context, c Cut, after Place, limit int) ([]Place, error)
	// DueRecords is the same for records whose DueAt is not 0 and not after at, ordered
	// by it.
	DueRecords(ctx context.Context, at int64, after Place, limit int) ([]Place, error)
	// StaleRecords is the same for records whose DueAt is not 0 and whose Policy is below
	// a version, ordered by their Policy.
	StaleRecords(ctx context.Context, below uint32, after Place, limit int) ([]Place, error)
	// FailingRecords returns records with Tries above 0, those that failed most often
	// first, at most limit.
	FailingRecords(ctx context.Context, limit int) ([]RecordRow, error)
	// CountRecords counts records, see [Counter].
	CountRecords(ctx context.Context, c Count) (int64, error)

	// DueControls returns control rows of a kind whose DueAt is not 0 and not after at,
	// the most urgent first, at most limit.
	DueControls(ctx context.Context, kind string, at int64, limit int) ([]ControlRow, error)
	// HoldsToReview returns holds that are not released, whose ReviewAt is not after at
	// and after their ToldAt, the most urgent first, at most limit.
	HoldsToReview(ctx context.Context, at int64, limit int) ([]HoldRow, error)

	// OpenEvents returns events with DoneAt 0, those reported first before others, at
	// most limit.
	OpenEvents(ctx context.Context, limit int) ([]EventRow, error)
	// Horizon returns a mark above 0 that [SystemStore.Settled] takes.
	Horizon(ctx context.Context) (int64, error)
	// Settled reports whether all transactions have ended that had written anything when
	// a mark was made, so that what they wrote is seen or undone.
	Settled(ctx context.Context, horizon int64) (bool, error)
	// ClaimLease leases something to a holder for a length, by the database's clock.
	// claimed is false, and nothing changed, while another holder has it. The fence grows
	// with every claim. A lease that ends later than its length from now, by a clock that
	// went back, is over.
	ClaimLease(ctx context.Context, name, holder string, length time.Duration) (fence int64, claimed bool, err error)
	// KeepLease begins the length of a lease anew. kept is false, and nothing changed, if
	// it ended or is somebody else's: whoever did something under it must undo that.
	// Until the transaction ends nobody can claim it.
	KeepLease(ctx context.Context, name string, fence int64, length time.Duration) (kept bool, err error)
	// EndLease gives a lease up, if it is the one of the fence.
	EndLease(ctx context.Context, name string, fence int64) error

	// DueWarrants returns warrants whose NextAt is not after at, the most urgent first,
	// at most limit.
	DueWarrants(ctx context.Context, at int64, limit int) ([]WarrantKey, error)
	// WaitingWarrants returns warrants that Wait, the oldest first, at most limit.
	WaitingWarrants(ctx context.Context, limit int) ([]WarrantRow, error)
	// SurveyRecords returns a page of the records that a survey asks for, in its order, at
	// most limit.
	SurveyRecords(ctx context.Context, s Survey, limit int) ([]RecordRow, error)
}

// Backend is a store of both kinds, as adapters provide it.
type Backend interface {
	Store
	SystemStore
}
