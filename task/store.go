package task

import (
	"context"
	"time"

	"github.com/trothdev/troth"
)

// Store is what the engine needs of storage for one tenant at a time. Methods
// run in the transaction of their context, or, where it has none, each in one
// of its own; reads outside of a transaction see committed rows only. No method
// sees, changes or counts another tenant's rows. A cancelled context ends in its
// own error and without effect. Returned slices belong to the caller, and those
// given stay the caller's.
//
// "Now" in this contract is the database's clock: that of the machine on which
// several processes agree, never the caller's.
type Store interface {
	// Transactor is the one whose transactions the methods join.
	Transactor() troth.Transactor

	// Find returns the task of that kind and key.
	Find(ctx context.Context, tenant troth.Tenant, kind, key string) (id ID, found bool, err error)
	// JoinGroup counts more open tasks in the group of that name and returns
	// the group's id: Fresh, which no task and no other group has, if there was no
	// such group. Until the transaction ends nobody else joins the group or finds
	// it spent.
	JoinGroup(ctx context.Context, j Joining) (group ID, err error)
	// Insert adds a task. inserted is false, nothing changed, and id is that of
	// the other, if the tenant has a task of the same kind and key, ended or not;
	// a transaction that is about to add one is waited for. The task is Blocked
	// while prerequisites are open, else Delayed until NotBefore, else Waiting.
	// A prerequisite that is unknown to the tenant, or ended other than Completed,
	// is a *[PrerequisiteError] that tells which, the one of the least ID, and
	// nothing is added.
	Insert(ctx context.Context, n NewTask) (id ID, inserted bool, err error)
	// InsertAll adds tasks that have no payload, stand alone and wait for nothing,
	// all or none, as Insert does for one after the other. It returns what Insert
	// would, in their order. Of equal ones among them the first is added.
	InsertAll(ctx context.Context, ns []NewTask) ([]Inserted, error)

	// Task returns one task.
	Task(ctx context.Context, name Name) (row Row, found bool, err error)
	// Tasks returns tasks in ascending order of ID, without payloads and
	// instructions.
	Tasks(ctx context.Context, p Page) ([]Row, error)
	// Counts counts the tenant's tasks by kind and state, in that order of
	// names; kinds and states without any are left out.
	Counts(ctx context.Context, c CountSince) ([]Count, error)

	// Assign gives a task in state Manual to another owner. assigned is false,
	// and nothing changed, in any other state, or where From is given and is not its
	// owner.
	Assign(ctx context.Context, a Assignment) (assigned bool, err error)
	// Resume makes a task in state Manual Waiting, with no attempts and no owner.
	// resumed is false, and nothing changed, in any other state.
	Resume(ctx context.Context, name Name) (resumed bool, err error)
	// Finish ends a task whose state is one of From, whoever has claimed it, as
	// [SystemStore.End] ends claimed ones. done is false, and nothing changed, in
	// any other state, or where OwnedBy is given and is not its owner.
	Finish(ctx context.Context, f Finish) (freed []Freed, done bool, err error)

	// SetAlarm moves the task's alarm to another stage and instant; an instant of
	// 0 removes it.
	SetAlarm(ctx context.Context, name Name, a Alarm) error

	// Spent looks whether the group has no open task left, and keeps it so until
	// the transaction ends: nobody joins it. sealed tells whether any of its tasks
	// has a payload or instructions. Where the group is not spent its disposal is
	// withdrawn: the end of its last task brings it back. It needs a
	// transaction.
	Spent(ctx context.Context, tenant troth.Tenant, group ID) (spent, sealed bool, err error)
	// Empty removes payloads and instructions of the group's tasks, the group
	// and its disposal. Call it where Spent said yes.
	Empty(ctx context.Context, tenant troth.Tenant, group ID) error
	// Postpone makes the group's disposal due so much later than now, counts a
	// try, and keeps the reason.
	Postpone(ctx context.Context, p Postponement) error
	// Undisposed returns the tenant's disposals in the order of group ids.
	Undisposed(ctx context.Context, p DisposalPage) ([]Disposal, error)

	// Remove removes those of the tasks that ended before the instant and have
	// neither payload nor instructions left, with what is known of their
	// prerequisites, and returns how many.
	Remove(ctx context.Context, r Removal) (removed int, err error)
}

// Joining is tasks that join a group.
type Joining struct {
	Tenant troth.Tenant
	// Name is the group's.
	Name string
	// Fresh is the id of a group that is new.
	Fresh ID
	// Tasks is how many join, at least 1.
	Tasks int
}

// NewTask is a task to be added.
type NewTask struct {
	Name
	Kind, Key, Line string
	// Group is what JoinGroup returned, or the task's own ID.
	Group               ID
	Payload             []byte
	CreatedAt, Deadline int64
	NotBefore           int64
	// Alarm is the first alarm; its instant is 0 for none.
	Alarm Alarm
	// After are the prerequisites.
	After []ID
}

// Inserted is what became of a task that was to be added.
type Inserted struct {
	// ID is its own, or that of the equal one that was there before.
	ID  ID
	New bool
}

// Page chooses tasks of one tenant.
type Page struct {
	Tenant troth.Tenant
	// After is the last id that was seen; the zero ID begins at the beginning.
	After ID
	// Limit is at least 1.
	Limit int
	// State and Owner choose those only, where they are given.
	State State
	Owner string
}

// CountSince asks for counts, and how many ended since an instant.
type CountSince struct {
	Tenant troth.Tenant
	Since  int64
}

// Count is how many tasks of one kind are in one state.
type Count struct {
	Kind  string
	State State
	N     int
	// Recent is how many of them ended at or after the instant that was asked
	// for.
	Recent int
	// Oldest is the earliest WakeAt of those that are Waiting; else 0.
	Oldest int64
}

// Assignment gives a task to an owner.
type Assignment struct {
	Name
	From, Owner string
	// Due is by when; 0 keeps what it was.
	Due int64
}

// Finish ends a task from outside.
type Finish struct {
	Name
	From []State
	// To is Completed, Failed or Cancelled.
	To     State
	Reason string
	// OwnedBy is the role that the task waits for, where that matters.
	OwnedBy string
	// Owner is who looks after tasks that were waiting for this one, if it does
	// not end as Completed.
	Owner string
}

// Alarm is when to look at a task's deadline next.
type Alarm struct {
	Stage int
	At    int64
}

// Postponement puts a disposal off.
type Postponement struct {
	Tenant troth.Tenant
	Group  ID
	By     time.Duration
	Reason string
}

// DisposalPage chooses disposals of one tenant.
type DisposalPage struct {
	Tenant troth.Tenant
	After  ID
	Limit  int
}

// Removal names tasks that are to be forgotten.
type Removal struct {
	Tenant troth.Tenant
	IDs    []ID
	Before int64
}
