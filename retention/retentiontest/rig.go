package retentiontest

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/retention"
)

// rig is a harness with the vocabulary of the checks: the store, its transactor,
// and two tenants that nobody else uses.
type rig struct {
	suite.Rig
	Harness
	s retention.Backend
}

func newRig(t suite.TB, h Harness) *rig {
	return &rig{Rig: suite.NewRig(t, h.Backend.Transactor(), h.Host), Harness: h, s: h.Backend}
}

// instant is a time whose last microsecond matters.
const instant = suite.Instant

// ids are the host's ids of records, in their order.
func ids(keys []retention.RecordKey) string {
	var all []string
	for _, k := range keys {
		all = append(all, k.ID)
	}
	return strings.Join(all, " ")
}

// found demands the records of these ids, in this order.
func (r *rig) found(places []retention.Place, err error, want string) {
	r.Helper()
	r.OK(err, "look for records")
	var keys []retention.RecordKey
	for _, p := range places {
		keys = append(keys, p.RecordKey)
	}
	r.Same(ids(keys), want, "records found")
}

// record is a row in which every column says something of its own.
func record(t troth.Tenant, id string) retention.RecordRow {
	return retention.RecordRow{
		RecordKey: retention.RecordKey{Tenant: t, Type: "file", ID: id}, Handle: "h-" + id,
		Class: "content", Stage: "trashed", Cohort: 4_000_000_000, Since: instant, EndBy: instant + 1,
		Visible: retention.VisibleOwner, SubjectID: "p-" + id, AccountID: "a-" + id, Purpose: "u-" + id, Created: instant - 1, DueAt: 0, Policy: 7,
		Version: 9, Tries: 0, Detail: suite.EveryByte(),
	}
}

func policy(t troth.Tenant, version uint32) retention.PolicyRow {
	return retention.PolicyRow{Tenant: t, Version: version, Hash: [32]byte(suite.EveryByte()), Text: suite.EveryByte(), ActivatedAt: instant}
}

func hold(t troth.Tenant, id string) retention.HoldRow {
	return retention.HoldRow{
		Tenant: t, ID: id, Matter: "m", SubjectID: "p", Class: "content", From: instant, To: instant + 1,
		PlacedAt: instant + 2, ReviewAt: instant + 3, ProposedAt: instant + 4, Proposer: suite.EveryByte(),
		Where: suite.EveryByte()[1:], ToldAt: instant + 5,
	}
}

func plan(t troth.Tenant, first byte) retention.PlanRow {
	row := retention.PlanRow{
		Tenant: t, Hash: [32]byte(suite.EveryByte()), Text: suite.EveryByte(), ProposedAt: instant, Proposer: suite.EveryByte(),
		ApprovedAt: instant + 1, Spent: []int64{0, instant, 3}, MAC: suite.EveryByte()[:32],
	}
	row.Hash[0] = first
	return row
}

func (r *rig) insert(ctx context.Context, rows ...retention.RecordRow) {
	r.Helper()
	for _, row := range rows {
		inserted, err := r.s.InsertRecord(ctx, row)
		r.OK(err, "insert record")
		r.Same(inserted, true, "inserted")
	}
}

// fill gives a tenant one row of every kind at least.
func (r *rig) fill(ctx context.Context, t troth.Tenant) {
	r.Helper()
	held := record(t, "held")
	held.Held, held.DueAt, held.Tries = true, retention.Parked, 3
	r.insert(ctx, record(t, "1"), held)
	_, err := r.s.InsertPolicy(ctx, policy(t, 1))
	r.OK(err, "insert policy")
	_, err = r.s.InsertHold(ctx, hold(t, "1"))
	r.OK(err, "insert hold")
	r.insertControls(ctx, control(t, "exception", "1"))
	_, err = r.s.InsertEvent(ctx, event(t, "1"))
	r.OK(err, "insert event")
	r.fillWarrants(ctx, t)
	_, err = r.s.InsertPlan(ctx, plan(t, 1))
	r.OK(err, "insert plan")
	_, err = r.s.InsertStop(ctx, retention.StopRow{Tenant: t, ID: "1", PlacedAt: instant})
	r.OK(err, "insert stop")
	r.OK(r.TX.Atomically(ctx, func(ctx context.Context) error {
		_, _, err := r.s.LockAllowance(ctx, t, "1", true)
		return err
	}), "lock allowance")
}

