package retention

import "github.com/trothdev/troth"

// ControlKey names one control row: of a tenant, by kind and id.
type ControlKey struct {
	Tenant troth.Tenant
	// Kind is one of the Control constants.
	Kind string
	ID   string
}

// Kinds of control rows.
const (
	// ControlException is an exception on record.
	ControlException = "exception"
	// ControlErasure is an erasure that was granted.
	ControlErasure = "erasure"
	// ControlConflict is what must be kept against what was promised.
	ControlConflict = "conflict"
	// ControlSeal is the list of everything that forbids destroying, authenticated.
	ControlSeal = "seal"

	// controlApproved says that a plan was ever approved.
	controlApproved = "approved"

	// controlAccept is the first half of an acceptance.
	controlAccept = "accept"
)

// ControlRow is a decision of people on record, or the keeper's own account of such
// decisions.
type ControlRow struct {
	ControlKey
	// Open says that it counts still.
	Open bool
	// DueAt is when something is to be done about it by time; 0 is never.
	DueAt int64
	// Body is what was decided and State what became of it, as docs/formats/retention.md
	// gives them.
	Body, State []byte
	// MAC authenticates what permits; empty where nothing has to, and where the keeper
	// has no keys.
	MAC []byte
}

// MaxControl is the longest Body, and the longest State.
const MaxControl = 4 << 20
