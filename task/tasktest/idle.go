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

// idleBound is far above what a claim takes that finds its rows by an index, also on a
// machine that is busy, and below what it takes if it asks for every tenant by itself.
const idleBound = 200 * time.Millisecond

// claims is how many are tried until one is fast enough.
const claims = 5

var idleChecks = []check{
	{Name: "among 10,000 idle tenants the few who are not are found at once", Run: func(r *rig) {
		r.Atomically(r.Context(), func(ctx context.Context) {
			for i := range tenants {
				n := r.fresh()
				n.Tenant = r.A + "-" + troth.Tenant(strconv.Itoa(i))
				n.NotBefore = instant + time.Hour.Microseconds()
				r.add(ctx, n)
			}
		})
		busy := r.adds(func(n *task.NewTask) { n.Tenant = r.B })
		row := r.one()
		same(r, busy.ID, row.ID, "claimed")
		var took time.Duration
		for range claims {
			r.end(r.Context(), row, task.Waiting)
			began := time.Now()
			row = r.one()
			w := r.wake(10)
			took = time.Since(began)
			same(r, 0, w.Due, "woken")
			if took < idleBound {
				return
			}
		}
		r.Fatalf("each of %d claims took long, the last one %v", claims, took)
	}},
}
