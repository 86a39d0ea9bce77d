package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// Lateness tells that a promise comes near to being broken, or is.
type Lateness struct {
	Threshold Threshold
	// Why is what is waited for.
	Why Delay
	// Class is the records', Ground and Rule what they are due by: a promise, or an
	// erasure, whose request is not named.
	Class  string
	Ground Ground
	Rule   string
	// Tenant and Handle are of the record that waits longest. Due is since when that was
	// to be done, Limit the latest instant at which it can be done in time, By when it was
	// promised.
	Tenant         troth.Tenant
	Handle         string
	Due, Limit, By time.Time
	// Copies are those that are waited for.
	Copies []string
	// At is now.
	At time.Time
}

// Delay is what is waited for.
type Delay string

const (
	// DelayDue: records are due, and no sweep has come.
	DelayDue Delay = "due"
	// DelayFailing: a handler fails.
	DelayFailing Delay = "failing"
	// DelayApproval: people have not approved the plan that lets records go.
	DelayApproval Delay = "approval"
	// DelayCopies: a record was destroyed, and a copy has not let go of it.
	DelayCopies Delay = "copies"
)

// String says it in one line.
func (l Lateness) String() string {
	text := fmt.Sprintf("%s: %s", l.Class, l.Ground)
	if l.Rule != "" {
		text += " " + l.Rule
	}
	text += fmt.Sprintf(", %s: record %s is due since %s and can be in time until %s", l.Threshold, l.Handle, instant(l.Due), instant(l.Limit))
	switch l.Why {
	case DelayFailing:
		text += "; its handler fails"
	case DelayApproval:
		text += "; waiting for a plan to be approved"
	case DelayCopies:
		text += fmt.Sprintf("; waiting for %v", l.Copies)
	case DelayDue:
	}
	return text
}

// Lookout is told before promises break.
type Lookout interface {
	// Late is called once for every threshold: of each record whose copies are waited
	// for, and of each class and promise of which records are due. It works in the
	// transaction that puts the threshold on the trail; an error has it told again.
	Late(ctx context.Context, l Lateness) error
}

// WithLookout sets who is told before promises break. Whether or not, it is on the trail.
func WithLookout(l Lookout) Option {
	return func(o *options) error { o.lookout = l; return present("lookout", l != nil) }
}

// lateError is a failure of the host's lookout; what it says may name a person.
type lateError struct{ err error }

func (*lateError) Error() string { return "retention: the host's lookout failed" }

func (e *lateError) Unwrap() error { return e.err }

// tellLate puts a threshold on the trail and tells the host.
func (k *Keeper) tellLate(ctx context.Context, l Lateness) error {
	e := troth.Entry{Act: actLate, Tenant: l.Tenant, Facts: troth.Facts{
		"threshold": troth.Word(string(l.Threshold)), "why": troth.Word(string(l.Why)), "class": troth.Word(l.Class),
		"record": troth.ID(l.Handle), "due": troth.Instant(l.Due), "limit": troth.Instant(l.Limit),
	}}
	if l.Rule != "" {
		e.Facts["rule"] = troth.Word(l.Rule)
	}
	if !l.By.IsZero() {
		e.Facts["by"] = troth.Instant(l.By)
	}
	if err := k.record(ctx, e); err != nil {
		return err
	}
	if k.opt.lookout == nil {
		return nil
	}
	if err := k.opt.lookout.Late(ctx, l); err != nil {
		return &lateError{err}
	}
	return nil
}

// lateness is how near a record is to its promise whose copies are waited for; stage is 0
// if it is not.
func (p *progress) lateness(k *Keeper, h *History, now time.Time) (l Lateness, stage uint32) {
	if !p.row.Waits {
		return l, 0
	}
	l = Lateness{
		Why: DelayCopies, Class: p.row.Class, Ground: p.row.Ground, Rule: p.row.Rule, Tenant: p.row.Tenant, Handle: p.row.Handle,
		Due: timeOf(p.row.At), Limit: k.limit(h, p), By: timeOf(p.row.GoneBy), Copies: p.waiting(), At: now,
	}
	stage = reached(l.Due, l.Limit, now)
	l.Threshold = thresholds[stage]
	return l, stage
}

// alarm tells of a threshold that a warrant has reached. One that was overtaken is passed
// over.
func (t *tending) alarm(ctx context.Context, p *progress) error {
	l, stage := p.lateness(t.k, t.h, t.now)
	if stage <= p.row.Alarmed {
		return nil
	}
	p.row.Alarmed = stage
	t.did.Told++
	return t.k.tellLate(ctx, l)
}
