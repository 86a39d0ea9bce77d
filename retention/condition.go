package retention

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// Condition narrows a hold or an exception by what the keeper knows of records. Each
// part that has words must fit, and fits if one of its words does; Without fits if none
// does. The zero value narrows nothing. Where something is not known, as of data that
// is no record of the policy, it is taken to fit.
type Condition struct {
	// Types are record types, Stages those in which a record stands, where time has
	// brought it.
	Types  []string `json:"types,omitempty"`
	Stages []string `json:"stages,omitempty"`
	// Labels are those that a record carries one of, Without those that it has none of.
	Labels  []string `json:"labels,omitempty"`
	Without []string `json:"without,omitempty"`
	// Happened are events, one of which has happened to the record.
	Happened []string `json:"happened,omitempty"`
}

// maxWords is how many words a part of a condition has at most.
const maxWords = 64

func (c *Condition) parts() [5]*[]string {
	return [5]*[]string{&c.Types, &c.Stages, &c.Labels, &c.Without, &c.Happened}
}

// IsZero reports whether the condition narrows nothing.
func (c *Condition) IsZero() bool {
	for _, words := range c.parts() {
		if len(*words) > 0 {
			return false
		}
	}
	return true
}

func (c *Condition) validate() error {
	for _, words := range c.parts() {
		if len(*words) > maxWords {
			return ErrCondition
		}
		for _, w := range *words {
			if err := checkName("word of a condition", w); err != nil {
				return err
			}
		}
	}
	return nil
}

// encode returns what is stored: nothing for the zero value, else JSON with sorted
// words, each once.
func (c *Condition) encode() ([]byte, error) {
	if c.IsZero() {
		return nil, nil
	}
	sorted := *c
	for _, words := range sorted.parts() {
		*words = slices.Compact(slices.Sorted(slices.Values(*words)))
	}
	return json.Marshal(sorted)
}

// decodeCondition reads what encode wrote, and nothing else.
func decodeCondition(stored []byte) (c Condition, err error) {
	if len(stored) == 0 {
		return c, nil
	}
	if len(stored) > MaxDetail || json.Unmarshal(stored, &c) != nil || c.validate() != nil {
		return c, ErrRecord
	}
	if again, err := c.encode(); err != nil || !bytes.Equal(again, stored) {
		return c, ErrRecord
	}
	return c, nil
}

// thing is what a decision of people may be about. What is empty is not known.
type thing struct {
	subjectID, class string
	created          time.Time
	// row and detail are those of a record; history and at say where time has brought it.
	row     *RecordRow
	detail  *detail
	history *History
	at      time.Time
}

// stands reports whether the record stands in one of the stages, where time has brought
// it, whether a sweep has moved it there or not.
func (t *thing) stands(stages []string) bool {
	return slices.Contains(stages, standing(t.history, t.row, t.at))
}

func (c *Condition) fits(t *thing) bool {
	if t.row == nil {
		return true
	}
	happened := func(event string) bool {
		return slices.ContainsFunc(t.detail.Events, func(o Occurrence) bool { return o.Event == event })
	}
	carries := func(label string) bool { return slices.Contains(t.detail.Labels, label) }
	return (len(c.Types) == 0 || slices.Contains(c.Types, t.row.Type)) &&
		(len(c.Stages) == 0 || t.stands(c.Stages)) &&
		(len(c.Labels) == 0 || slices.ContainsFunc(c.Labels, carries)) &&
		!slices.ContainsFunc(c.Without, carries) &&
		(len(c.Happened) == 0 || slices.ContainsFunc(c.Happened, happened))
}

// Extent is a part of a tenant's data. What it leaves empty narrows nothing, and what is
// not known to lie outside of it lies within.
type Extent struct {
	// SubjectID limits it to what is about a person, Class to a class, From and To to
	// records created between them, both included.
	SubjectID, Class string
	From, To         time.Time
	// Where limits it further.
	Where Condition
}

func (x *Extent) validate(tenant troth.Tenant) error {
	if !x.From.IsZero() && !x.To.IsZero() && x.To.Before(x.From) {
		return ErrExtent
	}
	if x.Class != "" {
		if err := checkName("class", x.Class); err != nil {
			return err
		}
	}
	if x.SubjectID != "" {
		if err := (troth.Subject{Tenant: tenant, ID: x.SubjectID}).Validate(); err != nil {
			return err
		}
	}
	return x.Where.validate()
}

// covers reports whether a thing lies within the extent, but for whom it is about.
func (x *Extent) covers(t *thing) bool {
	if x.Class != "" && t.class != "" && x.Class != t.class {
		return false
	}
	if !t.created.IsZero() && (!x.From.IsZero() && t.created.Before(x.From) || !x.To.IsZero() && t.created.After(x.To)) {
		return false
	}
	return x.Where.fits(t)
}
