package retention

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/trothdev/troth"
)

// parting is a record's leave from copies: all of them when it is destroyed, some when a
// stage begins.
type parting struct {
	at      time.Time
	version uint32
	copies  []warrantCopy
	// last is when the last copy is gone, if everybody does as the policy says.
	last time.Time
}

// partings plans how a record goes. A record may lie in the copies of every version that
// was in force while it was there; where they say different things the slowest counts.
func (k *Keeper) partings(h *History, class string, at time.Time) *parting {
	l := &parting{at: at, last: at}
	for _, v := range h.versions[:h.active(at)+1] {
		if c := v.classes[class]; c != nil {
			l.add(k, v, c, at, nil)
		}
	}
	l.inherit()
	return l
}

// sheds plans how a record that enters a stage leaves the copies that must not hold it.
func (k *Keeper) sheds(h *History, row *RecordRow, at time.Time) *parting {
	l := &parting{at: at, last: at}
	names := h.Sheds(row.Class, row.Cohort, row.Stage)
	if v := h.version(row.Cohort); v != nil && len(names) > 0 {
		l.add(k, v, v.classes[row.Class], at, names)
	}
	l.inherit()
	return l
}

// add takes in the copies of a version, or those that are named.
func (l *parting) add(k *Keeper, v *version, class *classRules, at time.Time, names []string) {
	l.version = v.number
	for _, c := range class.copies {
		if names != nil && !slices.Contains(names, c.name) {
			continue
		}
		base, by := at, at
		for i, p := range c.wait {
			if i == len(c.wait)-1 && !c.own.IsZero() {
				base = by
			}
			by = count(by, p, v.zone)
		}
		if c.own.IsZero() {
			base = by
		}
		one := warrantCopy{
			Copy: c.name, Kind: c.kind, Of: c.of, How: k.opt.outside(c.kind, c.name), Own: c.own,
			Base: base.UnixMicro(), By: by.UnixMicro(), State: stateTold,
		}
		l.last = later(l.last, by)
		switch i := slices.IndexFunc(l.copies, func(o warrantCopy) bool { return o.Copy == c.name }); {
		case i < 0:
			l.copies = append(l.copies, one)
		case one.By >= l.copies[i].By:
			l.copies[i] = one
		}
	}
}

// inherit puts copies that are made of one that is told later to the end of that one, and
// orders what must be told.
func (l *parting) inherit() {
	p := progress{copies: l.copies}
	for i := range l.copies {
		c := &l.copies[i]
		if c.How == byHost && p.later(p.find(c.Of), len(l.copies)) {
			c.How = byParent
		}
	}
	for i := range l.copies {
		if c := &l.copies[i]; c.How == byConnector || c.How == byPerson {
			c.State = stateOrdered
		}
	}
}

// later reports whether a copy, or one that it is made of, is told after the commit.
func (p *progress) later(c *warrantCopy, left int) bool {
	if c == nil || left == 0 {
		return false
	}
	return c.How == byConnector || c.How == byPerson || c.How == byHost && p.later(p.find(c.Of), left-1)
}

// host returns the copies that the record's handler tells.
func (l *parting) host() (names []string) {
	for i := range l.copies {
		if l.copies[i].How == byHost {
			names = append(names, l.copies[i].Copy)
		}
	}
	return names
}

