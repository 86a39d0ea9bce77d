package rights

import "slices"

// State is where a request stands. Clocks, tasks and obligations that are left over
// are not states: a request of any state has them beside it.
type State string

// The states. Whatever is not final is open.
const (
	// StateReceived: it is for us to go on.
	StateReceived State = "received"
	// StateVerifying: the person was asked who they are.
	StateVerifying State = "verifying"
	// StateClarifying: the person was asked what they mean.
	StateClarifying State = "clarifying"
	// StateAccepted: identity and authority are settled; nothing was done yet.
	StateAccepted State = "accepted"
	// StateCollecting: sources are being asked.
	StateCollecting State = "collecting"
	// StateReviewing: somebody looks at what was found.
	StateReviewing State = "reviewing"
	// StateCoolingOff: the irreversible waits, so that it can be taken back.
	StateCoolingOff State = "cooling-off"
	// StateExecuting: sources are changing or destroying.
	StateExecuting State = "executing"
	// StateDelivering: the answer is on its way.
	StateDelivering State = "delivering"

	// StateFulfilled: everything that was asked for was done.
	StateFulfilled State = "fulfilled"
	// StatePartiallyFulfilled: some of it was done, and the person knows of the rest.
	StatePartiallyFulfilled State = "partially-fulfilled"
	// StateRefused: nothing was done, and the person knows why.
	StateRefused State = "refused"
	// StateWithdrawn: the person took it back.
	StateWithdrawn State = "withdrawn"
	// StateLapsed: the person never said who they are or what they mean.
	StateLapsed State = "lapsed"
	// StateDuplicate: another request is about the same.
	StateDuplicate State = "duplicate"
	// StateForwarded: somebody else decides about the data, and has it now.
	StateForwarded State = "forwarded"
)

var (
	openStates = []State{
		StateReceived, StateVerifying, StateClarifying, StateAccepted, StateCollecting, StateReviewing, StateCoolingOff,
		StateExecuting, StateDelivering,
	}
	finalStates = []State{
		StateFulfilled, StatePartiallyFulfilled, StateRefused, StateWithdrawn, StateLapsed, StateDuplicate, StateForwarded,
	}
)

// States returns every state, the open ones first.
func States() []State { return slices.Concat(openStates, finalStates) }

// Final reports whether nothing can follow the state.
func (s State) Final() bool { return slices.Contains(finalStates, s) }

// Open reports whether the state is one that is not final.
func (s State) Open() bool { return slices.Contains(openStates, s) }

// Kind is what an event of a request is.
type Kind string

// The kinds of events that move a request, see [Transitions].
const (
	IdentityAsked      Kind = "identity-asked"
	Identified         Kind = "identified"
	ClarificationAsked Kind = "clarification-asked"
	Clarified          Kind = "clarified"
	WasAccepted        Kind = "accepted"
	CollectionBegan    Kind = "collection-began"
	Collected          Kind = "collected"
	Approved           Kind = "approved"
	CooledOff          Kind = "cooled-off"
	ExecutionBegan     Kind = "execution-began"
	Executed           Kind = "executed"
	Delivered          Kind = "delivered"
	WasRefused         Kind = "refused"
	WasWithdrawn       Kind = "withdrawn"
	WasLapsed          Kind = "lapsed"
	FoundDuplicate     Kind = "duplicate"
	WasForwarded       Kind = "forwarded"
)

// The kinds of events that are noted and move nothing, see [Notes].
const (
	Submitted         Kind = "submitted"
	Acknowledged      Kind = "acknowledged"
	Extended          Kind = "extended"
	FeeAsked          Kind = "fee-asked"
	FeePaid           Kind = "fee-paid"
	CodeSent          Kind = "code-sent"
	IdentityPart      Kind = "identity-part"
	Authorised        Kind = "authorised"
	HolderConfirmed   Kind = "holder-confirmed"
	PartRefused       Kind = "part-refused"
	SourceDone        Kind = "source-done"
	Disclosing        Kind = "disclosing"
	Assigned          Kind = "assigned"
	Told              Kind = "told"
	Alarmed           Kind = "alarmed"
	ObligationOpened  Kind = "obligation-opened"
	ObligationClosed  Kind = "obligation-closed"
	ContentsDestroyed Kind = "contents-destroyed"
	LiftingAnnounced  Kind = "lifting-announced"
	RestrictionLifted Kind = "restriction-lifted"
)

// Guard is what must hold of a request beside its state for a transition.
type Guard string

// The guards. Those of one state and event exclude each other.
const (
	Always Guard = ""
	// IfProven: there is a proof of who asks that is good enough for the right, and an
	// agent's authority is confirmed.
	IfProven Guard = "proven"
	// IfPending: the person was asked who they are, and that is open; IfSettled: not.
	IfPending Guard = "identity-pending"
	IfSettled Guard = "identity-settled"
	// IfDiscloses to IfAnswers: by the effect of the right.
	IfDiscloses Guard = "discloses"
	IfChanges   Guard = "changes"
	IfDestroys  Guard = "destroys"
	IfAnswers   Guard = "answers"
	// IfAll, IfSome, IfNone: by how much of what was asked for was done.
	IfAll  Guard = "all-done"
	IfSome Guard = "some-done"
	IfNone Guard = "none-done"
)

// Transition is one way from a state to another.
type Transition struct {
	From  State
	Event Kind
	Guard Guard
	To    State
}

