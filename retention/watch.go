package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// watched is how many records of each source are looked at.
const watched = 20

// dueKey is what is told of together.
type dueKey struct {
	class  string
	ground Ground
	rule   string
}

// overdue is what is known of the records of a class that are due by a rule.
type overdue struct {
	stage uint32
	// worst waits longest; records are those looked at.
	worst            Lateness
	records, failing int
}

// overdue looks at records that are due and were not destroyed, or not hidden: those
// whose handler fails, the oldest of each stage, and some of what waits for a plan to be
// approved. Those that something keeps are not due.
func (k *Keeper) overdue(ctx context.Context, h *History, now time.Time) (map[dueKey]*overdue, error) {
	w := &watch{k: k, h: h, now: now, found: map[dueKey]*overdue{}, holds: map[troth.Tenant]*holdIndex{}, seen: map[RecordKey]bool{}}
	failing, err := k.store.FailingRecords(ctx, watched)
	if err != nil {
		return nil, fmt.Errorf("retention: read failing records: %w", err)
	}
	if err := w.lookAll(ctx, failing); err != nil {
		return nil, err
	}
	places, err := k.store.DueRecords(ctx, now.UnixMicro(), Place{}, watched)
	if err == nil {
		err = w.lookAt(ctx, places)
	}
	for _, c := range h.Cuts(now) {
		if err != nil {
			break
		}
		if places, err = k.store.CutRecords(ctx, c, Place{}, watched); err == nil {
			err = w.lookAt(ctx, places)
		}
	}
	for _, class := range h.classes() {
		if err != nil {
			break
		}
		var rows []RecordRow
		if rows, err = k.store.SurveyRecords(ctx, Survey{Kind: SurveyWaiting, Class: class}, watched); err == nil {
			err = w.lookAll(ctx, rows)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("retention: look for records: %w", err)
	}
	return w.found, nil
}

type watch struct {
	k     *Keeper
	h     *History
	now   time.Time
	found map[dueKey]*overdue
	holds map[troth.Tenant]*holdIndex
	seen  map[RecordKey]bool
}

func (w *watch) lookAll(ctx context.Context, rows []RecordRow) error {
	for i := range rows {
		if err := w.look(ctx, &rows[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *watch) lookAt(ctx context.Context, places []Place) error {
	for _, p := range places {
		row, found, err := w.k.store.Record(ctx, p.RecordKey)
		if err != nil {
			return err
		}
		if found {
			if err := w.look(ctx, &row); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *watch) look(ctx context.Context, row *RecordRow) (err error) {
	if w.seen[row.RecordKey] {
		return nil
	}
	w.seen[row.RecordKey] = true
	events, err := w.k.eventsFor(ctx, *row)
	if err != nil {
		return err
	}
	holds := w.holds[row.Tenant]
	if holds == nil {
		if holds, err = w.k.holds(ctx, row.Tenant); err != nil {
			return err
		}
		w.holds[row.Tenant] = holds
	}
	o, err := outcomeOf(w.h, holds, events, row, w.now)
	if errors.Is(err, ErrRecord) {
		return nil // the sweep reports it as failing
	} else if err != nil {
		return err
	}
	d := o.d
	why := DelayDue
	switch {
	case row.Tries > 0:
		why = DelayFailing
	case row.DueAt == Waiting:
		why = DelayApproval
	}
	if d.Verdict == Due && !d.GoneBy.IsZero() && w.k.deferred(w.h, row, &d) == "" {
		limit := inverse(func(t time.Time) time.Time { return w.h.lastGone(row.Class, t) }, d.GoneBy).UTC()
		w.note(row, d.Promise, Lateness{Why: why, Due: d.DestroyAt, Limit: limit, By: d.GoneBy})
	}
	if !d.HiddenBy.IsZero() && d.HiddenBy.Before(w.now) && row.Visible != VisibleNone {
		w.note(row, d.Hiding, Lateness{Why: why, Due: d.HiddenBy, Limit: d.HiddenBy, By: d.HiddenBy})
	}
	return nil
}

// note takes in a record that is due.
func (w *watch) note(row *RecordRow, by Reason, l Lateness) {
	key := dueKey{class: row.Class, ground: by.Ground, rule: by.Rule}
	if by.Ground != ByPromise {
		key.rule = "" // a request's
	}
	l.Class, l.Ground, l.Rule, l.Tenant, l.Handle, l.At = key.class, key.ground, key.rule, row.Tenant, row.Handle, w.now
	stage := reached(l.Due, l.Limit, w.now)
	l.Threshold = thresholds[stage]
	o := w.found[key]
	if o == nil {
		o = &overdue{}
		w.found[key] = o
	}
	if o.records == 0 || stage > o.stage || stage == o.stage && l.Limit.Before(o.worst.Limit) {
		o.stage, o.worst = stage, l
	}
	o.records++
	if l.Why == DelayFailing {
		o.failing++
	}
}

// watch tells of thresholds that records have reached which are due: once for each class
// and rule, and again if it was better meanwhile.
func (k *Keeper) watch(ctx context.Context, now time.Time, t *Tended) error {
	h, err := k.history(ctx)
	if errors.Is(err, ErrNoPolicy) {
		return nil
	} else if err != nil {
		return err
	}
	found, err := k.overdue(ctx, h, now)
	if err != nil {
		return err
	}
	changes, err := k.changes(ctx, found, now)
	for _, c := range changes {
		told, failed := k.toldOf(ctx, c.key, found, now)
		if told {
			t.Told++
		}
		err = errors.Join(err, failed) // one that fails keeps nobody from being told of the others
	}
	return err
}

// toldOf writes what has changed about one class and rule, and tells of it.
func (k *Keeper) toldOf(ctx context.Context, key dueKey, found map[dueKey]*overdue, now time.Time) (told bool, err error) {
	err = k.tx.Atomically(ctx, func(ctx context.Context) error {
		told = false
		if err := k.store.LockTenant(ctx, troth.Platform, true); err != nil {
			return fmt.Errorf("retention: lock: %w", err)
		}
		changes, err := k.changes(ctx, found, now) // somebody may have told it meanwhile
		if err != nil {
			return err
		}
		i := slices.IndexFunc(changes, func(c change) bool { return c.key == key })
		if i < 0 {
			return nil
		}
		if told = changes[i].tell; told {
			if err := k.tellLate(ctx, found[key].worst); err != nil {
				return err
			}
		}
		if err := k.store.PutLateness(ctx, changes[i].row); err != nil {
			return fmt.Errorf("retention: write lateness: %w", err)
		}
		return nil
	})
	return told && err == nil, err
}

// change is a row that is to be written, and whether that is to be told.
type change struct {
	key  dueKey
	row  LatenessRow
	tell bool
}

// changes compares what was found with what was told.
func (k *Keeper) changes(ctx context.Context, found map[dueKey]*overdue, now time.Time) (all []change, err error) {
	rows, err := k.store.Lateness(ctx, troth.Platform)
	if err != nil {
		return nil, fmt.Errorf("retention: read lateness: %w", err)
	}
	before := map[dueKey]uint32{}
	for _, row := range rows {
		key := dueKey{row.Class, row.Ground, row.Rule}
		before[key] = row.Stage
		if found[key] == nil && row.Stage != 0 {
			all = append(all, change{key: key})
		}
	}
	for key, o := range found {
		if o.stage != before[key] {
			all = append(all, change{key: key, row: LatenessRow{Stage: o.stage}, tell: o.stage > before[key]})
		}
	}
	for i := range all {
		row, key := &all[i].row, all[i].key
		row.Tenant, row.Class, row.Ground, row.Rule, row.At = troth.Platform, key.class, key.ground, key.rule, now.UnixMicro()
	}
	slices.SortFunc(all, func(a, b change) int {
		return cmp.Or(strings.Compare(a.key.class, b.key.class), cmp.Compare(a.key.ground, b.key.ground), strings.Compare(a.key.rule, b.key.rule))
	})
	return all, nil
}
