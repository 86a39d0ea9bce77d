package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/trothdev/troth"
)

// holdIndex finds the holds and exceptions that cover something, and the erasures that
// were granted of it, without looking at all of them. The zero value has none, for
// who only asks when to look at a record.
type holdIndex struct {
	holds      bySubject[Held]
	exceptions bySubject[Exception]
	erasures   map[string][]grantedErasure
	// unsure are people of whom an erasure is on record that no keeper wrote.
	unsure map[string]bool
	// review is when people look at a hold again, by its id.
	review map[string]time.Time
}

// bySubject are decisions by whom they are about; empty is everybody.
type bySubject[T any] struct {
	of  map[string][]decided[T]
	all []decided[T] // for what is about nobody knows whom
}

type decided[T any] struct {
	extent Extent
	what   T
}

func (b *bySubject[T]) add(x Extent, what T) {
	if b.of == nil {
		b.of = map[string][]decided[T]{}
	}
	d := decided[T]{x, what}
	b.of[x.SubjectID] = append(b.of[x.SubjectID], d)
	b.all = append(b.all, d)
}

// cover returns what covers a thing. What is not known, and so empty or zero, is within
// every limit.
func (b *bySubject[T]) cover(t *thing) (found []T) {
	take := func(all []decided[T]) {
		for i := range all {
			if all[i].extent.covers(t) {
				found = append(found, all[i].what)
			}
		}
	}
	if t.subjectID == "" {
		take(b.all)
		return found
	}
	take(b.of[""])
	take(b.of[t.subjectID])
	return found
}

// holds reads what people decided about the tenant's data and is in force, in the
// caller's transaction.
func (k *Keeper) holds(ctx context.Context, tenant troth.Tenant) (*holdIndex, error) {
	rows, err := k.store.ActiveHolds(ctx, tenant)
	if err != nil {
		return nil, fmt.Errorf("retention: read holds: %w", err)
	}
	x := &holdIndex{review: map[string]time.Time{}}
	var sealed []sealedRow
	for i := range rows {
		where, err := rows[i].extent()
		if err != nil {
			return nil, err
		}
		x.holds.add(where, Held{Hold: rows[i].ID, Matter: rows[i].Matter})
		x.review[rows[i].ID] = timeOf(rows[i].ReviewAt)
		if k.opt.keys != nil {
			sealed = append(sealed, rows[i].sealed())
		}
	}
	exceptions, err := k.store.OpenControls(ctx, tenant, ControlException)
	if err != nil {
		return nil, fmt.Errorf("retention: read exceptions: %w", err)
	}
	for i := range exceptions {
		e, err := decodeException(&exceptions[i])
		if err != nil {
			return nil, err
		}
		if k.opt.keys != nil {
			sealed = append(sealed, exceptions[i].sealed())
		}
		if !e.GrantedAt.IsZero() {
			x.exceptions.add(e.Extent, Exception{ID: e.ID, Reason: string(e.Reason), Until: e.Until})
		}
	}
	if err := k.checkSeal(ctx, tenant, sealed, sealedHold, ControlException); err != nil {
		return nil, err
	}
	for _, t := range []troth.Tenant{tenant, troth.Platform} { // the platform has the policies
		if err := k.agrees(ctx, t); err != nil {
			return nil, err
		}
	}
	return x, k.readErasures(ctx, tenant, x)
}

// of returns the holds that cover something of a class about a person, created at an
// instant.
func (x *holdIndex) of(subjectID, class string, created time.Time) []Held {
	return x.holds.cover(&thing{subjectID: subjectID, class: class, created: created})
}

// facts are all that is known of a record at an instant.
func (x *holdIndex) facts(h *History, row *RecordRow, d *detail, at time.Time) *Facts {
	t := &thing{subjectID: row.SubjectID, class: row.Class, created: timeOf(row.Created), row: row, detail: d, history: h, at: at}
	f := &Facts{
		Record: row.Type + "/" + row.Handle, Class: row.Class, Cohort: row.Cohort,
		State:  State{Stage: row.Stage, Since: time.UnixMicro(row.Since).UTC(), EndBy: timeOf(row.EndBy)},
		Events: d.Events, Labels: d.Labels, Known: KnownAll,
		Holds: x.holds.cover(t), Exceptions: x.exceptions.cover(t),
	}
	if x.unsure[row.SubjectID] {
		f.Known &^= KnownErasures
	}
	for i := range x.erasures[row.SubjectID] {
		if g := &x.erasures[row.SubjectID][i]; g.covers(row) {
			f.Erasures = append(f.Erasures, Erasure{Request: g.Request, At: g.At, By: g.By})
		}
	}
	return f
}
