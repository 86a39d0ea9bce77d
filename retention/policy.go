package retention

import "github.com/trothdev/troth/deadline"

// Format is the first field of every policy.
const Format = "troth.retention.policy/1"

// Purged is the stage of a record of which nothing is left but copies that
// rotate out. It stands at the end of every class and is never declared.
const Purged = "purged"

// Created is the event with which every record begins. It is never declared.
const Created = "created"

// Policy says for how long which data is kept, and what was promised about it. It
// is data: [Parse] and [ParseYAML] read it, [Policy.Lint] judges it before
// it is activated, and a [History] applies it.
//
// Lists that name each other do so by id; ids are of lower-case letters, digits,
// dots and hyphens. What is empty in Go is absent in the text.
type Policy struct {
	// Format is [Format].
	Format string `json:"format"`
	// Name and Version, which counts from 1, name the policy.
	Name    string `json:"policy"`
	Version uint32 `json:"version"`
	// Title is for people.
	Title string `json:"title"`
	// Effective is the day from whose first moment in Zone the version holds, until
	// that of the next.
	Effective deadline.Date `json:"effective"`
	// Apply says what the version does to records that were there before it; empty
	// is [EarlierOnly].
	Apply Apply `json:"apply,omitempty"`
	// Zone is the time zone, of the IANA database, in which days begin and end.
	Zone string `json:"zone"`
	// Sweep is how long it takes at most until what is due is noticed, and Retry how
	// long a failing copy is tried again until people are called. Both are
	// part of every promise.
	Sweep deadline.Period `json:"sweep"`
	Retry deadline.Period `json:"retry,omitzero"`
	// Events are what hosts report.
	Events []Event `json:"events,omitempty"`
	// Copies are the places in which records lie.
	Copies []Copy `json:"copies"`
	// Classes are the kinds of data that have one fate.
	Classes []Class `json:"classes"`
	// Default is the life of classes that give no stages.
	Default *Lifecycle `json:"default,omitempty"`
	// Labels give single records another end than their class.
	Labels []Label `json:"labels,omitempty"`
	// Promises are what people were told.
	Promises []Promise `json:"promises,omitempty"`
	// Obligations are what the law or a contract demands to be kept.
	Obligations []Obligation `json:"obligations,omitempty"`
}

// Apply says which of the records that exist a new version is for.
type Apply string

const (
	// EarlierOnly is the default: what the version shortens is shortened for
	// everybody; what it lengthens is lengthened for new records only, since the
	// others were collected under the promise that stood.
	EarlierOnly Apply = "earlier-only"
	// ApplyNew leaves records that exist under the version before.
	ApplyNew Apply = "new"
	// ApplyAll puts every record under the new version, also where it keeps longer
	// than people were told.
	ApplyAll Apply = "all"
)
