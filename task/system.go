package task

import (
	"context"
	"time"

	"github.com/trothdev/troth"
)

// SystemStore is what crosses tenants. Its rows carry their tenant; what a call
// costs depends on what it returns, and not on how many tenants or tasks there
// are.
type SystemStore interface {
	// Claim claims tasks that are Waiting: they become Running, their Fence and
	// Attempt grow by one, and WakeAt is the lease from now. No task is claimed
	// twice, and nobody waits for another claim. It claims at most Limit in all,
	// shared out evenly among the kinds that have tasks waiting, in the order in
	// which they are named. Of each kind it claims at most the kind's Limit, shared out evenly among up to [LinesAtOnce] lines that have tasks
	// waiting and are not at their limit, those behind Behind in the order of (tenant, line) first and then from the
	// beginning; within a line those first that have been due longest. Limits hold for all
	// claims of the kind together, whoever made them. Where a great many lines are at their
	// limit a claim may find none of the others, and the next one looks further.
	Claim(ctx context.Context, c Claim) ([]Row, error)
	// ClaimOne claims this task if it is Waiting, or Delayed and due, or Running
	// and its lease has ended, and the limits of its kind allow; claimed is false,
	// and nothing changed, if not. Limit and Behind of the kind are not
	// regarded.
	ClaimOne(ctx context.Context, name Name, kind KindClaim, lease time.Duration) (row Row, claimed bool, err error)
	// Extend makes the leases of claims last so long from now, and returns the
	// names of those that are lost: that are not Running under this fence.
	Extend(ctx context.Context, held []Held, lease time.Duration) (lost []Name, err error)
	// End ends claims, each whole; outside of a transaction an error may leave some
	// of them ended. Those that are not Running under their fence are lost and
	// left alone, but for a task that ended as Completed under that fence, which
	// counts as ended. What becomes of a task:
	//
	//	Completed, Failed, Cancelled	it has ended, now
	//	Delayed	it is due again after By
	//	Waiting	it is due now, and the attempt did not count
	//	Manual	it waits for Owner
	//
	// A Reason that is empty leaves the one before; a task that is completed has
	// none.
	//
	// With the end of a task those that wait for it are freed: after Completed
	// they have one prerequisite less, and with the last they become Delayed or
	// Waiting; after any other end they are Manual, for Owner, with the reason
	// [ReasonPrerequisite]. A group without an open task left, and a task that
	// stood alone and has a payload or instructions, is due for disposal.
	End(ctx context.Context, es []Ending) (Ended, error)

	// Wake makes tasks Waiting that are Delayed and due, or Running with a lease
	// that has ended; of the latter the fence grows, and the reason is
	// [ReasonLease]. It changes at most limit of each.
	Wake(ctx context.Context, limit int) (Woken, error)
	// Tidy shortens the leases and backoffs that end later than their length
	// from now: the clock has jumped back since they began. It also forgets
	// rates that no longer hold anybody up.
	Tidy(ctx context.Context) (shortened int, err error)

	// Alarms returns alarms whose instant has come, the earliest first, at most
	// limit, and keeps them from others until the transaction ends. It needs a
	// transaction.
	Alarms(ctx context.Context, limit int) ([]DueAlarm, error)

	// Disposals returns disposals that are due, the earliest first, at most
	// limit, and makes each due again after hold.
	Disposals(ctx context.Context, limit int, hold time.Duration) ([]Disposal, error)
	// Finished returns tasks that ended before the instant, without payloads, in
	// the order of CreatedAt and ID.
	Finished(ctx context.Context, p FinishedPage) ([]Row, error)

	// Managed reports whether a retention keeper has taken the store over.
	Managed(ctx context.Context) (bool, error)
	// SetManaged makes Managed true, for ever.
	SetManaged(ctx context.Context) error
}

// Backend is a store of both kinds, as adapters provide it.
type Backend interface {
	Store
	SystemStore
}

// LinesAtOnce is among how many lines of a kind one claim is shared out.
const LinesAtOnce = 32

// Claim asks for tasks to run.
type Claim struct {
	Kinds []KindClaim
	// Limit is the most that are claimed of all kinds together.
	Limit int
	Lease time.Duration
}

