package consent

// Kind is what an event says. The list is closed.
type Kind string

// The kinds of events. Each belongs to one track: the choice that a person made,
// their objection, their guardian's leave, a request that waits for its
// confirmation, or what they were shown.
const (
	// NoticeServed: a notice was shown, and nothing chosen yet.
	NoticeServed Kind = "notice-served"
	// Requested: a choice was made that counts only once it is confirmed.
	Requested Kind = "requested"
	// Granted: consent was given.
	Granted Kind = "granted"
	// Confirmed: a request was confirmed by who holds the address.
	Confirmed Kind = "confirmed"
	// Renewed: consent that was given before was given again.
	Renewed Kind = "renewed"
	// Imported: consent that somebody else collected, and who brings it over vouches
	// for, see [Import].
	Imported Kind = "imported"
	// Refused: consent was refused.
	Refused Kind = "refused"
	// Declined: what a new version adds was refused, and what was granted before
	// is kept.
	Declined Kind = "declined"
	// Withdrawn: consent was taken back (GDPR Article 7(3)).
	Withdrawn Kind = "withdrawn"
	// Expired: consent ended by its time; decisions need no such event.
	Expired Kind = "expired"
	// Invalidated: it was found that consent had never been valid.
	Invalidated Kind = "invalidated"
	// Objected: an objection or opt-out (GDPR Article 21, Global Privacy Control).
	Objected Kind = "objected"
	// ObjectionOverruled: the controller demonstrated compelling grounds (Article
	// 21(1)). Against direct marketing nothing overrules.
	ObjectionOverruled Kind = "objection-overruled"
	// ObjectionLifted: the person took the objection back.
	ObjectionLifted Kind = "objection-lifted"
	// GuardianAuthorised: the holder of parental responsibility gave or
	// authorised consent (Article 8(1)).
	GuardianAuthorised Kind = "guardian-authorised"
	// GuardianWithdrawn: they took that back.
	GuardianWithdrawn Kind = "guardian-withdrawn"
)

// track is which thread of a person's history an event continues.
type track int

const (
	noticeTrack track = iota
	requestTrack
	choiceTrack
	objectionTrack
	guardianTrack
	tracks // how many there are
)

// nature is what decisions need to know of a kind.
type nature struct {
	kind  Kind
	track track
	// no marks kinds that deny, and win where two events are of one instant.
	no bool
}

// natures are in the order of the codes that stored states name them by: append
// only.
var natures = [...]nature{
	{NoticeServed, noticeTrack, false},
	{Requested, requestTrack, false},
	{Granted, choiceTrack, false},
	{Confirmed, choiceTrack, false},
	{Renewed, choiceTrack, false},
	{Imported, choiceTrack, false},
	{Refused, choiceTrack, true},
	{Declined, noticeTrack, true},
	{Withdrawn, choiceTrack, true},
	{Expired, choiceTrack, true},
	{Invalidated, choiceTrack, true},
	{Objected, objectionTrack, true},
	{ObjectionOverruled, objectionTrack, false},
	{ObjectionLifted, objectionTrack, false},
	{GuardianAuthorised, guardianTrack, false},
	{GuardianWithdrawn, guardianTrack, true},
}

// code is the position of a kind among the natures.
type code uint8

func codeOf(k Kind) (code, bool) {
	for i := range natures {
		if natures[i].kind == k {
			return code(i), true
		}
	}
	return 0, false
}

func (c code) nature() nature { return natures[c] }

// Kinds are all kinds of events.
func Kinds() []Kind {
	kinds := make([]Kind, len(natures))
	for i := range natures {
		kinds[i] = natures[i].kind
	}
	return kinds
}

// Denies reports whether events of the kind stop processing: they are never
// refused for a reason of form, and win over others of the same instant.
func (k Kind) Denies() bool {
	c, known := codeOf(k)
	return known && c.nature().no && k != Declined
}

// consents reports whether the kind makes consent out of itself.
func (k Kind) consents() bool {
	c, known := codeOf(k)
	return known && c.nature().track == choiceTrack && !c.nature().no
}

// Method is how a choice was expressed. The list is closed.
type Method string

// The methods.
const (
	ByCheckbox    Method = "checkbox"
	ByButton      Method = "button"
	ByPreferences Method = "preferences"
	BySignature   Method = "signature"
	BySpeech      Method = "speech"
	ByPaper       Method = "paper"
	ByLink        Method = "link"
	ByAPI         Method = "api"
	// ByGPC is the signal of Global Privacy Control: an objection, never consent.
	ByGPC Method = "gpc"
	// ByImport is for what another system collected.
	ByImport Method = "import"
	// ByPeer is for what another ledger told, such as an opt-out.
	ByPeer Method = "peer"
)

// Channel is where a choice was expressed. The list is closed.
type Channel string

// The channels.
const (
	OnWeb    Channel = "web"
	InApp    Channel = "app"
	ByEmail  Channel = "email"
	ByPhone  Channel = "phone"
	ByPost   Channel = "post"
	InPerson Channel = "in-person"
	OverAPI  Channel = "api"
)

func (m Method) valid() bool {
	switch m {
	case ByCheckbox, ByButton, ByPreferences, BySignature, BySpeech, ByPaper, ByLink, ByAPI, ByGPC, ByImport, ByPeer:
		return true
	}
	return false
}

func (c Channel) valid() bool {
	switch c {
	case OnWeb, InApp, ByEmail, ByPhone, ByPost, InPerson, OverAPI:
		return true
	}
	return false
}
