package retention

import "github.com/trothdev/troth/deadline"

// Class is a kind of data with one fate. Its records are never shared with
// another class.
type Class struct {
	Name  string `json:"class"`
	Title string `json:"title"`
	// Records are the record types of the host that are of this class. A type
	// stands in one class only.
	Records []string `json:"records"`
	// Copies are where its records lie. Copies that are made of these are
	// theirs too, and need not be named.
	Copies []string `json:"copies,omitempty"`
	// ZeroRetention says that records are used in memory and gone at once: it has
	// no stages, no copies, and a record that is found is destroyed.
	ZeroRetention bool `json:"zero_retention,omitempty"`
	// End is what happens when the last stage is over; empty is [Destroy].
	End End `json:"end,omitempty"`
	Lifecycle
}

// End is how the life of a record ends.
type End string

const (
	// Destroy leaves nothing.
	Destroy End = "destroy"
	// Anonymise leaves what cannot be led back to anybody. Whether it can is the
	// host's to show.
	Anonymise End = "anonymise"
)

// Lifecycle is what records go through: stages, by time and by events.
type Lifecycle struct {
	// Stages begin with the one in which records are created.
	Stages []Stage `json:"stages,omitempty"`
	// On are the events that move records.
	On []Transition `json:"on,omitempty"`
}

// Stage is a part of a record's life. It ends after For, when Until happens,
// whichever is first; one that has neither never ends by itself and has a Review.
type Stage struct {
	Name string `json:"stage"`
	// Visible says who can still see the record.
	Visible Visibility `json:"visible"`
	// Restorable says that an event may bring the record back to a stage that
	// stands before this one.
	Restorable bool `json:"restorable,omitempty"`
	// For is how long the stage lasts: days, weeks, months and years, or hours.
	For deadline.Period `json:"for,omitzero"`
	// Until is the event that ends it, such as the closing of the account.
	Until string `json:"until,omitempty"`
	// Then is the stage after it; empty is the next of the list, and [Purged] after
	// the last.
	Then string `json:"then,omitempty"`
	// Review is the day on which people look again whether an open end is right.
	Review deadline.Date `json:"review,omitzero"`
	// Copies are the only ones that may hold the record in this stage; those that
	// are missing lose it when the stage begins. Empty is all of the class.
	Copies []string `json:"copies,omitempty"`
}

// Visibility says who can see a record, from nobody to everybody who could
// before.
type Visibility string

const (
	// VisibleNone is put beyond use: nobody sees it, and it waits for its end.
	VisibleNone Visibility = "none"
	// VisibleStaff is for those who restore or answer for it.
	VisibleStaff Visibility = "staff"
	// VisibleOwner is for whom it belongs to.
	VisibleOwner Visibility = "owner"
	// VisibleAll is for everybody whom the application lets see it.
	VisibleAll Visibility = "all"
)

// Transition moves a record by an event. It never puts off the end of a record
// that it moves onward: the earlier end stands.
type Transition struct {
	Event string `json:"event"`
	// From are the stages in which the event moves a record. Empty is every one
	// that stands before Goto. A stage behind Goto must be restorable.
	From []string `json:"from,omitempty"`
	// Goto is the stage that begins, or [Purged].
	Goto string `json:"goto"`
}
