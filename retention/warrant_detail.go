package retention

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/trothdev/troth/deadline"
)

var errWarrant = errors.New("retention: the record has more copies than a warrant holds")

// warrantCopy is the state of one copy, as a row's detail has it: docs/formats/retention.md.
type warrantCopy struct {
	Copy string   `json:"copy"`
	Kind CopyKind `json:"kind"`
	Of   string   `json:"of,omitempty"`
	How  string   `json:"how"`
	// Own is the copy's lag or rotation. Base is when what it is made of is gone, if that
	// has no state here, By when the copy is gone at the latest if everybody does as the
	// policy says.
	Own  deadline.Period `json:"own,omitzero"`
	Base int64           `json:"base"`
	By   int64           `json:"by"`
	// State is one of the words below.
	State string `json:"state"`
	// Done is since when it has ended, Shown that the copy showed it, or what a person
	// showed who did it; Method how.
	Done     int64  `json:"done,omitempty"`
	Shown    bool   `json:"shown,omitempty"`
	Method   Method `json:"method,omitempty"`
	Evidence string `json:"evidence,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Entry    string `json:"entry,omitempty"`
	// Tries counts orders that failed, Work names the work that carries the last one.
	Tries uint32 `json:"tries,omitempty"`
	Work  string `json:"work,omitempty"`
}

// States of a copy.
const (
	// stateTold is left to itself: it goes when it does.
	stateTold = "told"
	// stateOrdered waits for a connector or a person.
	stateOrdered = "ordered"
	// stateDone is what a connector or a person has done.
	stateDone = "done"
	// stateVoid is no longer wanted: the record came back into a stage that has the copy.
	stateVoid = "void"
)

// waits reports whether somebody has still to do something.
func (c *warrantCopy) waits() bool { return c.State == stateOrdered }

type storedWarrant struct {
	Copies []warrantCopy `json:"copies"`
}

func encodeCopies(copies []warrantCopy) ([]byte, error) {
	text, err := json.Marshal(storedWarrant{copies})
	if err == nil && len(text) > MaxDetail {
		err = errWarrant
	}
	return text, err
}

// copies reads what encodeCopies wrote, and nothing else.
func (row *WarrantRow) copies() ([]warrantCopy, error) {
	var s storedWarrant
	if len(row.Detail) > MaxDetail || json.Unmarshal(row.Detail, &s) != nil {
		return nil, ErrRecord
	}
	if again, err := encodeCopies(s.Copies); err != nil || !bytes.Equal(again, row.Detail) {
		return nil, ErrRecord
	}
	return s.Copies, nil
}

// set writes the copies back.
func (row *WarrantRow) set(copies []warrantCopy) (err error) {
	row.Waits = false
	for i := range copies {
		row.Waits = row.Waits || copies[i].waits()
	}
	row.Detail, err = encodeCopies(copies)
	return err
}

// progress is the copies of a warrant and the zone in which their periods end.
type progress struct {
	row    *WarrantRow
	copies []warrantCopy
	zone   *time.Location
}

// progress reads a warrant, which must be one that a keeper wrote.
func (k *Keeper) progress(ctx context.Context, h *History, row *WarrantRow) (*progress, error) {
	fits, err := k.authentic(ctx, row.message(), row.MAC)
	if err != nil {
		return nil, err
	}
	if !fits {
		return nil, &TamperedError{row.Tenant, []Tampering{{RowForged, sealedWarrant, row.ID}}}
	}
	copies, err := row.copies()
	if err != nil {
		return nil, err
	}
	v := h.version(row.Version)
	if v == nil {
		return nil, ErrRecord
	}
	return &progress{row, copies, v.zone}, nil
}

func (p *progress) find(name string) *warrantCopy {
	for i := range p.copies {
		if p.copies[i].Copy == name {
			return &p.copies[i]
		}
	}
	return nil
}

// goneAt returns when a copy is gone, if those that wait for somebody are done at an
// instant; zero says that nobody knows, and is the answer where one waits.
func (p *progress) goneAt(c *warrantCopy, then time.Time) time.Time {
	return p.gone(c, then, len(p.copies))
}

// gone is goneAt with so many copies left that it can be made of: a row that somebody
// changed must not make it go round.
func (p *progress) gone(c *warrantCopy, then time.Time, left int) time.Time {
	switch {
	case c.State == stateVoid:
		return timeOf(p.row.At)
	case c.State == stateDone && (c.Shown || c.How == byPerson):
		return timeOf(c.Done)
	case c.State == stateDone: // it took the order, and has its lag
		return count(timeOf(c.Done), c.Own, p.zone).UTC()
	case c.waits() || left == 0:
		return then
	}
	base := timeOf(c.Base)
	if parent := p.find(c.Of); parent != nil {
		if base = p.gone(parent, then, left-1); base.IsZero() {
			return base
		}
	}
	return count(base, c.Own, p.zone).UTC()
}

// lastGone returns when the last copy is gone, as goneAt does.
func (p *progress) lastGone(then time.Time) time.Time {
	last := timeOf(p.row.At)
	for i := range p.copies {
		at := p.goneAt(&p.copies[i], then)
		if at.IsZero() {
			return at
		}
		last = later(last, at)
	}
	return last
}
