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

// idleBound is far above what a look takes that finds its rows by an index, also on a
// machine that is busy, and below what it takes if it asks for every tenant by itself.
const idleBound = 200 * time.Millisecond

// looks is how many are tried until one is fast enough.
const looks = 5

// fast fails unless one of a few looks takes less than the bound.
func (r *rig) fast(look func()) {
	r.Helper()
	var took time.Duration
	for range looks {
		began := time.Now()
		look()
		if took = time.Since(began); took < idleBound {
			return
		}
	}
	r.Fatalf("each of %d looks took long, the last one %v", looks, took)
}

var idleChecks = []check{
	{Name: "among 10,000 idle tenants the few who are not are found at once", Run: func(r *rig) {
		ctx := r.Context()
		r.Atomically(ctx, func(ctx context.Context) {
			for i := range tenants {
				w := windowRow(r.A+"-"+troth.Tenant(strconv.Itoa(i)), troth.EntryID{}, instant)
				binary.BigEndian.PutUint64(w.ID[:], uint64(i))
				w.ClosedAt = instant
				r.OK(r.s.InsertWindow(ctx, w), "insert window")
			}
		})
		open := []vault.WindowRow{r.window(ctx, instant), r.window(ctx, instant+1)}
		r.feed().Raise(ctx, event(r.A, "42", instant))
		r.shredRoots(ctx, r.B, instant)
		r.fast(func() {
			r.lapsed(instant+2, many, open...)
			r.feed().Happened(r.feed().Follow(ctx, 0), event(r.A, "42", instant))
		})
	}},
}
