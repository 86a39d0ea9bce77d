package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// windowGrace is how long after its end a window may wait for its counts before
// its process is taken for dead.
const windowGrace = 10 * time.Minute

// closeWindow stops the window and records what it counted. A crash before that
// leaves the window open in the store, and whoever finds it there marks it
// unknown. After an error it can be called again.
func (v *Vault) closeWindow(ctx context.Context, w *window) error {
	w.closed.Store(true)
	w.ending.Lock()
	defer w.ending.Unlock()
	if w.ended {
		return nil
	}
	if err := v.recordWindow(troth.WithActor(ctx, w.actor), w); err != nil {
		return err
	}
	w.ended = true
	w.bell.Stop()
	v.windows.mu.Lock()
	defer v.windows.mu.Unlock()
	delete(v.windows.untold, w)
	v.windows.last.CompareAndSwap(w, nil)
	if v.windows.open[w.name] == w {
		delete(v.windows.open, w.name)
	}
	return nil
}

// windowSubject is what a window counted of one data subject.
type windowSubject struct {
	id           string
	compartments []troth.Compartment
	values       int64
}

// windowReport is what a closed window tells. It is made once: an opening that
// came too late takes its count back, and telling may take several tries.
type windowReport struct {
	subjects []windowSubject
	values   int64
}

func (r *windowReport) add(by map[string]*windowSubject, counted *sum) {
	if counted.n == 0 {
		return
	}
	s := by[counted.name.SubjectID]
	if s == nil {
		s = &windowSubject{id: counted.name.SubjectID}
		by[s.id] = s
	}
	s.compartments = append(s.compartments, counted.name.Compartment)
	s.values += counted.n
	r.values += counted.n
}

// makeReport adds up everything; the window must be closed.
func (w *window) makeReport() *windowReport {
	r := &windowReport{}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sum()
	by := make(map[string]*windowSubject)
	for i := range w.sums.slots {
		r.add(by, &w.sums.slots[i])
	}
	for _, s := range by {
		r.subjects = append(r.subjects, *s)
	}
	slices.SortFunc(r.subjects, func(a, b windowSubject) int { return strings.Compare(a.id, b.id) })
	return r
}

// recordWindow tells everything in one transaction, with the mark in the store
// that it was told: tried again after an error that came after all, it tells
// nothing twice.
func (v *Vault) recordWindow(ctx context.Context, w *window) error {
	if w.report == nil {
		w.report = w.makeReport()
	}
	window := troth.ID(w.id.String())
	return v.tx.Atomically(ctx, func(ctx context.Context) error {
		closed, err := v.store.CloseWindow(ctx, w.name.tenant, w.id, v.micros())
		if err != nil {
			return fmt.Errorf("vault: close window: %w", err)
		}
		if !closed {
			return nil // told before, or given up by another process
		}
		for _, s := range w.report.subjects {
			err := v.record(ctx, troth.Entry{
				Act: actWindowSubject, Tenant: w.name.tenant, SubjectID: s.id, Purpose: w.name.purpose,
				Facts: troth.Facts{
					"window": window, "compartments": troth.Words(s.compartments...), "values": troth.Count(s.values),
				},
			})
			if err != nil {
				return err
			}
		}
		return v.record(ctx, troth.Entry{
			Act: actWindowClose, Tenant: w.name.tenant, Purpose: w.name.purpose,
			Facts: troth.Facts{
				"window": window, "subjects": troth.Count(len(w.report.subjects)), "values": troth.Count(w.report.values),
			},
		})
	})
}

// closeWindows closes those of this process that match, and tells the counts of
// those that were closed and not told, the oldest window first. It goes on after
// an error and returns all of them.
func (v *Vault) closeWindows(ctx context.Context, match func(*window) bool) error {
	v.windows.mu.Lock()
	var chosen []*window
	for w := range v.windows.untold {
		if w.closed.Load() || match(w) {
			chosen = append(chosen, w)
		}
	}
	v.windows.mu.Unlock()
	slices.SortFunc(chosen, func(a, b *window) int { return bytes.Compare(a.id[:], b.id[:]) })
	var errs []error
	for _, w := range chosen {
		if err := v.closeWindow(ctx, w); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// lapsed bounds how many windows of dead processes are marked at a time.
const lapsed = 100

// markLapsed closes windows whose process died before it told the counts, and
// says on the trail that they are unknown.
func (v *Vault) markLapsed(ctx context.Context) error {
	before := v.now().Add(-windowGrace).UnixMicro()
	rows, err := v.store.LapsedWindows(ctx, before, lapsed)
	if err != nil {
		return fmt.Errorf("vault: find lapsed windows: %w", err)
	}
	var errs []error
	for _, row := range rows {
		if err := v.markUnknown(ctx, row); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (v *Vault) markUnknown(ctx context.Context, row WindowRow) error {
	actor := troth.Actor{Kind: troth.Service, ID: row.Actor, Tenant: row.Home}
	return v.tx.Atomically(troth.WithActor(ctx, actor), func(ctx context.Context) error {
		closed, err := v.store.CloseWindow(ctx, row.Tenant, row.ID, v.micros())
		if err != nil {
			return fmt.Errorf("vault: close lapsed window: %w", err)
		}
		if !closed {
			return nil
		}
		return v.record(ctx, troth.Entry{
			Act: actWindowClose, Tenant: row.Tenant, Purpose: row.Purpose, Outcome: troth.Unknown,
			Facts: troth.Facts{"window": troth.ID(row.ID.String())},
		})
	})
}
