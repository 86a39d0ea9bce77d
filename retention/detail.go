package retention

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// detail is what a row keeps of a record beside its columns.
type detail struct {
	Labels []string
	// Events are those of the record, and behind the first own of them those of all that it
	// belongs to which no row has yet.
	Events []Occurrence
	own    int
	// beyond is how many of the latter the row had no room for when it was written.
	beyond int
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
	Beyond int           `json:"beyond,omitempty"`
}

type storedEvent struct {
	Event string `json:"event"`
	At    int64  `json:"at"`
}

// add takes in something that happened to the record itself.
func (d *detail) add(o Occurrence) {
	d.Events = slices.Insert(d.Events, d.own, o)
	d.own++
}

// encode writes a detail. Where a row cannot hold all that happened to what the record
// belongs to it leaves out what it does not have yet: that is read again each time, and
// counted to know whether any of it is new.
func (d *detail) encode() ([]byte, error) {
	text, err := d.encodeEvents(len(d.Events))
	if errors.Is(err, ErrFull) && d.own < len(d.Events) {
		text, err = d.encodeEvents(d.own)
	}
	return text, err
}

func (d *detail) encodeEvents(n int) ([]byte, error) {
	s := storedDetail{Labels: d.Labels, Again: d.Again, Beyond: len(d.Events) - n}
	if d.own == len(d.Events) {
		s.Beyond = d.beyond // they were not read
	}
	for _, e := range d.Events[:n] {
		s.Events = append(s.Events, storedEvent{e.Event, e.At.UnixMicro()})
	}
	text, err := json.Marshal(s)
	if err == nil && len(text) > MaxDetail {
		err = ErrFull
	}
	return text, err
}

// detail reads what encode wrote.
func (row *RecordRow) detail() (d detail, err error) {
	var s storedDetail
	if len(row.Detail) > MaxDetail || json.Unmarshal(row.Detail, &s) != nil {
		return d, ErrRecord
	}
	if s.Beyond < 0 {
		return d, ErrRecord
	}
	d.Labels, d.Again, d.beyond = s.Labels, s.Again, s.Beyond
	for _, e := range s.Events {
		d.Events = append(d.Events, Occurrence{Event: e.Event, At: time.UnixMicro(e.At).UTC()})
	}
	d.own = len(d.Events)
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