// issue commits what is left to be done about a record, and enqueues it. It runs in the
// transaction that destroyed the record, or moved it, with the tenant's lock: so that
// commit is the cut-off for holds. Nothing is kept where everything is done with it, and
// nobody will ask.
func (k *Keeper) issue(ctx context.Context, h *History, row *RecordRow, d *Decision, end End, l *parting, entry troth.EntryID) error {
	if len(l.copies) == 0 {
		return nil
	}
	w := WarrantRow{
		Tenant: row.Tenant, ID: rand.Text(), Handle: row.Handle, Type: row.Type, SubjectID: row.SubjectID,
		Class: row.Class, Stage: row.Stage, End: end, Version: l.version, Policy: d.Policy,
		Created: row.Created, At: l.at.UnixMicro(), Entry: entry,
	}
	if end != "" && !d.GoneBy.IsZero() {
		w.GoneBy, w.Ground = d.GoneBy.UnixMicro(), d.Promise.Ground
		if w.Ground == ByPromise {
			w.Rule = d.Promise.Rule // an erasure's would be a request's
		}
		w.Deferred = k.deferred(h, row, d)
	}
	p := progress{&w, l.copies, h.version(l.version).zone}
	if err := k.order(ctx, h, &p, row.ID); err != nil {
		return err
	}
	if g := p.lastGone(time.Time{}); !g.IsZero() && !g.After(l.at) && w.GoneBy == 0 && k.opt.certify == 0 {
		return nil
	}
	if w.Waits {
		w.RecordID = row.ID
	}
	k.next(h, &p)
	var err error
	if w.MAC, err = k.tag(ctx, w.message()); err != nil {
		return err
	}
	if err := k.store.InsertWarrant(ctx, w); err != nil {
		return fmt.Errorf("retention: write warrant: %w", err)
	}
	if !w.Waits {
		return nil
	}
	return k.record(ctx, troth.Entry{Act: actWarrant, Tenant: w.Tenant, SubjectID: w.SubjectID, Facts: troth.Facts{
		"record": troth.ID(w.Handle), "warrant": troth.ID(w.ID), "type": troth.Word(w.Type), "class": troth.Word(w.Class),
		"copies": troth.Words(p.waiting()...), "since": troth.Instant(timeOf(w.At)), "policy": troth.Digest(w.Policy),
	}})
}

// deferred is what kept a record beyond the promise, if it was not the keeper.
func (k *Keeper) deferred(h *History, row *RecordRow, d *Decision) Ground {
	switch {
	case row.DueAt == atOnce:
		return ByHold // it was released just now
	case d.DestroyAt.After(d.PurgeBy) && h.lastGone(row.Class, d.DestroyAt).After(d.GoneBy):
		return cmp.Or(d.Keep.Ground, ByObligation)
	}
	return ""
}

// copyWork is the payload of [WorkCopy] and [WorkPaper]. It is sealed by the queue; what
// it says must be what the warrant says.
type copyWork struct {
	Warrant string `json:"warrant"`
	Copy    string `json:"copy"`
	Handle  string `json:"handle"`
	Type    string `json:"type"`
	ID      string `json:"id"`
}

// order enqueues what is ordered and has no work yet, a copy after the one that it is
// made of, and writes the copies into the row.
func (k *Keeper) order(ctx context.Context, h *History, p *progress, recordID string) error {
	for range p.copies {
		for i := range p.copies {
			c := &p.copies[i]
			parent := p.find(c.Of)
			if c.State != stateOrdered || c.Work != "" || k.opt.tasks == nil ||
				parent != nil && parent.State == stateOrdered && parent.Work == "" {
				continue
			}
			if err := k.orderOne(ctx, h, p, c, parent, recordID); err != nil {
				return err
			}
		}
	}
	return p.row.set(p.copies)
}

func (k *Keeper) orderOne(ctx context.Context, h *History, p *progress, c, parent *warrantCopy, recordID string) (err error) {
	w := troth.Work{
		Tenant: p.row.Tenant, Kind: WorkCopy, Key: p.row.ID + "/" + c.Copy, Line: c.Copy,
		Deadline: count(timeOf(c.By), h.version(p.row.Version).retry, p.zone),
	}
	if c.How == byPerson {
		w.Kind = WorkPaper
	}
	if parent != nil && parent.State == stateOrdered && parent.How == byConnector {
		w.After = []string{parent.Work}
	}
	c.Work, err = k.enqueue(ctx, w, copyWork{
		Warrant: p.row.ID, Copy: c.Copy, Handle: p.row.Handle, Type: p.row.Type, ID: recordID,
	})
	return err
}

// waiting are the names of copies that wait for somebody.
func (p *progress) waiting() (names []string) {
	for i := range p.copies {
		if p.copies[i].waits() {
			names = append(names, p.copies[i].Copy)
		}
	}
	return names
}
