// Command bench measures the trail side by side with its peers, by turns and in
// one process, so that both meet the same machine. See its README.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"
)

// contestant is one way of making an entry durable and part of a verifiable log.
type contestant struct {
	name string
	// open makes a fresh store in dir. write returns once one entry of 256 bytes
	// or more is acknowledged; many call it at once.
	open func(ctx context.Context, dir string) (write func(ctx context.Context) error, closing func() error, err error)
	// rates are acknowledged entries a second, by round; costs the processor's
	// microseconds for each, which a machine that is shared disturbs less.
	rates, costs []float64
	// steps counts commits, where it is there; perStep is how many entries each carried.
	steps   *steps
	perStep []float64
}

func main() {
	writers := flag.Int("writers", 8, "how many write at once")
	rounds := flag.Int("rounds", 5, "how often each has its turn")
	during := flag.Duration("d", 2*time.Second, "how long a turn takes")
	flag.Parse()
	all := contestants(*writers)
	for round := range *rounds {
		order := slices.Clone(all)
		if round%2 == 1 {
			slices.Reverse(order)
		}
		for _, c := range order {
			rate, cost, err := turn(context.Background(), c, *writers, *during)
			if err != nil {
				fmt.Fprintf(os.Stderr, "bench: %s: %v\n", c.name, err)
				os.Exit(1)
			}
			c.rates, c.costs = append(c.rates, rate), append(c.costs, cost)
		}
	}
	report(all, *writers)
}

// turn measures one contestant on a fresh store.
func turn(ctx context.Context, c *contestant, writers int, during time.Duration) (rate, cost float64, err error) {
	dir, err := os.MkdirTemp("", "troth-bench-")
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	write, closing, err := c.open(ctx, dir)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if closed := closing(); err == nil {
			err = closed
		}
	}()
	if _, _, err := together(ctx, write, writers, during/10); err != nil { // warm
		return 0, 0, err
	}
	if c.steps == nil {
		return together(ctx, write, writers, during)
	}
	c.steps.reset()
	rate, cost, err = together(ctx, write, writers, during)
	c.perStep = append(c.perStep, c.steps.mean())
	return rate, cost, err
}

// together has the writers write for a while.
func together(ctx context.Context, write func(context.Context) error, writers int, during time.Duration) (rate, cost float64, err error) {
	var count atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	began, used := time.Now(), processor()
	for range writers {
		wg.Go(func() {
			for time.Since(began) < during && failed.Load() == nil {
				if err := write(ctx); err != nil {
					failed.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return 0, 0, *err
	}
	n := float64(count.Load())
	return n / time.Since(began).Seconds(), float64((processor() - used).Microseconds()) / n, nil
}

// processor is the time that this process has had on all processors.
func processor() time.Duration {
	var r syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &r) // fails for another address only
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// report prints the rates, and those of ours in times of each peer's in the same
// round.
func report(all []*contestant, writers int) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "%d writers, entries a second\tleast\tmedian\tgreatest\n", writers)
	for _, c := range all {
		least, median, greatest := spread(c.rates)
		_, _ = fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\n", c.name, least, median, greatest)
	}
	_, _ = fmt.Fprint(w, "\nprocessor, us an entry\tleast\tmedian\tgreatest\n")
	for _, c := range all {
		least, median, greatest := spread(c.costs)
		_, _ = fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.0f\n", c.name, least, median, greatest)
	}
	_, _ = fmt.Fprint(w, "\nentries a commit\tleast\tmedian\tgreatest\n")
	for _, c := range all {
		if c.steps != nil {
			least, median, greatest := spread(c.perStep)
			_, _ = fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\n", c.name, least, median, greatest)
		}
	}
	_, _ = fmt.Fprint(w, "\ntimes, round by round\tleast\tmedian\tgreatest\n")
	for _, peer := range all {
		if !peer.isPeer() {
			continue
		}
		for _, ours := range all {
			if ours.isPeer() {
				continue
			}
			ratios := make([]float64, len(ours.rates))
			for i := range ratios {
				ratios[i] = ours.rates[i] / peer.rates[i]
			}
			least, median, greatest := spread(ratios)
			_, _ = fmt.Fprintf(w, "%s / %s\t%.2f\t%.2f\t%.2f\n", ours.name, peer.name, least, median, greatest)
		}
	}
	_ = w.Flush()
}

func spread(values []float64) (least, median, greatest float64) {
	v := slices.Sorted(slices.Values(values))
	return v[0], v[len(v)/2], v[len(v)-1]
}
