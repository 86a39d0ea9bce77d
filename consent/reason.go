package consent

// Reason is why a decision is what it is. The list is closed: a program may
// switch over it.
type Reason string

// Reasons that allow.
const (
	// ReasonGranted: a live grant.
	ReasonGranted Reason = "granted"
	// ReasonGrace: a grant of a version before, which holds until its grace ends.
	ReasonGrace Reason = "grace"
	// ReasonBasis: the processing does not rest on consent, and nobody objected.
	ReasonBasis Reason = "other-basis"
)

// Reasons that deny.
const (
	// ReasonUnavailable: it could not be found out; the error beside says why.
	ReasonUnavailable Reason = "unavailable"
	// ReasonUnknownPurpose: no version of the purpose is in force.
	ReasonUnknownPurpose Reason = "unknown-purpose"
	// ReasonRetired: the purpose has ended.
	ReasonRetired Reason = "retired"
	// ReasonUnknown: nothing is known of the person's choice.
	ReasonUnknown Reason = "unknown"
	// ReasonPending: requested, or asked for a confirmation, and not confirmed.
	ReasonPending Reason = "pending"
	// ReasonRefused: asked and refused.
	ReasonRefused Reason = "refused"
	// ReasonWithdrawn: granted and taken back.
	ReasonWithdrawn Reason = "withdrawn"
	// ReasonExpired: granted, and its time is over.
	ReasonExpired Reason = "expired"
	// ReasonInvalidated: the consent was found never to have been valid.
	ReasonInvalidated Reason = "invalidated"
	// ReasonSuperseded: granted for a version that a material change replaced.
	ReasonSuperseded Reason = "superseded"
	// ReasonGuardianMissing: a child's consent without a guardian's leave.
	ReasonGuardianMissing Reason = "guardian-missing"
	// ReasonCameOfAge: the guardian's leave ended when the child came of age.
	ReasonCameOfAge Reason = "came-of-age"
	// ReasonObjected: objected or opted out.
	ReasonObjected Reason = "objected"
	// ReasonRecipient: what was granted does not cover the recipient.
	ReasonRecipient Reason = "recipient"
	// ReasonDependency: a purpose that this one requires is denied.
	ReasonDependency Reason = "dependency"
)

// Reasons are all reasons, those that allow first.
func Reasons() []Reason {
	return []Reason{
		ReasonGranted, ReasonGrace, ReasonBasis,
		ReasonUnavailable, ReasonUnknownPurpose, ReasonRetired, ReasonUnknown, ReasonPending, ReasonRefused,
		ReasonWithdrawn, ReasonExpired, ReasonInvalidated, ReasonSuperseded, ReasonGuardianMissing, ReasonCameOfAge,
		ReasonObjected, ReasonRecipient, ReasonDependency,
	}
}

// Allows reports whether the reason allows.
func (r Reason) Allows() bool {
	return r == ReasonGranted || r == ReasonGrace || r == ReasonBasis
}
