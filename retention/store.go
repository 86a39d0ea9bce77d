package retention

import (
	"context"

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
	// SubjectRecords returns the records about a person, none for an empty id, that come
	// behind the key's type and id, ordered by type and id, at most limit.
	SubjectRecords(ctx context.Context, after RecordKey, subjectID string, limit int) ([]RecordRow, error)

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
	// is not after that of the cut, the oldest anchor first, at most limit.
	CutRecords(ctx context.Context, c Cut, limit int) ([]RecordKey, error)
	// DueRecords returns records whose DueAt is not 0 and not after at, the most
	// urgent first, at most limit.
	DueRecords(ctx context.Context, at int64, limit int) ([]RecordKey, error)
	// StaleRecords returns records whose DueAt is not 0 and whose Policy is below a
	// version, in any order, at most limit.
	StaleRecords(ctx context.Context, below uint32, limit int) ([]RecordKey, error)
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

	// SurveyRecords returns a page of the records that a survey asks for, in its order, at
	// most limit.
	SurveyRecords(ctx context.Context, s Survey, limit int) ([]RecordRow, error)
}

// Backend is a store of both kinds, as adapters provide it.
type Backend interface {
	Store
	SystemStore
}
