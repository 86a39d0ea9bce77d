package task

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// settlement is an ending that is to be written.
type settlement struct {
	c      *claimed
	ending Ending
	// failed counts failures, the last of which came before giveUp.
	failed int
	giveUp time.Time
}

// batch is how many completions are written at once.
const batch = 256

// settle writes endings, many at a time, until it is told to end and nothing is
// left to write.
func (w *worker) settle(until <-chan struct{}) {
	for {
		w.settleAll()
		select {
		case <-w.full:
			continue
		case <-until:
		}
		w.settleAll()
		if !w.unsettled() {
			return
		}
		<-w.full
		signal(w.full)
	}
}

// unsettled reports whether any ending waits to be written again.
func (w *worker) unsettled() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed > 0 || len(w.ended) > 0
}

func (w *worker) settleAll() {
	for {
		w.mu.Lock()
		some := w.ended
		w.ended = w.settled[:0]
		w.mu.Unlock()
		w.settled = some
		if len(some) == 0 {
			return
		}
		for part := range slices.Chunk(some, batch) {
			w.write(part)
		}
		clear(some)
	}
}

// write ends claims: what is completed together, and the rest one by one, so that
// nothing that goes wrong with one keeps another.
func (w *worker) write(some []settlement) {
	together := w.together[:0]
	ctx := context.WithoutCancel(w.base)
	for _, s := range some {
		var open bool
		s.ending, open = s.c.ending(ctx, s.ending)
		switch {
		case !open:
			w.letGo(s)
		case s.ending.To == Completed && s.failed == 0:
			together = append(together, s)
		default:
			w.conclude(s)
		}
	}
	if len(together) > 0 {
		slices.SortFunc(together, func(a, b settlement) int { return compareNames(a.ending.Name, b.ending.Name) })
		w.conclude(together...)
	}
	clear(together)
	w.together = together
}

// conclude writes endings. Those that cannot be written are tried again, one by
// one and with growing pauses, for as long as a lease lasts: after that others
// have the tasks.
func (w *worker) conclude(ss ...settlement) {
	es := w.endings[:0]
	for _, s := range ss {
		es = append(es, s.ending)
	}
	freed, err := w.concludeOnce(es)
	clear(es)
	w.endings = es
	if len(freed) > 0 {
		w.e.Nudge()
	}
	for _, s := range ss {
		if err == nil || !w.again(s, err) {
			w.letGo(s)
		}
	}
}

func (w *worker) concludeOnce(es []Ending) ([]Freed, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.base), w.e.opt.lease)
	defer cancel()
	w.writing.Lock()
	defer w.writing.Unlock()
	freed, lost, err := w.e.conclude(ctx, es)
	w.e.logLost(lost)
	return freed, err
}

// again has an ending written again later; false if that is no use any more.
func (w *worker) again(s settlement, err error) bool {
	if s.failed == 0 {
		s.giveUp = time.Now().Add(w.e.opt.lease)
	}
	s.failed++
	pause := pauseAfter(s.failed)
	if hopeless(err) || time.Now().Add(pause).After(s.giveUp) {
		w.e.log.Error("task: an ending could not be written: the task will run again", append(s.c.fields(), zap.Error(err))...)
		return false
	}
	w.mu.Lock()
	w.failed++
	w.mu.Unlock()
	time.AfterFunc(pause, func() {
		w.mu.Lock()
		w.failed--
		w.ended = append(w.ended, s)
		w.mu.Unlock()
		signal(w.full)
	})
	return true
}

// pauseAfter is how long to wait after so many failures.
func pauseAfter(failures int) time.Duration {
	return min(10*time.Millisecond<<min(failures, 7), time.Second)
}

// hopeless reports whether an ending can never be written: its evidence does not
// fit its act.
func hopeless(err error) bool {
	_, unfit := errors.AsType[*troth.ActError](err)
	return unfit
}

// letGo ends what there is of a claim in this process.
func (w *worker) letGo(s settlement) {
	w.mu.Lock()
	if w.held[s.ending.Name] == s.c {
		delete(w.held, s.ending.Name)
	}
	w.mu.Unlock()
	s.c.letGo(context.Canceled)
}
