package retention

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trothdev/troth"
)

// PromiseReport says of every promise of the policy whether it is kept, and what shows it.
type PromiseReport struct {
	At time.Time `json:"at"`
	// Policy and Version are those in force.
	Policy  string `json:"policy"`
	Version uint32 `json:"version"`
	// Since is from when on records are counted that are gone.
	Since time.Time     `json:"since"`
	Lines []PromiseLine `json:"lines"`
}

// PromiseStatus is what becomes of a promise.
type PromiseStatus string

const (
	// PromiseUntried: nothing has fallen due by it that is counted, and nothing is due.
	PromiseUntried PromiseStatus = "untried"
	// PromiseUnderway: something has fallen due and is on its way, with time enough, such
	// as the last copies in backups; none of it is gone yet, or that was long ago.
	PromiseUnderway PromiseStatus = "underway"
	// PromiseKept: everything that fell due was gone in time, or kept by a hold, a legal
	// minimum or an exception.
	PromiseKept PromiseStatus = "kept"
	// PromiseAtRisk: something is late, fails or waits, and can still be in time; or the
	// policy leaves no room.
	PromiseAtRisk PromiseStatus = "at-risk"
	// PromiseIsBroken: something was gone too late, or will be whatever is done now.
	PromiseIsBroken PromiseStatus = "broken"
)

// PromiseLine is a promise about a class.
type PromiseLine struct {
	Class string `json:"class"`
	// Ground is promise, or erasure for those that were granted; Promise is the promise's
	// name.
	Ground  Ground        `json:"ground"`
	Promise string        `json:"promise,omitempty"`
	To      Goal          `json:"to"`
	Cite    string        `json:"cite,omitempty"`
	Status  PromiseStatus `json:"status"`
	// Path is the arithmetic of the longest way; Slack is what that leaves, in days. They
	// are absent for what the policy in force does not promise.
	Path  string `json:"path,omitempty"`
	Slack int    `json:"slack"`
	// Kept, Deferred and Broken count records that are gone since [PromiseReport.Since]:
	// in time, kept longer by a hold, a minimum or an exception, and too late. What only
	// hides is not counted.
	Kept     int64 `json:"kept"`
	Deferred int64 `json:"deferred"`
	Broken   int64 `json:"broken"`
	// KeptEntry and BrokenEntry are the evidence of the last of each, BrokenRecord and
	// BrokenAt which that was and when it was gone.
	KeptEntry    string     `json:"kept_entry,omitempty"`
	BrokenEntry  string     `json:"broken_entry,omitempty"`
	BrokenRecord string     `json:"broken_record,omitempty"`
	BrokenAt     *time.Time `json:"broken_at,omitempty"`
	// Due and Waiting are how many records were found that are due and still there, and
	// that wait for a copy: at least so many. Failing are those of Due whose handler fails.
	// Oldest is the most urgent of all.
	Due     int         `json:"due"`
	Failing int         `json:"failing"`
	Waiting int         `json:"waiting"`
	Oldest  *OpenRecord `json:"oldest,omitempty"`
}

// OpenRecord is a record that is to be gone, or hidden, and is not yet.
type OpenRecord struct {
	Tenant    troth.Tenant `json:"tenant"`
	Handle    string       `json:"record"`
	Why       Delay        `json:"why"`
	Threshold Threshold    `json:"threshold,omitempty"`
	Due       time.Time    `json:"due"`
	Limit     time.Time    `json:"limit"`
	Copies    []string     `json:"copies,omitempty"`
}

// reportMonths is how far back the counts go.
const reportMonths = 12

// waitingReported is how many records that wait for a copy are looked at.
const waitingReported = 200

