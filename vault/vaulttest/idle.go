package vaulttest

import (
	"context"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/vault"
)

// tenants is how many the check about idle ones makes.
const tenants = 10_000

// idleBound is far above what a look takes that finds its rows by an index, and
// below what it takes if it walks over every tenant slowly.
const idleBound = 20 * time.Millisecond

var idleChecks = []check{
	{name: "among 10,000 idle tenants the few who are not are found at once", run: func(r *rig) {
		ctx := r.Context()
		r.atomically(ctx, func(ctx context.Context) {
			for i := range tenants {
				w := windowRow(r.a+"-"+troth.Tenant(strconv.Itoa(i)), troth.EntryID{}, instant)
				binary.BigEndian.PutUint64(w.ID[:], uint64(i))
				w.ClosedAt = instant
				r.ok(r.s.InsertWindow(ctx, w), "insert window")
			}
		})
		open := []vault.WindowRow{r.window(ctx, instant), r.window(ctx, instant+1)}
		r.raise(ctx, event(r.a, "42", instant))
		r.shredRoots(ctx, r.b, instant)
		// The fastest of many: a machine that is busy makes some of them slow.
		var fastest time.Duration
		for i := range 100 {
			began := time.Now()
			r.lapsed(instant+2, many, open...)
			r.happened(r.follow(ctx, 0), event(r.a, "42", instant))
			if took := time.Since(began); i == 0 || took < fastest {
				fastest = took
			}
		}
		if fastest > idleBound {
			r.Fatalf("the fastest of a hundred looks took %v", fastest)
		}
	}},
}
