package deadline

import "slices"

// Duty is the right or duty that a clock belongs to.
type Duty string

// The rights and duties. Laws name the same right differently: each rule keeps
// the name of its law.
const (
	DutyAccess        Duty = "access"
	DutyKnow          Duty = "know"
	DutyRectification Duty = "rectification"
	DutyCorrect       Duty = "correct"
	DutyErasure       Duty = "erasure"
	DutyDelete        Duty = "delete"
	DutyRestriction   Duty = "restriction"
	DutyPortability   Duty = "portability"
	DutyObjection     Duty = "objection"
	DutyAutomated     Duty = "automated"
	DutyLimit         Duty = "limit"
	DutyOptOut        Duty = "optout"
	DutyOptIn         Duty = "optin"
	DutyConsent       Duty = "consent"
	DutyRequest       Duty = "request"
	DutyComplaint     Duty = "complaint"
	DutyGrievance     Duty = "grievance"
	DutyBreach        Duty = "breach"
	DutySupplement    Duty = "supplement"
	DutyInactivity    Duty = "inactivity"
	DutyLogs          Duty = "logs"
	DutyPromise       Duty = "promise"
)

// Kind tells what must have happened when a clock ends.
type Kind string

// The kinds of clocks. The comment behind each is the last part of its rules'
// ids.
const (
	Acknowledge      Kind = "acknowledge"       // acknowledge
	Respond          Kind = "respond"           // respond
	ExtensionNotice  Kind = "extension-notice"  // extend
	RefusalNotice    Kind = "refusal-notice"    // refuse
	Appeal           Kind = "appeal"            // appeal
	NotifyRecipients Kind = "notify-recipients" // recipients
	NotifyAuthority  Kind = "notify-authority"  // authority
	NotifySubject    Kind = "notify-subject"    // subject
	HonourOptOut     Kind = "honour-opt-out"    // honour
	LinkLifetime     Kind = "link-lifetime"     // link
	TakeEffect       Kind = "take-effect"       // effect
)

// Sense tells a limit from a minimum, and how strict a limit is.
type Sense string

const (
	// NoLaterThan is a plain limit.
	NoLaterThan Sense = "no-later-than"
	// WithoutDelay forbids undue delay: the figure is the outer limit only.
	WithoutDelay Sense = "without-undue-delay"
	// AtOnce has no figure: the day of the start is the day that it is due.
	AtOnce Sense = "at-once"
	// NotBefore is a minimum, such as the life of a link.
	NotBefore Sense = "not-before"
)

// FirstDay tells whether the day of the start counts; for periods of hours,
// whether the hour does.
type FirstDay string

const (
	// FirstExcluded counts from the next day, or from the next full hour.
	FirstExcluded FirstDay = "excluded"
	// FirstIncluded makes the day of the start day one; hours run from the
	// instant itself.
	FirstIncluded FirstDay = "included"
)

// Roll tells what becomes of an end on a day that is not a working day.
type Roll string

const (
	// RollNone leaves it there.
	RollNone Roll = "none"
	// RollWorking moves it to the next working day.
	RollWorking Roll = "next-working-day"
	// RollHoliday moves it on from Sundays and holidays, but not from a
	// Saturday that is no holiday.
	RollHoliday Roll = "next-day-not-sunday-or-holiday"
)

// Chain tells from where an extension is counted.
type Chain string

const (
	// Direct adds extension and period, and counts the sum from the start.
	Direct Chain = "direct"
	// Chained counts the extension from the last day of the period.
	Chained Chain = "chained"
)

// PauseDays tells how the days of a pause are counted.
type PauseDays string

const (
	// BothEnds counts the day on which it begins and that on which it ends.
	BothEnds PauseDays = "both-ends"
	// Between counts one of the two.
	Between PauseDays = "difference"
)

// Reading is a strict way to read a rule on which the law is in doubt.
type Reading string

const (
	// FirstDayCounts makes the day of the start day one.
	FirstDayCounts Reading = "first-day-counts"
	// NoRoll ends the period on its last day, working day or not.
	NoRoll Reading = "no-roll"
	// WeekendsOnly takes holidays for working days.
	WeekendsOnly Reading = "weekends-only"
	// SaturdayWorks takes Saturdays for working days; holidays excepted, unless
	// WeekendsOnly holds as well.
	SaturdayWorks Reading = "saturday-works"
	// ChainedExtension counts the extension from the end of the period.
	ChainedExtension Reading = "chained-extension"
	// NoPause lets the clock run on.
	NoPause Reading = "no-pause"
	// EarliestStart starts the clock with the first of its start events.
	EarliestStart Reading = "earliest-start"
)

// Confidence tells how well a figure was checked.
type Confidence string

const (
	// Verified: the text of the law, or a source that quotes it, was read.
	Verified Confidence = "verified"
	// Secondary: a description by somebody else was read, not the text.
	Secondary Confidence = "secondary"
	// Unverified: nothing was read; have counsel check it before relying on it.
	Unverified Confidence = "unverified"
)

// closed lists every value of each enumeration; the JSON Schema says the same.
var (
	duties = []Duty{
		DutyAccess, DutyKnow, DutyRectification, DutyCorrect, DutyErasure, DutyDelete, DutyRestriction, DutyPortability, DutyObjection, DutyAutomated,
		DutyLimit, DutyOptOut, DutyOptIn, DutyConsent, DutyRequest, DutyComplaint, DutyGrievance, DutyBreach, DutySupplement, DutyInactivity, DutyLogs, DutyPromise,
	}
	kinds = []Kind{
		Acknowledge, Respond, ExtensionNotice, RefusalNotice, Appeal, NotifyRecipients,
		NotifyAuthority, NotifySubject, HonourOptOut, LinkLifetime, TakeEffect,
	}
	senses    = []Sense{NoLaterThan, WithoutDelay, AtOnce, NotBefore}
	firstDays = []FirstDay{FirstExcluded, FirstIncluded}
	rolls     = []Roll{RollNone, RollWorking, RollHoliday}
	chains    = []Chain{Direct, Chained}
	pauseDays = []PauseDays{BothEnds, Between}
	readings  = []Reading{
		FirstDayCounts, NoRoll, WeekendsOnly, SaturdayWorks, ChainedExtension, NoPause, EarliestStart,
	}
	confidences = []Confidence{Verified, Secondary, Unverified}
)

// clocks are the last parts of the ids.
var clocks = map[Kind]string{
	Acknowledge: "acknowledge", Respond: "respond", ExtensionNotice: "extend", RefusalNotice: "refuse",
	Appeal: "appeal", NotifyRecipients: "recipients", NotifyAuthority: "authority", NotifySubject: "subject",
	HonourOptOut: "honour", LinkLifetime: "link", TakeEffect: "effect",
}

// Duties returns every right and duty.
func Duties() []Duty { return slices.Clone(duties) }

// Kinds returns every kind of clock.
func Kinds() []Kind { return slices.Clone(kinds) }

// Clock returns the last part of the ids of rules of this kind.
func (k Kind) Clock() string { return clocks[k] }
