package export

import (
	"slices"

	"github.com/trothdev/troth"
)

// Sheet is what a person must be told beside the copy of the data (GDPR Article
// 15(1) and (2)). Its texts are the host's, in the language of the export.
//
// Every part is filled in, says that there is nothing to tell, or stands in Lacks.
// Nothing is left out silently: a sheet with a gap that is not declared is refused,
// and one that is declared is told to the person.
type Sheet struct {
	// Controller is who answers for the data, and how to reach them; Officer the data
	// protection officer, if there is one.
	Controller Contact `json:"controller"`
	Officer    Contact `json:"officer,omitzero"`
	// Purposes are why data is processed (a).
	Purposes []SheetPurpose `json:"purposes,omitempty"`
	// Categories are what kinds of data there are (b).
	Categories []string `json:"categories,omitempty"`
	// Recipients are who got or gets data (c).
	Recipients Recipients `json:"recipients,omitzero"`
	// Storage is how long data is kept, or what decides that (d).
	Storage []StoragePeriod `json:"storage,omitempty"`
	// Rights say how the rights to rectification, erasure, restriction and objection,
	// which the page explains, are used (e).
	Rights Contact `json:"rights,omitzero"`
	// Authority is where to complain (f).
	Authority Contact `json:"authority,omitzero"`
	// Origins are where data comes from that was not got from the person (g).
	Origins Origins `json:"origins,omitzero"`
	// Automated are decisions that no human being takes (h).
	Automated Automated `json:"automated,omitzero"`
	// Transfers are to countries outside, and what protects data there (Article 15(2)).
	Transfers Transfers `json:"transfers,omitzero"`

	// Lacks are the parts that the controller cannot give now.
	Lacks []SheetPart `json:"lacks,omitempty"`
}

// Contact is somebody who can be reached.
type Contact struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
}

// SheetPurpose is a purpose in the host's word and in people's, with its basis in law.
type SheetPurpose struct {
	Purpose troth.Purpose `json:"purpose,omitempty"`
	Title   string        `json:"title"`
	Basis   string        `json:"basis,omitempty"`
}

// Recipients are people and companies, or kinds of them where they are not known by
// name; None says that there are none.
type Recipients struct {
	None bool        `json:"none,omitempty"`
	List []Recipient `json:"list,omitempty"`
}

// Recipient is who got or gets data.
type Recipient struct {
	Name string `json:"name"`
	// What is given to them, and Country where they are.
	What    string `json:"what,omitempty"`
	Country string `json:"country,omitempty"`
}

// StoragePeriod is how long something is kept.
type StoragePeriod struct {
	Of string `json:"of"`
	// For is a period, or what decides it.
	For string `json:"for"`
}

// Origins are where data comes from; None says that all of it is from the person.
type Origins struct {
	None bool     `json:"none,omitempty"`
	List []Origin `json:"list,omitempty"`
}

// Origin is where something comes from.
type Origin struct {
	Of   string `json:"of"`
	From string `json:"from"`
}

// Automated are automated decisions; None says that there are none.
type Automated struct {
	None bool                `json:"none,omitempty"`
	List []AutomatedDecision `json:"list,omitempty"`
}

// AutomatedDecision is one kind of decision: what is decided, the logic, and what that
// means for the person.
type AutomatedDecision struct {
	What         string `json:"what"`
	Logic        string `json:"logic"`
	Consequences string `json:"consequences"`
}

// Transfers are to third countries or international organisations; None says that
// there are none.
type Transfers struct {
	None bool       `json:"none,omitempty"`
	List []Transfer `json:"list,omitempty"`
}

// Transfer is to where, and by what safeguard (Article 46).
type Transfer struct {
	To        string `json:"to"`
	Safeguard string `json:"safeguard"`
}

// SheetPart is a part of a [Sheet].
type SheetPart string

// The parts.
const (
	PartController SheetPart = "controller"
	PartPurposes   SheetPart = "purposes"
	PartCategories SheetPart = "categories"
	PartRecipients SheetPart = "recipients"
	PartStorage    SheetPart = "storage"
	PartRights     SheetPart = "rights"
	PartAuthority  SheetPart = "authority"
	PartOrigins    SheetPart = "origins"
	PartAutomated  SheetPart = "automated"
	PartTransfers  SheetPart = "transfers"
)

var sheetParts = []SheetPart{
	PartController, PartPurposes, PartCategories, PartRecipients, PartStorage, PartRights, PartAuthority,
	PartOrigins, PartAutomated, PartTransfers,
}

// SheetStatus is whether an archive has an information sheet.
type SheetStatus string

// The states.
const (
	SheetComplete   SheetStatus = "complete"
	SheetIncomplete SheetStatus = "incomplete"
	SheetNone       SheetStatus = "none"
)

// Gaps returns the parts that are not filled in, in the order of the law, whether they
// are declared or not.
func (s *Sheet) Gaps() (gaps []SheetPart) {
	for _, p := range sheetParts {
		if !s.filled(p) {
			gaps = append(gaps, p)
		}
	}
	return gaps
}

func (s *Sheet) filled(p SheetPart) bool {
	switch p {
	case PartController:
		return s.Controller.filled()
	case PartPurposes:
		return all(s.Purposes, func(p SheetPurpose) bool { return p.Title != "" })
	case PartCategories:
		return all(s.Categories, func(c string) bool { return c != "" })
	case PartRecipients:
		return either(s.Recipients.None, s.Recipients.List, func(r Recipient) bool { return r.Name != "" })
	case PartStorage:
		return all(s.Storage, func(p StoragePeriod) bool { return p.Of != "" && p.For != "" })
	case PartRights:
		return s.Rights.filled()
	case PartAuthority:
		return s.Authority.filled()
	case PartOrigins:
		return either(s.Origins.None, s.Origins.List, func(o Origin) bool { return o.Of != "" && o.From != "" })
	case PartAutomated:
		return either(s.Automated.None, s.Automated.List, func(a AutomatedDecision) bool {
			return a.What != "" && a.Logic != "" && a.Consequences != ""
		})
	case PartTransfers:
		return either(s.Transfers.None, s.Transfers.List, func(t Transfer) bool { return t.To != "" && t.Safeguard != "" })
	default:
		return false
	}
}

func (c Contact) filled() bool { return c.Name != "" && c.Address != "" }

// all is for what must have at least one element, and each of them whole.
func all[T any](list []T, whole func(T) bool) bool {
	return len(list) > 0 && !slices.ContainsFunc(list, func(t T) bool { return !whole(t) })
}

// either is for what is there or is said not to be, and not both.
func either[T any](none bool, list []T, whole func(T) bool) bool {
	if none {
		return len(list) == 0
	}
	return all(list, whole)
}

// Validate returns a [*SheetError] if a part is neither filled in nor declared to be
// missing, or is both.
func (s *Sheet) Validate() error {
	var wrong []SheetPart
	for _, p := range sheetParts {
		if s.filled(p) == slices.Contains(s.Lacks, p) {
			wrong = append(wrong, p)
		}
	}
	for _, p := range s.Lacks {
		if !slices.Contains(sheetParts, p) {
			wrong = append(wrong, p)
		}
	}
	if len(wrong) > 0 {
		return &SheetError{wrong}
	}
	return nil
}
