package vault_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// sight is what a watch saw of one way to open. Instants are nanoseconds since
// 1970, of the clock that all processes of a machine share.
type sight struct {
	// Opened counts openings that succeeded, Relapses those of them that began
	// after the first refusal as shredded or restricted.
	Opened, Relapses int
	// LastBegan and LastEnded are of the last one that succeeded.
	LastBegan, LastEnded int64
	// Refusals counts those refused so.
	Refusals int
	// Others are the other outcomes, each once.
	Others []string
}

// watch opens one value again and again, in both ways.
type watch struct {
	stop func()
	work sync.WaitGroup

	mu     sync.Mutex
	sights []sight
}

// pace keeps a watch from taking the machine for itself.
const pace = 500 * time.Microsecond

func (c *child) startWatch(subject string, sealed []byte) *watch {
	ctx, stop := context.WithCancel(c.ctx)
	openers := c.openers(subject)
	_, _ = c.handle(c.ctx, emailOf(shop, subject)) // before two goroutines want it
	w := &watch{stop: stop, sights: make([]sight, len(openers))}
	for i, open := range openers {
		w.work.Go(func() {
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for ctx.Err() == nil {
				began := time.Now().UnixNano()
				plain, err := open(c.ctx, sealed)
				w.note(i, began, openedAs(subject, plain, err))
				<-tick.C
			}
		})
	}
	return w
}

func (w *watch) note(i int, began int64, outcome string) {
	ended := time.Now().UnixNano()
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.sights[i]
	switch {
	case outcome == ok:
		if s.Refusals > 0 {
			s.Relapses++
		}
		s.Opened++
		s.LastBegan, s.LastEnded = began, ended
	case outcome == shredded || outcome == restricted:
		s.Refusals++
	case !slices.Contains(s.Others, outcome):
		s.Others = append(s.Others, outcome)
	}
}

// both waits until every way fulfils a condition.
func (w *watch) both(is func(sight) bool) error {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	deadline := time.Now().Add(patience / 2)
	for time.Now().Before(deadline) {
		w.mu.Lock()
		done := !slices.ContainsFunc(w.sights, func(s sight) bool { return !is(s) })
		w.mu.Unlock()
		if done {
			return nil
		}
		<-tick.C
	}
	return errors.New("what was watched for did not come")
}

// refusals is for how many refusals a watch goes on, to see a relapse.
const refusals = 200

// end waits for refusals, and stops.
func (w *watch) end() ([]sight, error) {
	err := w.both(func(s sight) bool { return s.Refusals >= refusals })
	w.stop()
	w.work.Wait()
	return w.sights, err
}
