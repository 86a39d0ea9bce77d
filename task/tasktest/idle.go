package tasktest

import (
	"context"
	"strconv"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/task"
)

// tenants is how many the check about idle ones makes.
const tenants = 10_000

// idleBound is far above what a claim takes that finds its rows by an index, and
// below what it takes if it walks over every tenant slowly.
const idleBound = 20 * time.Millisecond

var idleChecks = []check{
	{name: "among 10,000 idle tenants the few who are not are found at once", run: func(r *rig) {
		r.atomically(r.Context(), func(ctx context.Context) {
			for i := range tenants {
				n := r.fresh()
				n.Tenant = r.a + "-" + troth.Tenant(strconv.Itoa(i))
				n.NotBefore = instant + time.Hour.Microseconds()
				r.add(ctx, n)
			}
		})
		busy := r.adds(func(n *task.NewTask) { n.Tenant = r.b })
		row := r.one()
		same(r, busy.ID, row.ID, "claimed")
		// The fastest of many: a machine that is busy makes some of them slow.
		var fastest time.Duration
		for i := range 50 {
			r.end(r.Context(), row, task.Waiting)
			began := time.Now()
			row = r.one()
			w := r.wake(10)
			if took := time.Since(began); i == 0 || took < fastest {
				fastest = took
			}
			same(r, 0, w.Due, "woken")
		}
		if fastest > idleBound {
			r.Fatalf("the fastest of fifty claims took %v", fastest)
		}
	}},
}
