package tasktest

import (
	"slices"
	"time"

	"github.com/trothdev/troth/task"
)

// extends demands that extending loses these claims.
func (r *rig) extends(held []task.Held, lost ...task.Name) {
	r.Helper()
	got, err := r.s.Extend(r.Context(), held, lease)
	if err != nil || !slices.Equal(got, lost) {
		r.Fatalf("extend: got %v, %v; want lost %v", got, err, lost)
	}
}

var leaseChecks = []check{
	{Name: "a lease that is extended lasts from now", Run: func(r *rig) {
		one, two := r.running(), r.running()
		r.Advance(20 * time.Second)
		r.extends([]task.Held{held(one)})
		same(r, instant+50_000_000, r.is(one.Name, task.Running).WakeAt, "end of the lease")
		r.Advance(10 * time.Second)
		if w := r.wake(10); !slices.Equal(w.Lapsed, []task.Name{two.Name}) {
			r.Fatalf("lapsed: %v", w.Lapsed)
		}
	}},
	{Name: "a claim that was taken away cannot be extended", Run: func(r *rig) {
		one, two, three := r.running(), r.running(), r.running()
		r.end(r.Context(), two, task.Completed)
		stale := held(three)
		stale.Fence--
		r.extends([]task.Held{held(one), held(two), stale}, two.Name, three.Name)
		r.Advance(lease)
		r.wake(10)
		r.extends([]task.Held{held(one)}, one.Name)
	}},
	{Name: "when a lease has ended the task waits again, under another fence", Run: func(r *rig) {
		one := r.running()
		r.Advance(lease - time.Microsecond)
		if w := r.wake(10); len(w.Lapsed) != 0 {
			r.Fatalf("lapsed early: %v", w.Lapsed)
		}
		r.Advance(time.Microsecond)
		w := r.wake(10)
		if !slices.Equal(w.Lapsed, []task.Name{one.Name}) || w.Due != 0 || w.Now != instant+lease.Microseconds() {
			r.Fatalf("woken: %+v", w)
		}
		row := r.is(one.Name, task.Waiting)
		same(r, task.ReasonLease, row.Reason, "reason")
		same(r, 1, row.Attempt, "attempts")
		if row.Fence <= one.Fence {
			r.Fatalf("fence went from %d to %d", one.Fence, row.Fence)
		}
		for _, to := range []task.State{task.Completed, task.Failed, task.Delayed, task.Waiting, task.Manual} {
			r.loses(task.Ending{Held: held(one), To: to, Owner: "x"})
		}
		r.is(one.Name, task.Waiting)
	}},
	{Name: "who lost the lease to another cannot end it", Run: func(r *rig) {
		one := r.running()
		r.Advance(lease)
		r.wake(10)
		two := r.one()
		r.loses(task.Ending{Held: held(one), To: task.Completed})
		r.is(one.Name, task.Running)
		r.end(r.Context(), two, task.Completed)
		r.loses(task.Ending{Held: held(one), To: task.Completed})
	}},
	{Name: "no more are woken than were asked for, of each sort", Run: func(r *rig) {
		for range 3 {
			r.adds(func(n *task.NewTask) { n.NotBefore = instant + 1 })
			r.running()
		}
		r.Advance(lease)
		w := r.wake(2)
		same(r, 2, w.Due, "due")
		same(r, 2, len(w.Lapsed), "lapsed")
		w = r.wake(2)
		same(r, 1, w.Due, "due then")
		same(r, 1, len(w.Lapsed), "lapsed then")
	}},
}

var clockChecks = []check{
	{Name: "leases and backoffs from before the clock jumped back are shortened to their length", Run: func(r *rig) {
		one, two := r.running(), r.running()
		r.ends(r.Context(), task.Ending{Held: held(two), To: task.Delayed, By: time.Minute})
		later := r.adds(func(n *task.NewTask) { n.NotBefore = instant + time.Hour.Microseconds() })
		tidy := func(want int) {
			r.Helper()
			n, err := r.s.Tidy(r.Context())
			r.OK(err, "tidy")
			same(r, want, n, "shortened")
		}
		tidy(0)
		r.Advance(-24 * time.Hour)
		now := instant - (24 * time.Hour).Microseconds()
		tidy(2)
		row := r.is(one.Name, task.Running)
		same(r, now+lease.Microseconds(), row.WakeAt, "end of the lease")
		same(r, one.Fence, row.Fence, "fence")
		same(r, now+time.Minute.Microseconds(), r.is(two.Name, task.Delayed).WakeAt, "end of the backoff")
		same(r, instant+time.Hour.Microseconds(), r.is(later.Name, task.Delayed).WakeAt, "what was asked for")
		tidy(0)
		r.end(r.Context(), one, task.Completed)
	}},
	{Name: "after a jump forward every lease has ended, and nothing is lost", Run: func(r *rig) {
		one := r.running()
		later := r.adds(func(n *task.NewTask) { n.NotBefore = instant + 7 })
		r.Advance(1000 * time.Hour)
		w := r.wake(10)
		same(r, 1, w.Due, "due")
		same(r, 1, len(w.Lapsed), "lapsed")
		r.Advance(-1000 * time.Hour)
		rows := r.claim(10)
		same(r, 2, len(rows), "claimed")
		r.loses(task.Ending{Held: held(one), To: task.Completed})
		for _, row := range rows {
			r.end(r.Context(), row, task.Completed)
		}
		r.is(later.Name, task.Completed)
	}},
}
