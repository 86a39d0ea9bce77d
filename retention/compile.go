package retention

import (
	"cmp"
	"slices"
	"time"

	"github.com/trothdev/troth/deadline"
)

// classRules are a class and everything that binds its records.
type classRules struct {
	name        string
	ground      Ground
	zero        bool
	end         End
	stages      []stageRules
	labels      []Label
	promises    []promiseRules
	obligations []Obligation
	copies      []copyRules
}

type stageRules struct {
	name    string
	visible Visibility
	last    deadline.Period // zero: until an event
	sheds   []string
	next    int // len(stages) is purged
	moves   []move
}

// move is what an event does to records of a stage.
type move struct {
	event string
	to    int
	back  bool // restores
}

type promiseRules struct {
	Promise
	// whole says that the record itself must go or be hidden.
	whole bool
	// reserve is how many days before the promise is over destruction must begin.
	reserve int
}

func compile(p *Policy) (*version, error) {
	loc, err := zone(p.Zone)
	if err != nil {
		return nil, &PolicyError{Where: "zone", Problem: "no such time zone", Err: err}
	}
	v := &version{
		number: p.Version, hash: p.Hash(), apply: cmp.Or(p.Apply, EarlierOnly),
		zone: loc, from: p.Effective.Start(loc), retry: p.Retry, classes: map[string]*classRules{},
		types: map[string]string{}, events: map[string]Scope{Created: OfRecord},
	}
	for i := range p.Classes {
		c := &p.Classes[i]
		v.classes[c.Name] = p.rules(c)
		for _, t := range c.Records {
			v.types[t] = c.Name
		}
	}
	for _, e := range p.Events {
		v.events[e.Name] = cmp.Or(e.Scope, OfRecord)
	}
	return v, nil
}

func (p *Policy) rules(c *Class) *classRules {
	r := &classRules{name: c.Name, ground: ByClass, zero: c.ZeroRetention, end: cmp.Or(c.End, Destroy)}
	if life := p.life(c); life != nil {
		if life == p.Default {
			r.ground = ByDefault
		}
		r.stages = life.rules()
		p.sheds(c, life, r.stages)
	}
	r.copies = p.ends(c)
	for _, l := range p.Labels {
		if about(l.Classes, c.Name) {
			l.Classes = nil
			r.labels = append(r.labels, l)
		}
	}
	for _, o := range p.Obligations {
		if about(o.Classes, c.Name) {
			o.Labels, o.Classes = slices.Clone(o.Labels), nil
			r.obligations = append(r.obligations, o)
		}
	}
	for _, m := range p.Promises {
		if about(m.Classes, c.Name) {
			r.promises = append(r.promises, p.promise(c, m))
		}
	}
	return r
}

// about reports whether a rule is about a class: no list means all.
func about(classes []string, class string) bool {
	return len(classes) == 0 || slices.Contains(classes, class)
}

func (p *Policy) promise(c *Class, m Promise) promiseRules {
	m.Unless, m.Yields, m.Classes = slices.Clone(m.Unless), slices.Clone(m.Yields), nil
	r := promiseRules{Promise: m, whole: len(m.Copies) == 0}
	tail := p.tail(c, m.Copies)
	for _, name := range m.Copies {
		r.whole = r.whole || p.copyNamed(name).original()
	}
	r.reserve = tail.days + maxDays(p.Sweep) + maxDays(p.Retry)
	r.To, r.Copies = cmp.Or(m.To, Gone), nil
	return r
}

func (l *Lifecycle) rules() []stageRules {
	stages := make([]stageRules, len(l.Stages))
	for i, s := range l.Stages {
		next := i + 1
		if s.Then != "" {
			next = l.place(s.Then)
		}
		stages[i] = stageRules{name: s.Name, visible: s.Visible, last: s.For, next: next}
		if s.Until != "" {
			stages[i].moves = append(stages[i].moves, move{event: s.Until, to: next, back: next < i})
		}
		for k := range l.On {
			if l.moves(k, i) {
				to := l.place(l.On[k].Goto)
				stages[i].moves = append(stages[i].moves, move{event: l.On[k].Event, to: to, back: to < i})
			}
		}
	}
	return stages
}

// stage returns the place of a stage: len(stages) for [Purged], -1 for none.
func (c *classRules) stage(name string) int {
	if name == Purged {
		return len(c.stages)
	}
	for i := range c.stages {
		if c.stages[i].name == name {
			return i
		}
	}
	return -1
}

// over returns when a life ends that stands in a stage since an instant; zero if
// it has no end by itself.
func (c *classRules) over(stage int, since time.Time, loc *time.Location) time.Time {
	for range c.stages {
		if stage == len(c.stages) {
			return since
		}
		s := &c.stages[stage]
		if s.last.IsZero() {
			return time.Time{}
		}
		since, stage = count(since, s.last, loc), s.next
	}
	if stage != len(c.stages) {
		return time.Time{} // it goes round
	}
	return since
}

// maxDays is the longest that a period of a valid policy lasts.
func maxDays(p deadline.Period) int {
	days, _ := p.MaxDays() // not of business days: see isSpan
	return days
}
