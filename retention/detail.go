package retention

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// errDetail says that a record has more events and labels than a row holds.
var errDetail = errors.New("retention: the record has too many events and labels")

// detail is what a row keeps of a record beside its columns.
type detail struct {
	Labels []string
	Events []Occurrence
	// Again says that where the record stands does not follow from its events yet.
	Again bool
}

// has reports whether something is known to have happened.
func (d *detail) has(o Occurrence) bool {
	return slices.ContainsFunc(d.Events, func(e Occurrence) bool { return e.Event == o.Event && e.At.Equal(o.At) })
}

// storedDetail is its form: docs/formats/retention.md.
type storedDetail struct {
	Labels []string      `json:"labels,omitempty"`
	Events []storedEvent `json:"events"`
	Again  bool          `json:"again,omitempty"`
}

type storedEvent struct {
	Event string `json:"event"`
	At    int64  `json:"at"`
}

func (d *detail) encode() ([]byte, error) {
	s := storedDetail{Labels: d.Labels, Again: d.Again}
	for _, e := range d.Events {
		s.Events = append(s.Events, storedEvent{e.Event, e.At.UnixMicro()})
	}
	text, err := json.Marshal(s)
	if err == nil && len(text) > MaxDetail {
		err = errDetail
	}
	return text, err
}

// detail reads what encode wrote.
func (row *RecordRow) detail() (d detail, err error) {
	var s storedDetail
	if len(row.Detail) > MaxDetail || json.Unmarshal(row.Detail, &s) != nil {
		return d, ErrRecord
	}
	d.Labels, d.Again = s.Labels, s.Again
	for _, e := range s.Events {
		d.Events = append(d.Events, Occurrence{Event: e.Event, At: time.UnixMicro(e.At).UTC()})
	}
	if again, err := d.encode(); err != nil || !bytes.Equal(again, row.Detail) {
		return d, ErrRecord
	}
	return d, nil
}

// latest is when something happened for the last time.
func (d *detail) latest() (at time.Time) {
	for _, e := range d.Events {
		at = later(at, e.At)
	}
	return at
}

// facts are what the keeper knows of a record. Nobody can grant exceptions or erasures
// through it, so that there are none is known.
func (row *RecordRow) facts(d *detail, holds []Held) *Facts {
	return &Facts{
		Record: row.Type + "/" + row.Handle, Class: row.Class, Cohort: row.Cohort,
		State:  State{Stage: row.Stage, Since: time.UnixMicro(row.Since).UTC(), EndBy: timeOf(row.EndBy)},
		Events: d.Events, Labels: d.Labels, Holds: holds, Known: KnownAll,
	}
}
