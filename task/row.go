package task

import "github.com/trothdev/troth"

// State is where a task stands.
type State string

// A task is open in the first five states and has ended, for good, in the others.
const (
	// Waiting: due, and free to be claimed.
	Waiting State = "waiting"
	// Delayed: not due yet, or backing off after a failure.
	Delayed State = "delayed"
	// Running: claimed, under a lease.
	Running State = "running"
	// Blocked: waits for its prerequisites.
	Blocked State = "blocked"
	// Manual: waits for a person.
	Manual State = "manual"
	// Completed: done.
	Completed State = "completed"
	// Failed: given up, since it will never succeed.
	Failed State = "failed"
	// Cancelled: no longer wanted.
	Cancelled State = "cancelled"
)

// States are all of them, in this order.
func States() []State {
	return []State{Waiting, Delayed, Running, Blocked, Manual, Completed, Failed, Cancelled}
}

// Open reports whether a task in that state has not ended.
func (s State) Open() bool { return s != Completed && s != Failed && s != Cancelled }

// ID identifies a task. It is made like an entry's, so that later ones sort
// later.
type ID = troth.EntryID

// Name is what a task is called in a store.
type Name struct {
	Tenant troth.Tenant
	ID     ID
}

// Ref is the name for everybody else.
func (n Name) Ref() troth.WorkRef { return troth.WorkRef{Tenant: n.Tenant, ID: n.ID.String()} }

// Row is one task as it is stored. Instants are microseconds since 1970, UTC; 0
// is never.
type Row struct {
	Name
	// Place is where the store keeps it, of a task that was claimed; 0 where that is
	// of no use. See [Held].
	Place int64
	// Kind, Key and Line are those of the work; Key and Line may be empty.
	Kind, Key, Line string
	// Group names the key under which Payload and Instructions are sealed; it is
	// the task's own ID where it stands alone.
	Group ID
	State State
	// Payload is sealed. It is nil if there was none, or once it was emptied.
	Payload []byte
	// CreatedAt is by the service's clock. Deadline is that of the work.
	CreatedAt, Deadline int64
	// EndedAt is when it ended, by the database's clock.
	EndedAt int64
	// Attempt counts claims; Fence grows with each claim, and whenever a claim
	// is taken away.
	Attempt int
	Fence   int64
	// WakeAt is since when it has been due ([Waiting]), when it will be
	// ([Delayed]), or when its lease ends ([Running]); by the database's clock.
	WakeAt int64
	// Blocked counts its prerequisites that are not completed.
	Blocked int
	// Reason is one word about the last thing that went wrong.
	Reason string
	// Owner is the role that a task in state [Manual] waits for, ManualDue by
	// when.
	Owner     string
	ManualDue int64
	// Instructions are for that person, sealed; nil if there are none.
	Instructions []byte
}
