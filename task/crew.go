package task

import "sync"

// crew are the goroutines that run the handlers of one worker: at most as many as ever
// ran at once, and one that looks for something to run. Who has run one handler takes
// the next: its stack has grown, and is at hand.
type crew struct {
	end func(*claimed, Ending)
	all sync.WaitGroup

	mu sync.Mutex
	// ready are attempts that nobody runs yet. While there are any somebody has been
	// called who has not come yet: who takes one calls the next.
	ready  []*claimed
	called bool
	// idle counts those that wait for a call.
	idle     int
	call     *sync.Cond
	finished bool
}

func (c *crew) init(end func(*claimed, Ending)) {
	c.end = end
	c.call = sync.NewCond(&c.mu)
}

// add has an attempt run. It does not wait.
func (c *crew) add(a *claimed) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = append(c.ready, a)
	c.callOne()
}

// callOne calls somebody who looks for what is ready. mu is held.
func (c *crew) callOne() {
	if c.called {
		return
	}
	c.called = true
	if c.idle > 0 {
		c.call.Signal()
		return
	}
	c.all.Go(c.work)
}

// work runs one handler after the other. It ends with a handler that ends its
// goroutine.
func (c *crew) work() {
	for a := c.next(true); a != nil; a = c.next(false) {
		a.attempt(c.end)
	}
}

// next takes what is ready, waiting for it; nil if nothing comes any more. called is
// whether the goroutine was.
func (c *crew) next(called bool) *claimed {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if called {
			c.called = false
		}
		if len(c.ready) > 0 {
			a := c.ready[0]
			c.ready[0] = nil
			c.ready = c.ready[1:]
			if len(c.ready) > 0 {
				c.callOne()
			}
			return a
		}
		if c.finished {
			return nil
		}
		c.idle++
		c.call.Wait()
		c.idle--
		called = true
	}
}

// finish waits until everything that was added has run.
func (c *crew) finish() {
	c.mu.Lock()
	c.finished = true
	c.call.Broadcast()
	c.mu.Unlock()
	c.all.Wait()
}
