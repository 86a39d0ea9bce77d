package tasktest

import (
	"context"
	"slices"
	"time"

	"github.com/trothdev/troth/internal/suite"
	"github.com/trothdev/troth/task"
)

// alarms demands that these alarms are due, and returns them.
func (r *rig) alarms(limit int, want ...task.Name) (due []task.DueAlarm) {
	r.Helper()
	r.Atomically(r.Context(), func(ctx context.Context) {
		var err error
		due, err = r.s.Alarms(ctx, limit)
		r.OK(err, "alarms")
	})
	var got []task.Name
	for _, d := range due {
		got = append(got, d.Name)
	}
	if !slices.Equal(got, want) {
		r.Fatalf("alarms: got %v, want %v", got, want)
	}
	return due
}

// alarmed adds a task with an alarm.
func (r *rig) alarmed(after time.Duration) task.NewTask {
	r.Helper()
	return r.adds(func(n *task.NewTask) {
		n.Deadline = instant + time.Hour.Microseconds()
		n.Alarm = task.Alarm{Stage: 1, At: instant + after.Microseconds()}
	})
}

var alarmChecks = []check{
	{Name: "an alarm is due at its instant, with what is known of the task", Run: func(r *rig) {
		n := r.alarmed(time.Minute)
		r.Advance(time.Minute - time.Microsecond)
		r.alarms(10)
		r.Advance(time.Microsecond)
		got := r.alarms(10, n.Name)[0]
		want := task.DueAlarm{
			Name: n.Name, Alarm: n.Alarm, Kind: n.Kind, State: task.Waiting, CreatedAt: n.CreatedAt, Deadline: n.Deadline,
			Now: instant + time.Minute.Microseconds(),
		}
		same(r, want, got, "alarm")
		r.alarms(10, n.Name)
		row := r.one()
		r.ends(r.Context(), task.Ending{Held: held(row), To: task.Manual, Owner: "legal"})
		got = r.alarms(10, n.Name)[0]
		same(r, task.Manual, got.State, "state")
		same(r, "legal", got.Owner, "owner")
	}},
	{Name: "a task without an alarm has none, and one that ended has none left", Run: func(r *rig) {
		r.running()
		n := r.alarmed(0)
		r.alarms(10, n.Name)
		r.end(r.Context(), r.one(), task.Completed)
		r.alarms(10)
	}},
	{Name: "an alarm moves on, and away", Run: func(r *rig) {
		n := r.alarmed(0)
		r.OK(r.s.SetAlarm(r.Context(), n.Name, task.Alarm{Stage: 2, At: instant + 5}), "set alarm")
		r.alarms(10)
		r.Advance(5 * time.Microsecond)
		same(r, 2, r.alarms(10, n.Name)[0].Stage, "stage")
		r.OK(r.s.SetAlarm(r.Context(), n.Name, task.Alarm{}), "remove alarm")
		r.alarms(10)
	}},
	{Name: "no more alarms than were asked for, the earliest first", Run: func(r *rig) {
		late, early, middle := r.alarmed(3*time.Second), r.alarmed(time.Second), r.alarmed(2*time.Second)
		r.Advance(time.Minute)
		r.alarms(2, early.Name, middle.Name)
		r.alarms(10, early.Name, middle.Name, late.Name)
	}},
	{Name: "alarms need a transaction", Run: func(r *rig) {
		if _, err := r.s.Alarms(r.Context(), 1); err == nil {
			r.Fatalf("alarms outside of a transaction")
		}
	}},
	{Name: "alarms are kept from others until the transaction ends", Needs: suite.ManyWriters, Run: func(r *rig) {
		outside := r.Context()
		n := r.alarmed(0)
		r.Atomically(outside, func(ctx context.Context) {
			due, err := r.s.Alarms(ctx, 10)
			r.OK(err, "alarms")
			same(r, 1, len(due), "alarms")
			r.alarms(10)
			r.OK(r.s.SetAlarm(ctx, n.Name, task.Alarm{Stage: 2, At: instant + 1}), "set alarm")
		})
		r.alarms(10)
	}},
}