// Share is how many tasks may be claimed of the next kind, where so many are
// left to claim and so many kinds to look at.
func (k KindClaim) Share(left, kinds int) int {
	return min(k.Limit, (left+kinds-1)/kinds)
}

// KindClaim asks for tasks of one kind.
type KindClaim struct {
	Kind string
	// Limit is the most that are claimed.
	Limit int
	// Behind is the line that was served last.
	Behind Line
	// Whole holds for all tasks of the kind, PerLine for those of each line.
	Whole, PerLine Limit
}

// Line is whose turn it is: works of one tenant, and of one line of theirs.
type Line struct {
	Tenant troth.Tenant
	Name   string
}

// Limit bounds how many tasks run. The zero Limit bounds nothing.
type Limit struct {
	// AtOnce is how many may be Running at the same time, in all processes; 0
	// is any number.
	AtOnce int
	// Every is how often one may begin, Burst how many may at once after a
	// pause; 0 is any number, and a Burst of 0 counts as 1. An attempt counts like
	// any other.
	Every time.Duration
	Burst int
}

// Held is a claim.
type Held struct {
	Name
	Fence int64
	// Place is that of the row, or 0. It helps to find the task and says nothing
	// about it: with a wrong one a claim is held as with none.
	Place int64
}

// Ending is what became of a claim.
type Ending struct {
	Held
	// To is Completed, Failed, Cancelled, Delayed, Waiting or Manual.
	To State
	// By is how long a Delayed task waits.
	By     time.Duration
	Reason string
	// Owner, Due and Instructions are for Manual; Owner also for those that
	// wait for a task that ends other than Completed.
	Owner        string
	Due          int64
	Instructions []byte
}

// Ended is what endings led to.
type Ended struct {
	// Lost are the claims that were no longer held.
	Lost []Name
	// Freed are tasks that waited for others and do no longer.
	Freed []Freed
}

// Freed is a task that no longer waits for others.
type Freed struct {
	Name
	// State is Waiting, Delayed or Manual; WakeAt when it is due, 0 for Manual.
	State  State
	WakeAt int64
}

// Woken is what a look at the clock did.
type Woken struct {
	// Due counts tasks that were Delayed.
	Due int
	// Lapsed are those whose leases had ended.
	Lapsed []Name
	// Now is the database's clock.
	Now int64
}

// DueAlarm is an alarm whose instant has come.
type DueAlarm struct {
	Name
	Alarm
	Kind                string
	State               State
	CreatedAt, Deadline int64
	// Owner is that of a task in state Manual.
	Owner string
	// Now is the database's clock.
	Now int64
}

// Disposal is a group whose last task has ended and whose key has not been
// destroyed yet.
type Disposal struct {
	Tenant troth.Tenant
	Group  ID
	// DueAt is when it is tried next.
	DueAt int64
	// Tries is how often it failed, Reason why the last time.
	Tries  int
	Reason string
}

// FinishedPage chooses tasks that have ended.
type FinishedPage struct {
	// Before is the instant.
	Before int64
	// After is the last row that was seen, by CreatedAt and Name.ID; zero begins
	// at the beginning.
	AfterCreated int64
	AfterID      ID
	Limit        int
}

// Words that a store or the engine gives as the Reason of a task.
const (
	// ReasonPrerequisite: one that it waited for ended without success.
	ReasonPrerequisite = "prerequisite"
	// ReasonLease: the lease of an attempt ended.
	ReasonLease = "lease"
	// ReasonError: the handler returned an error.
	ReasonError = "error"
	// ReasonPanic: the handler panicked, or ended its goroutine.
	ReasonPanic = "panic"
	// ReasonPayload: the payload could not be opened or read.
	ReasonPayload = "payload"
	// ReasonExhausted: there were as many attempts as the kind allows.
	ReasonExhausted = "exhausted"
	// ReasonManual: the handler asked for a person.
	ReasonManual = "manual"
	// ReasonPermanent: the handler said that it will never succeed.
	ReasonPermanent = "permanent"
)
