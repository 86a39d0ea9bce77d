package export

import "slices"

// Reason is why something is not in an export: a closed list, so that every one has
// its text in every language.
type Reason string

// The reasons.
const (
	// ThirdParty: it would harm the rights of others (GDPR Article 15(4)).
	ThirdParty Reason = "third_party"
	// MustNotDisclose: the law forbids handing it out, such as a social security number
	// (11 CCR § 7024(d)).
	MustNotDisclose Reason = "must_not_disclose"
	// Privilege: communication with counsel.
	Privilege Reason = "privilege"
	// TradeSecret: a trade secret (GDPR recital 63).
	TradeSecret Reason = "trade_secret"
	// Security: it would weaken the security of the service.
	Security Reason = "security"
	// NotClassified: the field is kept back, since nobody said whom they are about.
	NotClassified Reason = "unclassified"
	// Undecided: what should have decided failed.
	Undecided Reason = "undecided"
	// Unreadable: it is held, and could not be read.
	Unreadable Reason = "unreadable"
	// Unsupported: the source cannot export; it has to be asked for in another way.
	Unsupported Reason = "unsupported"
	// Failed: the source failed.
	Failed Reason = "failed"
	// Manual: it is handed out apart from the archive.
	Manual Reason = "manual"
)

var reasons = []Reason{
	ThirdParty, MustNotDisclose, Privilege, TradeSecret, Security, NotClassified, Undecided, Unreadable,
	Unsupported, Failed, Manual,
}

// Reasons returns the closed list.
func Reasons() []Reason { return slices.Clone(reasons) }

func (r Reason) known() bool { return slices.Contains(reasons, r) }

// Status is how complete what an archive holds of a source is.
type Status string

const (
	// Complete: everything that the source has about the person, redactions apart.
	Complete Status = "complete"
	// Empty: the source was asked, and has nothing.
	Empty Status = "empty"
	// Partial: some records are there, then the source failed.
	Partial Status = "partial"
	// Absent: nothing of the source is there, for the reason given.
	Absent Status = "absent"
)