// Report says what becomes of every promise, as of an instant; zero is now. What is open
// is looked at as it stands now.
//
// It reads one row for each promise and month, at most 200 of what waits for copies, and
// of what is due at most 20 for each stage of the policy that ends by time, 20 for each
// class and 40 more: all by index, whatever is stored.
func (k *Keeper) Report(ctx context.Context, at time.Time) (PromiseReport, error) {
	now := k.now()
	if at.IsZero() {
		at = now
	}
	h, err := k.history(ctx)
	if err != nil {
		return PromiseReport{}, err
	}
	i := h.active(at)
	if i < 0 {
		return PromiseReport{}, ErrNoPolicy
	}
	r := reporting{k: k, h: h, now: now, lines: map[dueKey]*PromiseLine{}, stages: map[dueKey]uint32{}}
	for _, step := range []func(ctx context.Context) error{
		func(ctx context.Context) error { return r.promises(ctx, h.versions[i]) },
		func(ctx context.Context) error { return r.tallies(ctx, at) },
		r.due, r.waiting,
	} {
		if err := step(ctx); err != nil {
			return PromiseReport{}, err
		}
	}
	report := PromiseReport{At: at.UTC(), Policy: h.name, Version: h.versions[i].number, Since: timeOf(sinceOf(at))}
	for _, key := range slices.SortedFunc(maps.Keys(r.lines), func(a, b dueKey) int {
		return cmp.Or(strings.Compare(a.class, b.class), cmp.Compare(b.ground, a.ground), strings.Compare(a.rule, b.rule))
	}) {
		line := r.lines[key]
		line.judge(r.stages[key])
		report.Lines = append(report.Lines, *line)
	}
	return report, nil
}

func sinceOf(at time.Time) int64 {
	return monthOf(timeOf(monthOf(at)).AddDate(0, -reportMonths, 0))
}

// reporting is one call of Report.
type reporting struct {
	k      *Keeper
	h      *History
	now    time.Time
	lines  map[dueKey]*PromiseLine
	stages map[dueKey]uint32
}

func (r *reporting) line(key dueKey) *PromiseLine {
	l := r.lines[key]
	if l == nil {
		l = &PromiseLine{Class: key.class, Ground: key.ground, Promise: key.rule, To: Gone}
		r.lines[key] = l
	}
	return l
}

// promises takes in those of a version, with their arithmetic.
func (r *reporting) promises(ctx context.Context, v *version) error {
	rows, err := r.k.store.Policies(ctx, troth.Platform, v.number-1)
	if err != nil {
		return fmt.Errorf("retention: read policies: %w", err)
	}
	if len(rows) == 0 {
		return ErrRecord
	}
	p, err := Parse(rows[0].Text)
	if err != nil || p.Hash() != v.hash {
		return ErrRecord
	}
	lint, err := p.Lint(LintOptions{})
	if err != nil {
		return err
	}
	for _, path := range lint.Paths {
		l := r.line(dueKey{path.Class, ByPromise, path.Promise})
		l.Path, l.Slack = path.String(), path.Slack()
		for i := range p.Promises {
			if m := &p.Promises[i]; m.Name == path.Promise {
				l.Cite, l.To = m.Cite, cmp.Or(m.To, Gone)
			}
		}
	}
	return nil
}

// tallies takes in what was counted.
func (r *reporting) tallies(ctx context.Context, at time.Time) error {
	rows, err := r.k.store.Tallies(ctx, troth.Platform, sinceOf(at))
	if err != nil {
		return fmt.Errorf("retention: read counts: %w", err)
	}
	for i := range rows {
		row := &rows[i]
		if row.Month > at.UnixMicro() {
			continue
		}
		l := r.line(dueKey{row.Class, row.Ground, row.Rule})
		l.Kept += row.Kept
		l.Deferred += row.Deferred
		l.Broken += row.Broken
		if row.Kept > 0 {
			l.KeptEntry = row.KeptEntry.String()
		}
		if row.Broken > 0 {
			gone := timeOf(row.BrokenAt)
			l.BrokenEntry, l.BrokenRecord, l.BrokenAt = row.BrokenEntry.String(), row.BrokenHandle, &gone
		}
	}
	return nil
}