// dump is all that a tenant's reads show.
func (r *rig) dump(ctx context.Context, t troth.Tenant) string {
	r.Helper()
	var b strings.Builder
	for _, id := range []string{"1", "2", "held"} {
		row, found, err := r.s.Record(ctx, record(t, id).RecordKey)
		r.OK(err, "record")
		row.Tenant = ""
		fmt.Fprintf(&b, "%v %+v\n", found, row)
	}
	policies, err := r.s.Policies(ctx, t, 0)
	r.OK(err, "policies")
	fmt.Fprintf(&b, "%+v\n", policies)
	for _, id := range []string{"1", "2"} {
		row, found, err := r.s.Hold(ctx, t, id)
		r.OK(err, "hold")
		row.Tenant = ""
		fmt.Fprintf(&b, "%v %+v\n", found, row)
	}
	active, err := r.s.ActiveHolds(ctx, t)
	r.OK(err, "active holds")
	fmt.Fprintf(&b, "%+v\n", active)
	for _, id := range []string{"1", "2"} {
		row, found, err := r.s.Control(ctx, control(t, "exception", id).ControlKey)
		r.OK(err, "control")
		row.Tenant = ""
		fmt.Fprintf(&b, "%v %+v\n", found, row)
	}
	open, err := r.s.OpenControls(ctx, t, "exception")
	r.OK(err, "open controls")
	all, err := r.s.Controls(ctx, retention.ControlKey{Tenant: t, Kind: "exception"}, 9)
	r.OK(err, "controls")
	fmt.Fprintf(&b, "%+v %+v\n", open, all)
	events, err := r.s.EventsOf(ctx, t, []retention.Many{event(t, "1").Many, event(t, "2").Many})
	r.OK(err, "events")
	fmt.Fprintf(&b, "%+v\n", events)
	for _, of := range []retention.Many{{Scope: retention.OfAccount}, {Scope: retention.OfSubject, ID: "p-1"}} {
		rows, err := r.s.RecordsOf(ctx, retention.RecordKey{Tenant: t}, of, 9)
		r.OK(err, "records")
		fmt.Fprintf(&b, "%+v\n", rows)
	}
	b.WriteString(r.dumpWarrants(ctx, t))
	plans, err := r.s.OpenPlans(ctx, t)
	r.OK(err, "open plans")
	allowances, err := r.s.Allowances(ctx, t)
	r.OK(err, "allowances")
	stops, err := r.s.ActiveStops(ctx, t)
	r.OK(err, "active stops")
	fmt.Fprintf(&b, "%+v\n%+v\n%+v\n", plans, allowances, stops)
	return b.String()
}

// writes are all calls that write, by the name of their method, each of which changes
// what a tenant that was filled has.
func (r *rig) writes(t troth.Tenant) map[string]func(ctx context.Context) error {
	all := map[string]func(ctx context.Context) error{
		"InsertPolicy": func(ctx context.Context) error { _, err := r.s.InsertPolicy(ctx, policy(t, 2)); return err },
		"InsertRecord": func(ctx context.Context) error { _, err := r.s.InsertRecord(ctx, record(t, "2")); return err },
		"PutRecord": func(ctx context.Context) error {
			row := record(t, "1")
			row.Version++
			return r.s.PutRecord(ctx, row)
		},
		"DeleteRecord": func(ctx context.Context) error { return r.s.DeleteRecord(ctx, record(t, "1").RecordKey) },
		"WakeHeld":     func(ctx context.Context) error { _, err := r.s.WakeHeld(ctx, t, instant); return err },
		"InsertHold":   func(ctx context.Context) error { _, err := r.s.InsertHold(ctx, hold(t, "2")); return err },
		"InsertEvent":  func(ctx context.Context) error { _, err := r.s.InsertEvent(ctx, event(t, "2")); return err },
		"PutEvent": func(ctx context.Context) error {
			row := event(t, "1")
			row.Reached++
			return r.s.PutEvent(ctx, row)
		},
		"PutHold": func(ctx context.Context) error {
			row := hold(t, "1")
			row.ReleasedAt = instant
			return r.s.PutHold(ctx, row)
		},
		"InsertControl": func(ctx context.Context) error {
			_, err := r.s.InsertControl(ctx, control(t, "exception", "2"))
			return err
		},
		"PutControl": func(ctx context.Context) error {
			row := control(t, "exception", "1")
			row.Open = false
			return r.s.PutControl(ctx, row)
		},
		"InsertPlan": func(ctx context.Context) error { _, err := r.s.InsertPlan(ctx, plan(t, 2)); return err },
		"PutPlan": func(ctx context.Context) error {
			row := plan(t, 1)
			row.EndedAt = instant
			return r.s.PutPlan(ctx, row)
		},
		"LockAllowance": func(ctx context.Context) error {
			return r.TX.Atomically(ctx, func(ctx context.Context) error {
				_, _, err := r.s.LockAllowance(ctx, t, "2", true)
				return err
			})
		},
		"PutAllowance": func(ctx context.Context) error {
			return r.s.PutAllowance(ctx, retention.AllowanceRow{Tenant: t, ID: "1", Spent: 1})
		},
		"InsertStop": func(ctx context.Context) error {
			_, err := r.s.InsertStop(ctx, retention.StopRow{Tenant: t, ID: "2"})
			return err
		},
		"PutStop": func(ctx context.Context) error {
			return r.s.PutStop(ctx, retention.StopRow{Tenant: t, ID: "1", LiftedAt: instant})
		},
	}
	maps.Copy(all, r.warrantWrites(t))
	return all
}
