package unsubscribe

import "slices"

// Kind is what an event says.
type Kind string

// The kinds.
const (
	KindOptOut     Kind = "opt_out"
	KindOptIn      Kind = "opt_in"
	KindBounce     Kind = "bounce"
	KindComplaint  Kind = "complaint"
	KindImport     Kind = "import"
	KindErase      Kind = "erase"
	KindPropagated Kind = "propagated"
)

var kinds = []Kind{KindOptOut, KindOptIn, KindBounce, KindComplaint, KindImport, KindErase, KindPropagated}

// Kinds are all of them, in the order of their stored numbers.
func Kinds() []Kind { return slices.Clone(kinds) }

// Reason is why a message may not be sent, or is sent with a warning.
type Reason string

// The reasons of entries, in the order in which a decision names them: what the
// person said before what others reported.
const (
	ReasonOptOut    Reason = "opt_out"
	ReasonImport    Reason = "import"
	ReasonComplaint Reason = "complaint"
	ReasonBounce    Reason = "bounce"
)

// Reasons of decisions that no entry gave.
const (
	// ReasonClear: nothing stands against it.
	ReasonClear Reason = "clear"
	// ReasonObjected: another ledger knows of an objection.
	ReasonObjected Reason = "objected"
	// ReasonAddress: the address cannot be read.
	ReasonAddress Reason = "address"
	// ReasonKeys: the stored keys are of another client or channel, or of no [Hasher].
	ReasonKeys Reason = "keys"
	// ReasonUnknown: what is known is not loaded, too old or cannot be read.
	ReasonUnknown Reason = "unknown"
)

// reasons are those of entries, in the order of their stored columns.
var reasons = [...]Reason{ReasonOptOut, ReasonImport, ReasonComplaint, ReasonBounce}

// reason of an event that puts a mark on an entry; empty for other kinds.
func (k Kind) reason() Reason {
	switch k {
	case KindOptOut:
		return ReasonOptOut
	case KindImport:
		return ReasonImport
	case KindComplaint:
		return ReasonComplaint
	case KindBounce:
		return ReasonBounce
	case KindOptIn, KindErase, KindPropagated:
	}
	return ""
}

// Effect is what a reason does to a message.
type Effect int

// The effects, from weak to strong.
const (
	Passes Effect = iota
	// Warns lets the message pass; the decision says so.
	Warns
	Stops
)

// Effect is the matrix of reasons and classes. An opt-out stops marketing and
// nothing else; a complaint stops marketing and warns of what else is sent; a hard
// bounce stops everything: nobody reads it.
func (r Reason) Effect(c Class) Effect {
	switch r {
	case ReasonBounce:
		return Stops
	case ReasonOptOut, ReasonImport, ReasonComplaint:
		switch {
		case c == Marketing || !slices.Contains(classes, c):
			return Stops
		case r == ReasonComplaint:
			return Warns
		}
		return Passes
	case ReasonClear:
		return Passes
	default:
		return Stops
	}
}

// Method is how something was said or learnt.
type Method string

// The methods.
const (
	// ByOneClick is the POST of a mail program (RFC 8058).
	ByOneClick Method = "one-click"
	// ByPage is the button of a page that a link opened.
	ByPage Method = "page"
	// ByForm is a public form, or the contact form.
	ByForm Method = "form"
	// ByReply is a message of the person's: STOP or START, a mail.
	ByReply Method = "reply"
	// ByStaff is what somebody noted for the person, such as on the telephone.
	ByStaff Method = "staff"
	// ByPeer is what another ledger told.
	ByPeer Method = "peer"
	// ByProvider is what a mail provider reported.
	ByProvider Method = "provider"
	// ByFile is the list of an older tool.
	ByFile Method = "file"
	// ByConfirmation is double opt-in: a link in a message to the address, and the
	// button behind it.
	ByConfirmation Method = "confirmation"
	// ByUndo takes a moment's opt-out back, on the page that confirmed it.
	ByUndo Method = "undo"
)

var methods = []Method{
	ByOneClick, ByPage, ByForm, ByReply, ByStaff, ByPeer, ByProvider, ByFile, ByConfirmation, ByUndo,
}

// Methods are all of them, in the order of their stored numbers.
func Methods() []Method { return slices.Clone(methods) }

// opensAgain reports whether an opt-in can be learnt so: only the person, and only
// from the address itself.
func (m Method) opensAgain() bool {
	return m == ByConfirmation || m == ByReply || m == ByPage || m == ByUndo
}