// due takes in what is due and still there.
func (r *reporting) due(ctx context.Context) error {
	found, err := r.k.overdue(ctx, r.h, r.now)
	for key, o := range found {
		r.line(key).Due, r.line(key).Failing = o.records, o.failing
		r.open(key, o.worst, o.stage)
	}
	return err
}

// waiting takes in what waits for a copy.
func (r *reporting) waiting(ctx context.Context) error {
	rows, err := r.k.store.WaitingWarrants(ctx, waitingReported)
	if err != nil {
		return fmt.Errorf("retention: read warrants: %w", err)
	}
	for i := range rows {
		if rows[i].GoneBy == 0 || rows[i].Deferred != "" {
			continue
		}
		p, err := r.k.progress(ctx, r.h, &rows[i])
		if errors.Is(err, ErrRecord) || errors.Is(err, ErrTampered) {
			continue // it is reported when it is tended
		} else if err != nil {
			return err
		}
		l, stage := p.lateness(r.k, r.h, r.now)
		key := dueKey{l.Class, l.Ground, l.Rule}
		r.line(key).Waiting++
		r.open(key, l, stage)
	}
	return nil
}

// open notes something that is open: the most urgent is shown.
func (r *reporting) open(key dueKey, l Lateness, stage uint32) {
	line := r.line(key)
	if line.Oldest != nil && (stage < r.stages[key] || stage == r.stages[key] && !l.Limit.Before(line.Oldest.Limit)) {
		return
	}
	r.stages[key] = stage
	line.Oldest = &OpenRecord{
		Tenant: l.Tenant, Handle: l.Handle, Why: l.Why, Threshold: l.Threshold, Due: l.Due, Limit: l.Limit, Copies: l.Copies,
	}
}

// judge says what becomes of the promise.
func (l *PromiseLine) judge(stage uint32) {
	switch {
	case l.Broken > 0 || stage > 0 && thresholds[stage] == Broken:
		l.Status = PromiseIsBroken
	case stage > 0 || l.Slack < 0 || l.Failing > 0:
		l.Status = PromiseAtRisk
	case l.Kept+l.Deferred > 0:
		l.Status = PromiseKept
	case l.Due+l.Waiting > 0:
		l.Status = PromiseUnderway
	default:
		l.Status = PromiseUntried
	}
}

// String prints the report, a few lines for each promise.
func (r PromiseReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "promises of %s, version %d, at %s; counted since %s\n", r.Policy, r.Version, instant(r.At), instant(r.Since))
	for i := range r.Lines {
		r.Lines[i].write(&b)
	}
	return b.String()
}

func (l *PromiseLine) write(b *strings.Builder) {
	name := string(l.Ground)
	if l.Promise != "" {
		name = l.Promise
	}
	fmt.Fprintf(b, "%-8s %s: %s, %s\n", l.Status, l.Class, name, l.To)
	if l.Cite != "" {
		fmt.Fprintf(b, "         [%s]\n", l.Cite)
	}
	if l.Path != "" {
		fmt.Fprintf(b, "         %s\n", l.Path)
	}
	if l.To == Gone {
		fmt.Fprintf(b, "         gone: %d in time, %d deferred, %d too late\n", l.Kept, l.Deferred, l.Broken)
	}
	if l.KeptEntry != "" {
		fmt.Fprintf(b, "         last in time: entry %s\n", l.KeptEntry)
	}
	if l.BrokenEntry != "" {
		fmt.Fprintf(b, "         last too late: record %s, entry %s, gone %s\n", l.BrokenRecord, l.BrokenEntry, instant(*l.BrokenAt))
	}
	if o := l.Oldest; o != nil {
		fmt.Fprintf(b, "         open: %d due, of them %d failing, %d waiting for copies; the most urgent: record %s of %s, %s since %s, in time until %s",
			l.Due, l.Failing, l.Waiting, o.Handle, o.Tenant, o.Why, instant(o.Due), instant(o.Limit))
		if len(o.Copies) > 0 {
			fmt.Fprintf(b, ", waiting for %s", strings.Join(o.Copies, ", "))
		}
		b.WriteString("\n")
	}
}
