package unsubscribe

import (
	"context"
	"time"
)

// SetMono replaces the monotonic clock of a gate.
func (g *Gate) SetMono(mono func() int64) { g.mono = mono }

// Pending is how many rows are pending.
func (g *Gate) Pending() int { return len(g.pendings.all()) }

// Look makes the gate look at the feed.
func (g *Gate) Look(ctx context.Context) error { return g.catchUp(ctx, g.mono()) }

// Merge merges the index.
func (g *Gate) Merge() error { return g.index.Merge() }

// Entries is what the index has: in its base, and changed since.
func (g *Gate) Entries() (entries, changed int) { return g.index.Len() }

// Ages are what the clock of a gate shows where its two clocks read what is given.
func Ages(readings [][2]time.Duration) (ages []time.Duration) {
	c := &ageClock{}
	for _, r := range readings {
		ages = append(ages, c.age(r[0], r[1]))
	}
	return ages
}