// transitions is the whole of the state machine: what is not here does not happen.
// docs/rights-states.md is drawn from it.
var transitions = []Transition{
	{StateReceived, IdentityAsked, Always, StateVerifying},
	{StateReceived, Identified, Always, StateReceived},
	{StateReceived, ClarificationAsked, Always, StateClarifying},
	{StateReceived, WasAccepted, IfProven, StateAccepted},
	{StateReceived, WasRefused, Always, StateRefused},
	{StateReceived, WasWithdrawn, Always, StateWithdrawn},
	{StateReceived, FoundDuplicate, Always, StateDuplicate},
	{StateReceived, WasForwarded, Always, StateForwarded},

	{StateVerifying, IdentityAsked, Always, StateVerifying},
	{StateVerifying, Identified, Always, StateReceived},
	{StateVerifying, ClarificationAsked, Always, StateClarifying},
	{StateVerifying, WasRefused, Always, StateRefused},
	{StateVerifying, WasWithdrawn, Always, StateWithdrawn},
	{StateVerifying, WasLapsed, Always, StateLapsed},
	{StateVerifying, FoundDuplicate, Always, StateDuplicate},
	{StateVerifying, WasForwarded, Always, StateForwarded},

	{StateClarifying, IdentityAsked, Always, StateClarifying},
	{StateClarifying, Identified, Always, StateClarifying},
	{StateClarifying, Clarified, IfPending, StateVerifying},
	{StateClarifying, Clarified, IfSettled, StateReceived},
	{StateClarifying, WasRefused, Always, StateRefused},
	{StateClarifying, WasWithdrawn, Always, StateWithdrawn},
	{StateClarifying, WasLapsed, Always, StateLapsed},
	{StateClarifying, FoundDuplicate, Always, StateDuplicate},
	{StateClarifying, WasForwarded, Always, StateForwarded},

	{StateAccepted, CollectionBegan, IfDiscloses, StateCollecting},
	{StateAccepted, CollectionBegan, IfChanges, StateCollecting},
	{StateAccepted, CollectionBegan, IfDestroys, StateCollecting},
	{StateAccepted, ExecutionBegan, IfChanges, StateExecuting},
	{StateAccepted, Approved, IfAnswers, StateDelivering},
	{StateAccepted, WasRefused, Always, StateRefused},
	{StateAccepted, WasWithdrawn, Always, StateWithdrawn},

	{StateCollecting, Collected, Always, StateReviewing},
	{StateCollecting, WasRefused, Always, StateRefused},
	{StateCollecting, WasWithdrawn, Always, StateWithdrawn},

	{StateReviewing, CollectionBegan, Always, StateCollecting},
	{StateReviewing, Approved, IfDiscloses, StateDelivering},
	{StateReviewing, Approved, IfChanges, StateExecuting},
	{StateReviewing, Approved, IfDestroys, StateCoolingOff},
	{StateReviewing, WasRefused, Always, StateRefused},
	{StateReviewing, WasWithdrawn, Always, StateWithdrawn},

	{StateCoolingOff, CooledOff, Always, StateExecuting},
	{StateCoolingOff, WasRefused, Always, StateRefused},
	{StateCoolingOff, WasWithdrawn, Always, StateWithdrawn},

	{StateExecuting, Executed, Always, StateDelivering},

	{StateDelivering, Delivered, IfAll, StateFulfilled},
	{StateDelivering, Delivered, IfSome, StatePartiallyFulfilled},
	{StateDelivering, Delivered, IfNone, StateRefused},
	{StateDelivering, WasWithdrawn, IfDiscloses, StateWithdrawn},
	{StateDelivering, WasWithdrawn, IfAnswers, StateWithdrawn},
}

// Note says when an event that moves nothing may be noted.
type Note struct {
	Event Kind
	// Closed says that requests in a final state may have it too.
	Closed bool
}

var notes = []Note{
	{Submitted, false},
	{Acknowledged, false},
	{Extended, false},
	{FeeAsked, false},
	{FeePaid, false},
	{CodeSent, false},
	{IdentityPart, false},
	{Authorised, false},
	{HolderConfirmed, false},
	{PartRefused, false},
	{Disclosing, false},
	{SourceDone, true}, // what a hold kept back is done long after the answer
	{Assigned, true},
	{Told, true},
	{Alarmed, true},
	{ObligationOpened, true},
	{ObligationClosed, true},
	{ContentsDestroyed, true},
	{LiftingAnnounced, true},
	{RestrictionLifted, true},
}

// Transitions returns the table of the state machine.
func Transitions() []Transition { return slices.Clone(transitions) }

// Notes returns the events that move nothing.
func Notes() []Note { return slices.Clone(notes) }

// Kinds returns every kind of event: those that move a request, and those that do not.
func Kinds() []Kind {
	var all []Kind
	for _, t := range transitions {
		if !slices.Contains(all, t.Event) {
			all = append(all, t.Event)
		}
	}
	for _, n := range notes {
		all = append(all, n.Event)
	}
	return all
}

// next is the state that an event leads to, given what holds of the request; false if
// the table does not know the way.
func next(from State, event Kind, holds func(Guard) bool) (State, bool) {
	for _, t := range transitions {
		if t.From == from && t.Event == event && (t.Guard == Always || holds(t.Guard)) {
			return t.To, true
		}
	}
	for _, n := range notes {
		if n.Event == event && (n.Closed || from.Open()) {
			return from, true
		}
	}
	return from, false
}
